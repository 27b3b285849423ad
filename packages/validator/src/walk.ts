import type { Budget } from "./budget.js";
import { BREAK, HOME, UNSET, isKnown } from "./characters.js";
import { checkAssignments } from "./checks/assignments.js";
import { checkCommand } from "./checks/commands.js";
import { checkPrinted } from "./checks/pipes.js";
import { checkRedirections } from "./checks/redirections.js";
import { checkSecrets } from "./checks/secrets.js";
import { checkShape } from "./checks/shapes.js";
import { WrittenFiles } from "./checks/written-files.js";
import type { TraceStep } from "./diagnostic.js";
import { Directory } from "./directory.js";
import { Findings, type Finding } from "./findings.js";
import { Inputs, type Input } from "./inputs.js";
import { FILE, placeIn, type Origin, type Place } from "./origin.js";
import {
  forEachChild,
  parseBash,
  type Command,
  type FunctionNode,
  type ParsedScript,
  type SyntaxNode,
} from "./parse.js";
import { Resolver } from "./resolve.js";
import { checkName } from "./rules/dynamic-names.js";
import { founder, type Scene, type Statement } from "./scene.js";
import { Symbols } from "./symbols.js";
import { usesArguments } from "./tree.js";
import { unwrap, type Invocation } from "./unwrap.js";

/** Texts within texts that are looked at. */
const MAX_EMBEDDED = 6;
/** Calls within calls that are followed with their arguments. */
const MAX_CALLS = 4;

/** Visits a script, and all text that it runs as a script, and hands what it meets to the checks. */
export class Walk implements Scene {
  readonly budget: Budget;
  readonly symbols = new Symbols();
  readonly resolver: Resolver;
  readonly inputs: Inputs;
  readonly directory = new Directory();
  readonly written = new WrittenFiles(this);
  readonly #findings = new Findings();
  /** Texts and calls that were looked at, by where they stand. */
  readonly #seen = new Set<string>();

  constructor(budget: Budget) {
    this.budget = budget;
    this.resolver = new Resolver(this.symbols, budget);
    this.inputs = new Inputs(this.resolver);
  }

  get findings(): readonly Finding[] {
    return this.#findings.all;
  }

  run(script: ParsedScript): void {
    this.symbols.add(script);
    this.#visit(script, FILE);
    this.written.check();
  }

  report(origin: Origin, place: Place, statement: Statement): void {
    const { rule, message, resolved = "", severity = null } = statement;
    const trace = [...origin.trace, ...(statement.trace ?? [])];
    const { pos, end } = placeIn(origin, place);
    this.#findings.add({ rule, severity, message, pos, end, resolved, trace }, origin.body);
  }

  embed(text: string, trace: readonly TraceStep[], node: SyntaxNode, origin: Origin): void {
    const source = text.replaceAll(UNSET, "").replaceAll(BREAK, " ").replaceAll(HOME, "~");
    const key = `${node.pos}:${source}`;
    if (origin.depth >= MAX_EMBEDDED || source.trim() === "" || this.#seen.has(key)) return;
    this.#seen.add(key);
    this.budget.spend(Math.ceil(source.length / 50));
    const { script } = parseBash(source);
    if (script === null) return;
    this.symbols.add(script);
    this.#visit(script, {
      ...origin,
      ...placeIn(origin, node),
      trace: [...origin.trace, ...trace],
      depth: origin.depth + 1,
    });
  }

  #visit(node: SyntaxNode, origin: Origin): void {
    this.budget.spend();
    if (node.type === "Pipeline") this.inputs.addPipe(node.commands);
    else if (node.type === "Command") this.#visitCommand(node, origin);
    else if (node.type === "Redirected") checkRedirections(node.redirects, origin, this);
    else checkShape(node, origin, this);
    if (node.type === "Subshell" || node.type === "Function")
      this.directory.within(() => this.#visitChildren(node, origin));
    else this.#visitChildren(node, origin);
  }

  #visitChildren(node: SyntaxNode, origin: Origin): void {
    forEachChild(node, (child) => this.#visit(child, origin));
  }

  #visitCommand(node: Command, origin: Origin): void {
    checkAssignments(node, origin, this);
    checkRedirections(node.redirects, origin, this);
    if (node.name === undefined) return;
    const place = node.name;
    checkSecrets(node, origin, this);
    checkPrinted(node, origin, this);
    const input = this.inputs.of(node);
    for (const argv of this.resolver.argumentLists([node.name, ...node.args])) {
      const resolved = argv.join(" ");
      checkName(argv[0] ?? "", (rule, message, severity) =>
        this.report(origin, place, { rule, message, resolved, severity }),
      );
      for (const invocation of unwrap(argv)) {
        this.#visitInvocation(invocation, node, input, origin);
        this.directory.follow(invocation);
      }
    }
  }

  #visitInvocation(invocation: Invocation, node: Command, input: Input, origin: Origin): void {
    const body = invocation.bypassesFunctions
      ? undefined
      : this.symbols.functions.get(invocation.name);
    if (body !== undefined) return this.#visitCall(body, invocation, node, origin);
    const found = founder(this, invocation, node, origin);
    checkCommand({ scene: this, invocation, node, input, found, origin });
  }

  /** Looks at a function's body with the arguments of a call, where they make a difference. */
  #visitCall(body: FunctionNode, { name, args }: Invocation, node: Command, origin: Origin): void {
    if (!usesArguments(body) || (args.length > 0 && !args.some(isKnown))) return;
    const calls = origin.trace.filter(({ kind }) => kind === "function").length;
    const key = `call:${body.pos}:${args.join("\0")}`;
    if (calls >= MAX_CALLS || this.#seen.has(key)) return;
    this.#seen.add(key);
    this.resolver.withArguments(args, () =>
      this.#visit(body.body, {
        ...placeIn(origin, node),
        trace: [...origin.trace, { kind: "function", name }],
        depth: origin.depth,
        body: { pos: body.pos, end: body.end },
      }),
    );
  }
}
