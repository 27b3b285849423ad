import { ASK } from "../advice.js";
import type { Rule } from "../../rule.js";
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
    switch (name) {
      case "scontrol":
        if (/^(update|upd)$/i.test(verb)) {
          // A job may say what becomes of itself, though not that it comes before the others.
          const ofJobs = /\b(jobid|job|jobname|stepid)\b/i.test(text);
          if (!ofJobs) report("scontrol update changes the batch system");
          else if (/\b(priority|nice|userid|qos|reservation)\b/i.test(text))
            report("scontrol update changes the rank of a job", "warning");
        } else if (
          /^(reconfig\w*|shutdown|reboot\w*|delete|create|takeover|setdebug\w*|power|token|cancel_reboot|abort)$/i.test(
            verb,
          )
        )
          report(`scontrol ${verb} changes the batch system`);
        break;
      case "sacctmgr":
        if (/^(add|create|delete|modify|remove|load|archive|clear|reconfigure)$/i.test(verb))
          report("sacctmgr changes the accounts of the batch system");
        break;
      case "sdiag":
        if (/(^|\s)(-r|--reset)\b/.test(text)) report("sdiag resets the batch system's statistics");
        break;
      case "pbsnodes":
        if (/(^|\s)-[ocrdC]\b/.test(text)) report("pbsnodes changes the state of a node");
        break;
      case "qconf":
        if (/(^|\s)-[admcRkt]\w*\b/.test(text)) report("qconf changes the batch system");
        break;
      case "condor_config_val":
        if (/(^|\s)-r?(un)?set\b/.test(text)) report("condor_config_val changes the batch system");
        break;
      case "condor_userprio":
        if (/(^|\s)-(set|reset|delete)\w*/.test(text)) report("condor_userprio changes priorities");
        break;
      case "badmin":
      case "lsadmin":
        if (!/^(showstatus|showconf|diagnose|hhist|hist|qhist|mbdhist|ckconfig)$/.test(verb))
          report(`${name} administers the batch system`);
        break;
      default:
        report(`${name} administers the batch system`);
    }
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
