import type { Origin } from "./origin.js";
import type { Command, FunctionNode, ParsedScript } from "./parse.js";
import { descendants } from "./read-sources.js";

/** Which functions of a script are certain to stand in for the command of their name, where they are called. */
export class OwnFunctions {
  /** Where functions are defined without a condition. */
  readonly #defined = new Map<string, number>();
  readonly #unset = new Set<string>();
  readonly #bodies: FunctionNode[] = [];

  constructor(script: ParsedScript) {
    for (const { command } of script.commands) {
      if (command.type !== "Function") continue;
      if (!this.#defined.has(command.name.value))
        this.#defined.set(command.name.value, command.pos);
      this.#bodies.push(command);
    }
    for (const node of descendants(script)) {
      if (node.type !== "Command" || node.name?.value !== "unset") continue;
      for (const arg of node.args) if (arg.type === "Word") this.#unset.add(arg.value);
    }
  }

  /** A function that is not certain to be there leaves the command of its name what it is. */
  standsFor(name: string, { pos }: Command, { depth }: Origin): boolean {
    const defined = this.#defined.get(name);
    if (depth > 0 || defined === undefined || this.#unset.has(name)) return false;
    // What a function calls is there when the function is called.
    return defined < pos || this.#bodies.some((body) => body.pos <= pos && pos < body.end);
  }
}
