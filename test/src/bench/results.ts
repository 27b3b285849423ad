/**
 * How fast a stored result is downloaded, and how long one small file of it takes, first right after a
 * start of the server. `npm run bench:results [MIB]`
 */
import { createHash } from "node:crypto";

import { Cluster } from "../support/cluster.js";
import { summarize } from "../support/figures.js";

const MEBIBYTE = 1024 ** 2;
const RUNS = 5;
const sizeMiB = Number(process.argv[2] ?? 256);

const cluster = await Cluster.start();
try {
  const id = await cluster.submitScript(
    `head -c ${sizeMiB * MEBIBYTE} /dev/urandom > large.bin; echo small > small.txt\n`,
    "--wait",
  );
  const sha256 = (await cluster.job(id)).result?.sha256;
  await cluster.server.end("SIGTERM");
  await cluster.startServer();
  const ms = async (path: string, read: (body: Response) => Promise<unknown>): Promise<number> => {
    const began = performance.now();
    const answer = await cluster.request(`/v1/jobs/${id}/${path}`);
    if (!answer.ok) throw new Error(`${path}: HTTP ${answer.status}`);
    await read(answer);
    return performance.now() - began;
  };
  const drain = async (answer: Response): Promise<void> => {
    for await (const _ of answer.body ?? []);
  };
  const small = (): Promise<number> => ms("files/small.txt", (answer) => answer.text());
  const several = async (once: () => Promise<number>): Promise<number[]> => {
    const times: number[] = [];
    for (let run = 0; run < RUNS; run += 1) times.push(await once());
    return times;
  };
  const line = (text: string): boolean => process.stdout.write(`${text}\n`);
  line(`small file of ${sizeMiB} MiB, first after a start: ${(await small()).toFixed(0)} ms`);
  line(`small file, again: ${summarize(await several(small), "ms")}`);
  line(`list of files: ${summarize(await several(() => ms("files", drain)), "ms")}`);
  const whole = await several(() => ms("result", drain));
  const rate = (sizeMiB / Math.min(...whole)) * 1000;
  line(`whole result: ${summarize(whole, "ms")}; ${rate.toFixed(0)} MiB/s at best`);
  const hash = createHash("sha256");
  await ms("result", async (answer) => {
    for await (const chunk of answer.body ?? []) hash.update(chunk as Buffer);
  });
  if (hash.digest("hex") !== sha256) throw new Error("another result arrived");
} finally {
  await cluster.stop();
}
