import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import type { Agent, Job } from "@jobctl/protocol";
import { execa } from "execa";

import { freePort } from "../support/free-port.js";
import { hasDocker, unless } from "../support/requirements.js";
import { waitUntil } from "../support/wait-until.js";

const COMPOSE_FILE = fileURLToPath(new URL("../../../compose/compose.yaml", import.meta.url));
const CLI = fileURLToPath(import.meta.resolve("@jobctl/cli/main"));
const AGENTS = 3;
const JOBS = 30;

describe("compose", { skip: unless("a Docker engine with compose", hasDocker) }, () => {
  let root: string;
  let environment: Record<string, string>;
  const project = `jobctl-compose-${process.pid}`;
  const compose = async (...args: string[]): Promise<string> => {
    const words = ["compose", "--project-name", project, "--file", COMPOSE_FILE, ...args];
    const { stdout } = await execa("docker", words, { env: environment });
    return stdout;
  };
  const jobctl = async (...args: string[]): Promise<string> => {
    const { stdout } = await execa(process.execPath, [CLI, ...args], {
      cwd: root,
      env: { ...environment, HOME: root },
    });
    return stdout;
  };
  const agents = async (): Promise<Agent[]> =>
    (JSON.parse(await jobctl("agents", "list", "--json")) as { items: Agent[] }).items;
  const job = async (id: string): Promise<Job> =>
    JSON.parse(await jobctl("status", id, "--json")) as Job;

  before(async () => {
    root = await mkdtemp(join(tmpdir(), "jobctl-compose-"));
    await mkdir(join(root, "secrets"));
    for (const name of ["admin-token", "agent-token"])
      await writeFile(join(root, "secrets", name), `test-${name}-of-some-length`);
    const port = await freePort();
    environment = {
      JOBCTL_SECRETS: join(root, "secrets"),
      JOBCTL_PORT: String(port),
      JOBCTL_SERVER: `http://127.0.0.1:${port}`,
      JOBCTL_TOKEN_FILE: join(root, "secrets/admin-token"),
    };
    await compose("up", "--build", "--detach", "--wait", "--scale", `agent=${AGENTS}`);
    await mkdir(join(root, "job"));
    await writeFile(join(root, "job/run.sh"), "sleep 0.5; echo done > result.txt\n");
  });
  after(async () => {
    await compose("down", "--volumes", "--remove-orphans", "--timeout", "5");
    await rm(root, { recursive: true, force: true });
  });

  it("starts everything with one command, and the agents are found", async () => {
    await waitUntil("all are ready", async () => {
      const found = await agents();
      return found.length === AGENTS && found.every(({ state }) => state === "ready");
    });
    for (const { sandbox } of await agents()) assert.equal(sandbox, "bubblewrap");
  });

  it(`spreads ${JOBS} jobs over them`, async () => {
    const ids = await Promise.all(
      Array.from({ length: JOBS }, () => jobctl("submit", "job").then((id) => id.trim())),
    );
    await jobctl("wait", ...ids);
    const used = new Set((await Promise.all(ids.map(job))).map(({ agent }) => agent));
    assert.equal(used.size, AGENTS);
    await jobctl("download", ids[0] ?? "", "-o", "out");
    assert.equal(await readFile(join(root, "out/result.txt"), "utf8"), "done\n");
  });

  it("runs the server without root, capabilities or a place to write but its data", async () => {
    const id = await compose("ps", "--quiet", "server");
    const { stdout } = await execa("docker", ["inspect", id]);
    const [{ State, HostConfig, NetworkSettings }] = JSON.parse(stdout);
    const status = await readFile(`/proc/${State.Pid}/status`, "utf8");
    assert.match(status, /^Uid:\t10001\t/m);
    assert.match(status, /^CapEff:\t0+$/m);
    assert.match(status, /^NoNewPrivs:\t1$/m);
    assert.match(status, /^Seccomp:\t2$/m);
    assert.deepEqual([HostConfig.ReadonlyRootfs, HostConfig.Memory], [true, 1024 ** 3]);
    assert.equal(HostConfig.LogConfig.Config["max-size"], "50m");
    assert.equal(HostConfig.RestartPolicy.Name, "unless-stopped");
    assert.equal(Object.keys(NetworkSettings.Networks).length, 2);
    const bindings = Object.values(NetworkSettings.Ports).flat() as { HostIp: string }[];
    assert.deepEqual(
      bindings.map(({ HostIp }) => HostIp),
      ["127.0.0.1"],
    );
  });

  it("keeps queued and running jobs when the server is replaced", async () => {
    await writeFile(join(root, "job/run.sh"), "sleep 8; echo after > result.txt\n");
    const running = (await jobctl("submit", "job")).trim();
    await waitUntil("it runs", async () => (await job(running)).status === "running");
    const queued = (await jobctl("submit", "job", "--cpus", "2")).trim();
    await compose("up", "--detach", "--wait", "--force-recreate", "--no-deps", "server");
    await jobctl("wait", running, queued);
    const ends = await Promise.all([running, queued].map(job));
    assert.deepEqual(
      ends.map(({ status, attempt }) => [status, attempt]),
      [
        ["completed", 1],
        ["completed", 1],
      ],
    );
  });
});
