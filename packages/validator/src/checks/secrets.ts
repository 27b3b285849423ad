import type { Origin } from "../origin.js";
import type { Command, CommandNode } from "../parse.js";
import { TEXT_COMMANDS } from "../rules/data/writers.js";
import { checkFile } from "../rules/registry.js";
import { bracePathsOf } from "../rules/shared/brace-words.js";
import { readOf } from "../rules/shared/file-uses.js";
import { searchInPipe, secretUses } from "../rules/shared/secret-uses.js";
import type { Scene } from "../scene.js";

/** Variables from outside that hold credentials, in the words of a command. */
export function checkSecrets(node: Command, origin: Origin, scene: Scene): void {
  const variables = {
    isAssigned: (name: string): boolean => scene.symbols.variables.has(name),
    valuesOf: (name: string): readonly string[] => scene.resolver.variable(name),
  };
  for (const { part, name, rule, message } of secretUses(node, variables))
    scene.report(origin, part, { rule, message, resolved: name });
}

/** Files that are named by means of braces. */
export function checkBraces(node: Command, origin: Origin, scene: Scene): void {
  if (TEXT_COMMANDS.has(node.name?.value ?? "")) return;
  for (const path of bracePathsOf(node))
    checkFile(readOf(path), (rule, message, severity) =>
      scene.report(origin, node, { rule, message, resolved: path, severity }),
    );
}

/** The list of all variables, searched in a loop. */
export function checkSearch(commands: readonly CommandNode[], origin: Origin, scene: Scene): void {
  const place = searchInPipe(commands);
  if (place === null) return;
  const message = "credentials are looked for in a loop";
  scene.report(origin, place, { rule: "SECRET-HUNT", message });
}
