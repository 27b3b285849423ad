import { OUTPUT, isKnown } from "../characters.js";
import type { Origin } from "../origin.js";
import type { Command, Word } from "../parse.js";
import { DECODERS, FETCHERS } from "../rules/data/text-sources.js";
import type { Found } from "../rules/report.js";
import { checkName } from "../rules/shared/dynamic-names.js";
import type { Scene } from "../scene.js";

/** A command whose name is only known when it runs. */
export function checkNameOf(
  node: Command,
  place: Word,
  argv: readonly string[],
  origin: Origin,
  scene: Scene,
): void {
  const [program = ""] = argv;
  const resolved = argv.join(" ");
  const found: Found = (rule, message, severity) =>
    scene.report(origin, place, { rule, message, resolved, severity });
  const isDirect = (place.parts ?? []).some(({ type }) => type === "CommandExpansion");
  if (program.split("/").at(-1) === OUTPUT && !isDirect) checkComputed(node, found, scene);
  else checkName(program, found);
}

/** The name is in a variable that a command has filled: to find a tool, or to hide one. */
function checkComputed(node: Command, found: Found, scene: Scene): void {
  const invocations = scene.inputs
    .commandsBehind({ ...node, args: node.name === undefined ? [] : [node.name] })
    .flatMap((command) => scene.inputs.invocationsOf(command));
  const isHidden = invocations.some(
    ({ name, args }) =>
      FETCHERS.has(name) ||
      DECODERS.has(name) ||
      (/^(echo|printf)$/.test(name) && args.length > 0 && args.every(isKnown)),
  );
  const message = "the name of the command is the output of another";
  found("DYN-CMD-SUBST", message, isHidden ? "error" : "warning");
}
