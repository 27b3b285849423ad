import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

import { isTerminal, type AgentLoad, type Job } from "@jobctl/protocol";

import type { Cluster } from "./cluster.js";
import type { DaemonProcess } from "./daemon-process.js";
import { openFiles } from "./open-files.js";
import { findProcesses } from "./processes.js";
import { waitUntil } from "./wait-until.js";

/**
 * Cancels what still runs, checks that no agent keeps anything of any attempt, and stops the cluster in
 * any case.
 */
export async function stopWithoutLeftovers(cluster: Cluster): Promise<void> {
  try {
    await cancelAll(cluster);
    await assertNoLeftovers(cluster);
  } finally {
    await cluster.stop();
  }
}

/**
 * Checks that each agent that is running has no slot in use, no attempt, no directory of one, no child
 * process, and no more descriptors than when it came up; and that one that has gone has left no process.
 */
export async function assertNoLeftovers(cluster: Cluster): Promise<void> {
  for (const [index, agent] of cluster.agents.entries()) {
    const name = `agent-${index + 1}`;
    const dataPath = cluster.agentDataPath(index + 1);
    if (isRunning(agent)) {
      const look = async (): Promise<Leftovers> => leftoversOf(agent, dataPath);
      await waitUntil(`nothing is left on ${name}`, async () => isNothing(await look())).catch(
        async () => assert.deepEqual(await look(), NOTHING, name),
      );
    } else if (agent.child.exitCode === 0) {
      assert.deepEqual(await findProcesses(join(dataPath, "attempts")), [], name);
    }
  }
}

interface Leftovers {
  readonly slotsUsed: number;
  readonly directories: readonly string[];
  readonly processes: readonly number[];
  readonly children: readonly string[];
  /** What descriptors lead to that were not there when the agent came up; sockets do not count. */
  readonly descriptors: readonly string[];
}

const NOTHING: Leftovers = {
  slotsUsed: 0,
  directories: [],
  processes: [],
  children: [],
  descriptors: [],
};

function isNothing({ slotsUsed, ...lists }: Leftovers): boolean {
  return slotsUsed === 0 && Object.values(lists).every((list) => list.length === 0);
}

async function leftoversOf(agent: DaemonProcess, dataPath: string): Promise<Leftovers> {
  const load = (await (await fetch(`${agent.url}/load`)).json()) as AgentLoad;
  const namesIn = async (folder: string): Promise<string[]> =>
    (await readdir(join(dataPath, folder)).catch(() => [])).map((name) => `${folder}/${name}`);
  const { pid, filesAtStart } = agent;
  return {
    slotsUsed: load.slotsUsed,
    directories: [...(await namesIn("attempts")), ...(await namesIn("trash"))],
    processes: (await findProcesses(join(dataPath, "attempts"))).filter((found) => found !== pid),
    children: await childrenOf(pid),
    descriptors: more(await openFiles(pid), filesAtStart),
  };
}

async function childrenOf(pid: number): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.split(" ").filter((child) => child.trim() !== "");
}

/** What is in a list more often than in another. */
function more(now: readonly string[], before: readonly string[]): string[] {
  const left = [...before];
  return now.filter((target) => {
    const index = left.indexOf(target);
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
}

async function cancelAll(cluster: Cluster): Promise<void> {
  if (!isRunning(cluster.server)) return;
  const answer = await cluster.request("/v1/jobs?limit=200");
  if (!answer.ok) return;
  const { items } = (await answer.json()) as { items: Job[] };
  for (const { id } of items.filter(({ status }) => !isTerminal(status)))
    await cluster.request(`/v1/jobs/${id}/cancel`, { method: "POST" });
}

function isRunning({ child }: DaemonProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}
