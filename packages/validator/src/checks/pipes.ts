import { SELF } from "../characters.js";
import { SHELLS } from "../embedded.js";
import { readsCode } from "../inputs.js";
import type { Origin } from "../origin.js";
import type { Command } from "../parse.js";
import { evaluatePipe } from "../pure-output.js";
import { DECODERS, FETCHERS, TEXT_DECODERS } from "../rules/data/text-sources.js";
import type { Report, Rule } from "../rule.js";
import type { RuleId } from "../rules/index.js";
import { OWN_RULES, isRefused } from "../rules/registry.js";
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
  if (/^(xargs|parallel)$/.test(name) && input.listed.length > 0) {
    const reportOf = (rule: Rule): Report => {
      const id = rule.id as RuleId;
      return (message, severity) => found(id, message, severity);
    };
    for (const wrapped of unwrap([name, ...args]).slice(1)) {
      const listed = listedArguments(args, wrapped.args, input.listed);
      OWN_RULES.check({ ...wrapped, args: listed }, { input, isRefused }, reportOf, true);
    }
  }
}

/** The arguments of a command that `xargs` starts, for the paths that it is handed. */
function listedArguments(
  own: readonly string[],
  args: readonly string[],
  listed: readonly string[],
): readonly string[] {
  const at = own.findIndex((arg) => /^(-I|-i|--replace)/.test(arg));
  if (at === -1) return ["-r", ...args, ...listed];
  const name = own[at] === "-I" ? own[at + 1] : own[at]?.replace(/^(-I|-i|--replace=?)/, "");
  return ["-r", ...args.flatMap((arg) => (arg === (name || "{}") ? listed : [arg]))];
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
