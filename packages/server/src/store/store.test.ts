import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";

import { JOB_STATUSES, TRANSITIONS, isTerminal, jobListQuerySchema } from "@jobctl/protocol";
import Database from "better-sqlite3";

import { lockDataDirectory } from "./data-lock.js";
import { openDatabase } from "./database.js";
import { createJobStore, listStatement } from "./job-store.js";
import { NEW_JOB } from "./new-job.test-support.js";
import { openStore } from "./store.js";

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

  it("refuses raw SQL that would break a rule", () => {
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

  it("takes an idempotency key once for a tenant", () => {
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
      jobs.list(jobListQuerySchema.parse(query), 0).rows.map(({ id }) => id);
    assert.deepEqual(ids({}), [5, 4, 3, 2, 1]);
    assert.deepEqual(ids({ label: "parity=even" }), [4, 2]);
    assert.deepEqual(ids({ since: new Date(4000).toISOString(), sort: "oldest" }), [4, 5]);
    assert.deepEqual(ids({ state: "running" }), []);
    assert.deepEqual(ids({ id: "3,1,99" }), [3, 1]);
    const first = jobs.list(jobListQuerySchema.parse({ limit: 2 }), 0);
    assert.deepEqual([first.rows.map(({ id }) => id), first.nextCursor], [[5, 4], "4"]);
    assert.deepEqual(ids({ limit: 2, cursor: "4" }), [3, 2]);
    assert.deepEqual(ids({ limit: 2, cursor: "2", sort: "runtime" }), [3, 4]);
  });

  it("finds what it needs on indexes", () => {
    const queries = [
      {},
      { state: "queued,running" },
      { user: "u" },
      { service: "s" },
      { label: "a=b" },
      { id: "1,2" },
    ];
    for (const query of queries) {
      const { sql, parameters } = listStatement(jobListQuerySchema.parse(query), 0);
      const details = (
        db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters) as { detail: string }[]
      ).map(({ detail }) => detail);
      const scans = details.filter((detail) => detail.startsWith("SCAN jobs"));
      // Without a condition the list walks the primary key backwards, and stops at the limit.
      assert.deepEqual(
        scans,
        Object.keys(query).length === 0 ? ["SCAN jobs"] : [],
        `${JSON.stringify(query)}: ${details.join("; ")}`,
      );
    }
    for (const [sql, index] of [
      [
        "SELECT * FROM jobs WHERE agent = 'a' AND status IN ('dispatched', 'running', 'collecting')",
        "jobs_on_agent",
      ],
      ["SELECT 1 FROM jobs WHERE input_sha256 = 'x'", "jobs_by_input"],
      ["SELECT 1 FROM jobs WHERE result_sha256 = 'x'", "jobs_by_result"],
      ["SELECT * FROM job_events WHERE job_id = 1 ORDER BY id", "job_events_by_job"],
    ]) {
      const [step] = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[];
      assert.match(step?.detail ?? "", new RegExp(`USING (COVERING )?INDEX ${index}`));
    }
  });

  it("refuses a database that a newer version has written, and leaves it alone", () => {
    db.pragma("user_version = 999");
    db.close();
    assert.throws(() => openDatabase(join(directory, "jobctl.db")), { code: "database_newer" });
    db = new Database(join(directory, "jobctl.db"));
    assert.equal(db.pragma("user_version", { simple: true }), 999);
  });

  it("says that it cannot write while somebody else does, and writes nothing", () => {
    const store = openStore(join(directory, "jobctl.db"), 10);
    db.exec("BEGIN IMMEDIATE");
    assert.throws(() => store.transaction(() => store.jobs.insert(NEW_JOB, {})), {
      code: "database_unavailable",
    });
    db.exec("ROLLBACK");
    assert.deepEqual(store.jobs.open(), []);
    store.close();
  });

  it("locks its directory for one server at a time", () => {
    const lock = lockDataDirectory(directory);
    assert.throws(() => lockDataDirectory(directory), { code: "data_dir_locked" });
    lock.release();
    lockDataDirectory(directory).release();
  });
});
