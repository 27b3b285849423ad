import type { Budget } from "../../budget.js";
import { forEachChild, type FunctionNode, type SyntaxNode } from "../../parse.js";

/** How a function calls others. */
interface Calls {
  /** Every function or command that it calls. */
  readonly names: ReadonlySet<string>;
  /** Those that it calls in a pipe, in the background, or twice without a condition. */
  readonly multiplied: ReadonlySet<string>;
}

/** Parts of a pipe that call a function for what they read, and not at all at its end. */
const CONDITIONAL: ReadonlySet<string> = new Set(["While", "For", "If", "Case"]);

const KNOWN = new WeakMap<FunctionNode, Calls>();

/**
 * Whether a function comes to itself again, and on the way there is a pipe or something in the background: each call
 * makes two, without end. A function that only calls itself, as to walk a tree, does not.
 */
export function checkForkBomb(
  node: FunctionNode,
  functions: ReadonlyMap<string, FunctionNode>,
  budget: Budget,
): boolean {
  const self = node.name.value;
  // What is reached, without and with something multiplied on the way.
  const reached = new Set<string>();
  const open: { readonly from: FunctionNode; readonly multiplied: boolean }[] = [
    { from: node, multiplied: false },
  ];
  for (let step = open.pop(); step !== undefined; step = open.pop()) {
    const calls = callsOf(step.from, budget);
    for (const name of calls.names) {
      budget.spend();
      const multiplied = step.multiplied || calls.multiplied.has(name);
      if (name === self && multiplied) return true;
      const next = name === self ? undefined : functions.get(name);
      const key = `${multiplied}:${name}`;
      if (next === undefined || reached.has(key)) continue;
      reached.add(key);
      open.push({ from: next, multiplied });
    }
  }
  return false;
}

function callsOf(node: FunctionNode, budget: Budget): Calls {
  const known = KNOWN.get(node);
  if (known !== undefined) return known;
  const names = new Set<string>();
  const multiplied = new Set<string>();
  const ends = (): boolean => names.has("return") || names.has("exit");
  const twice: string[] = [];
  const visit = (child: SyntaxNode, several: boolean): void => {
    budget.spend();
    const starts = several || (child.type === "Statement" && child.background === true);
    const name = child.type === "Command" ? child.name?.value : undefined;
    if (name !== undefined) {
      names.add(name);
      if (starts) multiplied.add(name);
    }
    if (child.type === "CompoundList") twice.push(...repeated(child.commands));
    const piped = child.type === "Pipeline" && child.commands.length > 1;
    forEachChild(child, (inner) => visit(inner, starts || (piped && !CONDITIONAL.has(inner.type))));
  };
  forEachChild(node, (child) => visit(child, false));
  // Called twice without a condition, each call makes two as well.
  if (!ends()) for (const name of twice) multiplied.add(name);
  const calls = { names, multiplied };
  KNOWN.set(node, calls);
  return calls;
}

/** Names that stand in a list of commands more than once. */
function repeated(statements: readonly { readonly command: SyntaxNode }[]): string[] {
  const seen = new Set<string>();
  return statements.flatMap(({ command }) => {
    const name = command.type === "Command" ? command.name?.value : undefined;
    if (name === undefined || !seen.has(name)) {
      seen.add(name ?? "");
      return [];
    }
    return [name];
  });
}
