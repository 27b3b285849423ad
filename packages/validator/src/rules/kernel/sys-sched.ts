import { ASK } from "../advice.js";
import type { Report, Rule } from "../../rule.js";
import { asksForHelp, verbOf } from "../shared/options.js";

export const rule = {
  id: "SYS-SCHED",
  family: "kernel",
  severity: "error",
  why: "administers the batch system",
  fix: ASK,
  commands: [
    ...["scontrol", "sacctmgr", "sdiag", "qmgr", "qterm", "qdisable", "qenable", "pbsnodes"],
    ...["slurmctld", "slurmd", "slurmdbd", "pbs_server", "pbs_mom", "badmin", "lsadmin", "bconf"],
    ...["qconf", "condor_off", "condor_config_val", "condor_reconfig", "condor_userprio"],
  ],
  check: ({ name, args }, report) => {
    if (asksForHelp(args)) return;
    const verb = verbOf(args, "M:u:", ["clusters", "uid"]);
    const text = args.join(" ").slice(0, 10_000);
    if (name === "scontrol") checkControl(verb, text, report);
    else if (CHANGES[name]?.(verb, text) ?? true) report(`${name} changes the batch system`);
  },
  examples: {
    dangerous: [
      "scontrol update NodeName=n1 State=DRAIN",
      "scontrol shutdown",
      "sacctmgr -i modify user me set adminlevel=Admin",
      "qmgr -c 'set server scheduling = false'",
    ],
    honest: [
      "scontrol show job $SLURM_JOB_ID",
      "scontrol update job $SLURM_JOB_ID comment=done",
      "scontrol requeue $SLURM_JOB_ID",
      "sacctmgr show associations where user=me",
      "pbsnodes -a",
    ],
  },
} as const satisfies Rule;

/** Commands that also only look, with when they do more, by their verb and their text. */
const CHANGES: Readonly<Record<string, (verb: string, text: string) => boolean>> = {
  sacctmgr: (verb) =>
    /^(add|create|delete|modify|remove|load|archive|clear|reconfigure)$/i.test(verb),
  sdiag: (_, text) => /(^|\s)(-r|--reset)\b/.test(text),
  pbsnodes: (_, text) => /(^|\s)-[ocrdC]\b/.test(text),
  qconf: (_, text) => /(^|\s)-[admcRkt]\w{0,20}\b/.test(text),
  condor_config_val: (_, text) => /(^|\s)-r?(un)?set\b/.test(text),
  condor_userprio: (_, text) => /(^|\s)-(set|reset|delete)/.test(text),
  badmin: (verb) => !ADMIN_LOOKS.test(verb),
  lsadmin: (verb) => !ADMIN_LOOKS.test(verb),
};
const ADMIN_LOOKS = /^(showstatus|showconf|diagnose|hhist|hist|qhist|mbdhist|ckconfig)$/;

function checkControl(verb: string, text: string, report: Report): void {
  if (/^(update|upd)$/i.test(verb)) {
    // A job may say what becomes of itself, though not that it comes before the others.
    if (!/\b(jobid|job|jobname|stepid)\b/i.test(text))
      report("scontrol update changes the batch system");
    else if (/\b(priority|nice|userid|qos|reservation)\b/i.test(text))
      report("scontrol update changes the rank of a job", "warning");
  } else if (
    /^(reconfig\w*|shutdown|reboot\w*|delete|create|takeover|setdebug\w*|power|token|cancel_reboot|abort)$/i.test(
      verb,
    )
  )
    report(`scontrol ${verb} changes the batch system`);
}
