import type { Budget } from "./budget.js";
import { BREAK, INDIRECT, OUTPUT, UNSET, isKnown, readable } from "./characters.js";
import type { Severity, TraceStep } from "./diagnostic.js";
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
import { globPattern } from "./glob.js";
import { evaluatePipe } from "./pure-output.js";
import { Resolver } from "./resolve.js";
import type { RuleId } from "./rules/catalogue.js";
import { isDangerousName } from "./rules/dangerous-names.js";
import { destructiveRules } from "./rules/destructive.js";
import { checkRead, checkWrite, fileRules } from "./rules/files.js";
import { checkForkBomb, startsItself } from "./rules/fork-bomb.js";
import { checkCode, inlineRules, isInterpreter, shellTextsIn } from "./rules/inline.js";
import { networkRules } from "./rules/network.js";
import type { Found } from "./rules/report.js";
import { systemRules } from "./rules/system.js";
import { Symbols } from "./symbols.js";
import { isOwnProgram, unwrap, type Invocation } from "./unwrap.js";

/** Something that was found, at a place of the script. */
export interface Finding {
  readonly rule: RuleId;
  readonly severity: Severity | null;
  readonly message: string;
  readonly pos: number;
  readonly end: number;
  readonly resolved: string;
  readonly trace: readonly TraceStep[];
}

const COMMAND_RULES = [destructiveRules, networkRules, systemRules, fileRules, inlineRules];
const MAX_EMBEDDED = 6;
const SHELLS = new Set(["bash", "sh", "dash", "zsh", "ksh", "ash", "mksh"]);
const FETCHES = new Set([
  "curl",
  "wget",
  "fetch",
  "aria2c",
  "lynx",
  "nc",
  "ncat",
  "socat",
  "ftp",
  "lftp",
  "ssh",
]);
const DECODERS = new Set([
  "base64",
  "base32",
  "xxd",
  "openssl",
  "gunzip",
  "zcat",
  "gzip",
  "bunzip2",
  "xz",
  "uudecode",
  "rev",
  "tr",
  "od",
  "perl",
  "python",
  "python3",
]);
/** Text that tools print for a shell to evaluate, so that it sets up an environment. */
const ENVIRONMENT_TOOLS =
  /^(conda|mamba|micromamba|modulecmd|lmod|spack|ssh-agent|scram\w*|direnv|pyenv|rbenv|nodenv|brew|opam|dircolors|register-python-argcomplete|aws_completer|starship|zoxide|mise|asdf|resize|tset|luarocks|perl|guix|nix|eb|thefuck)$/;

/** The part of a script that is being looked at, seen from the file: embedded text has no place of its own. */
interface Origin {
  readonly pos: number | null;
  readonly end: number;
  readonly trace: readonly TraceStep[];
  readonly depth: number;
}

/** Looks at every command that a script may run. */
export class Analysis {
  readonly findings: Finding[] = [];
  /** Paths of scripts that this one runs, as it names them. */
  readonly calledScripts = new Set<string>();
  readonly #symbols = new Symbols();
  readonly #budget: Budget;
  readonly #resolver: Resolver;
  readonly #embedded = new Set<string>();

  constructor(budget: Budget) {
    this.#budget = budget;
    this.#resolver = new Resolver(this.#symbols, budget);
  }

  run(script: ParsedScript): void {
    this.#symbols.add(script);
    this.#visit(script, { pos: null, end: 0, trace: [], depth: 0 });
  }

  #visit(node: SyntaxNode, origin: Origin): void {
    this.#budget.spend();
    switch (node.type) {
      case "Pipeline":
        this.#visitPipe(node.commands, origin);
        break;
      case "Command":
        this.#visitCommand(node, origin);
        break;
      case "Redirected":
        this.#visitRedirects(node.redirects, node, origin);
        break;
      case "Function":
        this.#visitFunction(node, origin);
        break;
      case "While":
      case "For":
      case "ArithmeticFor":
        this.#visitLoop(node, origin);
        break;
      default:
        break;
    }
    forEachChild(node, (child) => this.#visit(child, origin));
  }

  #visitFunction(node: FunctionNode, origin: Origin): void {
    const found = checkForkBomb(node);
    if (found)
      this.#report(
        origin,
        node,
        "RES-FORKBOMB",
        `the function ${node.name.value} starts itself`,
        node.name.value,
        [],
      );
  }

  #visitLoop(
    node: Extract<SyntaxNode, { type: "While" | "For" | "ArithmeticFor" }>,
    origin: Origin,
  ): void {
    if (!startsItself(node)) return;
    this.#report(origin, node, "RES-LOOP", "an endless loop starts processes", "", []);
  }

  #visitCommand(node: Command, origin: Origin): void {
    for (const item of node.prefix) {
      if (item.type === "Assignment") this.#checkAssignment(item.name, item, node, origin);
    }
    for (const argument of node.args) {
      if (argument.type === "Assignment")
        this.#checkAssignment(argument.name, argument, node, origin);
    }
    this.#visitRedirects(node.redirects, node, origin);
    if (node.name === undefined) return;
    for (const argv of this.#resolver.argumentLists([node.name, ...node.args])) {
      this.#checkDynamicName(argv, node, origin);
      for (const invocation of unwrap(argv)) this.#checkInvocation(invocation, node, origin);
    }
  }

  #checkInvocation(invocation: Invocation, node: Command, origin: Origin): void {
    const { name, args } = invocation;
    if (!invocation.bypassesFunctions && this.#symbols.functions.has(name)) return;
    if (isOwnProgram(invocation)) return;
    const found = this.#founder(invocation, node, origin);
    for (const rule of COMMAND_RULES) rule(invocation, found);
    this.#rememberScript(invocation);
    this.#checkAlias(invocation, node, origin);
    this.#checkEvaluation(invocation, node, found, origin);
    if (startsOwnScript(name, args)) found("RES-SELFEXEC", "the script starts itself");
    if (isInterpreter(name)) {
      for (const text of this.#codeOf(node, args)) {
        checkCode(name, text, found);
        for (const command of shellTextsIn(text)) this.#embed(command, invocation, node, origin);
      }
    }
    if (name === "awk" || name === "gawk" || name === "mawk")
      this.#checkAwk(invocation, node, origin);
  }

  #rememberScript({ name, program, args }: Invocation): void {
    if (SHELLS.has(name) || name === "source" || name === ".") {
      const script = args.find((arg) => !arg.startsWith("-"));
      if (script !== undefined && isKnown(script)) this.calledScripts.add(script);
    } else if (/^(\.\/|[\w.-]+\/)/.test(program) && isKnown(program)) {
      this.calledScripts.add(program);
    }
  }

  /** Inline code: given as an option, or as a here-document. */
  #codeOf(node: Command, args: readonly string[]): string[] {
    const at = args.findIndex((arg) => /^-(c|e|E|r|-eval)$/.test(arg));
    const option = at === -1 ? [] : [args[at + 1] ?? ""];
    const documents = node.redirects.flatMap((redirect) => this.#inputText(redirect) ?? []);
    return [...option, ...documents];
  }

  #checkAwk(invocation: Invocation, node: Command, origin: Origin): void {
    for (const arg of invocation.args) {
      for (const [, text = ""] of arg.matchAll(/system\s*\(\s*"((?:\\.|[^"\\])*)"/g))
        this.#embed(text, invocation, node, origin);
      for (const [, text = ""] of arg.matchAll(
        /\|\s*"((?:\\.|[^"\\])*)"|"((?:\\.|[^"\\])*)"\s*\|\s*getline/g,
      ))
        this.#embed(text, invocation, node, origin);
    }
  }

  #checkAlias({ name }: Invocation, node: Command, origin: Origin): void {
    const alias = this.#symbols.aliases.get(name);
    if (alias === undefined) return;
    const [value = ""] = this.#resolver.word(alias);
    const text = value.replace(/^[\w-]+=/, "").replaceAll(BREAK, " ");
    this.#embedText(text, [{ kind: "alias", name }], node, origin);
  }

  /** Text that becomes commands: `sh -c`, `eval`, `trap`, a here-document to a shell. */
  #checkEvaluation(invocation: Invocation, node: Command, found: Found, origin: Origin): void {
    const { name, args } = invocation;
    if (SHELLS.has(name) || name === "su" || name === "script") {
      const at = args.findIndex((arg) => /^-[a-z]*c$/.test(arg));
      const text = args[at + 1];
      if (at !== -1 && text !== undefined) this.#evaluate(text, invocation, node, found, origin);
      const readsScript = at === -1 && args.every((arg) => arg.startsWith("-"));
      if (readsScript) {
        for (const redirect of node.redirects) {
          const input = this.#inputText(redirect);
          if (input !== null) this.#evaluate(input, invocation, node, found, origin);
        }
      }
    }
    if (name === "eval") this.#evaluate(args.join(" "), invocation, node, found, origin);
    if (name === "trap" && args.length > 1) this.#embed(args[0] ?? "", invocation, node, origin);
    if (name === "sbatch" || name === "qsub" || name === "bsub") {
      const wrap =
        args.find((arg) => arg.startsWith("--wrap="))?.slice(7) ?? args[args.indexOf("--wrap") + 1];
      if (args.some((arg) => arg.startsWith("--wrap")) && wrap !== undefined)
        this.#embed(wrap, invocation, node, origin);
    }
    if (name === "cat" || name === "tee") this.#checkGeneratedScript(invocation, node, origin);
  }

  #evaluate(
    text: string,
    invocation: Invocation,
    node: Command,
    found: Found,
    origin: Origin,
  ): void {
    if (isKnown(text)) return this.#embed(text, invocation, node, origin);
    // What is known of it is looked at all the same, unless it begins with what is not.
    if (!text.trim().startsWith(OUTPUT)) this.#embed(text, invocation, node, origin);
    else this.#checkEvaluatedOutput(node, found);
  }

  /** `eval "$(conda shell.bash hook)"` is how environments are set up; other output is anything. */
  #checkEvaluatedOutput(node: Command, found: Found): void {
    const commands = commandsIn(node);
    const names = commands.flatMap((command) => this.#namesOf(command));
    if (names.some((name) => FETCHES.has(name)))
      found("EXEC-NET-PIPE", "what comes from the network is run");
    else if (names.some((name) => DECODERS.has(name) && !ENVIRONMENT_TOOLS.test(name)))
      found("EXEC-PIPE-SHELL", "decoded text is run");
    else if (!names.some((name) => ENVIRONMENT_TOOLS.test(name)))
      found("EXEC-EVAL", "the output of another command is run");
  }

  /** A script that is written by this one, and will be run by it or later. */
  #checkGeneratedScript(invocation: Invocation, node: Command, origin: Origin): void {
    const target = node.redirects.find(
      (redirect) => redirect.type === "Redirect" && />/.test(redirect.operator),
    );
    const word = target?.type === "Redirect" ? target.target : undefined;
    const path =
      word === undefined ? (invocation.args[0] ?? "") : (this.#resolver.word(word)[0] ?? "");
    for (const redirect of node.redirects) {
      const text = this.#inputText(redirect);
      if (text === null) continue;
      if (
        /\.(sh|bash|sbatch|slurm|pbs|job)$/.test(path) ||
        /^#!\S*\/(env )?(ba|da|k|z)?sh\b/.test(text)
      )
        this.#embed(text, invocation, node, origin);
    }
  }

  #visitPipe(commands: readonly CommandNode[], origin: Origin): void {
    for (const [at, command] of commands.entries()) {
      if (at === 0 || command.type !== "Command" || command.name === undefined) continue;
      for (const argv of this.#resolver.argumentLists([command.name, ...command.args])) {
        const invocation = unwrap(argv).at(-1);
        if (invocation !== undefined)
          this.#checkPipeEnd(invocation, commands.slice(0, at), command, origin);
      }
    }
  }

  #checkPipeEnd(
    invocation: Invocation,
    before: readonly CommandNode[],
    node: Command,
    origin: Origin,
  ): void {
    const { name, args } = invocation;
    const upstream = before.flatMap((command) =>
      command.type === "Command" ? this.#namesOf(command) : [],
    );
    const readsCode =
      (SHELLS.has(name) && args.every((arg) => /^(-|-s|-x|-e|\/dev\/stdin|--)$/.test(arg))) ||
      (isInterpreter(name) && args.every((arg) => arg === "-"));
    const found = this.#founder(invocation, node, origin);
    if (readsCode) {
      if (upstream.some((other) => FETCHES.has(other)))
        return found("EXEC-NET-PIPE", `${name} runs what comes from the network`);
      const text = evaluatePipe(before, this.#resolver);
      if (text !== null) return this.#embed(text, invocation, node, origin);
      if (upstream.some((other) => DECODERS.has(other)))
        found("EXEC-PIPE-SHELL", `${name} runs decoded text`);
      else if (SHELLS.has(name))
        found(
          "EXEC-PIPE-SHELL",
          `${name} runs the output of ${upstream.at(-1) ?? "another command"}`,
          "warning",
        );
    }
    const dumps = upstream.some((other) =>
      ["env", "printenv", "set", "export", "declare"].includes(other),
    );
    if (dumps && (FETCHES.has(name) || ["mail", "ncat", "netcat", "telnet"].includes(name)))
      found("SECRET-ENVDUMP", `the environment is sent away by ${name}`);
  }

  #namesOf(command: Command): string[] {
    if (command.name === undefined) return [];
    return this.#resolver
      .argumentLists([command.name, ...command.args])
      .flatMap((argv) => unwrap(argv).map(({ name }) => name));
  }

  #visitRedirects(redirects: readonly Redirection[], node: SyntaxNode, origin: Origin): void {
    for (const redirect of redirects) {
      if (redirect.type !== "Redirect" || redirect.target === undefined) continue;
      for (const path of this.#resolver.word(redirect.target)) {
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

  #checkAssignment(name: string, item: SyntaxNode, node: Command, origin: Origin): void {
    if (item.type !== "Assignment" || item.value.type !== "Word") return;
    const [value = ""] = this.#resolver.word(item.value);
    const report = (rule: RuleId, message: string, severity?: Severity): void =>
      this.#report(origin, item, rule, message, `${name}=${value}`, [], severity);
    if (/^(LD_PRELOAD|LD_AUDIT)$/.test(name) && value !== "") {
      report(
        "EXEC-PRELOAD",
        `${name} is set to ${readable(value)}`,
        /^(\/tmp|\/dev\/shm|\/var\/tmp|\.\/)/.test(value) ? undefined : "warning",
      );
    }
    if (/^(BASH_ENV|ENV)$/.test(name) && node.name !== undefined && value !== "")
      report("PERSIST-RC", `${name} makes every shell run ${readable(value)}`, "warning");
    if (/^(PROMPT_COMMAND|PS4|PAGER|EDITOR|VISUAL|GIT_SSH_COMMAND|GIT_PAGER|LESSOPEN)$/.test(name))
      this.#embedText(value, [{ kind: "embedded", name }], node, origin);
  }

  #checkDynamicName(argv: readonly string[], node: Command, origin: Origin): void {
    const [program = ""] = argv;
    if (isKnown(program) && !/[*?[]/.test(program)) return;
    const last = program.split("/").at(-1) ?? "";
    const report = (rule: RuleId, message: string): void =>
      this.#report(origin, node.name ?? node, rule, message, argv.join(" "), []);
    if (/[*?[]/.test(last) && isKnown(last)) {
      const pattern = globPattern(last.replace(/\[[^\]]*\]/g, "?"));
      if (pattern !== null && isDangerousName(new RegExp(`^${pattern}$`)))
        report("DYN-CMD-GLOB", `${readable(program)} may be a dangerous command`);
      return;
    }
    if (last.includes(INDIRECT))
      report("DYN-CMD-INDIRECT", "the name of the command is in a variable that is not known");
    else if (last === OUTPUT)
      report("DYN-CMD-SUBST", "the name of the command is the output of another");
  }

  #inputText(redirect: Redirection): string | null {
    if (redirect.type === "HereString") {
      return redirect.target === undefined ? null : (this.#resolver.word(redirect.target)[0] ?? "");
    }
    if (redirect.type !== "HereDoc") return null;
    return redirect.delimiter?.quoted === true
      ? redirect.body.text
      : this.#resolver.text(redirect.body.parts, redirect.body.text);
  }

  #embed(text: string, { name, trace }: Invocation, node: SyntaxNode, origin: Origin): void {
    this.#embedText(text, [...trace, { kind: "embedded", name }], node, origin);
  }

  /** Looks at text that is run as a script; what is found in it is reported where it came from. */
  #embedText(text: string, trace: readonly TraceStep[], node: SyntaxNode, origin: Origin): void {
    const source = text.replaceAll(UNSET, "").replaceAll(BREAK, " ");
    const key = `${node.pos}:${source}`;
    if (origin.depth >= MAX_EMBEDDED || source.trim() === "" || this.#embedded.has(key)) return;
    this.#embedded.add(key);
    this.#budget.spend(Math.ceil(source.length / 50));
    const { script } = parseBash(source);
    if (script === null) return;
    this.#symbols.add(script);
    const place =
      origin.pos === null ? { pos: node.pos, end: node.end } : { pos: origin.pos, end: origin.end };
    this.#visit(script, { ...place, trace: [...origin.trace, ...trace], depth: origin.depth + 1 });
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
    if (this.findings.some((other) => other.rule === rule && other.pos === pos)) return;
    this.findings.push({
      rule,
      severity: severity ?? null,
      message,
      pos,
      end,
      resolved: readable(resolved),
      trace: [...origin.trace, ...trace],
    });
  }
}

function startsOwnScript(name: string, args: readonly string[]): boolean {
  return SHELLS.has(name) && args.length === 1 && /^(\.\/)?run\.sh$/.test(args[0] ?? "");
}

/** The commands inside the substitutions of a command. */
function commandsIn(node: Command): Command[] {
  const found: Command[] = [];
  const visit = (child: SyntaxNode): void => {
    if (child.type === "Command") found.push(child);
    forEachChild(child, visit);
  };
  forEachChild(node, visit);
  return found;
}
