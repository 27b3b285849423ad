import type { Budget } from "../../budget.js";
import { forEachChild, type ParsedScript, type SyntaxNode } from "../../parse.js";
import { ENDLESS_FILES } from "./sizes.js";

type Loop = Extract<SyntaxNode, { type: "While" | "For" | "ArithmeticFor" }>;

/** From how many turns on a loop that waits for nothing is as good as endless. */
const VERY_LONG = 5000;
/** So many turns double a single character to gigabytes. */
const MANY_DOUBLINGS = 28;
/** Turns that fill a file system with files, or a variable with text. */
const HUGE = 1_000_000;
/** Characters of a variable that no script needs. */
const LONG_TEXT = 100_000_000;

const PAUSES =
  /^(wait|sleep|usleep|break|return|exit|read|srun|mpirun|mpiexec|inotifywait|flock|timeout|shift|kill|pgrep|squeue|jobs)$/;
/** What is done with it at once: a loop of nothing else writes as fast as the disk. */
const QUICK =
  /^(echo|printf|cat|cp|mv|dd|head|touch|mkdir|mktemp|ln|tee|truncate|fallocate|:|true|date|let|set)$/;

/** What is in the body of a loop. */
interface Body {
  readonly names: ReadonlySet<string>;
  readonly waits: boolean;
  readonly starts: boolean;
  readonly doubles: boolean;
  readonly grows: boolean;
  readonly appends: boolean;
}

/** What an endless loop makes more and more of; null when it has an end, or waits. */
export function growsForever(node: Loop, budget: Budget): string | null {
  const turns = isEndless(node) ? Infinity : node.type === "For" ? turnsOf(node) : limitOf(node);
  if (turns < MANY_DOUBLINGS && node.type !== "While") return null;
  const body = lookInto(node.body, budget);
  if (body.waits) return null;
  if (body.doubles && doublesTooOften(node, turns))
    return "a loop doubles a variable again and again";
  if (turns < VERY_LONG) return null;
  if (body.starts) return "an endless loop starts processes";
  if (body.names.has("mkdir") && body.names.has("cd"))
    return "an endless loop makes directories in directories";
  if (turns < HUGE) return null;
  if (body.grows) return "an endless loop makes a variable longer and longer";
  const quick = body.names.size > 0 && [...body.names].every((name) => QUICK.test(name));
  if (
    quick &&
    (body.appends || /touch|mkdir|mktemp|cp|dd|fallocate/.test([...body.names].join(" ")))
  )
    return "an endless loop writes files";
  return null;
}

function lookInto(body: SyntaxNode, budget: Budget): Body {
  const names = new Set<string>();
  const found = { waits: false, starts: false, doubles: false, grows: false, appends: false };
  const visit = (child: SyntaxNode): void => {
    budget.spend();
    if (child.type === "Statement" && child.background === true) {
      found.starts = true;
      // What the started process waits for does not slow the loop down.
      return;
    }
    if (child.type === "Command") {
      const name = child.name?.value ?? "";
      if (name !== "") names.add(name.split("/").at(-1) ?? "");
      if (PAUSES.test(name)) found.waits = true;
      for (const item of child.prefix) {
        if (item.type !== "Assignment") continue;
        if (doubles(item)) found.doubles = true;
        if (name === "" && (item.append === true || prolongs(item))) found.grows = true;
      }
      for (const { type, operator } of child.redirects)
        if (type === "Redirect" && (operator === ">>" || (operator === ">" && name === "cat")))
          found.appends = true;
    }
    forEachChild(child, visit);
  };
  visit(body);
  return { names, ...found };
}

/** How often a `for` runs, where that follows from its words. */
function turnsOf(node: Extract<Loop, { type: "For" }>): number {
  const words = node.wordlist ?? [];
  const text = words
    .map((word) => word.text)
    .join(" ")
    .slice(0, 1000);
  const range = /\{(\d+)\.\.(\d+)\}/.exec(text);
  if (range !== null) return Math.abs(Number(range[2]) - Number(range[1]));
  const numbers = /\bseq ([-\w. ]+)[)`]/.exec(text)?.[1]?.split(/ +/).map(Number);
  return numbers?.findLast((number) => !Number.isNaN(number)) ?? words.length;
}

function doubles({ name, text }: Extract<SyntaxNode, { type: "Assignment" }>): boolean {
  // A value of many words is none that grows by itself.
  if (name === undefined || text.length > 500) return false;
  // `${x%y}` is a part of it.
  const uses =
    text.split(new RegExp(`\\$(?:${name}(?!\\w)|\\{${name}(?:\\[[@*]\\])?\\})`)).length - 1;
  return uses > 1 || (uses === 1 && text.startsWith(`${name}+=`));
}

/** `x=$x$y`: longer with each turn. */
function prolongs({ name, text }: Extract<SyntaxNode, { type: "Assignment" }>): boolean {
  if (name === undefined || text.length > 500 || /\$\(|`/.test(text)) return false;
  return new RegExp(`^${name}="?\\$(${name}(?!\\w)|\\{${name}\\})["']?[^"']`).test(text);
}

/** The greatest number in the condition of a loop: about how often it runs. */
function limitOf(node: Extract<Loop, { type: "While" | "ArithmeticFor" }>): number {
  let limit = 0;
  let left = 100;
  const visit = (child: SyntaxNode): void => {
    if ((left -= 1) < 0) return;
    const value = child.type === "Word" || child.type === "ArithmeticWord" ? child.value : "";
    if (/^\d{1,18}$/.test(value)) limit = Math.max(limit, Number(value));
    forEachChild(child, visit);
  };
  if (node.type === "While") visit(node.clause);
  else if (node.test !== undefined) visit(node.test);
  return limit;
}

/** Whether so many turns double something beyond what fits; `${#x}` says how long it may become. */
function doublesTooOften(node: Loop, turns: number): boolean {
  if (node.type !== "While") return turns >= MANY_DOUBLINGS;
  if (readsInput(node)) return false;
  let byLength = false;
  let left = 100;
  const visit = (child: SyntaxNode): void => {
    if ((left -= 1) < 0) return;
    if (child.type === "ParameterExpansion" && child.prefix === "#") byLength = true;
    forEachChild(child, visit);
  };
  visit(node.clause);
  return byLength ? turns >= LONG_TEXT : turns === 0 || turns >= MANY_DOUBLINGS;
}

/** `while read x`: it ends with its input. */
function readsInput(node: Loop): boolean {
  if (node.type !== "While") return true;
  let reads = false;
  const visit = (child: SyntaxNode): void => {
    if (child.type === "Command" && /^(read|getopts)$/.test(child.name?.value ?? "")) reads = true;
    forEachChild(child, visit);
  };
  visit(node.clause);
  return reads;
}

/** `$(yes)`: the shell keeps all of what never ends in memory. */
export function printsWithoutEnd(script: ParsedScript | undefined): boolean {
  const command = script?.commands.at(-1)?.command;
  if (command?.type !== "Command") return false;
  const name = command.name?.value ?? "";
  if (command.redirects.length > 0) return false;
  return (
    name === "yes" ||
    (name === "cat" &&
      command.args.some((arg) => arg.type === "Word" && ENDLESS_FILES.test(arg.value)))
  );
}

function isEndless(node: Loop): boolean {
  if (node.type === "For") return false;
  if (node.type === "ArithmeticFor") return node.test === undefined || isConstant(node.test);
  const [only] = node.clause.commands;
  const name = only?.command.type === "Command" ? only.command.name?.value : undefined;
  if (only === undefined || node.clause.commands.length !== 1) return false;
  if (node.kind === "until") return name === "false";
  const text = only.command.type === "ArithmeticCommand" || only.command.type === "TestCommand";
  if (name === "[" || name === "test") return isConstant(only.command);
  return /^(:|true|echo|printf)$/.test(name ?? "") || (text && isConstant(only.command));
}

/** `((1))`, `[[ 1 ]]`, `[[ 1 == 1 ]]`. */
function isConstant(node: SyntaxNode): boolean {
  let constant = true;
  let compares = false;
  let words = false;
  const visit = (child: SyntaxNode): void => {
    if (/Expansion$/.test(child.type)) constant = false;
    if (child.type === "ArithmeticWord" && !/^\d+$/.test(child.value)) constant = false;
    if (child.type === "Word" && !/^[\w[\]]*$/.test(child.value)) constant = false;
    if (/Unary|Ternary|Logical/.test(child.type)) constant = false;
    if (/Binary/.test(child.type)) compares = true;
    if (child.type === "Word" && !/^[\d[\]=]*$/.test(child.value)) words = true;
    forEachChild(child, visit);
  };
  visit(node);
  return constant && !(compares && words);
}
