import { SELF } from "../characters.js";
import { indexTexts } from "../embedded-builtins.js";
import type { Origin } from "../origin.js";
import type { CommandNode, SyntaxNode } from "../parse.js";
import { growsForever, printsWithoutEnd } from "../rules/shared/endless-loops.js";
import { checkForkBomb } from "../rules/shared/fork-bombs.js";
import { prefixesListed } from "../rules/shared/secret-uses.js";
import type { Scene } from "../scene.js";
import { runsScripts } from "./run-files.js";

/** What functions, loops and background commands do by the way they are built. */
export function checkShape(node: SyntaxNode, origin: Origin, scene: Scene): void {
  switch (node.type) {
    case "Function": {
      const name = node.name.value;
      const message = `the function ${name} starts itself`;
      if (checkForkBomb(node, scene.symbols.functions, scene.budget))
        scene.report(origin, node, { rule: "RES-FORKBOMB", message, resolved: name });
      break;
    }
    case "TestUnary":
      // `[[ -v 'a[$(command)]' ]]` runs the command.
      for (const value of scene.resolver.word(node.operand))
        for (const text of indexTexts(value)) scene.embed(text, [], node, origin);
      break;
    case "CommandExpansion":
      if (printsWithoutEnd(node.script))
        scene.report(origin, node, {
          rule: "RES-DISKFILL",
          message: "the shell keeps all of it in memory",
        });
      break;
    case "Statement":
      if (node.background === true) checkSelfStart(node.command, origin, scene);
      break;
    case "While":
    case "For":
    case "ArithmeticFor": {
      if (node.type === "For")
        for (const { part, message } of prefixesListed(node.wordlist ?? []))
          scene.report(origin, part, { rule: "SECRET-HUNT", message });
      const message = growsForever(node, scene.budget);
      if (message !== null) scene.report(origin, node, { rule: "RES-LOOP", message });
      break;
    }
    default:
      break;
  }
}

/** `$0 &`: the script starts itself and goes on. */
function checkSelfStart(node: SyntaxNode, origin: Origin, scene: Scene): void {
  if (startsItself(node, scene))
    scene.report(origin, node, { rule: "RES-SELFEXEC", message: "the script starts itself" });
}

/** `$0 | $0`: the script starts itself twice. */
export function checkSelfPipe(
  commands: readonly CommandNode[],
  origin: Origin,
  scene: Scene,
): void {
  const [first, second] = commands.filter((command) => startsItself(command, scene));
  if (first === undefined || second === undefined) return;
  scene.report(origin, second, { rule: "RES-SELFEXEC", message: "the script starts itself twice" });
}

function startsItself(node: SyntaxNode, scene: Scene): boolean {
  if (node.type !== "Command" || node.name === undefined) return false;
  return scene.inputs.invocationsOf(node).some(({ name, program, args }) => {
    const script = runsScripts(name) ? (args[0] ?? "") : program;
    return script.endsWith(SELF) || /^(\.\/)?run\.sh$/.test(script);
  });
}
