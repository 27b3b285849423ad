import type { Rule } from "../../rule.js";
import { parseOptions } from "../shared/options.js";

/** What a command starts that goes on after it, none where that is not said; null when it starts nothing so. */
type Detaches = (args: readonly string[]) => readonly string[] | null;

const session: Detaches = (args) =>
  args.some((arg) => /^-[nA]/.test(arg)) ? parseOptions(args, "+r:e:").operands.slice(1) : null;

const DETACHES: Readonly<Record<string, Detaches>> = {
  disown: () => [],
  setsid: (args) => {
    const { given, operands } = parseOptions(args, "+");
    // With --wait it is over when the command is.
    return given.has("w") || given.has("wait") ? null : operands;
  },
  screen: (args) => {
    const { given, operands } = parseOptions(args, "+c:e:h:p:S:s:t:T:X:");
    const detached = given.has("d") || given.has("D");
    return detached && given.has("m") && !given.has("X") ? operands : null;
  },
  tmux: (args) => {
    const [verb = "", ...rest] = parseOptions(args, "+c:f:L:S:T:").operands;
    const { given, operands } = parseOptions(rest, "+c:e:F:f:n:s:t:x:y:");
    return /^new(-session|-s)?$/.test(verb) && given.has("d") ? operands : null;
  },
  dtach: session,
  abduco: session,
  daemonize: (args) => parseOptions(args, "+a:c:e:o:p:l:u:E:").operands,
  "start-stop-daemon": (args) => {
    const { given } = parseOptions(args, "+n:p:x:a:", ["name", "pidfile", "exec", "startas"]);
    const starts = ["b", "background", "S", "start"].some((option) => given.has(option));
    return starts ? (given.get("x") ?? given.get("exec") ?? given.get("startas") ?? []) : null;
  },
};

export const rule = {
  id: "PERSIST-DETACH",
  family: "persistence",
  severity: "warning",
  why: "leaves something running behind",
  fix: "Wait for what the job starts: everything ends with it.",
  commands: Object.keys(DETACHES),
  check: ({ name, args }, report) => {
    const started = DETACHES[name]?.(args) ?? null;
    if (started === null) return;
    // What lies where everyone may write is rarely the job's own.
    const foreign = /^["']?\/(tmp|var\/tmp|dev\/shm)\/./.test(started[0] ?? "");
    report(`${name} leaves something running behind`, foreign ? "error" : undefined);
  },
  examples: {
    dangerous: [
      "./x & disown",
      "screen -d -m ./x",
      "screen -S name -dm ./x",
      "tmux new -ds name ./x",
      "tmux -L own new-session -s name -d",
      "setsid ./x",
      "tmux new-session -d '/tmp/x --quiet'",
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
