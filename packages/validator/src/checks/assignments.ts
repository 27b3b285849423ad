import { isKnown } from "../characters.js";
import { indexTexts } from "../embedded-builtins.js";
import type { Origin } from "../origin.js";
import type { Command } from "../parse.js";
import { isOfMiner } from "../rules/shared/miner.js";
import { COMMAND_VARIABLES, checkVariable } from "../rules/shared/variables.js";
import type { Found } from "../rules/report.js";
import type { Scene, Use } from "../scene.js";

/** Variables that are given a value before a command, in place of one, or by `export` and the like. */
export function checkAssignments(node: Command, origin: Origin, scene: Scene): void {
  for (const item of [...node.prefix, ...node.args]) {
    if (item.type !== "Assignment" || item.value.type !== "Word") continue;
    const { name } = item;
    const [value = ""] = scene.resolver.assigned(item.value);
    const resolved = `${name}=${value}`;
    const found: Found = (rule, message, severity) =>
      scene.report(origin, item, { rule, message, resolved, severity });
    checkVariable(name, value, node.name !== undefined, found);
    if (isOfMiner(value)) found("MINE-POOL", `${name} is set to a mining pool`);
    if (/^(BASH_ENV|ENV)$/.test(name) && isKnown(value))
      scene.written.runs({ path: value, as: "shell", isNamed: false });
    for (const text of item.index === undefined ? indexTexts(value) : [])
      scene.embed(text, [{ kind: "embedded", name }], node, origin);
    if (COMMAND_VARIABLES.test(name) && isKnown(value))
      scene.embed(value.replace(/^\|+-?/, ""), [{ kind: "embedded", name }], node, origin);
  }
}

/** Variables that are arguments for the parser, as in `env NAME=value command`. */
export function checkExports({ invocation: { name, args }, found }: Use): void {
  if (!/^(export|declare|typeset|readonly|local|env)$/.test(name)) return;
  for (const arg of args) {
    const at = arg.indexOf("=");
    if (at > 0) checkVariable(arg.slice(0, at), arg.slice(at + 1), true, found);
  }
}
