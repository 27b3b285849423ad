import assert from "node:assert/strict";
import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { execa } from "execa";

import { Cluster } from "../support/cluster.js";
import { jobArchive, uploadOf } from "../support/direct-submits.js";
import { IdleConnections } from "../support/idle-connections.js";
import { shows } from "../support/shows.js";
import { waitUntil } from "../support/wait-until.js";

const JOBS = 4;

describe("trouble of the machine fails no job", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start();
  });
  after(() => cluster.stop());

  /** Jobs that wait until `resume`. */
  const submitWaiting = async (script: string): Promise<number[]> => {
    await cluster.ok(["agents", "drain", "agent-1"]);
    return Promise.all(
      Array.from({ length: JOBS }, (_, n) => cluster.submitScript(`${script} # ${n}\n`)),
    );
  };
  const resume = (): Promise<string> => cluster.ok(["agents", "resume", "agent-1"]);
  const untilNoted = async (id: number, what: RegExp): Promise<void> =>
    waitUntil(`job ${id} says ${what}`, async () =>
      what.test(await cluster.ok(["events", String(id)])),
    );
  const assertAllComplete = async (ids: readonly number[]): Promise<void> => {
    await cluster.jobctl(["wait", ...ids.map(String)], { timeoutMs: 120_000 });
    for (const id of ids) {
      const { status, outcome } = await cluster.job(id);
      assert.equal(status, "completed", JSON.stringify(outcome));
    }
  };

  it("while the server's blobs are away", async (t) => {
    const ended = await cluster.submitScript("echo ended\n", "--wait");
    const ids = await submitWaiting("echo blobs");
    const blobs = join(cluster.dataPath, "blobs");
    await rename(blobs, `${blobs}.away`);
    await resume();
    for (const call of [
      ["download", String(ended), "-o", "ended"],
      ["gc", "--dry-run"],
    ]) {
      const { exitCode, stderr } = await cluster.jobctl(call);
      assert.equal(exitCode, 1);
      assert.match(stderr, /there are no stored files in .*\n.*volume of the data folder/);
    }
    for (const id of ids) await untilNoted(id, /not_sent\s.*there are no stored files/);
    await rename(`${blobs}.away`, blobs);
    await assertAllComplete(ids);
    shows(t, "machine-trouble-fails-no-job", {
      what: "stored files that are away for a while",
      times: 1,
    });
  });

  it("while the server's blobs are away, when nothing is stored in their place", async () => {
    const go = join(cluster.root, "go");
    const id = await cluster.submitScript(`until [ -e ${go} ]; do sleep 0.05; done; echo done\n`);
    await waitUntil("it runs", async () => (await cluster.job(id)).status === "running");
    const blobs = join(cluster.dataPath, "blobs");
    await rename(blobs, `${blobs}.away`);
    await mkdir(join(blobs, "sha256"), { recursive: true });
    const upload = uploadOf(jobArchive("echo new\n"));
    const refused = await cluster.request("/v1/jobs", { method: "POST", ...upload });
    assert.equal(refused.status, 503, await refused.text());
    await writeFile(go, "");
    await waitUntil("its result waits", async () =>
      /"event":"collect_failed".*the stored files .* are away/.test(
        await readFile(join(cluster.root, "server.log"), "utf8"),
      ),
    );
    assert.deepEqual(await readdir(join(blobs, "sha256")), []);
    await rm(blobs, { recursive: true });
    await rename(`${blobs}.away`, blobs);
    await assertAllComplete([id]);
    assert.equal(await cluster.ok(["logs", String(id)]), "done\n");
    assert.deepEqual(await cluster.temporaryFiles(), []);
  });

  it("while the server has no file descriptors", async (t) => {
    const ids = await submitWaiting("echo descriptors");
    const { pid, url } = cluster.server;
    const crowd = new IdleConnections(url, 100);
    try {
      // Leaves an idle connection behind, over which the next request goes.
      await (await cluster.request("/live")).text();
      await execa("prlimit", ["--pid", String(pid), "--nofile=64:4096"]);
      await waitUntil("it has no descriptor left", async () => {
        const { length } = await readdir(`/proc/${pid}/fd`);
        return length >= 64;
      });
      const resumed = await cluster.request("/v1/agents/agent-1/resume", { method: "POST" });
      assert.equal(resumed.status, 200);
      await waitUntil("a job could not be sent", async () =>
        /"event":"(dispatch_[a-z]+|agent_unreachable)".*(EMFILE|descriptor)/.test(
          await readFile(join(cluster.root, "server.log"), "utf8"),
        ),
      );
    } finally {
      crowd.close();
      await execa("prlimit", ["--pid", String(pid), "--nofile=4096:4096"]);
    }
    await assertAllComplete(ids);
    shows(t, "machine-trouble-fails-no-job", {
      what: "a server without file descriptors",
      times: 1,
    });
  });

  it("while the agent's folder cannot be used", async (t) => {
    const ids = await submitWaiting("echo folder");
    const attempts = join(cluster.root, "agent-1/attempts");
    await rename(attempts, `${attempts}.away`);
    await writeFile(attempts, "");
    await resume();
    // It says so by itself, or when it is sent a job.
    await waitUntil("the agent says so", async () => {
      const { status } = await fetch(`${cluster.agents[0]?.url}/ready`);
      return status === 503;
    });
    await rm(attempts);
    await rename(`${attempts}.away`, attempts);
    await assertAllComplete(ids);
    shows(t, "machine-trouble-fails-no-job", {
      what: "an agent's folder that cannot be used",
      times: 1,
    });
  });
});
