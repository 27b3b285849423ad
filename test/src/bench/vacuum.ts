/**
 * What a vacuum of a database with a million old jobs gives back, and how long a submit waits meanwhile.
 * `npm run bench:vacuum`
 */
import { setTimeout as delay } from "node:timers/promises";

import type { VacuumReport } from "@jobctl/protocol";

import { Cluster } from "../support/cluster.js";
import { summarize } from "../support/figures.js";
import { insertOldJobs } from "../support/insert-jobs.js";

const JOBS = 1_000_000;

const cluster = await Cluster.start();
try {
  const directory = await cluster.makeJob({ "run.sh": "true\n" });
  const first = Number(await cluster.ok(["submit", directory, "--wait"]));
  const { input } = await cluster.job(first);
  await cluster.server.end("SIGTERM");
  insertOldJobs(cluster, JOBS, input);
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
