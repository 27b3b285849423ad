import type { Budget } from "./budget.js";
import { BREAK, HOME, OUTPUT, SELF, UNSET, isKnown, readable } from "./characters.js";
import type { Severity, TraceStep } from "./diagnostic.js";
import { SHELLS, recipes, shellTexts } from "./embedded.js";
import { Findings, type Finding } from "./findings.js";
import { Directory } from "./directory.js";
import { Inputs, readsCode, type Input } from "./inputs.js";
import {
  forEachChild,
  parseBash,
  type Command,
  type CommandNode,
  type FunctionNode,
  type ParsedScript,
  type Redirection,
  type SyntaxNode,
} from "./parse.js";
import { normalizePath } from "./paths.js";
import { evaluatePipe } from "./pure-output.js";
import { Resolver } from "./resolve.js";
import type { Report, Rule } from "./rule.js";
import type { RuleId } from "./rules/index.js";
import { COMMAND_VARIABLES, checkVariable } from "./rules/assignments.js";
import { checkName } from "./rules/dynamic-names.js";
import { destructiveRules } from "./rules/destructive.js";
import { copyRules } from "./rules/copies.js";
import { DECODERS, FETCHERS, TEXT_DECODERS, runsDecoded } from "./rules/evaluated.js";
import { checkRead, checkWrite, fileRules } from "./rules/files.js";
import { checkForkBomb, fillsDisk, growsForever, resourceRules } from "./rules/fork-bomb.js";
import { checkCode, codeOptions, isInterpreter, shellTextsIn } from "./rules/inline.js";
import { networkRules } from "./rules/network.js";
import { OWN_RULES, isRefused, ruleOf } from "./rules/registry.js";
import type { CommandRule, Found } from "./rules/report.js";
import type { RuleSet } from "./rules/rule-set.js";
import { isSecretName, secretRules, sendsEnvironment } from "./rules/secrets.js";
import { embedRules } from "./rules/embed.js";
import { minerRules, minerText } from "./rules/miner.js";
import { systemRules } from "./rules/system.js";
import { Symbols } from "./symbols.js";
import { commandsIn, targetOf, usesArguments } from "./tree.js";
import { isOwnProgram, unwrap, type Invocation } from "./unwrap.js";
import { downloadedFile, isShellScript } from "./written-files.js";

const COMMAND_RULES: readonly CommandRule[] = [
  destructiveRules,
  networkRules,
  systemRules,
  fileRules,
  secretRules,
  copyRules,
  resourceRules,
  embedRules,
];
/** Processes of the machine, or of jobctl. */
const OTHERS_PROCESSES = /\b(root|slurmd|slurmctld|sshd|systemd|jobctl\S*|cron|dockerd|munged)\b/;
const MAX_EMBEDDED = 6;
/** Calls within calls that are followed with their arguments. */
const MAX_CALLS = 4;

/** The part of a script that is being looked at, seen from the file: embedded text has no place of its own. */
interface Origin {
  readonly pos: number | null;
  readonly end: number;
  readonly trace: readonly TraceStep[];
  readonly depth: number;
  /** Body of the function that is looked at once more for a call of it. */
  readonly body?: { readonly pos: number; readonly end: number };
}

/** One use of a command, with what reaches it, and whom to tell what is found. */
interface Use {
  readonly invocation: Invocation;
  readonly node: Command;
  readonly input: Input;
  readonly found: Found;
  readonly origin: Origin;
}

/** Whether a command runs the script that it is given the name of. */
const runsScripts = (name: string): boolean =>
  SHELLS.has(name) || name === "source" || name === ".";

/** A file that the script writes, and may run. */
interface WrittenFile {
  readonly path: string;
  readonly text: string | null;
  readonly from: "text" | "network" | "decoder";
  readonly node: Command;
  readonly origin: Origin;
}

/** Looks at every command that a script may run. */
export class Analysis {
  /** Paths of scripts that this one runs, as it names them. */
  readonly calledScripts = new Set<string>();
  readonly #findings = new Findings();
  readonly #symbols: Symbols;
  readonly #budget: Budget;
  readonly #rules: RuleSet;
  readonly #resolver: Resolver;
  readonly #embedded = new Set<string>();
  readonly #inputs: Inputs;
  readonly #written: WrittenFile[] = [];
  readonly #executed = new Set<string>();
  readonly #directory = new Directory();

  constructor(budget: Budget, rules: RuleSet = OWN_RULES) {
    this.#budget = budget;
    this.#rules = rules;
    this.#symbols = new Symbols(budget);
    this.#resolver = new Resolver(this.#symbols, budget);
    this.#inputs = new Inputs(this.#resolver);
  }

  /** What has been found, also when the analysis was given up. */
  get findings(): readonly Finding[] {
    return this.#findings.all;
  }

  run(script: ParsedScript): void {
    this.#symbols.add(script);
    this.#visit(script, { pos: null, end: 0, trace: [], depth: 0 });
    this.#checkWrittenFiles();
  }

  #visit(node: SyntaxNode, origin: Origin): void {
    this.#budget.spend();
    switch (node.type) {
      case "Pipeline":
        this.#inputs.addPipe(node.commands);
        break;
      case "Command":
        this.#visitCommand(node, origin);
        break;
      case "Redirected":
        this.#visitRedirects(node.redirects, origin);
        break;
      case "Function": {
        const name = node.name.value;
        if (checkForkBomb(node))
          this.#report(
            origin,
            node,
            "RES-FORKBOMB",
            `the function ${name} starts itself`,
            name,
            [],
          );
        break;
      }
      case "Statement":
        if (node.background === true) this.#checkSelfStart(node.command, origin);
        break;
      case "While":
      case "For":
      case "ArithmeticFor": {
        const grows = growsForever(node);
        if (grows !== null) this.#report(origin, node, "RES-LOOP", grows, "", []);
        break;
      }
      default:
        break;
    }
    if (node.type === "Subshell" || node.type === "Function")
      this.#directory.within(() => this.#visitChildren(node, origin));
    else this.#visitChildren(node, origin);
  }

  #visitChildren(node: SyntaxNode, origin: Origin): void {
    forEachChild(node, (child) => this.#visit(child, origin));
  }

  #visitCommand(node: Command, origin: Origin): void {
    for (const item of [...node.prefix, ...node.args]) {
      if (item.type === "Assignment") this.#checkAssignment(item, node, origin);
    }
    this.#visitRedirects(node.redirects, origin);
    if (node.name === undefined) return;
    this.#checkSecretsIn(node, origin);
    this.#checkOutputs(node, origin);
    const input = this.#inputs.of(node);
    for (const argv of this.#resolver.argumentLists([node.name, ...node.args])) {
      checkName(argv[0] ?? "", (rule, message, severity) =>
        this.#report(origin, node.name ?? node, rule, message, argv.join(" "), [], severity),
      );
      for (const invocation of unwrap(argv)) {
        this.#checkInvocation(invocation, node, input, origin);
        this.#directory.follow(invocation);
      }
    }
  }

  /** Variables from outside that hold credentials, in the arguments of a command. */
  #checkSecretsIn(node: Command, origin: Origin): void {
    if (/^(\[|test|export|unset|:|declare|local)$/.test(node.name?.value ?? "")) return;
    const visit = (part: SyntaxNode): void => {
      if (part.type === "CommandExpansion" || part.type === "ProcessSubstitution") return;
      const name =
        part.type === "SimpleExpansion"
          ? part.text.slice(1)
          : part.type === "ParameterExpansion" && part.operation === undefined
            ? part.parameter
            : "";
      if (isSecretName(name) && !this.#symbols.variables.has(name))
        this.#report(origin, part, "SECRET-ENV", `${name} is given to a command`, name, []);
      forEachChild(part, visit);
    };
    for (const argument of node.args)
      if (argument.type !== "Word" || argument.parts) visit(argument);
  }

  /** `echo text > >(sh)`, `tee >(sh)`: what a command prints as a script. */
  #checkOutputs(node: Command, origin: Origin): void {
    for (const word of [...node.args, ...node.redirects.flatMap(targetOf)]) {
      if (word.type !== "Word") continue;
      for (const part of word.parts ?? []) {
        if (part.type !== "ProcessSubstitution" || part.operator !== ">") continue;
        const shell = commandsIn(part)[0];
        if (shell === undefined || !this.#inputs.invocationsOf(shell).some(readsCode)) continue;
        const { before, text } = this.#inputs.of(node);
        const printed =
          node.name?.value === "tee" ? text : evaluatePipe([...before, node], this.#resolver);
        if (printed !== null) this.#embedText(printed, [], node, origin);
        else
          this.#report(
            origin,
            part,
            "EXEC-PIPE-SHELL",
            "a shell runs what a command prints",
            "",
            [],
            "warning",
          );
      }
    }
  }

  #checkInvocation(invocation: Invocation, node: Command, input: Input, origin: Origin): void {
    const { name, args } = invocation;
    // Each rule looks at each of them, and some at each together with each.
    this.#budget.spend(1 + (args.length >> 1) + ((args.length * args.length) >> 8));
    if (!invocation.bypassesFunctions) {
      const body = this.#symbols.functions.get(name);
      if (body !== undefined) return this.#visitCall(body, invocation, node, origin);
    }
    const found = this.#founder(invocation, node, origin);
    if (/^(export|declare|typeset|readonly|local|env)$/.test(name)) {
      for (const arg of invocation.args) {
        const at = arg.indexOf("=");
        if (at > 0) checkVariable(arg.slice(0, at), arg.slice(at + 1), true, found);
      }
    }
    minerRules(invocation, found);
    if (isOwnProgram(invocation)) return;
    for (const rule of COMMAND_RULES) rule(invocation, found);
    const context = { input, isRefused };
    const reportOf = (rule: Rule): Report => {
      const id = rule.id as RuleId;
      return (message, severity = rule.severity) => found(id, message, severity);
    };
    this.#rules.check(invocation, context, reportOf);
    const inside = this.#directory.resolveAll(invocation);
    if (inside !== null) {
      this.#rules.check(inside, context, reportOf, true);
      destructiveRules(inside, found);
      fileRules(inside, found);
    }
    if (name === "kill" && this.#looksForServices(node))
      found("SYS-KILLALL", "kill ends processes that are not the job's");
    this.#rememberRun(invocation);
    if (
      SHELLS.has(name) &&
      /^(\.\/)?run\.sh$/.test(invocation.args[0] ?? "") &&
      !this.#directory.moved
    )
      found("RES-SELFEXEC", "the script starts itself");
    this.#rememberWritten(invocation, node, input, origin);
    this.#checkAlias(invocation, node, origin);
    const use = { invocation, node, input, found, origin };
    this.#checkInput(use);
    this.#checkEvaluation(use);
    for (const text of shellTexts(invocation, input)) this.#embed(text, invocation, node, origin);
    this.#checkCode(use);
  }

  /** Looks at a function's body with the arguments of a call, where they make a difference. */
  #visitCall(body: FunctionNode, { name, args }: Invocation, node: Command, origin: Origin): void {
    if (!usesArguments(body) || (args.length > 0 && !args.some(isKnown))) return;
    const calls = origin.trace.filter(({ kind }) => kind === "function").length;
    const key = `call:${body.pos}:${args.join("\0")}`;
    if (calls >= MAX_CALLS || this.#embedded.has(key)) return;
    this.#embedded.add(key);
    const place = origin.pos === null ? node : { pos: origin.pos, end: origin.end };
    this.#resolver.withArguments(args, () =>
      this.#visit(body.body, {
        pos: place.pos,
        end: place.end,
        trace: [...origin.trace, { kind: "function", name }],
        depth: origin.depth,
        body: { pos: body.pos, end: body.end },
      }),
    );
  }

  /** `kill $(pgrep -u root)` */
  #looksForServices(node: Command): boolean {
    return commandsIn(node)
      .filter((command) => command !== node)
      .flatMap((command) => this.#inputs.invocationsOf(command))
      .some(
        ({ name, args }) =>
          /^(pgrep|pidof|ps)$/.test(name) && OTHERS_PROCESSES.test(args.join(" ")),
      );
  }

  #rememberRun({ name, program, args }: Invocation): void {
    if (runsScripts(name) || isInterpreter(name)) {
      const script = args.find((arg) => !arg.startsWith("-"));
      if (script === undefined || !isKnown(script)) return;
      if (!isInterpreter(name)) this.calledScripts.add(script);
      this.#executed.add(normalizePath(script));
    } else if (program.includes("/") && isKnown(program)) {
      if (/^(\.\/|[\w.-]+\/)/.test(program)) this.calledScripts.add(program);
      this.#executed.add(normalizePath(program));
    }
  }

  #checkAlias({ name }: Invocation, node: Command, origin: Origin): void {
    const alias = this.#symbols.aliases.get(name);
    if (alias === undefined) return;
    const [value = ""] = this.#resolver.word(alias);
    const text = value.replace(/^[\w-]+=/, "").replaceAll(BREAK, " ");
    this.#embedText(text, [{ kind: "alias", name }], node, origin);
  }

  /** What comes through a pipe: to a shell, to an interpreter, to `xargs`, out into the network. */
  #checkInput(use: Use): void {
    const { invocation, node, input, found, origin } = use;
    const { name, args } = invocation;
    if (readsCode(invocation)) {
      if (input.upstream.some((other) => FETCHERS.has(other)))
        found("EXEC-NET-PIPE", `${name} runs what comes from the network`);
      else if (isInterpreter(name) && input.upstream.some((other) => TEXT_DECODERS.has(other)))
        found("EXEC-PIPE-SHELL", `${name} runs decoded text`);
      else if (input.text !== null) {
        if (runsScripts(name)) this.#embed(input.text, invocation, node, origin);
      } else if (input.upstream.some((other) => DECODERS.has(other)))
        found("EXEC-PIPE-SHELL", `${name} runs decoded text`);
      else if (SHELLS.has(name) && input.upstream.length > 0)
        found(
          "EXEC-PIPE-SHELL",
          `${name} runs the output of ${input.upstream.at(-1) ?? "another command"}`,
          "warning",
        );
    }
    if (sendsEnvironment(name, input))
      found("SECRET-EXFIL", `the environment is sent away by ${name}`);
    if (name === "xargs" && input.listed.length > 0) {
      for (const wrapped of unwrap(["xargs", ...args]).slice(1))
        destructiveRules({ ...wrapped, args: ["-r", ...wrapped.args, ...input.listed] }, found);
    }
  }

  /** Text that becomes commands: `sh -c`, `eval`, a here-document to a shell. */
  #checkEvaluation(use: Use): void {
    const { invocation, node, input, found, origin } = use;
    const { name, args } = invocation;
    const evaluate = (text: string): void => {
      // What is known of it is looked at all the same, unless it begins with what is not.
      if (isKnown(text) || !/^[\uE004\uE006]/.test(text.trim()))
        this.#embed(text, invocation, node, origin);
      else runsDecoded(this.#inputs.namesBehind(node), found);
    };
    if (name === "eval") {
      found("EVAL-CODE", "eval runs text as commands");
      evaluate(args.join(" "));
    }
    if (SHELLS.has(name) || /^(su|script|runuser|sg)$/.test(name)) {
      const at = args.findIndex((arg) => /^-[a-z]*c$/.test(arg));
      if (at !== -1) evaluate(args[at + 1] ?? "");
      else if (input.text !== null && input.upstream.length === 0 && readsCode(invocation))
        evaluate(input.text);
    }
    if (runsScripts(name)) this.#checkSubstituted(node, found, origin);
  }

  /** `bash <(curl ...)`: the output of a command as a script. */
  #checkSubstituted(node: Command, found: Found, origin: Origin): void {
    for (const word of [...node.args, ...node.redirects.flatMap(targetOf)]) {
      if (word.type !== "Word") continue;
      for (const part of word.parts ?? []) {
        if (part.type !== "ProcessSubstitution" || part.operator !== "<") continue;
        const { script } = part;
        const command = script?.commands[0]?.command;
        if (script === undefined || command === undefined) continue;
        const text = evaluatePipe(
          command.type === "Pipeline" ? command.commands : [command as CommandNode],
          this.#resolver,
        );
        if (text !== null) this.#embedText(text, [], node, origin);
        else runsDecoded(this.#inputs.namesOf(commandsIn(part)), found);
      }
    }
  }

  /** Inline code of another language: as an option, in a here-document, through a pipe. */
  #checkCode(use: Use): void {
    const { invocation, node, input, found, origin } = use;
    const { name, args } = invocation;
    if (/^[gmn]?awk$/.test(name) && args.some((arg) => /\/inet\/(tcp|udp)\//.test(arg)))
      found("INLINE-NET", `${name} opens a connection`);
    if (!isInterpreter(name)) return;
    const reads = input.text !== null && (input.upstream.length === 0 || readsCode(invocation));
    const code = codeOptions(name, args);
    const modules = args.filter((arg) => /^-[Mr]/.test(arg)).join(" ");
    for (const text of reads ? [...code, input.text ?? ""] : code) {
      if (text.trim() === OUTPUT) {
        runsDecoded(this.#inputs.namesBehind(node), found);
        continue;
      }
      if (code.includes(text)) found("INLINE-CODE", `${name} runs code that stands in the script`);
      checkCode(name, `${modules} ${text}`, found);
      for (const command of shellTextsIn(name, text))
        this.#embed(command, invocation, node, origin);
    }
  }

  #rememberWritten(invocation: Invocation, node: Command, input: Input, origin: Origin): void {
    const { name, args } = invocation;
    const remember = (path: string, text: string | null, from: WrittenFile["from"]): void => {
      this.#written.push({ path: normalizePath(path), text, from, node, origin });
    };
    const download = downloadedFile(name, args);
    if (download !== null) remember(download, null, "network");
    const targets = node.redirects.flatMap((redirect) =>
      redirect.type === "Redirect" && /^&?>[>|]?$/.test(redirect.operator) && redirect.target
        ? this.#resolver.word(redirect.target)
        : [],
    );
    const files =
      name === "tee" ? [...targets, ...args.filter((arg) => !arg.startsWith("-"))] : targets;
    if (files.length === 0) return;
    const text =
      /^(cat|tee)$/.test(name) && input.text !== null
        ? input.text
        : evaluatePipe([...input.before, node], this.#resolver);
    const pipe = [...input.upstream, name];
    for (const file of files) {
      if (pipe.some((other) => FETCHERS.has(other))) remember(file, null, "network");
      else if (text === null && pipe.some((other) => DECODERS.has(other) && !isInterpreter(other)))
        remember(file, null, "decoder");
      else if (text !== null) remember(file, text, "text");
      if (fillsDisk(invocation, input.upstream))
        this.#founder(invocation, node, origin)("RES-DISKFILL", `${name} writes without end`);
      if (text !== null && minerText(text))
        this.#founder(invocation, node, origin)("MINE-POOL", "the text belongs to a miner");
    }
  }

  /** Scripts that this one writes: those that it runs, and those that are plainly meant to be run. */
  #checkWrittenFiles(): void {
    for (const { path, text, from, node, origin } of this.#written) {
      const isRun = this.#executed.has(path);
      const report = (rule: RuleId, message: string): void =>
        this.#report(origin, node, rule, message, path, []);
      if (from === "network" && isRun)
        report("EXEC-NET-FILE", `${readable(path)} is fetched and then run`);
      if (from === "decoder" && isRun)
        report("EXEC-PIPE-SHELL", `${readable(path)} is decoded and then run`);
      if (text === null) continue;
      const trace = [{ kind: "embedded", name: path }] as const;
      if (/(^|\/)(GNU)?[Mm]akefile$|\.mk$/.test(path)) {
        for (const line of recipes(text)) this.#embedText(line, trace, node, origin);
      } else if (isShellScript(path, text) || (isRun && !/^#!/.test(text) && !/\.\w+$/.test(path)))
        this.#embedText(text, trace, node, origin);
      else if (isRun) {
        const dangerous: Found = (rule, message, severity) => {
          if (rule === "INLINE-NET" || rule === "EXEC-NET-PIPE" || rule.startsWith("DEL-"))
            this.#report(origin, node, rule, message, path, [], severity);
        };
        checkCode(path, text, dangerous);
      }
    }
  }

  #visitRedirects(redirects: readonly Redirection[], origin: Origin): void {
    for (const redirect of redirects) {
      if (redirect.type !== "Redirect" || redirect.target === undefined) continue;
      for (const value of this.#resolver.word(redirect.target)) {
        const path = this.#directory.resolve(value) ?? value;
        const found: Found = (rule, message, severity) =>
          this.#report(
            origin,
            redirect,
            rule,
            message,
            `${redirect.operator} ${path}`,
            [],
            severity,
          );
        if (/^\/dev\/(tcp|udp)\//.test(path))
          found("NET-DEVTCP", `${readable(path)} is a connection`);
        else if (redirect.operator === "<") checkRead(path, found);
        else if (!/^[&\d-]*$/.test(path)) checkWrite(path, found);
      }
    }
  }

  #checkAssignment(
    item: Extract<SyntaxNode, { type: "Assignment" }>,
    node: Command,
    origin: Origin,
  ): void {
    if (item.value.type !== "Word") return;
    const { name } = item;
    const [value = ""] = this.#resolver.word(item.value);
    const found: Found = (rule, message, severity) =>
      this.#report(origin, item, rule, message, `${name}=${value}`, [], severity);
    checkVariable(name, value, node.name !== undefined, found);
    if (COMMAND_VARIABLES.test(name))
      this.#embedText(value.replace(/^\|+-?/, ""), [{ kind: "embedded", name }], node, origin);
  }

  /** `$0 &`: the script starts itself and goes on. */
  #checkSelfStart(node: SyntaxNode, origin: Origin): void {
    if (node.type !== "Command" || node.name === undefined) return;
    for (const { name, program, args } of this.#inputs.invocationsOf(node)) {
      const script = SHELLS.has(name) ? (args[0] ?? "") : program;
      if (script === SELF || /^(\.\/)?run\.sh$/.test(script))
        this.#report(origin, node, "RES-SELFEXEC", "the script starts itself", script, []);
    }
  }

  #embed(text: string, { name, trace }: Invocation, node: SyntaxNode, origin: Origin): void {
    this.#embedText(text, [...trace, { kind: "embedded", name }], node, origin);
  }

  /** Looks at text that is run as a script; what is found in it is reported where it came from. */
  #embedText(text: string, trace: readonly TraceStep[], node: SyntaxNode, origin: Origin): void {
    const source = text.replaceAll(UNSET, "").replaceAll(BREAK, " ").replaceAll(HOME, "~");
    const key = `${node.pos}:${source}`;
    if (origin.depth >= MAX_EMBEDDED || source.trim() === "" || this.#embedded.has(key)) return;
    this.#embedded.add(key);
    this.#budget.spend(Math.ceil(source.length / 50));
    const { script } = parseBash(source);
    if (script === null) return;
    this.#symbols.add(script);
    const { pos, end } = origin.pos === null ? node : { pos: origin.pos, end: origin.end };
    this.#visit(script, {
      pos,
      end,
      trace: [...origin.trace, ...trace],
      depth: origin.depth + 1,
      ...(origin.body === undefined ? {} : { body: origin.body }),
    });
  }

  #founder(invocation: Invocation, node: Command, origin: Origin): Found {
    const resolved = [invocation.program, ...invocation.args].join(" ");
    const place = { pos: node.name?.pos ?? node.pos, end: node.end };
    return (rule, message, severity) =>
      this.#report(origin, place, rule, message, resolved, invocation.trace, severity);
  }

  #report(
    origin: Origin,
    place: { readonly pos: number; readonly end: number },
    rule: RuleId,
    message: string,
    resolved: string,
    trace: readonly TraceStep[],
    severity?: Severity,
  ): void {
    const { pos, end } = origin.pos === null ? place : { pos: origin.pos, end: origin.end };
    const steps = [...origin.trace, ...trace];
    this.#findings.add(
      {
        rule,
        severity: severity ?? ruleOf(rule).severity,
        message,
        pos,
        end,
        resolved,
        trace: steps,
      },
      origin.body,
    );
  }
}
