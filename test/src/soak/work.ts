import type { SubmissionInput, TerminalStatus } from "@jobctl/protocol";

import type { Random } from "./random.js";

/** What a job does, and how it has to end when nobody cancels it or kills its processes. */
export interface Work {
  readonly kind: string;
  readonly script: string;
  readonly options: SubmissionInput;
  readonly status: TerminalStatus;
  readonly exitCode: number | null;
  /** Content of result.txt; null where the job may end before it is written. */
  readonly result: string | null;
}

type MakeWork = (key: string, random: Random) => Work;

/** Kinds of jobs, by name; short ones most often. */
const KINDS: readonly (readonly [weight: number, make: MakeWork])[] = [
  [8, (key, random) => completed("short", key, `sleep ${random.between(0, 1).toFixed(2)}`)],
  [2, (key, random) => completed("long", key, `sleep ${random.between(4, 10).toFixed(2)}`)],
  [2, (key) => completed("large", key, ":", 60_000)],
  // Whoever wants to end it has to kill it.
  [2, (key) => completed("stubborn", key, "trap '' TERM; for i in 1 2 3; do sleep 1; done")],
  // What it leaves behind is to be killed when it ends.
  [2, (key) => completed("family", key, "sleep 600 & (sleep 600 &) ; setsid sleep 600 &")],
  [2, failing],
  [1, overdue],
];

/** The next job of a client. */
export function makeWork(key: string, random: Random): Work {
  const weighted = KINDS.flatMap(([weight, make]) => Array.from({ length: weight }, () => make));
  return random.pick(weighted)(key, random);
}

function completed(kind: string, key: string, before: string, lines = 0): Work {
  return {
    kind,
    script: `echo '${key}'\n${before}\n${writeResult(key, lines)}`,
    options: { name: key },
    status: "completed",
    exitCode: 0,
    result: resultOf(key, lines),
  };
}

function failing(key: string): Work {
  return {
    kind: "failing",
    script: `echo '${key}'\n${writeResult(key, 0)}exit 3\n`,
    options: { name: key },
    status: "failed",
    exitCode: 3,
    result: resultOf(key, 0),
  };
}

function overdue(key: string): Work {
  return {
    kind: "overdue",
    script: `echo '${key}'\nsleep 600\n`,
    options: { name: key, timeoutSeconds: 2 },
    status: "timed_out",
    exitCode: null,
    result: null,
  };
}

/** Tries again when the volume is full. */
function writeResult(key: string, lines: number): string {
  return `until { echo '${key}' && seq 1 ${lines}; } > result.txt 2> /dev/null; do sleep 0.1; done\n`;
}

function resultOf(key: string, lines: number): string {
  return `${[key, ...Array.from({ length: lines }, (_, n) => n + 1)].join("\n")}\n`;
}
