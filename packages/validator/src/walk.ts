import type { Budget } from "./budget.js";
import { BREAK, HOME, UNSET, isKnown, mayBeNothing } from "./characters.js";
import { checkAssignments } from "./checks/assignments.js";
import { checkCommand } from "./checks/commands.js";
import { checkPrinted } from "./checks/pipes.js";
import { checkNameOf } from "./checks/names.js";
import { checkRedirections } from "./checks/redirections.js";
import { checkBraces, checkSearch, checkSecrets } from "./checks/secrets.js";
import { checkSelfPipe, checkShape } from "./checks/shapes.js";
import { WrittenFiles } from "./checks/written-files.js";
import type { TraceStep } from "./diagnostic.js";
import { Directory } from "./directory.js";
import { Findings, type Finding } from "./findings.js";
import { Inputs } from "./inputs.js";
import { FILE, placeIn, type Origin, type Place } from "./origin.js";
import {
  forEachChild,
  parseAnyway,
  parseBash,
  type Command,
  type FunctionNode,
  type ParsedScript,
  type SyntaxNode,
} from "./parse.js";
import { Resolver } from "./resolve.js";
import { founder, type Embedding, type Scene, type Statement, type Use } from "./scene.js";
import { rememberReaders } from "./rules/shared/secret-uses.js";
import { Symbols } from "./symbols.js";
import { runsArguments, usesArguments } from "./tree.js";
import { unwrap } from "./unwrap.js";

/** Texts within texts that are looked at. */
const MAX_EMBEDDED = 6;
/** Calls within calls that are followed with their arguments, of different functions or of the same. */
const MAX_CALLS = 12;

/** Visits a script, and all text that it runs as a script, and hands what it meets to the checks. */
export class Walk implements Scene {
  readonly budget: Budget;
  readonly symbols = new Symbols();
  readonly resolver: Resolver;
  readonly inputs: Inputs;
  readonly directory = new Directory();
  readonly written = new WrittenFiles(this);
  readonly #findings = new Findings();
  /** Texts that were looked at, with where they stand. */
  readonly #seen = new Set<string>();
  /** Arguments with which a function was looked at. */
  readonly #calls = new Map<FunctionNode, Set<string>>();

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

  embed(
    text: string,
    trace: readonly TraceStep[],
    node: SyntaxNode,
    origin: Origin,
    how: Embedding = {},
  ): void {
    const source = text.replaceAll(UNSET, "").replaceAll(BREAK, " ").replaceAll(HOME, "~");
    const key = `${node.pos}:${(how.args ?? []).join("\0")}:${source}`;
    if (source.trim() === "" || this.#seen.has(key)) return;
    this.#seen.add(key);
    const inner = {
      ...origin,
      ...placeIn(origin, node),
      trace: [...origin.trace, ...trace],
      depth: origin.depth + 1,
    };
    if (origin.depth >= MAX_EMBEDDED)
      return this.#reached(
        `more than ${MAX_EMBEDDED} texts within each other are run`,
        node,
        inner,
      );
    this.budget.spend(Math.ceil(source.length / 50));
    const { script, problem } = parseBash(source);
    if (problem !== null && how.isRun === true && isKnown(source)) {
      const by = trace.at(-1)?.name ?? "a shell";
      const message = `the text that ${by} runs is not valid bash: ${problem.message}`;
      this.report(inner, node, { rule: "PARSE", message, resolved: source });
    }
    // The commands before the place that cannot be parsed are run all the same.
    const found = script ?? parseAnyway(source);
    if (found === null) return;
    this.symbols.add(found);
    const look = (): void => this.#visit(found, inner);
    if (how.args === undefined) look();
    else this.resolver.withArguments(how.args, look);
  }

  #reached(limit: string, place: Place, origin: Origin): void {
    this.report(origin, place, { rule: "BUDGET", message: `it cannot be followed: ${limit}` });
  }

  #visit(node: SyntaxNode, origin: Origin): void {
    this.budget.spend();
    if (node.type === "Pipeline") {
      this.inputs.addPipe(node.commands);
      rememberReaders(node.commands);
      checkSearch(node.commands, origin, this);
      checkSelfPipe(node.commands, origin, this);
    } else if (node.type === "Command") this.#visitCommand(node, origin);
    else if (node.type === "Redirected") {
      checkRedirections(node.redirects, origin, this);
      this.written.rememberGroup(node, origin);
    } else checkShape(node, origin, this);
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
    checkBraces(node, origin, this);
    const input = this.inputs.of(node);
    const variants = this.resolver.argumentLists([node.name, ...node.args]);
    for (const argv of variants) {
      this.budget.spend(argv.length);
      checkNameOf(node, place, argv, origin, this);
      const reached = (limit: string): void => this.#reached(limit, place, origin);
      const invocations = unwrap(argv, reached);
      if (mayBeNothing(argv[0] ?? "") && !argv[1]?.startsWith("-"))
        invocations.push(...unwrap(argv.slice(1), reached));
      for (const invocation of invocations) {
        const found = founder(this, invocation, node, origin);
        const isCertain = variants.length === 1 && invocation.isGuess !== true;
        this.#visitInvocation({ scene: this, invocation, node, input, found, origin, isCertain });
        this.directory.follow(invocation);
      }
    }
  }

  #visitInvocation(use: Use): void {
    const { name, bypassesFunctions } = use.invocation;
    const bodies = bypassesFunctions ? [] : (this.symbols.definitions.get(name) ?? []);
    for (const body of bodies) this.#visitCall(body, use);
    if (bodies.length === 0) checkCommand(use);
  }

  /** Looks at a function's body with the arguments of a call, where they make a difference. */
  #visitCall(body: FunctionNode, { invocation: { name, args }, node, origin }: Use): void {
    if (!usesArguments(body) || (args.length > 0 && !args.some(isKnown))) return;
    const key = args.join("\0");
    const seen = this.#calls.get(body) ?? new Set();
    if (seen.has(key)) return;
    this.#calls.set(body, seen.add(key));
    const calls = origin.trace.filter(({ kind }) => kind === "function");
    if (calls.length >= MAX_CALLS) {
      // A function that walks a tree calls itself with one path after the other.
      if (calls.some((call) => call.name !== name) || runsArguments(body))
        this.#reached(`more than ${MAX_CALLS} calls within each other`, node, origin);
      return;
    }
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
