import { readFile } from "node:fs/promises";
import { join } from "node:path";

import type { Cluster } from "./cluster.js";

/**
 * A script that writes down that it has been started, outside of its workspace, which only an
 * executor without a sandbox allows, and then does something.
 */
export function counted(cluster: Cluster, script: string): string {
  return `echo "$JOBCTL_ATTEMPT" >> ${startsFile(cluster)}\n${script}\n`;
}

/** Ids of the attempts at a job that have been started, once for each start. */
export async function startsOf(cluster: Cluster, jobId: number): Promise<string[]> {
  const text = await readFile(startsFile(cluster), "utf8").catch(() => "");
  return text.split("\n").filter((line) => line.startsWith(`${jobId}.`));
}

/** How often each attempt has been started, by its id. */
export async function countStarts(cluster: Cluster): Promise<Map<string, number>> {
  const text = await readFile(startsFile(cluster), "utf8").catch(() => "");
  const counts = new Map<string, number>();
  for (const id of text.split("\n").filter((line) => line !== ""))
    counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

function startsFile(cluster: Cluster): string {
  return join(cluster.root, "starts");
}
