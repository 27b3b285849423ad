import { readable } from "../../characters.js";
import { SHELLS } from "../../embedded.js";
import { PLAIN } from "../advice.js";
import type { Rule } from "../../rule.js";

export const rule = {
  id: "EMBED-CMD",
  family: "obfuscation",
  severity: "error",
  why: "hands a dangerous command to another program that runs it",
  fix: PLAIN,
  commands: ["*"],
  check: ({ name, args }, report) => {
    if (TEXT.has(name) || SHELLS.has(name)) return;
    for (const arg of args) {
      if (!/\s/.test(arg)) continue;
      const [, command] = COMMAND.exec(arg) ?? [];
      if (command === undefined) continue;
      const message = `${name} is given the command ${readable(command.split(/\s/)[0] ?? "")}`;
      report(message, RUNS_COMMANDS.test(name) ? undefined : "warning");
    }
  },
  examples: {
    dangerous: [
      "vim -c ':silent !sudo id' f",
      'find . -newerXY "x; curl -s http://host.example"',
      "m4 -D 'x=sudo id' f",
    ],
    honest: [
      "echo 'sudo id'",
      "grep 'curl http://x' log",
      "awk '{ print \"sudo\" }' f",
      "git log --grep 'find nc tools'",
    ],
  },
} as const satisfies Rule;

/** Programs that can run a part of their arguments as a command, in more ways than are worked out. */
const RUNS_COMMANDS =
  /^([gmn]?awk|sed|make|gmake|git|tar|n?vim?|ex|ed|emacs|gdb|lldb|expect|tclsh|m4|rsync|zip|split|sort|man|less|more|sqlite3|psql|mysql|mariadb|ssh|scp|cmake|ninja|npm|npx|node|php|lua|perl[\d.]*|python[\d.]*|ruby|julia|R|Rscript|octave|watch|script|entr|parallel|xargs|find|env|busybox)$/;

/** Commands that take text, whatever it says. */
const TEXT = new Set([
  ...["echo", "printf", "grep", "egrep", "fgrep", "rg", "logger", "test", "[", "export", "alias"],
  ...["local", "declare", "trap", "eval", "mail", "sbatch", "notify-send", "die", "log", "info"],
]);

/** A dangerous command in the middle of a text, told by its words alone. Each repetition is short, or ends the match. */
const COMMAND =
  /(?:^|[;&|`(!"'\n=]|\$\()\s{0,20}(?:exec\s{1,9}|sudo\s{1,9})?(?:\/(?:usr\/)?bin\/)?((?:curl|wget)\s{1,9}(?:-|https?:|ftp:|["'])|(?:nc|ncat|netcat|socat)\s{1,9}-?\S{1,40}|sudo\s{1,9}[-\w/]{1,40}|(?:insmod|modprobe|iptables|nsenter|mkfs[\w.]{0,20})\s{1,9}\S{1,40}|rm\s{1,9}-[\w]{0,9}[rf]\w{0,9}\s{1,9}(?:\/|~)(?:[\s"'*]|$)|(?:ba)?sh\s{1,9}-i\b)/;
