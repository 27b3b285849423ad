import {
  forEachChild,
  type CommandNode,
  type ParsedScript,
  type SyntaxNode,
  type Word,
} from "./parse.js";

/** A node and everything in it. */
export function* descendants(node: SyntaxNode): Generator<SyntaxNode> {
  const open = [node];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    yield next;
    forEachChild(next, (child) => open.push(child));
  }
}

/** Variables that `read` fills inside a loop or group, from what the whole of it reads. */
export function readVariables(node: SyntaxNode): string[] {
  return [...descendants(node)].flatMap((child) =>
    child.type === "Command" && child.name?.value === "read" && child.redirects.length === 0
      ? child.args.flatMap((arg) =>
          arg.type === "Word" && /^[A-Za-z_]\w*$/.test(arg.value) ? [arg.value] : [],
        )
      : [],
  );
}

/** The script of `<(...)`. */
export function substitution(word: Word | undefined): ParsedScript | undefined {
  const [part] = word?.parts ?? [];
  return part?.type === "ProcessSubstitution" && part.operator === "<" ? part.script : undefined;
}

/** The commands of the only pipe of a script. */
export function commandsOf(script: ParsedScript): readonly CommandNode[] {
  const [first] = script.commands;
  if (script.commands.length !== 1 || first === undefined) return [];
  const { command } = first;
  if (command.type === "Pipeline") return command.commands;
  return command.type === "AndOr" ? [] : [command];
}
