import { bounded } from "../bounded.js";
import { readable } from "../characters.js";
import { SHELLS } from "../embedded.js";
import type { CommandRule } from "./report.js";

/** Programs that can run a part of their arguments as a command, in more ways than are worked out. */
const RUNS_COMMANDS =
  /^([gmn]?awk|sed|make|gmake|git|tar|n?vim?|ex|ed|emacs|gdb|lldb|expect|tclsh|m4|rsync|zip|split|sort|man|less|more|sqlite3|psql|mysql|mariadb|ssh|scp|cmake|ninja|npm|npx|node|php|lua|perl[\d.]*|python[\d.]*|ruby|julia|R|Rscript|octave|watch|script|entr|parallel|xargs|find|env|busybox)$/;

/** Commands that take text, whatever it says. */
const TEXT = new Set([
  ...["echo", "printf", "grep", "egrep", "fgrep", "rg", "logger", "test", "[", "export", "alias"],
  ...["local", "declare", "trap", "eval", "mail", "sbatch", "notify-send", "die", "log", "info"],
]);

const COMMAND =
  /(?:^|[;&|`(!"'\n]|=\s*|\$\()\s*(?:exec\s+|sudo\s+)?(?:\/(?:usr\/)?bin\/)?((?:curl|wget)\s+(?:-|https?:|ftp:|["'])|(?:nc|ncat|netcat|socat)\s+-?\S+|sudo\s+[-\w/]|(?:insmod|modprobe|iptables|nsenter|mkfs\S*)\s+\S|rm\s+-\w*[rf]\w*\s+(?:\/|~)(?:[\s"'*]|$)|(?:ba)?sh\s+-i\b)/;

/** The last net: a dangerous command inside an argument, told by its words alone. */
export const embedRules: CommandRule = ({ name, args }, found) => {
  if (TEXT.has(name) || SHELLS.has(name)) return;
  for (const arg of args) {
    if (!/\s/.test(arg)) continue;
    const match = COMMAND.exec(bounded(arg));
    if (match === null) continue;
    found(
      "EMBED-CMD",
      `${name} is given the command ${readable(match[1] ?? "")}`,
      RUNS_COMMANDS.test(name) ? undefined : "warning",
    );
  }
};
