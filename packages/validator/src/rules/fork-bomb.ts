import { forEachChild, type FunctionNode, type SyntaxNode } from "../parse.js";

import type { Invocation } from "../unwrap.js";
import type { CommandRule } from "./report.js";

/**
 * Whether a function calls itself in a pipe or in the background: each call makes two, without end. A
 * function that only calls itself, as to walk a tree, does not.
 */
export function checkForkBomb(node: FunctionNode): boolean {
  const name = node.name.value;
  let bomb = false;
  const ends = calls(node, "return") || calls(node, "exit");
  const visit = (child: SyntaxNode): void => {
    if (child.type === "Statement" && child.background === true && calls(child, name)) bomb = true;
    if (
      child.type === "Pipeline" &&
      child.commands.filter((command) => calls(command, name)).length > 0
    )
      bomb = true;
    // Twice without a condition, each call makes two as well.
    if (
      !ends &&
      child.type === "CompoundList" &&
      child.commands.filter(({ command }) => isCall(command, name)).length > 1
    )
      bomb = true;
    forEachChild(child, visit);
  };
  forEachChild(node, visit);
  return bomb;
}

function isCall(node: SyntaxNode, name: string): boolean {
  return node.type === "Command" && node.name?.value === name;
}

function calls(node: SyntaxNode, name: string): boolean {
  let found = node.type === "Command" && node.name?.value === name;
  forEachChild(node, (child) => {
    if (calls(child, name)) found = true;
  });
  return found;
}

/** What an endless loop makes more and more of; null when it has an end, or waits. */
export function growsForever(
  node: Extract<SyntaxNode, { type: "While" | "For" | "ArithmeticFor" }>,
): string | null {
  if (node.type === "For" ? !isVeryLong(node) : !isEndless(node)) return null;
  let grows: string | null = null;
  let waits = false;
  const names = new Set<string>();
  const visit = (child: SyntaxNode): void => {
    if (child.type === "Statement" && child.background === true) {
      grows ??= "an endless loop starts processes";
      // What the started process waits for does not slow the loop down.
      return;
    }
    if (child.type === "Command") {
      const name = child.name?.value ?? "";
      names.add(name);
      if (PAUSES.test(name)) waits = true;
      for (const item of child.prefix)
        if (item.type === "Assignment" && doubles(item))
          grows ??= "an endless loop doubles a variable";
    }
    forEachChild(child, visit);
  };
  visit(node.body);
  if (names.has("mkdir") && names.has("cd"))
    grows ??= "an endless loop makes directories in directories";
  return waits ? null : grows;
}

/** From how many turns on a loop that waits for nothing is as good as endless. */
const VERY_LONG = 5000;

function isVeryLong(node: Extract<SyntaxNode, { type: "For" }>): boolean {
  const text = (node.wordlist ?? []).map((word) => word.text).join(" ");
  const range = /\{(\d+)\.\.(\d+)\}/.exec(text);
  if (range !== null) return Number(range[2]) - Number(range[1]) >= VERY_LONG;
  const last = /\bseq\s+(?:-\S+\s+)*(?:\d+\s+)*(\d+)\s*[)`]/.exec(text)?.[1];
  return Number(last ?? 0) >= VERY_LONG;
}

const PAUSES = /^(wait|sleep|break|return|exit|read|srun|mpirun|inotifywait|flock)$/;

function doubles({ name, text }: Extract<SyntaxNode, { type: "Assignment" }>): boolean {
  const uses = text.split(new RegExp(`\\$\\{?${name}\\b`)).length - 1;
  return uses > 1 || (uses === 1 && text.startsWith(`${name}+=`));
}

const ENDLESS_FILES = /^\/dev\/(zero|u?random|full)$/;
const FILTERS = new Set(["tr", "sed", "cat", "tee", "awk", "base64", "rev", "paste"]);

/** Whether a command whose output goes into a file never ends by itself. */
export function fillsDisk({ name, args }: Invocation, upstream: readonly string[]): boolean {
  if (name === "yes") return true;
  if (upstream.includes("yes") && FILTERS.has(name))
    return upstream.every((other) => other === "yes" || FILTERS.has(other));
  return (name === "cat" || name === "pv") && args.some((arg) => ENDLESS_FILES.test(arg));
}

/** Programs that use up the machine by their own options. */
export const resourceRules: CommandRule = ({ name, args }, found) => {
  const text = args.join(" ");
  if (/^(stress|stress-ng|cpuburn|mprime)$/.test(name) && args.length > 0)
    found("RES-STRESS", `${name} uses up the machine`);
  if (name === "dd") {
    const output = args.find((arg) => arg.startsWith("of="))?.slice(3) ?? "/dev/null";
    const endless = args.some(
      (arg) => ENDLESS_FILES.test(arg.replace(/^if=/, "")) && arg.startsWith("if="),
    );
    if (endless && !/\bcount=/.test(text) && !output.startsWith("/dev/null"))
      found("RES-DISKFILL", "dd writes without end");
  }
  if (
    /^(fallocate|truncate|head|mkfile)$/.test(name) &&
    /(^|\D)\d+(\.\d+)?\s*[TPE]i?B?\b/.test(text)
  )
    found("RES-DISKFILL", `${name} makes a file of terabytes`);
  if (name === "tail" && args.some((arg) => ENDLESS_FILES.test(arg)))
    found("RES-DISKFILL", "tail keeps all of it in memory");
  if (name === "xargs" && /(^|\s)(-P ?0|--max-procs[= ]0)(\s|$)/.test(text))
    found("RES-LOOP", "xargs starts any number of processes at once", "warning");
};

function isEndless(node: Extract<SyntaxNode, { type: "While" | "ArithmeticFor" }>): boolean {
  if (node.type === "ArithmeticFor") return node.test === undefined;
  const [only] = node.clause.commands;
  const name = only?.command.type === "Command" ? only.command.name?.value : undefined;
  if (node.clause.commands.length !== 1) return false;
  if (node.kind === "until") return name === "false";
  const text = only?.command.type === "ArithmeticCommand" || only?.command.type === "TestCommand";
  if (name === "[" && only !== undefined) return isConstant(only.command);
  return name === ":" || name === "true" || (text && isConstant(only.command));
}

/** `((1))`, `[[ 1 ]]`. */
function isConstant(node: SyntaxNode): boolean {
  let constant = true;
  const visit = (child: SyntaxNode): void => {
    if (/Expansion$/.test(child.type)) constant = false;
    if (child.type === "ArithmeticWord" && !/^\d+$/.test(child.value)) constant = false;
    if (child.type === "Word" && !/^[\w[\]]*$/.test(child.value)) constant = false;
    if (/Binary|Unary|Ternary/.test(child.type)) constant = false;
    forEachChild(child, visit);
  };
  forEachChild(node, visit);
  return constant;
}
