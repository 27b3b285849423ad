import assert from "node:assert/strict";
import { rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { Cluster } from "../support/cluster.js";

describe("what the command line packs", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start();
  });
  after(() => cluster.stop());

  it("is a script behind a link as well", async () => {
    const script = join(cluster.root, "real.sh");
    await writeFile(script, "echo from the script\n");
    await symlink(script, join(cluster.root, "link.sh"));
    const id = await cluster.ok(["submit", join(cluster.root, "link.sh"), "--wait"]);
    const { name } = await cluster.job(Number(id));
    assert.equal(name, "link");
    assert.equal(await cluster.ok(["logs", id.trim()]), "from the script\n");
  });

  it("has no name that is not UTF-8", async () => {
    const directory = await cluster.makeJob({ "run.sh": "true\n" });
    const name = Buffer.concat([Buffer.from(`${directory}/caf`), Buffer.from([0xe9])]);
    await writeFile(name, "");
    const { exitCode, stderr } = await cluster.jobctl(["submit", directory]);
    assert.equal(exitCode, 105);
    assert.match(stderr, /"caf\\\\xE9" has a name, or links to one, that is not UTF-8/);
    await rm(name);
    const link = Buffer.from(`${directory}/link`);
    await symlink(Buffer.from([0xe9]), link);
    assert.equal((await cluster.jobctl(["submit", directory])).exitCode, 105);
  });
});
