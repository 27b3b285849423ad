import assert from "node:assert/strict";
import { chmod, cp, mkdir, readFile, readdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { execa } from "execa";

import { Cluster } from "../support/cluster.js";
import { freePort } from "../support/free-port.js";

const SERVER = fileURLToPath(import.meta.resolve("@jobctl/server/main"));
const CLI = fileURLToPath(import.meta.resolve("@jobctl/cli/main"));
const SMOKE = fileURLToPath(new URL("../../../scripts/smoke", import.meta.url));

describe("before and after a deployment", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start();
  });
  after(() => cluster.stop());

  const check = async (environment: Record<string, string>) => {
    const { exitCode, stdout, stderr } = await execa(process.execPath, [SERVER, "check"], {
      ...{ extendEnv: false, reject: false },
      env: {
        JOBCTL_ADMIN_TOKEN_FILE: join(cluster.root, "admin.token"),
        JOBCTL_AGENT_TOKEN_FILE: join(cluster.root, "agent.token"),
        JOBCTL_AGENTS: cluster.agents[0]?.url ?? "",
        JOBCTL_MIN_FREE_BYTES: "0",
        ...environment,
      },
    });
    return { exitCode, stdout, stderr };
  };

  it("jobctl-server check looks at what a start needs, and leaves nothing behind", async () => {
    const fresh = join(cluster.root, "fresh");
    const port = String(await freePort());
    // One that no server knows; it stays so.
    await cluster.startAgent(2);
    const unknown = cluster.agents[1]?.url ?? "";
    const { exitCode, stdout } = await check({
      ...{ JOBCTL_DATA_PATH: fresh, JOBCTL_PORT: port, JOBCTL_AGENTS: unknown },
    });
    assert.equal(exitCode, 0, stdout);
    const checks = stdout.split("\n").map((line) => line.split(":")[0]);
    for (const name of ["configuration", "data directory", "free space", "database", "address"])
      assert.ok(checks.includes(`ok    ${name}`), name);
    assert.match(stdout, /^ok    agent http:\/\/127.*: answers$/m);
    assert.ok(!(await readdir(cluster.root)).includes("fresh"));
    const identity = await readFile(join(cluster.root, "agent-2/identity.json"), "utf8");
    assert.equal((JSON.parse(identity) as { server: unknown }).server, null);
  });

  it("it can be run beside a server", async () => {
    const { exitCode, stdout } = await check({ JOBCTL_DATA_PATH: cluster.dataPath });
    assert.equal(exitCode, 0, stdout);
    assert.match(stdout, /^ok    active server: another one is: this one waits$/m);
    assert.match(stdout, /^ok    database: .* can be written, schema version \d+$/m);
  });

  it("it knows the one-time secrets that the server waits for", async () => {
    const url = cluster.agents[1]?.url ?? "";
    await cluster.ok(["agents", "add", url, "--one-time"]);
    const environment = { JOBCTL_DATA_PATH: cluster.dataPath, JOBCTL_AGENTS: url };
    const { exitCode, stdout } = await check(environment);
    assert.equal(exitCode, 1, stdout);
    assert.match(stdout, /^FAIL  agent .* waits for the one-time secret of this address until 20/m);
    await cluster.ok(["agents", "remove", url]);
  });

  it("it names what is wrong", async () => {
    const occupied = new URL(cluster.server.url).port;
    const wrong = await check({
      JOBCTL_DATA_PATH: join(cluster.root, "fresh"),
      JOBCTL_PORT: occupied,
      JOBCTL_AGENTS: `${cluster.agents[0]?.url},${cluster.agents[1]?.url},http://127.0.0.1:${await freePort()}`,
      JOBCTL_AGENT_TOKEN_FILE: join(cluster.root, "admin.token"),
      JOBCTL_MIN_FREE_BYTES: "1000000000000000",
    });
    assert.equal(wrong.exitCode, 1);
    assert.match(wrong.stdout, /^FAIL  free space: .* less than JOBCTL_MIN_FREE_BYTES/m);
    assert.match(wrong.stdout, /^FAIL  address: listen EADDRINUSE/m);
    assert.match(
      wrong.stdout,
      /^FAIL  agent .* agent-1 serves installation \S+ \(key \S+\); this server has no database yet, so it would be a new installation\. .*restore --take-over.* for good/m,
    );
    assert.match(wrong.stdout, /^FAIL  agent .*does not prove .*secret.*JOBCTL_AGENT_TOKEN_FILE/m);
    assert.match(wrong.stdout, /^FAIL  agent .*ECONNREFUSED/m);
    const unset = await check({ JOBCTL_PORT: "many", JOBCTL_AGENT_TOKEN_FILE: "/none" });
    assert.equal(unset.exitCode, 2);
    assert.match(unset.stderr, /JOBCTL_PORT: must be a whole number; JOBCTL_AGENT_TOKEN_FILE/);
  });

  it("it says nothing of the agents when the database is lost", async () => {
    const lost = join(cluster.root, "lost");
    await cp(join(cluster.dataPath, "installation.json"), join(lost, "installation.json"));
    const { exitCode, stdout } = await check({ JOBCTL_DATA_PATH: lost });
    assert.equal(exitCode, 1);
    assert.match(stdout, /^FAIL  database: .* has no database .*jobctl restore/m);
    assert.doesNotMatch(stdout, /  agent |new installation/);
  });

  it("scripts/smoke tries an installation from end to end", async () => {
    const bin = join(cluster.root, "bin");
    await mkdir(bin);
    await chmod(CLI, 0o755);
    await symlink(CLI, join(bin, "jobctl"));
    const env = {
      ...cluster.environment,
      PATH: `${bin}:${process.env["PATH"]}`,
      TMPDIR: cluster.root,
    };
    const { stderr } = await execa(SMOKE, [], { env, extendEnv: false });
    assert.match(stderr, /all is well$/);
    const left = (await readdir(cluster.root)).filter((name) => name.startsWith("jobctl-smoke"));
    assert.deepEqual(left, []);
  });
});
