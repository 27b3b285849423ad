import { bounded } from "../../bounded.js";
import type { Rule } from "../../rule.js";
import { operands } from "../report.js";

const DROPS_DATA =
  /\b(drop\s+(database|schema|table|user|role|keyspace|collection)|truncate\s+table|flushall|flushdb|dropDatabase|deleteMany\(\{\}\)|\.drop\(\)|delete\s+from\s+\w+\s*(;|$))/i;

export const rule = {
  id: "DEL-DB",
  family: "destructive",
  severity: "error",
  why: "deletes data from a database",
  fix: "Work on a copy of the data that belongs to the job.",
  commands: [
    ...["mysql", "mariadb", "mysqladmin", "mycli", "psql", "pgcli", "mongo", "mongosh", "cqlsh"],
    ...["redis-cli", "valkey-cli", "clickhouse-client", "influx", "dropdb", "dropuser", "sqlite3"],
  ],
  check: ({ name, args }, report, { input }) => {
    if (/^drop(db|user)$/.test(name)) report(`${name} deletes a part of a database`);
    else if (name === "mysqladmin") {
      if (args.includes("drop")) report("mysqladmin deletes a database");
    } else if (name === "sqlite3") {
      // A database of the job's own is the job's affair.
      if (dropsData(args, input.text) && (operands(args)[0] ?? "").startsWith("/"))
        report("sqlite3 deletes data outside the job");
    } else if (dropsData(args, input.text)) report(`${name} deletes data`);
  },
  examples: {
    dangerous: [
      "psql -c 'drop table samples'",
      "mysql shop <<< 'DROP DATABASE shop;'",
      "echo FLUSHALL | redis-cli -h cache",
      "dropdb lab",
    ],
    honest: [
      "psql -c 'select * from drops'",
      "sqlite3 run.db 'drop table old'",
      "echo drop table x",
    ],
  },
} as const satisfies Rule;

function dropsData(args: readonly string[], text: string | null): boolean {
  return DROPS_DATA.test(bounded(args.join(" "))) || DROPS_DATA.test(bounded(text ?? ""));
}
