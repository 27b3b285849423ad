import { ASK } from "../advice.js";
import type { Rule } from "../../rule.js";
import { hasOption } from "../report.js";

export const rule = {
  id: "EVADE-LOG",
  family: "persistence",
  severity: "error",
  why: "removes traces from the machine's logs",
  fix: ASK,
  commands: [
    ...[
      "history",
      "journalctl",
      "logrotate",
      "wtmpclean",
      "utmpdump",
      "lastlog",
      "faillog",
      "dmesg",
    ],
    ...["unset", "export", "declare", "set", "shopt"],
  ],
  check: ({ name, args }, report) => {
    const text = args.join(" ").slice(0, 10_000);
    switch (name) {
      case "history":
        if (hasOption(args, "cwd")) report("history is cleared", "warning");
        break;
      case "journalctl":
        if (/--(vacuum|rotate|flush|relinquish)/.test(text)) report("journalctl removes logs");
        break;
      case "dmesg":
        if (hasOption(args, "cCnDE", "--clear") || /--(read-clear|console-o)/.test(text))
          report("dmesg clears the kernel's messages");
        break;
      case "lastlog":
      case "faillog":
        if (hasOption(args, "CSr", "--clear") || args.includes("--reset"))
          report(`${name} changes logs`);
        break;
      case "unset":
        if (args.some((arg) => /^HIST(FILE|SIZE|FILESIZE)$/.test(arg)))
          report("the shell's history is not kept", "warning");
        break;
      case "export":
      case "declare":
        if (
          args.some((arg) =>
            /^HIST(FILE=(\/dev\/null)?$|(FILE)?SIZE=0$|CONTROL=ignore(both|space)$)/.test(arg),
          )
        )
          report("the shell's history is not kept", "warning");
        break;
      case "set":
        if (args.includes("+o") && args.includes("history"))
          report("the shell's history is not kept", "warning");
        break;
      case "shopt":
        if (hasOption(args, "u") && args.includes("history"))
          report("the shell's history is not kept", "warning");
        break;
      default:
        if (/(^|\s)-\w{0,10}[fr]/.test(text)) report(`${name} changes logs`);
    }
  },
  examples: {
    dangerous: [
      "journalctl --vacuum-size=1M",
      "dmesg --clear",
      "history -c",
      "logrotate -f x.conf",
      "unset HISTFILE",
    ],
    honest: [
      "journalctl -n 20",
      "dmesg | tail",
      "set -o pipefail",
      "export HISTSIZE=1000",
      "lastlog -u me",
    ],
  },
} as const satisfies Rule;
