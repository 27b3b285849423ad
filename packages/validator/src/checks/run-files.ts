import { isKnown } from "../characters.js";
import { SCRIPT_READERS, SHELLS } from "../embedded.js";
import { readsCode } from "../inputs.js";
import type { Command } from "../parse.js";
import { isInterpreter } from "../rules/shared/inline-code.js";
import { operands } from "../rules/report.js";
import type { Use } from "../scene.js";
import { commandsIn } from "../tree.js";
import type { Invocation } from "../unwrap.js";

/** A file that a command runs: as a script of the shell, as code of another language, or by its first line. */
export interface RunFile {
  readonly path: string;
  readonly as: "shell" | "code" | "program";
  /** Whether the command is given the file by name, and not what another command prints of it. */
  readonly isNamed: boolean;
}

/** Whether a command runs the script that it is given the name of. */
export const runsScripts = (name: string): boolean =>
  SHELLS.has(name) || name === "source" || name === ".";

/** Options of bash that take a value. */
const VALUED = /^([-+][a-zA-Z]*[oO]|--rcfile|--init-file)$/;
/** Commands that print what is in the files that they are given, the whole or in part. */
const PRINTERS =
  /^(cat|tac|head|tail|sed|[gmn]?awk|cut|tr|rev|paste|grep|sort|uniq|nl|fold|fmt|dd|base64|xxd|zcat|gunzip|xargs|tee|printf|echo)$/;

/** The files that a command runs, by name or by what it reads. */
export function filesRunBy(use: Use): RunFile[] {
  const { invocation } = use;
  const named = namedFile(invocation);
  return [...(named === null ? [] : [named]), ...filesReadBy(use)].filter(({ path }) =>
    isKnown(path),
  );
}

function namedFile({ name, program, args }: Invocation): RunFile | null {
  if (runsScripts(name)) {
    const script = scriptOf(args);
    return script === undefined ? null : { path: script, as: "shell", isNamed: true };
  }
  if (isInterpreter(name)) {
    const script = args.find((arg) => !arg.startsWith("-"));
    return script === undefined ? null : { path: script, as: "code", isNamed: true };
  }
  if (SCRIPT_READERS.has(name)) {
    const script = operands(args).at(-1);
    return script === undefined ? null : { path: script, as: "shell", isNamed: true };
  }
  return { path: program, as: "program", isNamed: true };
}

/** The script among the arguments of a shell; none where it is given the text itself. */
function scriptOf(args: readonly string[]): string | undefined {
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? "";
    if (/^-[a-z]*c$/.test(arg)) return undefined;
    if (VALUED.test(arg)) at += 1;
    else if (!/^[-+]/.test(arg)) return arg;
  }
  return undefined;
}

/** Files that reach a shell through `<`, through a pipe, or through a substitution. */
function filesReadBy(use: Use): RunFile[] {
  const { invocation, node, input, scene } = use;
  const { name } = invocation;
  const isShell = runsScripts(name) || SCRIPT_READERS.has(name);
  const as = isInterpreter(name) ? "code" : "shell";
  const paths: string[] = [];
  if (readsCode(invocation) || SCRIPT_READERS.has(name)) {
    paths.push(...inputFiles(node, use));
    for (const before of input.before)
      for (const command of commandsIn(before)) paths.push(...printedFiles(command, use));
  }
  if (isShell || name === "eval")
    for (const command of scene.inputs.commandsBehind(node))
      paths.push(...printedFiles(command, use));
  return paths.map((path) => ({ path, as, isNamed: false }));
}

function printedFiles(command: Command, use: Use): string[] {
  const { inputs } = use.scene;
  const printed = inputs
    .invocationsOf(command)
    .filter(({ name }) => PRINTERS.test(name))
    .flatMap(({ args }) => operands(args));
  return [...printed, ...inputFiles(command, use)];
}

/** Files that a command reads by redirections. */
function inputFiles({ redirects }: Command, { scene }: Use): string[] {
  return redirects.flatMap((redirect) =>
    redirect.type === "Redirect" && /^<[>&]?$/.test(redirect.operator) && redirect.target
      ? scene.resolver.word(redirect.target).map((file) => scene.written.fileOf(file))
      : [],
  );
}
