import type { Origin } from "../origin.js";
import { forEachChild, type Command, type SyntaxNode } from "../parse.js";
import { isSecretName } from "../rules/secrets.js";
import type { Scene } from "../scene.js";

/** Variables from outside that hold credentials, in the arguments of a command. */
export function checkSecrets(node: Command, origin: Origin, scene: Scene): void {
  if (/^(\[|test|export|unset|:|declare|local)$/.test(node.name?.value ?? "")) return;
  const visit = (part: SyntaxNode): void => {
    if (part.type === "CommandExpansion" || part.type === "ProcessSubstitution") return;
    const name = variableIn(part);
    if (isSecretName(name) && !scene.symbols.variables.has(name))
      scene.report(origin, part, {
        rule: "SECRET-ENV",
        message: `${name} is given to a command`,
        resolved: name,
      });
    forEachChild(part, visit);
  };
  for (const argument of node.args) if (argument.type !== "Word" || argument.parts) visit(argument);
}

/** The variable that an expansion puts in as it is. */
function variableIn(part: SyntaxNode): string {
  if (part.type === "SimpleExpansion") return part.text.slice(1);
  return part.type === "ParameterExpansion" && part.operation === undefined ? part.parameter : "";
}
