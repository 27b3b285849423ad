/** What of the database is timed: one statement, or a transaction with its commit. */
export type TimedKind = "query" | "transaction";

export type TimeListener = (kind: TimedKind, seconds: number) => void;

/** Times what is asked of a database, for somebody who listens. */
export class QueryTimes {
  listener: TimeListener = () => {};

  measure<T>(kind: TimedKind, work: () => T): T {
    const beganMs = performance.now();
    try {
      return work();
    } finally {
      this.listener(kind, (performance.now() - beganMs) / 1000);
    }
  }
}
