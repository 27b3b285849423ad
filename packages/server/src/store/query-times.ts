import type { Db } from "./database.js";

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

  /**
   * Has every statement timed that is prepared from here on. Those that are iterated are not: their time
   * is mostly that of what is done with each row.
   */
  watch(db: Db): void {
    const prepare = db.prepare.bind(db);
    // oxlint-disable-next-line typescript/no-explicit-any -- statements of every type are handed through
    db.prepare = (sql: string): any => {
      const statement = prepare(sql);
      for (const name of ["run", "get", "all"] as const) {
        const method: (...args: unknown[]) => unknown = statement[name].bind(statement);
        const timed = (...args: unknown[]): unknown => this.measure("query", () => method(...args));
        Object.defineProperty(statement, name, { value: timed });
      }
      return statement;
    };
  }
}
