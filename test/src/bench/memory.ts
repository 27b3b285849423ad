/**
 * Whether memory grows with the jobs that have been run: sends real short jobs of 20 users through two agents, with
 * 100,000 old jobs in the database and 5,000 in the queue all the time, and compares both daemons after an early
 * and the last thousand. Ends with 1 when a heap has grown by a tenth, or holds more objects of some kind for each
 * job. `npm run bench:memory -- [LAST [EARLY]]`, in jobs; by default 10000 and 2000.
 */
import { Agent, request } from "node:http";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import type { Job } from "@jobctl/protocol";

import { Cluster } from "../support/cluster.js";
import type { DaemonProcess } from "../support/daemon-process.js";
import { countObjects, growthBetween } from "../support/heap-snapshot.js";
import { insertOldJobs, insertQueuedJobs } from "../support/insert-jobs.js";
import { memoryOf, WITH_MEMORY_PROBE } from "../support/memory-of.js";

const OLD_JOBS = 100_000;
const QUEUED = 5_000;
const USERS = 20;
const MAX_GROWTH = 0.1;
/**
 * Objects of one kind that may remain of each job between the two measurements. The queue's own rows come one by one
 * from submits instead of the start-up, and hold a string more each, at most as many as are queued.
 */
const MAX_OBJECTS_PER_JOB = 0.5;

const last = Number(process.argv[2] ?? 10_000);
const early = Number(process.argv[3] ?? 2_000);

interface Measurement {
  readonly memory: NodeJS.MemoryUsage;
  readonly snapshotPath: string;
}

const sockets = new Agent({ keepAlive: true });
const cluster = await Cluster.start({
  agents: 2,
  server: {
    ...WITH_MEMORY_PROBE,
    SERVICE_DEFAULT_MAX_RUNS: "1000",
    SERVICE_DEFAULT_RUNS_PER_USER: "1000",
  },
  agent: WITH_MEMORY_PROBE,
});
try {
  const id = await cluster.submitScript("echo done > result.txt\n", "--wait");
  const { input } = await cluster.job(id);
  await cluster.server.end("SIGTERM");
  insertOldJobs(cluster, OLD_JOBS, input);
  insertQueuedJobs(cluster, QUEUED, input, USERS);
  await cluster.startServer();
  const began = performance.now();
  const over = new AbortController();
  const submitting = keepQueueFull(input, over.signal);
  // What a snapshot leaves behind in the resident memory is there before both measurements.
  await measureAfter(early / 2, "warm-up");
  const before = await measureAfter(early, "early");
  const after = await measureAfter(last, "last");
  over.abort();
  await submitting;
  const seconds = (performance.now() - began) / 1000;
  process.stdout.write(
    `${last} jobs in ${seconds.toFixed(0)} s, ${OLD_JOBS} in the database, ${QUEUED} queued of ${USERS} users\n`,
  );
  for (const [name, measured] of before) {
    const then = after.get(name);
    if (then === undefined || !(await compare(name, measured, then))) process.exitCode = 1;
  }
} finally {
  sockets.destroy();
  await cluster.stop();
}

/** Submits a job for each that has ended. */
async function keepQueueFull(input: Job["input"], over: AbortSignal): Promise<void> {
  for (let n = 0; !over.aborted; await delay(500)) {
    for (let missing = QUEUED - (await figure("jobctl_jobs_queued")); missing > 0; missing -= 1) {
      await call("POST", "/v1/jobs", { user: `user${n % USERS}`, input });
      n += 1;
    }
  }
}

async function measureAfter(jobs: number, when: string): Promise<Map<string, Measurement>> {
  while ((await figure("jobctl_jobs_finished_total")) < jobs) await delay(500);
  process.stdout.write(`${jobs} jobs have ended\n`);
  const daemons: [string, DaemonProcess][] = [
    ["server", cluster.server],
    ["agent-1", cluster.agents[0] as DaemonProcess],
  ];
  const measured = new Map<string, Measurement>();
  for (const [name, daemon] of daemons) {
    const snapshotPath = join(cluster.root, `${name}-${when}.heapsnapshot`);
    measured.set(name, { memory: await memoryOf(daemon, snapshotPath), snapshotPath });
  }
  return measured;
}

/** @returns whether nothing has grown */
async function compare(name: string, before: Measurement, after: Measurement): Promise<boolean> {
  // Without the rest of the external memory: it changes with what has not been finalized yet.
  const heap = (memory: NodeJS.MemoryUsage): number => memory.heapUsed + memory.arrayBuffers;
  const share = heap(after.memory) / heap(before.memory) - 1;
  const residentShare = after.memory.rss / before.memory.rss - 1;
  process.stdout.write(
    `${name}: heap ${mebibytes(heap(before.memory))} after ${early} jobs, ${mebibytes(heap(after.memory))} after ${last} (${percent(share)}); ` +
      `resident ${mebibytes(before.memory.rss)}, ${mebibytes(after.memory.rss)} (${percent(residentShare)})\n`,
  );
  const growths = growthBetween(
    await countObjects(before.snapshotPath),
    await countObjects(after.snapshotPath),
    MAX_OBJECTS_PER_JOB * (last - early),
  );
  for (const { what, before: had, after: has } of growths)
    process.stdout.write(`  grows: ${what}, ${had} then ${has}\n`);
  return share < MAX_GROWTH && growths.length === 0;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}

function percent(share: number): string {
  return `${share < 0 ? "" : "+"}${(share * 100).toFixed(1)} %`;
}

/** Sum of a figure over all its labels. */
async function figure(name: string): Promise<number> {
  const metrics = await call("GET", "/metrics");
  return [...metrics.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)$`, "gm"))].reduce(
    (sum, [, value]) => sum + Number(value),
    0,
  );
}

async function call(method: string, path: string, body?: object): Promise<string> {
  const outgoing = request(`${cluster.server.url}${path}`, {
    ...{ method, agent: sockets },
    headers: { ...cluster.authorization, "content-type": "application/json" },
  });
  outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  const [answer] = await once(outgoing, "response");
  return text(answer);
}
