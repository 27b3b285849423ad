import type { Report } from "../../rule.js";
import { LAUNCHERS, isSystemProgram, type Invocation } from "../../unwrap.js";
import type { NetworkProgram, NetworkUse } from "../data/network-program.js";
import { programsNamed } from "../data/programs.js";
import { hasAnyOption, hasArgument, hasVerb, isQuestion } from "./arguments.js";
import { staysLocal } from "./hosts.js";

/** Ways that are harmless as long as they stay on the machine. */
const HARMLESS_AT_HOME: ReadonlySet<NetworkUse> = new Set(["fetch", "upload", "remote"]);

/** Reports what a program does with the network in one way, if it does. */
export function checkPrograms(use: NetworkUse, invocation: Invocation, report: Report): void {
  const { name, args } = invocation;
  if (isQuestion(args) || (HARMLESS_AT_HOME.has(use) && staysLocal(args))) return;
  const program = programsNamed(use, name).find((known) => does(known, invocation));
  if (program !== undefined) report(`${name} ${program.does}`, program.severity);
}

/** `mpiexec -launcher ssh -n 4 ./solver`: how the launcher starts processes, not a command of the script. */
export function isLaunchersValue({ name, args, trace }: Invocation): boolean {
  const launcher = trace.at(-1)?.name ?? "";
  return (
    /^(ssh|rsh)$/.test(name) &&
    /^(mpi|orterun$|prun$|horovodrun$|charmrun$|deepspeed$)/.test(launcher) &&
    (args[0] ?? "-").startsWith("-")
  );
}

function does(program: NetworkProgram, invocation: Invocation): boolean {
  const { args } = invocation;
  const { verbs, options, argument, unless } = program;
  // `mpirun --map-by socket`: what follows a launcher's option may be its value.
  const isWord =
    !isSystemProgram(invocation) || invocation.trace.some((step) => LAUNCHERS.has(step.name));
  if (isLaunchersValue(invocation)) return false;
  if (program.isCommonWord === true && isWord) return false;
  if (unless !== undefined && (hasAnyOption(args, unless) || hasVerb(args, unless))) return false;
  return (
    (verbs === undefined || hasVerb(args, verbs)) &&
    (options === undefined || hasAnyOption(args, options)) &&
    (argument === undefined || hasArgument(args, argument))
  );
}
