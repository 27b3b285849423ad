import type { Report, Rule } from "../../rule.js";
import type { Input } from "../../inputs.js";
import { isKnown, readable } from "../../characters.js";
import { deleteTarget } from "../../paths.js";
import { operands } from "../report.js";
import { listsEveryProcess } from "../shared/processes.js";
import { parseOptions, type Parsed } from "../shared/options.js";

const SERVICES =
  /(^|[^\w-])(slurm(?![\w-])|slurmd|slurmctld|slurmdbd|slurmstepd|sshd|systemd|init|jobctl\S*|crond?|dockerd|containerd|munged|pbs_mom|sge_execd|sssd|rsyslogd|auditd|kubelet|nscd|dbus-daemon|Xorg)\b/;
/** Patterns that every process matches. */
const EVERYTHING = /^[\^(]*(\.|\.\*|\.\+|\[a-z\]\*?|\*)?[$)]*$/;

export const rule = {
  id: "SYS-KILLALL",
  family: "kernel",
  severity: "error",
  why: "ends processes that are not the job's",
  fix: "End your own processes by their ids: kill $pid.",
  commands: [
    ...["kill", "pkill", "killall", "killall5", "skill", "slay", "fuser", "xargs"],
    ...["scancel", "qdel", "bkill", "condor_rm"],
  ],
  check: ({ name, args }, report, { input }) => {
    switch (name) {
      case "kill":
        checkKill(args, report);
        break;
      case "killall5":
        report("killall5 ends every process");
        break;
      case "xargs":
        checkListed(args, input, report);
        break;
      case "fuser":
        if (args.some((arg) => /^-[a-z]*k/.test(arg) || arg === "--kill"))
          for (const path of operands(args))
            if (deleteTarget(path) !== null) report(`fuser ends what uses ${readable(path)}`);
        break;
      case "pkill":
      case "killall":
      case "skill":
      case "slay":
        checkByName(name, args, report);
        break;
      default:
        checkJobs(name, args, report);
    }
  },
  examples: {
    dangerous: [
      "kill -KILL -- -1",
      "kill -s TERM 1",
      "killall -9 -u $USER",
      "pkill -9 -u root",
      "pkill -f '.*'",
      "ps -eo pid= | xargs kill -9",
      "kill -9 $(ps aux | awk '{print $2}')",
      "for p in /proc/[0-9]*; do kill -9 ${p#/proc/}; done",
      "scancel -u root",
      "bkill -u all 0",
    ],
    honest: [
      "kill -0 $pid",
      "kill -1 $pid",
      "kill -TERM -$pgid",
      "pkill -u $USER -f my-server",
      "ps aux | grep worker | awk '{print $2}' | xargs kill",
      "scancel $SLURM_JOB_ID",
      "killall my-server",
    ],
  },
} as const satisfies Rule;

function checkKill(args: readonly string[], report: Report): void {
  // The first word may be the signal; after it come processes, `-1` among them: all that there are.
  const signal = /^-([A-Za-z]+\d*|\d+)$/.exec(args[0] ?? "")?.[1] ?? "";
  const byOption = /^[sn]$/.test(signal) || args[0] === "--signal";
  const rest = byOption ? args.slice(2) : signal === "" ? args : args.slice(1);
  const said = byOption ? (args[1] ?? "") : signal;
  if (said === "0" || /^[lL]$/.test(signal)) return;
  for (const process of rest) {
    if (process === "-1") report("kill -1 ends every process");
    if (process === "1") report("kill ends the first process of the machine");
    if (/^(\[[^\]]+\])?\*$|^\[0-9\]/.test(process)) report("kill ends every process there is");
  }
}

function checkByName(name: string, words: readonly string[], report: Report): void {
  const args = words.filter((word) => !/^-(\d+|[A-Z][A-Z\d]+)$/.test(word));
  const killall = name !== "pkill";
  const parsed = killall
    ? parseOptions(args, "s:u:y:o:Z:n:", ["signal", "user", "younger-than", "older-than", "ns"])
    : parseOptions(args, "d:P:g:G:t:u:U:s:F:r:", [
        ...["signal", "parent", "pgroup", "group", "terminal", "euid", "uid", "session", "pidfile"],
        ...["runstates", "ns", "nslist"],
      ]);
  const users = usersOf(parsed, killall ? ["u", "user"] : ["u", "U", "euid", "uid"]);
  const names = parsed.operands;
  const exact = parsed.given.has("P") || parsed.given.has("parent") || parsed.given.has("g");
  if (SERVICES.test(args.join(" ")) || users.some((user) => /^(root|0)$/.test(user)))
    report(`${name} ends a service of the machine`);
  else if (
    names.some((word) => EVERYTHING.test(word)) &&
    !exact &&
    (!killall || parsed.given.has("r"))
  )
    report(`${name} ends every process that it may`);
  else if (!killall && parsed.given.has("v")) report("pkill -v ends all other processes");
  else if (users.length > 0 && names.length === 0 && !exact)
    report(`${name} ends every process of an account, also of other jobs`);
  else if (users.some(isOther)) report(`${name} ends processes of ${users.join(", ")}`, "warning");
}

/** `ps -e | xargs kill`: every process that there is, unless something chooses among them. */
function checkListed(args: readonly string[], { sources }: Input, report: Report): void {
  if (!args.some((arg) => /^(kill|skill)$/.test(arg))) return;
  if (listsEveryProcess(sources)) report("xargs ends every process that is listed");
}

function checkJobs(name: string, args: readonly string[], report: Report): void {
  const parsed = parseOptions(args, "u:A:p:n:t:w:q:M:J:m:c:s:", [
    ...["user", "account", "partition", "name", "jobname", "state", "nodelist", "qos", "signal"],
  ]);
  const users = usersOf(parsed, ["u", "user"]);
  if (users.some((user) => /^(root|0|all|\*|"\*")$/.test(user)) || args.includes("-all"))
    report(`${name} ends jobs of others`);
  else if (users.some(isOther)) report(`${name} ends jobs of ${users.join(", ")}`, "warning");
}

function usersOf({ given }: Parsed, names: readonly string[]): readonly string[] {
  return names.flatMap((name) => given.get(name) ?? []);
}

/** Whether it names an account: that of the job itself is not written out. */
function isOther(user: string): boolean {
  return isKnown(user) && /^[a-z]\w*$/.test(user) && user !== "root";
}
