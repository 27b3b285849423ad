import type { Rule } from "../../rule.js";
import { parseOptions } from "../shared/options.js";

export const rule = {
  id: "PERSIST-DETACH",
  family: "persistence",
  severity: "warning",
  why: "leaves something running behind",
  fix: "Wait for what the job starts: everything ends with it.",
  commands: [
    "disown",
    "screen",
    "tmux",
    "setsid",
    "dtach",
    "abduco",
    "daemonize",
    "daemon",
    "start-stop-daemon",
  ],
  check: ({ name, args }, report) => {
    switch (name) {
      case "disown":
        report("disown leaves a process behind");
        break;
      case "setsid":
        // With --wait it is over when the command is.
        if (!args.some((arg) => arg === "--wait" || /^-[cf]?w/.test(arg)))
          report("setsid leaves the job's session");
        break;
      case "screen": {
        const { given } = parseOptions(args, "+c:e:h:p:S:s:t:T:X:r::R::x::d::D::");
        const detached = args.some((arg) => /^-[A-Za-z]{0,10}[dD][A-Za-z]{0,10}$/.test(arg));
        const started = args.some((arg) => /^-[A-Za-z]{0,10}m/.test(arg));
        if (detached && started && !given.has("X")) report("screen leaves a session behind");
        break;
      }
      case "tmux": {
        const { operands } = parseOptions(args, "+c:f:L:S:T:");
        const [verb = "", ...rest] = operands;
        const { given } = parseOptions(rest, "+c:e:F:f:n:s:t:x:y:");
        if (/^new(-session|-s)?$/.test(verb) && given.has("d"))
          report("tmux leaves a session behind");
        break;
      }
      case "dtach":
      case "abduco":
        if (args.some((arg) => /^-[nA]/.test(arg))) report(`${name} leaves a session behind`);
        break;
      case "start-stop-daemon":
        if (args.some((arg) => /^(-b|--background|-S|--start)$/.test(arg)))
          report("start-stop-daemon leaves a process behind");
        break;
      default:
        report(`${name} leaves a process behind`);
    }
  },
  examples: {
    dangerous: [
      "./x & disown",
      "screen -d -m ./x",
      "screen -S name -dm ./x",
      "tmux new -ds name ./x",
      "tmux -L own new-session -s name -d",
      "setsid ./x",
    ],
    honest: [
      "screen -ls",
      "screen -S name -X quit",
      "tmux ls",
      "tmux kill-session -t day",
      "tmux send-keys -t new -d x",
      "nohup ./x & wait",
      "setsid --wait ./x",
    ],
  },
} as const satisfies Rule;
