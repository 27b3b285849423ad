import { INPUT, OUTPUT, isKnown } from "../characters.js";
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
  const last = program.split("/").at(-1) ?? "";
  // What is read may be what the script has written.
  if (last === INPUT) scene.written.runsWhatIsRead();
  const behind = scene.inputs.commandsBehind({ ...node, args: [place] });
  if (isDirect) checkName(program, found);
  else if (last === OUTPUT) checkComputed(behind, found, scene);
  else if (last === INPUT && behind.some((command) => isSpelled(command, scene)))
    checkComputed(behind, found, scene);
  else checkName(program, found);
}

/** The name is in a variable that a command has filled: to find a tool, or to hide one. */
function checkComputed(behind: readonly Command[], found: Found, scene: Scene): void {
  const isHidden =
    behind.some((command) => isSpelled(command, scene)) ||
    scene.inputs.namesOf(behind).some((name) => FETCHERS.has(name) || DECODERS.has(name));
  const message = "the name of the command is the output of another";
  found("DYN-CMD-SUBST", message, isHidden ? "error" : "warning");
}

/** Whether a command is given text of the script: nobody finds a tool that way. */
function isSpelled(command: Command, { inputs }: Scene): boolean {
  const { text } = inputs.of(command);
  if (command.redirects.length > 0 && text !== null && isKnown(text)) return true;
  return inputs
    .invocationsOf(command)
    .some(
      ({ name, args }) =>
        /^(echo|printf|expr)$/.test(name) && args.length > 0 && args.every(isKnown),
    );
}
