/**
 * How fast a gigabyte is backed up and restored, beside `cp -r` and `sha256sum` over the same files, which
 * is the least that either has to do. `npm run bench:backup`
 */
import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { execa } from "execa";

import { Cluster } from "../support/cluster.js";

const JOBS = 32;
const MEBIBYTE = 1024 ** 2;

const cluster = await Cluster.start();
try {
  for (let n = 0; n < JOBS; n += 1) {
    const directory = join(cluster.root, `job-${n}`);
    await mkdir(directory);
    await writeFile(join(directory, "run.sh"), "true\n");
    await writeFile(join(directory, "data"), randomBytes(16 * MEBIBYTE));
    await cluster.ok(["submit", directory, "--wait"]);
  }
  const seconds = async (work: () => Promise<unknown>): Promise<number> => {
    await execa("sync");
    const began = performance.now();
    await work();
    return (performance.now() - began) / 1000;
  };
  const backup = join(cluster.root, "backup");
  const copied = join(cluster.root, "copied");
  const plain = await seconds(async () => {
    await execa("cp", ["-r", cluster.dataPath, copied]);
    await execa("sh", [
      "-c",
      'find "$1" -type f -exec sha256sum {} + > /dev/null; sync',
      "sh",
      copied,
    ]);
  });
  const taken = await seconds(() => cluster.ok(["backup", backup]));
  const again = await seconds(() => cluster.ok(["backup", backup]));
  const restored = await seconds(() =>
    cluster.ok(["restore", join(backup, "latest"), "--data", join(cluster.root, "restored")]),
  );
  const line = (what: string, took: number): string =>
    `${what}: ${took.toFixed(1)} s, ${(plain / took).toFixed(2)} of the speed of cp -r and sha256sum\n`;
  process.stdout.write(`${(JOBS * 32) / 1024} GiB; cp -r and sha256sum: ${plain.toFixed(1)} s\n`);
  process.stdout.write(
    line("backup", taken) + line("backup of nothing new", again) + line("restore", restored),
  );
} finally {
  await cluster.stop();
}
