import { SHELLS } from "./embedded.js";
import { BudgetExceeded } from "./budget.js";
import type { Command, CommandNode, Redirection, SyntaxNode } from "./parse.js";
import { evaluatePipe } from "./pure-output.js";
import type { Resolver } from "./resolve.js";
import { isInterpreter } from "./rules/shared/inline-code.js";
import { commandsIn, firstCommand, isInput } from "./tree.js";
import { unwrap, type Invocation } from "./unwrap.js";

/** What a command reads. */
export interface Input {
  /** The text, where it follows from the script. */
  readonly text: string | null;
  /** Names of the commands before it in the pipe; none for a here-document. */
  readonly upstream: readonly string[];
  /** Those commands, with their arguments. */
  readonly sources: readonly Invocation[];
  /** Where a `find` or `ls` before it begins. */
  readonly listed: readonly string[];
  /** The commands before it. */
  readonly before: readonly CommandNode[];
}

/** Values of variables that a text is traced back through. */
const MAX_SOURCES = 1000;

const NOTHING: Input = { text: null, upstream: [], sources: [], listed: [], before: [] };

/** What comes through a pipe, worked out when somebody asks. */
class PipeInput implements Input {
  readonly before: readonly CommandNode[];
  readonly #inputs: Inputs;
  readonly #resolver: Resolver;
  #text: string | null | undefined;
  #invocations: Invocation[] | undefined;

  constructor(before: readonly CommandNode[], inputs: Inputs, resolver: Resolver) {
    this.before = before;
    this.#inputs = inputs;
    this.#resolver = resolver;
  }

  get text(): string | null {
    if (this.#text === undefined) this.#text = evaluatePipe(this.before, this.#resolver);
    return this.#text;
  }

  get upstream(): readonly string[] {
    return this.sources.map(({ name }) => name);
  }

  get listed(): readonly string[] {
    return this.sources
      .filter(({ name }) => name === "find" || name === "ls")
      .flatMap(({ name, args }) =>
        name === "ls"
          ? args.filter((arg) => !arg.startsWith("-"))
          : args.slice(0, firstOption(args)),
      );
  }

  get sources(): readonly Invocation[] {
    this.#invocations ??= this.before
      .flatMap(commandsIn)
      .flatMap((inner) => this.#inputs.invocationsOf(inner));
    return this.#invocations;
  }
}

/** Works out what commands read and what they are given. */
export class Inputs {
  readonly #resolver: Resolver;
  readonly #pipes = new WeakMap<Command, Input>();

  constructor(resolver: Resolver) {
    this.#resolver = resolver;
  }

  /** Remembers what each command of a pipe reads. */
  addPipe(commands: readonly CommandNode[]): void {
    for (const [at, command] of commands.entries()) {
      const reader = at === 0 ? null : firstCommand(command);
      if (reader === null || reader.redirects.some(isInput)) continue;
      this.#pipes.set(reader, new PipeInput(commands.slice(0, at), this, this.#resolver));
    }
  }

  of(node: Command): Input {
    const own = node.redirects.findLast((redirect) => redirect.type !== "Redirect");
    if (own !== undefined) return { ...NOTHING, text: this.#textOf(own) };
    return this.#pipes.get(node) ?? NOTHING;
  }

  invocationsOf(command: Command): Invocation[] {
    if (command.name === undefined) return [];
    return this.#resolver
      .argumentLists([command.name, ...command.args])
      .flatMap((argv) => unwrap(argv));
  }

  namesOf(commands: readonly Command[]): string[] {
    return commands.flatMap((command) => this.invocationsOf(command).map(({ name }) => name));
  }

  /** Names of the commands whose output a command is given. */
  namesBehind(node: Command): string[] {
    return this.namesOf(this.commandsBehind(node));
  }

  /** The commands whose output a command is given, by itself or in variables, or variables of those. */
  commandsBehind(node: Command): Command[] {
    const sources = new Set<SyntaxNode>(node.args.flatMap((arg) => this.#resolver.sourcesOf(arg)));
    // A set that is added to while it is walked hands out what is new as well.
    for (const source of sources) {
      if (sources.size > MAX_SOURCES)
        throw new BudgetExceeded(`a text from more than ${MAX_SOURCES} variables`);
      for (const other of this.#resolver.sourcesOf(source)) sources.add(other);
    }
    return [node, ...sources].flatMap(commandsIn).filter((command) => command !== node);
  }

  #textOf(redirect: Redirection): string | null {
    if (redirect.type === "HereDoc") return this.#resolver.document(redirect);
    if (redirect.type === "Redirect" || redirect.target === undefined) return null;
    return this.#resolver.word(redirect.target)[0] ?? "";
  }
}

/** Whether a command takes what it reads for a script. */
export function readsCode({ name, args }: Invocation): boolean {
  if (name === "source" || name === ".") return args[0] === "/dev/stdin";
  if (SHELLS.has(name))
    return args[0] === "-s" || args.every((arg) => /^(-[sxeuvil]*|\/dev\/stdin|--)$/.test(arg));
  return isInterpreter(name) && args.every((arg) => arg === "-");
}

function firstOption(args: readonly string[]): number | undefined {
  const at = args.findIndex((arg) => arg.startsWith("-"));
  return at === -1 ? undefined : at;
}
