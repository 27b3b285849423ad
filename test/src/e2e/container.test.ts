import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { Cluster } from "../support/cluster.js";
import { procFile } from "../support/compose-project.js";
import { ContainerAgents } from "../support/container-agent.js";
import { NARROW_LIMITS, NO_RULES, defineEscapes } from "../support/escapes.js";
import { findProcesses } from "../support/processes.js";
import { hasDocker, unless } from "../support/requirements.js";
import { shows } from "../support/shows.js";
import { waitUntil } from "../support/wait-until.js";

const SLEEP = "sleep 87652";

describe(
  "an agent in its container",
  { skip: unless("a Docker engine with compose", hasDocker) },
  () => {
    let root: string;
    let container: ContainerAgents;
    let cluster: Cluster;
    let agentUrl: string;
    /** Of the agent itself, as the machine and as the container number it. */
    let pid: number;
    before(async () => {
      root = await mkdtemp(join(tmpdir(), "jobctl-container-"));
      container = await ContainerAgents.start(root, NARROW_LIMITS);
      const { agent, host } = await container.addresses();
      agentUrl = `http://${agent}:9000`;
      cluster = await Cluster.start({
        agents: 0,
        agentUrls: [agentUrl],
        server: { SERVICE_DEFAULT_RULES: NO_RULES, JOBCTL_HOST: host },
      });
      pid = await container.agentPid();
    });
    after(async () => {
      await cluster?.stop();
      await container?.stop();
      await rm(root, { recursive: true, force: true });
    });

    it("has no root, no capability and no way to gain one, and its system calls are filtered", async (t) => {
      shows(t, "containers-have-no-privileges");
      const status = await procFile(pid, "status");
      const field = (name: string): string =>
        new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1] ?? "";
      assert.deepEqual(field("Uid").split("\t"), ["10001", "10001", "10001", "10001"]);
      for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"])
        assert.match(field(set), /^0+$/, set);
      assert.equal(field("NoNewPrivs"), "1");
      assert.equal(field("Seccomp"), "2");
    });

    it("can write to its data and to /tmp only", async (t) => {
      shows(t, "container-roots-are-read-only");
      const mounts = (await procFile(pid, "mountinfo")).trimEnd().split("\n");
      const writable = mounts
        .map((line) => line.split(" "))
        .filter(([, , , , , options = ""]) => options.split(",").includes("rw"))
        .map(([, , , , path = ""]) => path)
        .filter((path) => !/^\/(proc|dev|sys)(\/|$)/.test(path));
      assert.deepEqual(writable.toSorted(), ["/tmp", "/var/lib/jobctl"]);
      const attempts = ["/x", "/etc/x", "/opt/jobctl/x", "/usr/bin/x", "/etc/hosts"];
      for (const path of attempts)
        await assert.rejects(container.exec("sh", "-c", `: >> ${path}`), /Read-only|denied/, path);
      const top = mounts.find((line) => line.split(" ")[4] === "/")?.split(" ")[5] ?? "";
      assert.ok(top.split(",").includes("ro"));
    });

    it("has its limits, and no port outside", async (t) => {
      shows(t, "containers-are-limited");
      const { HostConfig } = await container.inspect();
      assert.equal(HostConfig.Memory, 2 * 1024 ** 3);
      assert.equal(HostConfig.NanoCpus, 2e9);
      assert.equal(HostConfig.PidsLimit, 256);
      assert.equal(HostConfig.ReadonlyRootfs, true);
      assert.equal(HostConfig.Privileged, false);
      assert.deepEqual(HostConfig.CapDrop, ["ALL"]);
      assert.deepEqual(HostConfig.PortBindings ?? {}, {});
      assert.match(HostConfig.Tmpfs["/tmp"] ?? "", /size=64m/);
    });

    it("has no token in any environment or argument", async (t) => {
      shows(t, "tokens-are-not-shown");
      const { Config } = await container.inspect();
      const shown = [
        Config.Env.join("\0"),
        await procFile(pid, "environ"),
        await procFile(pid, "cmdline"),
      ];
      for (const text of shown) assert.doesNotMatch(text, /test-agent-token/);
    });

    it("has no route but into its own network", async () => {
      const { agent, host } = await container.addresses();
      const [, ...routes] = (await procFile(pid, "net/route")).trimEnd().split("\n");
      const devices = new Set(routes.map((route) => route.split("\t")[0]));
      assert.deepEqual([...devices], ["eth0"]);
      for (const route of routes) {
        const [, , gateway = ""] = route.split("\t");
        // The engine's own end of this network, behind which it lets nothing through.
        if (gateway !== "00000000") assert.equal(toAddress(gateway), host);
      }
      assert.equal(agent.split(".").slice(0, 2).join("."), host.split(".").slice(0, 2).join("."));
      // A second network of the same engine stands for everything that is outside.
      const other = await container.withAnotherNetwork((address) =>
        container.exec("node", "-e", CONNECT, address).catch((error: Error) => error.message),
      );
      assert.match(other, /no connection/);
    });

    defineEscapes(() => ({
      cluster,
      agentUrl,
      agentPid: 7,
      dataPath: "/var/lib/jobctl",
      tokenFile: "/run/secrets/agent-token",
    }));

    it("starts again by itself when it is killed, and nothing of its jobs is left", async (t) => {
      shows(t, "nothing-outlives-a-job");
      const id = await cluster.submitScript(`(setsid ${SLEEP} &); ${SLEEP}\n`);
      const running = async (): Promise<number> =>
        (await findProcesses(SLEEP.replace(" ", "\0"))).length;
      await waitUntil("it runs", async () => (await running()) >= 2);
      const { State } = await container.inspect();
      process.kill(State.Pid, "SIGKILL");
      await waitUntil("nothing of it is left", async () => {
        const { attempt } = await cluster.job(id);
        return attempt === 2 || (await running()) === 0;
      });
      await waitUntil("it runs again", async () => {
        const { attempt, status } = await cluster.job(id);
        return attempt === 2 && status === "running";
      });
      assert.equal((await container.inspect()).RestartCount, 1);
      await cluster.ok(["cancel", String(id), "--wait"]);
      assert.equal(await running(), 0);
    });
  },
);

/** Says whether a connection can be made within two seconds. */
const CONNECT = `
  const socket = require("node:net").connect({ host: process.argv[1], port: 9000, timeout: 2000 });
  const end = (text) => { console.log(text); process.exit(); };
  socket.on("connect", () => end("connected"));
  socket.on("error", (error) => end("no connection: " + error.code));
  socket.on("timeout", () => end("no connection: time-out"));
`;

/** Of `/proc/net/route`: hexadecimal, the last byte first. */
function toAddress(hex: string): string {
  const bytes = hex.match(/../g) ?? [];
  return bytes
    .toReversed()
    .map((byte) => Number.parseInt(byte, 16))
    .join(".");
}
