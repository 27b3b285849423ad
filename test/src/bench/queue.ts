/**
 * Whether a long queue slows a server down: submits and ends of jobs a second, and how long `jobctl queue` takes,
 * with an empty queue and with a long one. `npm run bench:queue`
 */
import { Agent } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

import { Cluster } from "../support/cluster.js";
import { SubmitLoad } from "../support/direct-submits.js";
import { summarize } from "../support/figures.js";
import { insertQueuedJobs } from "../support/insert-jobs.js";

const QUEUED = 50_000;
const SECONDS = 10;

for (const queued of [0, QUEUED]) {
  const cluster = await Cluster.start({
    agents: 1,
    server: { SERVICE_DEFAULT_MAX_RUNS: "1000", SERVICE_DEFAULT_RUNS_PER_USER: "1000" },
  });
  const sockets = new Agent({ keepAlive: true });
  try {
    const id = await cluster.submitScript("true\n", "--wait");
    const { input } = await cluster.job(id);
    await cluster.server.end("SIGTERM");
    if (queued > 0) insertQueuedJobs(cluster, queued, input);
    await cluster.startServer();
    const load = new SubmitLoad(cluster, { loops: 4, agent: sockets });
    const before = await finished(cluster);
    const waits: number[] = [];
    const began = performance.now();
    while (performance.now() - began < SECONDS * 1000) {
      const asked = performance.now();
      await (await cluster.request("/v1/queue")).arrayBuffer();
      waits.push(performance.now() - asked);
      await delay(500);
    }
    const seconds = (performance.now() - began) / 1000;
    const ends = (await finished(cluster)) - before;
    await load.stop();
    process.stdout.write(
      `${queued} queued: ${Math.round(load.acknowledged.length / seconds)} submits and ${Math.round(ends / seconds)} ends a second; the queue, shown: ${summarize(waits, "ms")}\n`,
    );
  } finally {
    sockets.destroy();
    await cluster.stop();
  }
}

async function finished(cluster: Cluster): Promise<number> {
  const text = await (await cluster.request("/metrics")).text();
  return [...text.matchAll(/^jobctl_jobs_finished_total\{.*\} (\d+)$/gm)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  );
}
