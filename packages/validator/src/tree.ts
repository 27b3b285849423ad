import {
  forEachChild,
  type Command,
  type FunctionNode,
  type Redirection,
  type SyntaxNode,
  type Word,
} from "./parse.js";

/** Whether it is what the command reads. */
export function isInput(redirect: Redirection): boolean {
  return redirect.type !== "Redirect" || redirect.operator === "<";
}

/** The word that a redirection names. */
export function targetOf(redirect: Redirection): Word[] {
  return redirect.type === "Redirect" && redirect.target !== undefined ? [redirect.target] : [];
}

const ARGUMENT_USE = new WeakMap<FunctionNode, boolean>();

/** Whether a function looks at its arguments. */
export function usesArguments(node: FunctionNode): boolean {
  const known = ARGUMENT_USE.get(node);
  if (known !== undefined) return known;
  let uses = false;
  const visit = (child: SyntaxNode): void => {
    if (child.type === "SimpleExpansion" && /^\$[@*\d]/.test(child.text)) uses = true;
    if (child.type === "For" && child.wordlist === undefined) uses = true;
    // Text in single quotes that is evaluated here.
    if (child.type === "Word" && /'[^']*\$\{?[@*\d]/.test(child.text)) uses = true;
    if (child.type === "ParameterExpansion" && /^([@*]|\d+)$/.test(child.parameter)) uses = true;
    if (!uses) forEachChild(child, visit);
  };
  forEachChild(node, visit);
  ARGUMENT_USE.set(node, uses);
  return uses;
}

/** Whether a function runs what it is given: `"$@"`, `$1`, `eval "$2"`, `sh -c "$1"`. */
export function runsArguments(node: FunctionNode): boolean {
  return commandsIn(node.body).some(
    ({ name, args }) =>
      /[$]\{?[@*\d]/.test(name?.text ?? "") ||
      (/^(eval|(ba|da|k|z)?sh|env|command|exec|nohup|timeout|source|\.)$/.test(name?.value ?? "") &&
        args.some(({ text }) => /[$]\{?[@*\d]/.test(text))),
  );
}

/** Whether a command's arguments are put together from pieces: by other commands, escapes or patterns. */
export function isDisguised({ args }: Command): boolean {
  return args.some(
    (arg) =>
      arg.type === "Word" &&
      (arg.parts ?? []).some(
        (part) =>
          /^(CommandExpansion|AnsiCQuoted|Glob|ExtendedGlob|BraceExpansion)$/.test(part.type) ||
          (part.type === "ParameterExpansion" &&
            /^(Remove|Replace|Slice|CaseModification)$/.test(part.operation?.type ?? "")),
      ),
  );
}

/** The command that reads what a pipe hands to a group. */
export function firstCommand(node: SyntaxNode): Command | null {
  if (node.type === "Command") return node;
  let first: Command | null = null;
  forEachChild(node, (child) => {
    first ??= firstCommand(child);
  });
  return first;
}

/** The commands of a node, itself among them, and those inside its substitutions. */
export function commandsIn(node: SyntaxNode): Command[] {
  const found: Command[] = [];
  const visit = (child: SyntaxNode): void => {
    if (child.type === "Command") found.push(child);
    forEachChild(child, visit);
  };
  visit(node);
  return found;
}
