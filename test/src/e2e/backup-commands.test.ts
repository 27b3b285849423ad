import assert from "node:assert/strict";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import type { Output } from "@jobctl/protocol";

import { Cluster } from "../support/cluster.js";
import { rot } from "../support/rot.js";

type Listed = Extract<Output, { schema: "jobctl.backups/v1" }>;

describe("the commands for backups", () => {
  let cluster: Cluster;
  let directory: string;
  let id: number;
  before(async () => {
    cluster = await Cluster.start({ agents: 2 });
    id = await cluster.submitScript("echo kept > result.txt\n", "--wait");
    directory = join(cluster.root, "jobctl-backup");
  });
  after(() => cluster.stop());

  const verify = async (path: string): Promise<Listed["items"]> =>
    (JSON.parse(await cluster.ok(["backup", "verify", path, "--json"])) as Listed).items;

  it("name the directory that is written to when none is given, and in their help", async () => {
    const { stderr } = await cluster.jobctl(["backup"]);
    const [name = ""] = await readdir(join(directory, "snapshots"));
    assert.ok(stderr.startsWith(join(directory, "snapshots", name)), stderr);
    assert.match(await cluster.ok(["backup", "--help"]), /default: jobctl-backup/);
    for (const command of ["list", "verify"])
      assert.doesNotMatch(await cluster.ok(["backup", command, "--help"]), /--keep-days/);
  });

  it("verify one snapshot by its path, and are not content with none", async () => {
    await cluster.ok(["backup"]);
    const names = (await readdir(join(directory, "snapshots"))).toSorted();
    const namesIn = async (path: string): Promise<string[]> =>
      (await verify(path)).map(({ name }) => name);
    assert.deepEqual(await namesIn(directory), names);
    assert.deepEqual(await namesIn(join(directory, "latest")), names.slice(-1));
    assert.deepEqual(await namesIn("jobctl-backup/latest/"), names.slice(-1));
    const first = join(directory, "snapshots", names[0] ?? "");
    assert.deepEqual(await namesIn(first), names.slice(0, 1));
    await mkdir(join(cluster.root, "empty"));
    for (const path of ["empty", "missing", join(directory, "blobs")]) {
      const { exitCode, stderr } = await cluster.jobctl(["backup", "verify", path]);
      assert.equal(exitCode, 102, stderr);
      assert.match(stderr, /holds no snapshot|does not exist/);
    }
    await rm(join(first, "jobctl.db"));
    assert.equal((await cluster.jobctl(["backup", "verify", first])).exitCode, 1);
    assert.equal((await cluster.jobctl(["backup", "verify", `${directory}/latest`])).exitCode, 0);
    await rm(first, { recursive: true });
  });

  it("list what a snapshot lacks", async () => {
    const { result } = await cluster.job(id);
    const path = cluster.blobPath(result?.sha256 ?? "");
    await rot(path, 1000);
    assert.equal((await cluster.jobctl(["backup", "incomplete"])).exitCode, 110);
    const { items } = JSON.parse(
      await cluster.ok(["backup", "list", "incomplete", "--json"]),
    ) as Listed;
    assert.match(items[0]?.problems.join() ?? "", new RegExp(`^lacks the result of job ${id} `));
    await rot(path, 1000);
    await cluster.ok(["gc", "--verify"]);
    assert.equal((await cluster.jobctl(["backup", "incomplete"])).exitCode, 0);
    assert.match(await cluster.ok(["backup", "list", "incomplete"]), /\t-\n$/);
  });

  it("and their like say little: gc in cron, a reset of one agent, a server that is down", async () => {
    assert.equal(await cluster.ok(["gc", "--quiet"]), "");
    assert.equal(await cluster.ok(["gc", "--verify", "--quiet"]), "");
    const reset = await cluster.ok(["agents", "reset", "agent-1"]);
    assert.equal(reset, "agent-1: calls are let through\n");
    assert.equal((await cluster.ok(["agents", "reset", "--all"])).split("\n").length, 3);
    const env = { JOBCTL_SERVER: "http://127.0.0.1:1" };
    const beganMs = performance.now();
    const { exitCode, stderr } = await cluster.jobctl(["vacuum", "--check"], { env });
    assert.equal(exitCode, 108, stderr);
    assert.ok(performance.now() - beganMs < 60_000);
    assert.equal(stderr.match(/trying again/g)?.length, 1, stderr);
  });
});
