import { SHELLS } from "../embedded.js";
import type { Command } from "../parse.js";
import type { Report, Rule } from "../rule.js";
import type { RuleId } from "../rules/index.js";
import { OWN_RULES, isRefused } from "../rules/registry.js";
import { listsEveryProcess } from "../rules/shared/processes.js";
import type { Scene, Use } from "../scene.js";
import { commandsIn } from "../tree.js";
import { isOwnProgram } from "../unwrap.js";
import { checkExports } from "./assignments.js";
import { checkAlias, checkEvaluation } from "./evaluation.js";
import { checkInlineCode } from "./inline-code.js";
import { checkPiped } from "./pipes.js";

/** Processes of the machine, or of jobctl. */
const OTHERS_PROCESSES = /\b(root|slurmd|slurmctld|sshd|systemd|jobctl\S*|cron|dockerd|munged)\b/;

/** Everything that is looked at in one command, the wrappers taken off it. */
export function checkCommand(use: Use): void {
  checkExports(use);
  const { scene, invocation, found } = use;
  if (isOwnProgram(invocation)) return;
  checkRules(use);
  const { name, args } = invocation;
  if (name === "kill" && looksForServices(use.node, scene))
    found("SYS-KILLALL", "kill ends processes that are not the job's");
  scene.written.rememberRun(use);
  if (SHELLS.has(name) && /^(\.\/)?run\.sh$/.test(args[0] ?? "") && !scene.directory.moved)
    found("RES-SELFEXEC", "the script starts itself");
  scene.written.remember(use);
  checkAlias(use);
  checkPiped(use);
  checkEvaluation(use);
  checkInlineCode(use);
}

/** The rules for the command's name, with its paths as they are and as they lead out of the job's directory. */
function checkRules({ scene, invocation, input, found }: Use): void {
  const context = { input, isRefused };
  const reportOf = (rule: Rule): Report => {
    const id = rule.id as RuleId;
    return (message, severity) => found(id, message, severity);
  };
  OWN_RULES.check(invocation, context, reportOf);
  const inside = scene.directory.resolveAll(invocation);
  if (inside === null) return;
  OWN_RULES.check(inside, context, reportOf, true);
}

/** `kill $(pgrep -u root)` */
function looksForServices(node: Command, scene: Scene): boolean {
  const commands = commandsIn(node)
    .filter((command) => command !== node)
    .flatMap((command) => scene.inputs.invocationsOf(command));
  return (
    listsEveryProcess(commands) ||
    commands.some(
      ({ name, args }) => /^(pgrep|pidof|ps)$/.test(name) && OTHERS_PROCESSES.test(args.join(" ")),
    )
  );
}
