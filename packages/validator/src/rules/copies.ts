import { SHELLS } from "../embedded.js";
import { readable } from "../characters.js";
import { networkRules } from "./network.js";
import { isRefused as isRefusedByRules } from "./registry.js";
import { operands, type CommandRule } from "./report.js";

const SYSTEM_PROGRAM = /^\/(usr\/)?(local\/)?s?bin\/([^/]+)$/;
const COPIES = new Set(["cp", "ln", "install", "mv", "cat", "dd"]);

/** A program that is refused under its own name, put somewhere under another. */
export const copyRules: CommandRule = ({ name, args }, found) => {
  if (!COPIES.has(name)) return;
  const sources = name === "dd" ? args.map((arg) => arg.replace(/^if=/, "")) : operands(args);
  for (const source of sources) {
    const program = SYSTEM_PROGRAM.exec(source)?.[3] ?? (isBareName(source, args) ? source : null);
    if (program !== null && isRefused(program))
      found("EXEC-COPYBIN", `${readable(program)} is put somewhere under another name`);
  }
};

/** What `$(which curl)` comes to. */
function isBareName(source: string, args: readonly string[]): boolean {
  return (
    args.length > 1 && source === args[0] && /^(curl|wget|nc|ncat|socat|sudo|ssh)$/.test(source)
  );
}

function isRefused(program: string): boolean {
  if (SHELLS.has(program) || program === "busybox") return true;
  let refused = isRefusedByRules(program);
  const invocation = {
    name: program,
    program,
    args: ["x", "y"],
    trace: [],
    bypassesFunctions: true,
  };
  for (const rule of [networkRules])
    rule(invocation, (_, __, severity) => {
      if (severity === undefined) refused = true;
    });
  return refused;
}
