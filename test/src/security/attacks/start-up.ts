import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import type { PlacedCluster } from "../../support/sandbox-places.js";
import { shows } from "../../support/shows.js";
import { waitUntil } from "../../support/wait-until.js";

const BUBBLEWRAP_ROUNDS = 20;
const AGENT_ROUNDS = 6;
const SLEEP = "sleep 87651";

/** Longest time from the start of a sandbox to the blow: about as long as one takes to be made. */
const LATEST_MS = 40;

/** Kills what makes a sandbox, at any instant. */
export function defineStartUpAttacks(place: () => PlacedCluster): void {
  /** Process groups of the sandboxes that this agent has started; each leader is bubblewrap. */
  const groups = new Set<number>();

  /** Waits for a sandbox that was not there before. */
  const nextSandbox = async (): Promise<number> => {
    let found: number | undefined;
    await waitUntil("a sandbox is being made", async () => {
      found = (await childrenOf(place().machinePid)).find((pid) => !groups.has(pid));
      return found !== undefined;
    });
    groups.add(found ?? 0);
    return found ?? 0;
  };

  const nothingIsLeft = async (): Promise<void> => {
    let left: string[] = [];
    await waitUntil("nothing of these sandboxes is alive", async () => {
      left = await membersOf(groups);
      return left.length === 0;
    }).catch((error: Error) => assert.fail(`${error.message}: ${left.join("; ")}`));
  };

  it("nothing survives bubblewrap when that is killed while it starts, and no slot is lost", async (t) => {
    const { cluster } = place();
    for (let round = 0; round < BUBBLEWRAP_ROUNDS; round += 1) {
      const submitted = cluster.submitScript(`${SLEEP}\n`, "--time", "60s");
      const leader = await nextSandbox();
      await delay((LATEST_MS * round) / BUBBLEWRAP_ROUNDS);
      kill(leader);
      const id = await submitted;
      await waitUntil(`job ${id} is not running`, async () => {
        const { status, attempt } = await cluster.job(id);
        return status !== "running" || attempt > 1;
      });
      // An attempt of which nothing had begun is queued again.
      await cluster.jobctl(["cancel", String(id), "--wait"]);
      for (const pid of await childrenOf(place().machinePid)) groups.add(pid);
    }
    await nothingIsLeft();
    const load = (await (await fetch(`${place().agentUrl}/load`)).json()) as { slotsUsed: number };
    assert.equal(load.slotsUsed, 0);
    shows(t, "nothing-outlives-a-job", {
      what: "sandboxes killed while they start",
      times: BUBBLEWRAP_ROUNDS,
    });
  });

  it("nothing survives an agent that is killed while it starts a job", async (t) => {
    const { cluster, restartAgent } = place();
    for (let round = 0; round < AGENT_ROUNDS; round += 1) {
      const submitted = cluster.submitScript(`${SLEEP}\n`, "--no-requeue", "--time", "60s");
      await nextSandbox();
      await delay((LATEST_MS * round) / AGENT_ROUNDS);
      await restartAgent();
      await submitted;
      await nothingIsLeft();
    }
    const id = await cluster.submitScript("echo well\n", "--wait");
    assert.equal(await cluster.ok(["logs", String(id)]), "well\n");
    shows(t, "nothing-outlives-a-job", {
      what: "agents killed while they start a job",
      times: AGENT_ROUNDS,
    });
  });
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It had ended by itself.
  }
}

async function childrenOf(pid: number): Promise<number[]> {
  const tasks = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = await Promise.all(
    tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, "utf8").catch(() => "")),
  );
  return lists.flatMap((list) => list.trim().split(" ").filter(Boolean).map(Number));
}

/** The living processes of these groups, and what is below them: the job itself has a group of its own. */
async function membersOf(groups: ReadonlySet<number>): Promise<string[]> {
  const names = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = new Map<number, { parent: number; text: string }>();
  const members = new Set<number>();
  for (const name of names) {
    const stat = await readFile(`/proc/${name}/stat`, "latin1").catch(() => "");
    const [state = "", parent, group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (state === "" || "ZX".includes(state)) continue;
    found.set(Number(name), {
      parent: Number(parent),
      text: stat.split(" ").slice(0, 5).join(" "),
    });
    if (groups.has(Number(group))) members.add(Number(name));
  }
  for (let before = -1; before !== members.size;) {
    before = members.size;
    for (const [pid, { parent }] of found) if (members.has(parent)) members.add(pid);
  }
  return [...members].map((pid) => found.get(pid)?.text ?? "");
}
