import { BREAK, isKnown } from "../characters.js";
import { SHELLS, shellTexts } from "../embedded.js";
import { readsCode } from "../inputs.js";
import type { CommandNode, WordPart } from "../parse.js";
import { evaluatePipe } from "../pure-output.js";
import { embedIn, type Use } from "../scene.js";
import { runsScripts } from "./run-files.js";
import { commandsIn, targetOf } from "../tree.js";
import { runsDecoded } from "./decoded.js";

/** Shells whose language is that of the script. */
const BASH_LIKE = new Set(["bash", "sh", "dash", "ksh", "mksh", "ash", "rbash", "eval"]);

/** Text that becomes commands: `sh -c`, `eval`, a here-document to a shell, an alias. */
export function checkEvaluation(use: Use): void {
  const { invocation, input, found } = use;
  const { name, args } = invocation;
  if (name === "eval") {
    found("EVAL-CODE", "eval runs text as commands");
    evaluate(args.join(" "), use);
  }
  if (SHELLS.has(name) || /^(su|script|runuser|sg)$/.test(name)) {
    const at = args.findIndex((arg) => /^-[a-z]*c$/.test(arg));
    if (at !== -1) evaluate(args[at + 1] ?? "", use, args.slice(at + 2));
    else if (input.text !== null && input.upstream.length === 0 && readsCode(invocation))
      evaluate(input.text, use);
  }
  if (runsScripts(name)) checkSubstituted(use);
  for (const text of shellTexts(invocation, input)) embedIn(use, text);
}

/** @param args what stands behind the text: `$0`, `$1` and the following */
function evaluate(text: string, use: Use, args: readonly string[] = []): void {
  // What is known of it is looked at all the same, unless it begins with what is not.
  if (!isKnown(text) && /^[\uE004\uE006]/.test(text.trim())) return checkOutput(use);
  const isRun = use.isCertain && BASH_LIKE.has(use.invocation.name);
  const [zero, ...others] = args;
  if (zero === undefined) return embedIn(use, text, { isRun });
  const named = text.replace(/\$0(?!\d)|\$\{0\}/g, () => zero);
  embedIn(use, named, { isRun, args: others });
}

/** The output of commands that cannot be worked out, as a script. */
function checkOutput({ scene, node, found }: Use): void {
  const behind = scene.inputs.commandsBehind(node);
  const invocations = behind.flatMap((command) => scene.inputs.invocationsOf(command));
  const spelled = invocations.some(
    ({ name, args }) => /^(echo|printf)$/.test(name) && args.length > 0 && args.every(isKnown),
  );
  // Text of the script itself, so changed by others that it cannot be told: nobody writes so by chance.
  if (spelled && invocations.every(({ name }) => TEXT_TOOLS.test(name)))
    found("EXEC-PIPE-SHELL", "text that other commands change is run");
  else
    runsDecoded(
      invocations.map(({ name }) => name),
      found,
    );
}

const TEXT_TOOLS =
  /^(echo|printf|cat|tac|head|tail|sed|[gmn]?awk|cut|tr|rev|paste|grep|sort|uniq|fold|fmt|base64|xxd|od)$/;

/** `bash <(curl ...)`: the output of a command as a script. */
function checkSubstituted(use: Use): void {
  const { node } = use;
  for (const word of [...node.args, ...node.redirects.flatMap(targetOf)]) {
    if (word.type !== "Word") continue;
    for (const part of word.parts ?? [])
      if (part.type === "ProcessSubstitution" && part.operator === "<") evaluatePart(part, use);
  }
}

function evaluatePart(part: Extract<WordPart, { type: "ProcessSubstitution" }>, use: Use): void {
  const { scene, node, origin, found } = use;
  const command = part.script?.commands[0]?.command;
  if (command === undefined) return;
  const text = evaluatePipe(
    command.type === "Pipeline" ? command.commands : [command as CommandNode],
    scene.resolver,
  );
  if (text !== null) scene.embed(text, [], node, origin);
  else runsDecoded(scene.inputs.namesOf(commandsIn(part)), found);
}

/** The text that an alias stands for. */
export function checkAlias({ scene, invocation: { name }, node, origin }: Use): void {
  const alias = scene.symbols.aliases.get(name);
  if (alias === undefined) return;
  const [value = ""] = scene.resolver.word(alias);
  const text = value.replace(/^[\w-]+=/, "").replaceAll(BREAK, " ");
  scene.embed(text, [{ kind: "alias", name }], node, origin);
}
