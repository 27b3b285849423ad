import { machineMoment } from "@jobctl/daemon";
import type { AttemptReport } from "@jobctl/protocol";

/** A report of an agent, as it arrived here: its ages count from then. */
export interface HeardReport extends AttemptReport {
  /** When it arrived, in milliseconds of this machine's monotonic clock. */
  readonly heardMs: number;
}

/** Takes note of when a report arrived; to be called at once. */
export function heard(report: AttemptReport): HeardReport {
  return { ...report, heardMs: machineMoment().ms };
}
