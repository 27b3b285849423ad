import assert from "node:assert/strict";
import { readFile, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { isTerminal, type Job } from "@jobctl/protocol";

import { Cluster } from "../support/cluster.js";
import { findProcesses } from "../support/processes.js";
import { waitUntil } from "../support/wait-until.js";

const SECONDS = Number(process.env["JOBCTL_SOAK_SECONDS"] ?? 60);
const SEED = Number(process.env["JOBCTL_SOAK_SEED"] ?? Date.now() % 1_000_000);
const CLIENTS = 8;
const AGENTS = 2;

/** The same numbers for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe("a soak with daemons that die again and again", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start({
      agents: AGENTS,
      server: {
        JOBCTL_AGENT_POLL_SECONDS: "1",
        JOBCTL_AGENT_DEAD_SECONDS: "6",
        JOBCTL_MAX_REQUEUES: "50",
      },
    });
  });
  after(() => cluster.stop());

  it(
    `for ${SECONDS} s (JOBCTL_SOAK_SECONDS, seed ${SEED}: JOBCTL_SOAK_SEED)`,
    { timeout: (SECONDS + 120) * 1000 },
    async () => {
      process.stdout.write(`soak: ${SECONDS} s, JOBCTL_SOAK_SEED=${SEED}\n`);
      const random = randomFrom(SEED);
      const until = Date.now() + SECONDS * 1000;
      const acknowledged = new Map<number, string>();
      const memory: number[] = [];

      const client = async (number: number): Promise<void> => {
        for (let n = 0; Date.now() < until; n += 1) {
          const text = `${number}-${n}`;
          const script = `sleep 0.${Math.floor(random() * 10)}; echo ${text} > result.txt\n`;
          const id = await submit(script, text);
          acknowledged.set(id, text);
          const what = random();
          if (what < 0.2) await persistently(["cancel", String(id)]);
          else if (what < 0.6) await cluster.jobctl(["wait", String(id), "--timeout", "20s"]);
          else {
            const out = join(cluster.root, `out-${text}`);
            await cluster.jobctl(["wait", String(id), "--timeout", "20s"]);
            const { status } = JSON.parse(await persistently(["status", String(id), "--json"]));
            if (status === "completed") {
              await persistently(["download", String(id), "-o", out, "--force"]);
              assert.equal(await readFile(join(out, "result.txt"), "utf8"), `${text}\n`);
              await rm(out, { recursive: true });
            }
          }
        }
      };

      const fault = async (): Promise<void> => {
        while (Date.now() < until - 5000) {
          await delay(1000 + random() * 3000);
          const which = Math.floor(random() * (AGENTS + 1));
          const signal = random() < 0.7 ? "SIGKILL" : "SIGTERM";
          if (which === 0) {
            await cluster.server.end(signal);
            await cluster.startServer();
          } else {
            await cluster.agents[which - 1]?.end(signal);
            await cluster.startAgent(which);
          }
          memory.push(await residentBytes(cluster.server.pid));
        }
      };

      await Promise.all([...Array.from({ length: CLIENTS }, (_, n) => client(n)), fault()]);
      for (const [id, text] of acknowledged) {
        await waitUntil(`job ${id} has ended`, async () => isTerminal((await job(id)).status));
        const { status } = await job(id);
        assert.ok(status === "completed" || status === "cancelled", `${id}: ${status}`);
        if (status !== "completed") continue;
        const answer = await cluster.request(`/v1/jobs/${id}/files/result.txt`);
        assert.equal(await answer.text(), `${text}\n`);
      }
      await assertNothingLeft();
      process.stdout.write(
        `soak: ${acknowledged.size} jobs, ${memory.length} restarts, server ${Math.round(Math.max(...memory) / 1024 ** 2)} MiB at most\n`,
      );
    },
  );

  /** On a machine that is busy enough a restart can take longer than the command line tries. */
  async function persistently(args: readonly string[]): Promise<string> {
    for (;;) {
      const { exitCode, stdout, stderr } = await cluster.jobctl(args);
      if (exitCode === 0) return stdout;
      assert.equal(exitCode, 108, `jobctl ${args.join(" ")}: ${stderr}`);
    }
  }

  async function submit(script: string, text: string): Promise<number> {
    const directory = await cluster.makeJob({ "run.sh": script });
    // The same key: were the first answer lost, this is still one job.
    const key = ["--idempotency-key", `soak-${text}`];
    return Number(await persistently(["submit", directory, "--name", `soak-${text}`, ...key]));
  }

  async function job(id: number): Promise<Job> {
    return (await (await cluster.request(`/v1/jobs/${id}`)).json()) as Job;
  }

  async function assertNothingLeft(): Promise<void> {
    for (let n = 1; n <= AGENTS; n += 1) {
      const attempts = join(cluster.root, `agent-${n}/attempts`);
      await waitUntil(
        `agent ${n} has forgotten all attempts`,
        async () => (await readdir(attempts)).length === 0,
      );
      assert.deepEqual(await findProcesses(attempts), []);
    }
    await waitUntil(
      "nothing is being written",
      async () => (await cluster.temporaryFiles()).length === 0,
    );
    const first = JSON.parse(await cluster.ok(["gc", "--json"]));
    assert.deepEqual(first.missing, []);
    const second = JSON.parse(await cluster.ok(["gc", "--json"]));
    assert.equal(second.blobs.count, 0);
  }
});

async function residentBytes(pid: number): Promise<number> {
  const [, pages = "0"] = (await readFile(`/proc/${pid}/statm`, "utf8")).split(" ");
  return Number(pages) * 4096;
}
