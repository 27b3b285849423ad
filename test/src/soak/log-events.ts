import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

const WARNING_LEVEL = 40;

/** How often each event of at least a warning is in a daemon's log, the most frequent first. */
export async function countWarnings(logFile: string): Promise<(readonly [string, number])[]> {
  const counts = new Map<string, number>();
  for await (const line of createInterface({ input: createReadStream(logFile) })) {
    const { level, event } = parseLine(line);
    if (!isWarning(level)) continue;
    counts.set(event, (counts.get(event) ?? 0) + 1);
  }
  return [...counts].toSorted(([, a], [, b]) => b - a);
}

function isWarning(level: string | number): boolean {
  return typeof level === "number" ? level >= WARNING_LEVEL : /^(warn|error|fatal)$/.test(level);
}

/** Whatever is no line of the log counts as an error: a crash writes such. */
function parseLine(line: string): { level: string | number; event: string } {
  try {
    const { level, event = "without a name" } = JSON.parse(line) as {
      level: string | number;
      event?: string;
    };
    return { level, event };
  } catch {
    return { level: "error", event: "not a line of the log" };
  }
}
