/**
 * Sends an archive of 2 GiB through server and agent and back, and prints by how much their memory
 * grew. `npm run bench:archive [GIB]`
 */
import { open, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { Cluster } from "../support/cluster.js";
import type { DaemonProcess } from "../support/daemon-process.js";

const GIBIBYTE = 1024 ** 3;
const MEBIBYTE = 1024 ** 2;
const size = Math.round(Number(process.argv[2] ?? 2) * GIBIBYTE);

const cluster = await Cluster.start({
  server: { JOBCTL_MAX_UPLOAD_BYTES: String(size + MEBIBYTE) },
});
try {
  const job = await makeLargeJob();
  const daemons = { server: cluster.server, agent: cluster.agents[0] as DaemonProcess };
  // A small job first: what is loaded on first use does not count.
  await cluster.submitScript("true\n", "--wait");
  const watched = Object.entries(daemons).map(([name, daemon]) => watchMemory(name, daemon));
  const began = performance.now();
  const id = (await timed("pack and upload", ["submit", job])).trim();
  await timed("run and collect", ["wait", id]);
  await timed("download", ["download", id, "-o", "out"]);
  report("in all", performance.now() - began);
  const [sent, received] = await Promise.all(
    [join(job, "data.bin"), join(cluster.root, "out/data.bin")].map((path) => stat(path)),
  );
  if (sent?.size !== received?.size) throw new Error("the file came back with another size");
  for (const watch of watched) process.stdout.write(`${await watch()}\n`);
} finally {
  await cluster.stop();
}

async function makeLargeJob(): Promise<string> {
  const job = await cluster.makeJob({ "run.sh": "test -s data.bin\n" });
  const file = await open(join(job, "data.bin"), "w");
  const chunk = Buffer.alloc(MEBIBYTE);
  for (let written = 0; written < size - 4096; written += chunk.length) {
    chunk.writeDoubleLE(Math.random());
    await file.write(chunk, 0, Math.min(chunk.length, size - 4096 - written));
  }
  await file.close();
  return job;
}

async function timed(what: string, args: string[]): Promise<string> {
  const began = performance.now();
  const output = await cluster.ok([...args, "-q"]);
  report(what, performance.now() - began);
  return output;
}

function report(what: string, ms: number): void {
  const rate = size / MEBIBYTE / (ms / 1000);
  process.stdout.write(`${what}: ${(ms / 1000).toFixed(1)} s (${rate.toFixed(0)} MiB/s)\n`);
}

/** Samples the resident memory of a daemon; the returned function stops and tells the growth. */
function watchMemory(name: string, daemon: DaemonProcess): () => Promise<string> {
  let first: number | null = null;
  let peak = 0;
  const stopped = new AbortController();
  const sampling = (async () => {
    while (!stopped.signal.aborted) {
      const now = await residentBytes(daemon.pid);
      first ??= now;
      peak = Math.max(peak, now);
      await delay(50);
    }
  })();
  return async () => {
    stopped.abort();
    await sampling;
    const grown = (peak - (first ?? 0)) / MEBIBYTE;
    return `${name}: ${((first ?? 0) / MEBIBYTE).toFixed(0)} MiB before, at most ${grown.toFixed(0)} MiB more`;
  };
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "latin1");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
