import { forEachChild, type FunctionNode, type SyntaxNode } from "../parse.js";

/**
 * Whether a function calls itself in a pipe or in the background: each call makes two, without end. A
 * function that only calls itself, as to walk a tree, does not.
 */
export function checkForkBomb(node: FunctionNode): boolean {
  const name = node.name.value;
  let bomb = false;
  const visit = (child: SyntaxNode): void => {
    if (child.type === "Statement" && child.background === true && calls(child, name)) bomb = true;
    if (
      child.type === "Pipeline" &&
      child.commands.filter((command) => calls(command, name)).length > 0
    )
      bomb = true;
    forEachChild(child, visit);
  };
  forEachChild(node, visit);
  return bomb;
}

function calls(node: SyntaxNode, name: string): boolean {
  let found = node.type === "Command" && node.name?.value === name;
  forEachChild(node, (child) => {
    if (calls(child, name)) found = true;
  });
  return found;
}

/** Whether a loop has no end and puts processes into the background without waiting for any. */
export function startsItself(
  node: Extract<SyntaxNode, { type: "While" | "For" | "ArithmeticFor" }>,
): boolean {
  if (node.type === "For" || !isEndless(node)) return false;
  let starts = false;
  let pauses = false;
  const visit = (child: SyntaxNode): void => {
    if (child.type === "Statement" && child.background === true) starts = true;
    if (
      child.type === "Command" &&
      /^(wait|sleep|break|return|exit|read|srun|mpirun)$/.test(child.name?.value ?? "")
    )
      pauses = true;
    forEachChild(child, visit);
  };
  visit(node.body);
  return starts && !pauses;
}

function isEndless(node: Extract<SyntaxNode, { type: "While" | "ArithmeticFor" }>): boolean {
  if (node.type === "ArithmeticFor") return node.test === undefined;
  const [only] = node.clause.commands;
  const name = only?.command.type === "Command" ? only.command.name?.value : undefined;
  return (
    node.clause.commands.length === 1 &&
    (node.kind === "while" ? name === ":" || name === "true" : name === "false")
  );
}
