import type { Db } from "./database.js";

/** Runs something, and does what it is there for around that. */
export type Around = <T>(work: () => T) => T;

export interface StatementWrappers {
  readonly onPrepare: Around;
  /** Not of statements that are iterated. */
  readonly onCall: Around;
}

/** Runs every statement within the functions that is prepared from here on. */
export function wrapStatements(db: Db, { onPrepare, onCall }: StatementWrappers): void {
  const prepare = db.prepare.bind(db);
  // oxlint-disable-next-line typescript/no-explicit-any -- statements of every type are handed through
  db.prepare = (sql: string): any => {
    const statement = onPrepare(() => prepare(sql));
    for (const name of ["run", "get", "all"] as const) {
      const method: (...args: unknown[]) => unknown = statement[name].bind(statement);
      const wrapped = (...args: unknown[]): unknown => onCall(() => method(...args));
      Object.defineProperty(statement, name, { value: wrapped });
    }
    return statement;
  };
}
