import { SELF } from "../characters.js";
import { SHELLS } from "../embedded.js";
import { readsCode } from "../inputs.js";
import type { Origin } from "../origin.js";
import type { Command } from "../parse.js";
import { evaluatePipe } from "../pure-output.js";
import { destructiveRules } from "../rules/destructive.js";
import { DECODERS, FETCHERS, TEXT_DECODERS } from "../rules/data/text-sources.js";
import { isInterpreter } from "../rules/shared/inline-code.js";
import { embedIn, type Scene, type Use } from "../scene.js";
import { commandsIn, targetOf } from "../tree.js";
import { unwrap } from "../unwrap.js";
import { runsScripts } from "./run-files.js";

/** What comes through a pipe: to a shell, to an interpreter, to `xargs`, out into the network. */
export function checkPiped(use: Use): void {
  const { invocation, input, found } = use;
  const { name, args } = invocation;
  if (readsCode(invocation)) checkPipedCode(use);
  // The script's own name is that of the shell where the script is read from standard input.
  else if (invocation.program === SELF && input.text !== null) embedIn(use, input.text);
  if (name === "xargs" && input.listed.length > 0) {
    for (const wrapped of unwrap(["xargs", ...args]).slice(1))
      destructiveRules({ ...wrapped, args: ["-r", ...wrapped.args, ...input.listed] }, found);
  }
}

function checkPipedCode(use: Use): void {
  const { invocation, input, found } = use;
  const { name } = invocation;
  const { upstream } = input;
  if (upstream.some((other) => FETCHERS.has(other)))
    found("EXEC-NET-PIPE", `${name} runs what comes from the network`);
  else if (isInterpreter(name) && upstream.some((other) => TEXT_DECODERS.has(other)))
    found("EXEC-PIPE-SHELL", `${name} runs decoded text`);
  else if (input.text !== null) {
    if (runsScripts(name)) embedIn(use, input.text);
  } else if (upstream.some((other) => DECODERS.has(other)))
    found("EXEC-PIPE-SHELL", `${name} runs decoded text`);
  else if (SHELLS.has(name) && upstream.length > 0)
    found(
      "EXEC-PIPE-SHELL",
      `${name} runs the output of ${upstream.at(-1) ?? "another command"}`,
      "warning",
    );
}

/** `echo text > >(sh)`, `tee >(sh)`: what a command prints as a script. */
export function checkPrinted(node: Command, origin: Origin, scene: Scene): void {
  for (const word of [...node.args, ...node.redirects.flatMap(targetOf)]) {
    if (word.type !== "Word") continue;
    for (const part of word.parts ?? []) {
      if (part.type !== "ProcessSubstitution" || part.operator !== ">") continue;
      const shell = commandsIn(part)[0];
      if (shell === undefined || !scene.inputs.invocationsOf(shell).some(readsCode)) continue;
      const { before, text } = scene.inputs.of(node);
      const printed =
        node.name?.value === "tee" ? text : evaluatePipe([...before, node], scene.resolver);
      if (printed !== null) scene.embed(printed, [], node, origin);
      else
        scene.report(origin, part, {
          rule: "EXEC-PIPE-SHELL",
          message: "a shell runs what a command prints",
          severity: "warning",
        });
    }
  }
}
