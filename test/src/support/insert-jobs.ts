import { join } from "node:path";

import type { Job } from "@jobctl/protocol";
import Database from "better-sqlite3";

import type { Cluster } from "./cluster.js";

/** Puts jobs that ended long ago into the database of a server that is not running. */
export function insertOldJobs(cluster: Cluster, count: number, input: Job["input"]): void {
  withDatabase(cluster, (db) => {
    const { last } = db.prepare("SELECT max(id) AS last FROM jobs").get() as { last: number };
    db.exec(`
      WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count})
      INSERT INTO jobs (tenant, user, name, service, timeout_seconds, cpus, request_sha256, input_sha256,
        input_size_bytes, input_root, input_entries, input_extracted_bytes, status, attempt, agent,
        submitted_at, started_at, finished_at, outcome_reason, exit_code)
      SELECT 'default', 'user' || (n % 50), 'old job', 'default', 60, 1, '${"0".repeat(64)}', '${input.sha256}',
        ${input.sizeBytes}, '', 1, 1, 'completed', 1, 'agent-1', n, n, n, 'exited', 0 FROM numbers;
      INSERT INTO attempts (job_id, number, agent, created_at, ended_as)
        SELECT id, 1, 'agent-1', 1, 'collected' FROM jobs WHERE id > ${last};
      INSERT INTO job_events (job_id, at, type, status, attempt)
        SELECT id, 1, 'status', 'completed', 1 FROM jobs WHERE id > ${last};`);
  });
}

/** Puts jobs of many users into the queue of a server that is not running. */
export function insertQueuedJobs(
  cluster: Cluster,
  count: number,
  input: Job["input"],
  users = 50,
): void {
  withDatabase(cluster, (db) =>
    db.exec(`
      WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count})
      INSERT INTO jobs (tenant, user, name, service, timeout_seconds, cpus, request_sha256, input_sha256,
        input_size_bytes, input_root, input_entries, input_extracted_bytes, status, submitted_at)
      SELECT 'default', 'user' || (n % ${users}), 'queued job', 'default', 60, 1, '${"0".repeat(64)}', '${input.sha256}',
        ${input.sizeBytes}, '', 1, 1, 'queued', n FROM numbers;`),
  );
}

function withDatabase(cluster: Cluster, work: (db: Database.Database) => void): void {
  const db = new Database(join(cluster.dataPath, "jobctl.db"));
  try {
    work(db);
  } finally {
    db.close();
  }
}
