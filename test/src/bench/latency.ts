/**
 * How long a job that does nothing takes from submit to its end, with one idle agent.
 * `npm run bench:latency`
 */
import type { Job } from "@jobctl/protocol";

import { Cluster } from "../support/cluster.js";
import { summarize } from "../support/figures.js";

const RUNS = 50;

const cluster = await Cluster.start();
try {
  const input = (await cluster.job(await cluster.submitScript("true\n", "--wait"))).input;
  const times: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const began = performance.now();
    const submitted = await cluster.request("/v1/jobs", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ input }),
    });
    const { id } = (await submitted.json()) as Job;
    const ended = (await (await cluster.request(`/v1/jobs/${id}/wait`)).json()) as Job;
    if (ended.status !== "completed") throw new Error(`job ${id} is ${ended.status}`);
    times.push(performance.now() - began);
  }
  process.stdout.write(`submit to completed, ${RUNS} jobs: ${summarize(times, "ms")}\n`);
} finally {
  await cluster.stop();
}
