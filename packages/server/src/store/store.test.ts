import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";

import { JOB_STATUSES, TRANSITIONS, isTerminal, jobListQuerySchema } from "@jobctl/protocol";
import Database from "better-sqlite3";

import { createAttemptStore } from "./attempt-store.js";
import { lockDataDirectory } from "./data-lock.js";
import { openDatabase, optimize } from "./database.js";
import { createJobStore, listStatement } from "./job-store.js";
import { NEW_JOB } from "./new-job.test-support.js";
import { openStore } from "./store.js";
import { createUsageStore } from "./usage-store.js";

/** Reads that begin at one end of the primary key, and stop at their limit. */
const WALKS = ["SELECT (SELECT min(id) FROM jobs)", "list {}"];

const CLOCKS = { wallMs: 0, machineMs: 0, boot: "boot" };

/** Statements of which SQLite says that it would scan a table of jobs for them, by how they begin. */
function scans(db: Database.Database): string[] {
  const statements = new Map<string, string>();
  const noting = new Proxy(db, {
    get(target, key) {
      if (key !== "prepare") return Reflect.get(target, key);
      return (sql: string) => {
        statements.set(sql, sql.trim());
        return target.prepare(sql);
      };
    },
  });
  createJobStore(noting);
  createAttemptStore(noting);
  createUsageStore(noting);
  for (const query of [
    {},
    { state: "queued,running" },
    { user: "u" },
    { service: "s" },
    { label: "a=b" },
    { id: "1,2" },
  ])
    statements.set(
      listStatement(jobListQuerySchema.parse(query)).sql,
      `list ${JSON.stringify(query)}`,
    );
  return [...statements]
    .filter(([sql]) => plan(db, sql).some((step) => /^SCAN (jobs|attempts|job_)/.test(step)))
    .map(([, name]) => WALKS.find((walk) => name.startsWith(walk)) ?? name)
    .toSorted();
}

function plan(db: Database.Database, sql: string): string[] {
  const named = Object.fromEntries([...sql.matchAll(/@(\w+)/g)].map(([, name]) => [name, 1]));
  const positional = [...sql.matchAll(/\?/g)].map(() => 1);
  const steps = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...positional, named);
  return (steps as { detail: string }[]).map(({ detail }) => detail);
}

describe("the store", () => {
  let directory: string;
  let db: Database.Database;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "jobctl-store-"));
    db = openDatabase(join(directory, "jobctl.db"));
  });
  afterEach(() => {
    db.close();
    rmSync(directory, { recursive: true });
  });

  it("keeps what has been committed on disk, in WAL mode", () => {
    assert.equal(db.pragma("journal_mode", { simple: true }), "wal");
    assert.equal(db.pragma("synchronous", { simple: true }), 2);
    assert.equal(db.pragma("foreign_keys", { simple: true }), 1);
  });

  it("changes a status only as the lifecycle allows", () => {
    const jobs = createJobStore(db);
    const ended = { finished_at: 1, outcome_reason: "exited" } as const;
    for (const from of JOB_STATUSES) {
      for (const to of JOB_STATUSES) {
        const { id } = jobs.insert(NEW_JOB, {});
        const set = isTerminal(from) ? ", finished_at = 1, outcome_reason = 'exited'" : "";
        db.prepare(`UPDATE jobs SET status = ?${set} WHERE id = ?`).run(from, id);
        const changed = jobs.transition(id, {
          to,
          attempt: 0,
          at: 1,
          set: isTerminal(to) ? ended : {},
        });
        assert.equal(changed !== null, TRANSITIONS[from].includes(to), `${from} to ${to}`);
      }
    }
  });

  it("refuses a change that is about another attempt", () => {
    const jobs = createJobStore(db);
    const { id } = jobs.insert(NEW_JOB, {});
    jobs.transition(id, { to: "dispatched", attempt: 0, at: 1, set: { attempt: 2, agent: "a" } });
    assert.equal(jobs.transition(id, { to: "running", attempt: 1, at: 1 }), null);
    assert.notEqual(jobs.transition(id, { to: "running", attempt: 2, at: 1 }), null);
  });

  it("refuses raw SQL that would break a rule", (t) => {
    t.diagnostic("promise one-outcome-per-job");
    const jobs = createJobStore(db);
    const { id } = jobs.insert(NEW_JOB, {});
    const broken = [
      "UPDATE jobs SET status = 'sleeping'",
      "UPDATE jobs SET status = 'completed'",
      "UPDATE jobs SET outcome_reason = 'exited'",
      "UPDATE jobs SET cpus = 0",
      "UPDATE jobs SET env = 'not json'",
      "UPDATE jobs SET input_sha256 = 'short'",
      "INSERT INTO job_labels VALUES (999, 'a', 'b')",
      "INSERT INTO attempts (job_id, number, agent, created_at) VALUES (1, 0, 'a', 1)",
    ];
    for (const sql of broken) assert.throws(() => db.exec(sql), /constraint/i, sql);
    jobs.transition(id, {
      to: "cancelled",
      attempt: 0,
      at: 1,
      set: { finished_at: 1, outcome_reason: "cancelled" },
    });
    assert.throws(
      () => db.exec("UPDATE jobs SET status = 'queued', finished_at = NULL, outcome_reason = NULL"),
      /cannot change its status/,
    );
  });

  it("takes an idempotency key once for a tenant", (t) => {
    t.diagnostic("promise one-submit-one-job");
    const jobs = createJobStore(db);
    jobs.insert({ ...NEW_JOB, idempotency_key: "k" }, {});
    assert.throws(() => jobs.insert({ ...NEW_JOB, idempotency_key: "k" }, {}), /UNIQUE/);
    jobs.insert({ ...NEW_JOB, idempotency_key: "k", tenant: "other" }, {});
    jobs.insert(NEW_JOB, {});
    jobs.insert(NEW_JOB, {});
  });

  it("lists by label, status, user and time, page by page", () => {
    const jobs = createJobStore(db);
    for (let n = 1; n <= 5; n += 1)
      jobs.insert({ ...NEW_JOB, submitted_at: n * 1000 }, { parity: n % 2 === 0 ? "even" : "odd" });
    const ids = (query: object): number[] =>
      jobs.list(jobListQuerySchema.parse(query), CLOCKS).rows.map(({ id }) => id);
    assert.deepEqual(ids({}), [5, 4, 3, 2, 1]);
    assert.deepEqual(ids({ label: "parity=even" }), [4, 2]);
    assert.deepEqual(ids({ since: new Date(4000).toISOString(), sort: "oldest" }), [4, 5]);
    assert.deepEqual(ids({ state: "running" }), []);
    assert.deepEqual(ids({ id: "3,1,99" }), [3, 1]);
    const first = jobs.list(jobListQuerySchema.parse({ limit: 2 }), CLOCKS);
    assert.deepEqual([first.rows.map(({ id }) => id), first.nextCursor], [[5, 4], "4"]);
    assert.deepEqual(ids({ limit: 2, cursor: "4" }), [3, 2]);
    assert.deepEqual(ids({ limit: 2, cursor: "2", sort: "runtime" }), [3, 4]);
  });

  it("walks over all jobs for nothing that happens often", () => {
    assert.deepEqual(scans(db), WALKS);
  });

  it("does so neither when there were few jobs while it was last looked", () => {
    insertJobs(1);
    db.exec("ANALYZE");
    insertJobs(5000);
    assert.notDeepEqual(scans(db), WALKS);
    optimize(db);
    assert.deepEqual(scans(db), WALKS);
  });

  function insertJobs(count: number): void {
    const jobs = createJobStore(db);
    db.transaction(() => {
      for (let n = 0; n < count; n += 1) jobs.insert(NEW_JOB, { a: "b" });
      db.exec("UPDATE jobs SET status = 'completed', finished_at = 1, outcome_reason = 'exited'");
    })();
  }

  it("refuses a database that a newer version has written, and leaves it alone", () => {
    db.pragma("user_version = 999");
    db.close();
    assert.throws(() => openDatabase(join(directory, "jobctl.db")), { code: "database_newer" });
    db = new Database(join(directory, "jobctl.db"));
    assert.equal(db.pragma("user_version", { simple: true }), 999);
  });

  it("says that it cannot write while somebody else does, and writes nothing", () => {
    const store = openStore(join(directory, "jobctl.db"), { busyTimeoutMs: 10 });
    db.exec("BEGIN IMMEDIATE");
    assert.throws(() => store.transaction(() => store.jobs.insert(NEW_JOB, {})), {
      code: "database_unavailable",
    });
    db.exec("ROLLBACK");
    assert.deepEqual(store.jobs.open(), []);
    store.close();
  });

  it("times each statement and each transaction, also those that fail", () => {
    const store = openStore(join(directory, "jobctl.db"));
    const counts = { query: 0, transaction: 0 };
    store.onTime((kind, seconds) => {
      assert.ok(seconds >= 0);
      counts[kind] += 1;
    });
    assert.deepEqual(store.jobs.open(), []);
    assert.deepEqual(counts, { query: 1, transaction: 0 });
    store.transaction(() => store.jobs.open());
    assert.deepEqual(counts, { query: 2, transaction: 1 });
    assert.throws(() =>
      store.transaction(() => {
        throw new Error("no");
      }),
    );
    assert.deepEqual(counts, { query: 2, transaction: 2 });
    store.close();
  });

  it("notices that its file is not at its path", () => {
    const path = join(directory, "jobctl.db");
    const store = openStore(path);
    assert.equal(store.openConnections(), 1);
    renameSync(path, `${path}.away`);
    assert.equal(store.openConnections(), 0);
    copyFileSync(`${path}.away`, path);
    assert.equal(store.openConnections(), 0, "a copy is another file");
    rmSync(path);
    renameSync(`${path}.away`, path);
    assert.equal(store.openConnections(), 1);
    store.close();
    assert.equal(store.openConnections(), 0);
  });

  it("locks its directory for one server at a time", () => {
    const lock = lockDataDirectory(directory);
    assert.throws(() => lockDataDirectory(directory), { code: "data_dir_locked" });
    lock.release();
    lockDataDirectory(directory).release();
  });
});
