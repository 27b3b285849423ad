import { ASK } from "../advice.js";
import type { Rule } from "../../rule.js";
import { hasOption } from "../report.js";

type Look = (args: readonly string[]) => boolean;

const accounts: Look = (args) => hasOption(args, "CSr", "--clear") || args.includes("--reset");
const rewrites: Look = (args) => args.some((arg) => /^-\w{0,10}[fr]/.test(arg));

/** Commands that remove something from the logs of the machine. */
const CLEARS: Readonly<Record<string, Look>> = {
  journalctl: (args) => args.some((arg) => /^--(vacuum|rotate|flush|relinquish)/.test(arg)),
  dmesg: (args) => hasOption(args, "cCnDE", "--clear") || args.includes("--read-clear"),
  lastlog: accounts,
  faillog: accounts,
  logrotate: rewrites,
  wtmpclean: rewrites,
  utmpdump: rewrites,
  // To give a file the time of one of the system's hides it among them.
  touch: (args) =>
    args.some((arg) => /^(-[a-z]*r|--reference)/.test(arg)) &&
    args.some((arg) => /^(--reference=)?\/(usr\/)?(s?bin|lib|etc)\//.test(arg)),
};

const assigns: Look = (args) =>
  args.some((arg) => /^HIST(FILE=(\/dev\/null)?$|(FILE)?SIZE=0$)/.test(arg));

/** Commands after which the shell does not keep what was typed. */
const FORGETS: Readonly<Record<string, Look>> = {
  history: (args) => hasOption(args, "cwd"),
  unset: (args) => args.some((arg) => /^HIST(FILE|SIZE|FILESIZE)$/.test(arg)),
  export: assigns,
  declare: assigns,
  set: (args) => args.includes("+o") && args.includes("history"),
  shopt: (args) => hasOption(args, "u") && args.includes("history"),
};

export const rule = {
  id: "EVADE-LOG",
  family: "persistence",
  severity: "error",
  why: "removes traces from the machine's logs",
  fix: ASK,
  commands: [...Object.keys(CLEARS), ...Object.keys(FORGETS)],
  check: ({ name, args }, report) => {
    if (CLEARS[name]?.(args) === true) report(`${name} removes or changes logs`);
    else if (FORGETS[name]?.(args) === true) report("the shell's history is not kept", "warning");
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
