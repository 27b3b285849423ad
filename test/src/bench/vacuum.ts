/**
 * What a vacuum of a database with a million old jobs gives back, and how long a submit waits meanwhile.
 * `npm run bench:vacuum`
 */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import type { VacuumReport } from "@jobctl/protocol";
import Database from "better-sqlite3";

import { Cluster } from "../support/cluster.js";
import { summarize } from "../support/figures.js";

const JOBS = 1_000_000;

const cluster = await Cluster.start();
try {
  const directory = await cluster.makeJob({ "run.sh": "true\n" });
  const first = Number(await cluster.ok(["submit", directory, "--wait"]));
  const { input } = await cluster.job(first);
  await cluster.server.end("SIGTERM");
  const db = new Database(join(cluster.dataPath, "jobctl.db"));
  db.exec(`
    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${JOBS})
    INSERT INTO jobs (tenant, user, name, service, timeout_seconds, cpus, request_sha256, input_sha256,
      input_size_bytes, input_root, input_entries, input_extracted_bytes, status, attempt, agent,
      submitted_at, started_at, finished_at, outcome_reason, exit_code)
    SELECT 'default', 'user' || (n % 50), 'old job', 'default', 60, 1, '${"0".repeat(64)}', '${input.sha256}',
      ${input.sizeBytes}, '', 1, 1, 'completed', 1, 'agent-1', n, n, n, 'exited', 0 FROM numbers;
    INSERT INTO attempts (job_id, number, agent, created_at, ended_as)
      SELECT id, 1, 'agent-1', 1, 'collected' FROM jobs WHERE id > ${first};
    INSERT INTO job_events (job_id, at, type, status, attempt)
      SELECT id, 1, 'status', 'completed', 1 FROM jobs WHERE id > ${first};`);
  db.close();
  await cluster.startServer();
  const waits: number[] = [];
  const over = new AbortController();
  const submitting = (async () => {
    while (!over.signal.aborted) {
      const began = performance.now();
      const answer = await cluster.request("/v1/jobs", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ input, env: { N: String(waits.length) } }),
      });
      await answer.arrayBuffer();
      waits.push(performance.now() - began);
      await delay(50);
    }
  })();
  const began = performance.now();
  const report = JSON.parse(
    await cluster.ok(["vacuum", "--older-than", "1d", "--yes", "--json"]),
  ) as VacuumReport;
  const took = (performance.now() - began) / 1000;
  over.abort();
  await submitting;
  const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 ** 2)} MiB`;
  process.stdout.write(
    `removed ${report.jobsRemoved} jobs in ${took.toFixed(0)} s: ${mebibytes(report.bytesBefore)} before, ${mebibytes(report.bytesAfter)} after\n` +
      `submits meanwhile: ${waits.length}, ${summarize(waits, "ms")}\n`,
  );
} finally {
  await cluster.stop();
}
