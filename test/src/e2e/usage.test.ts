import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import type { Job, UsageReport, UserUsage } from "@jobctl/protocol";

import { Cluster } from "../support/cluster.js";
import { insertOldJobs } from "../support/insert-jobs.js";
import { waitUntil } from "../support/wait-until.js";

describe("usage", () => {
  let cluster: Cluster;
  let finished: Job[];
  before(async () => {
    cluster = await Cluster.start();
    const done = await submit("ada", "head -c 1000 /dev/urandom > result.bin\n", "--wait");
    const failed = await submit("ada", "exit 3\n");
    await cluster.jobctl(["wait", String(failed)]);
    const running = await submit("bob", "sleep 600\n");
    await waitUntil("it runs", async () => (await cluster.job(running)).status === "running");
    await submit("bob", "true\n", "--cpus", "99");
    finished = [await cluster.job(done), await cluster.job(failed)];
  });
  after(() => cluster.stop());

  const submit = async (user: string, script: string, ...args: string[]): Promise<number> => {
    const directory = await cluster.makeJob({ "run.sh": script });
    const env = { JOBCTL_USER: user };
    const { stdout } = await cluster.jobctl(["submit", directory, ...args], { env });
    return Number(stdout);
  };
  const report = async (...args: string[]): Promise<UsageReport> =>
    JSON.parse(await cluster.ok(["usage", "--json", ...args])) as UsageReport;
  const of = ({ items }: UsageReport, wanted: string): UserUsage | undefined =>
    items.find(({ user }) => user === wanted);

  it("is what each user's jobs have used, and occupy", async () => {
    const usage = await report();
    assert.deepEqual(usage.items.map(({ user }) => user).toSorted(), ["ada", "bob"]);
    const sum = (figure: (job: Job) => number | null | undefined): number =>
      finished.reduce((total, job) => total + (figure(job) ?? 0), 0);
    const ada = of(usage, "ada");
    assert.deepEqual([ada?.jobs, ada?.queued, ada?.active], [2, 0, 0]);
    assert.equal(
      ada?.inputBytes,
      sum(({ input }) => input.sizeBytes),
    );
    assert.equal(
      ada?.resultBytes,
      sum(({ result }) => result?.sizeBytes),
    );
    assert.equal(
      ada?.wallSeconds,
      sum(({ usage: used }) => used?.wallSeconds),
    );
    const bob = of(usage, "bob");
    assert.deepEqual([bob?.jobs, bob?.queued, bob?.active], [2, 1, 1]);
    assert.deepEqual((await report("--user", "bob")).items, [bob]);
    const { blobs, blobBytes, freeBytes } = usage.storage;
    assert.equal(blobs, (await cluster.blobs()).length);
    assert.ok(blobBytes !== null && blobBytes > 1000 && freeBytes > 0);
  });

  it("is a table, with the storage beside it", async () => {
    const { stdout, stderr } = await cluster.jobctl(["usage", "--user", "bob"]);
    const [header, bob, ...rest] = stdout.trimEnd().split("\n");
    assert.equal(header, "USER\tJOBS\tCPU\tWALL\tQUEUED\tACTIVE\tINPUTS\tRESULTS");
    assert.match(bob ?? "", /^bob\t2\t0\.000\t0\.000\t1\t1\t\d+\t0$/);
    assert.deepEqual(rest, []);
    assert.match(stderr, /^\S+ KiB stored, \S+ \wiB free, of which 0 B stay free\n$/);
  });

  it("of very many jobs is summed up piece by piece, and since a time", async () => {
    await cluster.server.end("SIGTERM");
    insertOldJobs(cluster, 12_000, { sizeBytes: 10, sha256: "0".repeat(64) });
    await cluster.startServer();
    const all = await report();
    assert.deepEqual([of(all, "user7")?.jobs, of(all, "user7")?.inputBytes], [240, 2400]);
    assert.equal(all.items.length, 52);
    const recent = await report("--since", "1h");
    assert.deepEqual([of(recent, "user7")?.jobs, of(recent, "user7")?.inputBytes], [0, 2400]);
    assert.equal(of(recent, "ada")?.jobs, 2);
    const { exitCode, stderr } = await cluster.jobctl(["usage", "--since", "soon"]);
    assert.equal(exitCode, 2);
    assert.match(stderr, /"soon" is not a (time|duration)/);
  });
});
