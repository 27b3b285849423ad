import { SELF } from "../characters.js";
import { indexTexts } from "../embedded-builtins.js";
import { SHELLS } from "../embedded.js";
import type { Origin } from "../origin.js";
import type { SyntaxNode } from "../parse.js";
import { checkForkBomb, growsForever } from "../rules/fork-bomb.js";
import { prefixesListed } from "../rules/shared/secret-uses.js";
import type { Scene } from "../scene.js";

/** What functions, loops and background commands do by the way they are built. */
export function checkShape(node: SyntaxNode, origin: Origin, scene: Scene): void {
  switch (node.type) {
    case "Function": {
      const name = node.name.value;
      const message = `the function ${name} starts itself`;
      if (checkForkBomb(node))
        scene.report(origin, node, { rule: "RES-FORKBOMB", message, resolved: name });
      break;
    }
    case "TestUnary":
      // `[[ -v 'a[$(command)]' ]]` runs the command.
      for (const value of scene.resolver.word(node.operand))
        for (const text of indexTexts(value)) scene.embed(text, [], node, origin);
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
      const message = growsForever(node);
      if (message !== null) scene.report(origin, node, { rule: "RES-LOOP", message });
      break;
    }
    default:
      break;
  }
}

/** `$0 &`: the script starts itself and goes on. */
function checkSelfStart(node: SyntaxNode, origin: Origin, scene: Scene): void {
  if (node.type !== "Command" || node.name === undefined) return;
  for (const { name, program, args } of scene.inputs.invocationsOf(node)) {
    const script = SHELLS.has(name) ? (args[0] ?? "") : program;
    if (script === SELF || /^(\.\/)?run\.sh$/.test(script))
      scene.report(origin, node, {
        rule: "RES-SELFEXEC",
        message: "the script starts itself",
        resolved: script,
      });
  }
}
