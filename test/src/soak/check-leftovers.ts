import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import type { AgentLoad, GcReport } from "@jobctl/protocol";
import Database from "better-sqlite3";

import { openFiles } from "../support/open-files.js";
import { findProcesses } from "../support/processes.js";
import { waitUntil } from "../support/wait-until.js";
import type { CheckParts } from "./check-jobs.js";
import type { Target } from "./target.js";

const CLEAN_UP_MS = 60_000;
/** Time in which a cluster without work is watched. */
const QUIET_MS = 5000;
/** What a daemon without work may log in that time: its periodic work. */
const QUIET_LOG_BYTES = 16 * 1024;

/** Checks that nothing is left of jobs that have ended: on the agents, on the server, in processes and logs. */
export async function checkLeftovers(parts: CheckParts): Promise<void> {
  const { stage, findings } = parts;
  for (const target of stage.targets) {
    const look = (): Promise<string[]> =>
      target.isServer ? serverLeftovers(target, parts) : agentLeftovers(target);
    await waitUntil("nothing is left", async () => (await look()).length === 0, CLEAN_UP_MS).catch(
      async () => {
        for (const left of await look()) findings.violation(`${target.name} keeps ${left}`);
      },
    );
  }
  await checkQuietLogs(parts);
}

/** What gc takes. Only daemons that were ended may leave something for it. */
export async function checkGarbage({ talk, findings }: CheckParts): Promise<void> {
  const report = await collectGarbage(talk);
  if (report === null) findings.violation("gc does not answer");
  else if (report.blobs.count + report.temporaryFiles.count > 0)
    findings.violation(
      `gc takes ${report.blobs.count} blobs and ${report.temporaryFiles.count} temporary files although no server was ended since the last one`,
    );
  for (const { jobId, kind } of report?.missing ?? [])
    findings.violation(`job ${jobId} has lost its ${kind}`);
}

/** Takes what servers that were ended have left. */
export async function collectGarbage(talk: CheckParts["talk"]): Promise<GcReport | null> {
  const headers = { "content-type": "application/json" };
  const body = Buffer.from("{}");
  return talk.json<GcReport>("/v1/admin/gc", { method: "POST", headers, body, timeoutMs: 60_000 });
}

/** Whether the database of a server that has been stopped is sound. */
export function checkDatabase({ stage, findings }: CheckParts): void {
  const db = new Database(join(stage.cluster.dataPath, "jobctl.db"), { readonly: true });
  try {
    const integrity = db.pragma("integrity_check", { simple: true });
    if (integrity !== "ok") findings.violation(`the database is damaged: ${integrity}`);
    const dangling = db.pragma("foreign_key_check") as unknown[];
    if (dangling.length > 0) findings.violation(`${dangling.length} rows refer to nothing`);
  } finally {
    db.close();
  }
}

async function agentLeftovers(target: Target): Promise<string[]> {
  const { dataPath, daemon } = target;
  const answer = await fetch(`${daemon.url}/load`).catch(() => null);
  const load = (await answer?.json()) as AgentLoad | undefined;
  const processes = await findProcesses(join(dataPath, "attempts"));
  const namesIn = (folder: string): Promise<string[]> =>
    readdir(join(dataPath, folder)).catch(() => []);
  return [
    ...(load === undefined ? ["no answer"] : []),
    ...(load?.slotsUsed ? [`${load.slotsUsed} slots in use`] : []),
    ...processes.filter((pid) => pid !== daemon.pid).map((pid) => `process ${pid} of a job`),
    ...(await namesIn("attempts")).map((name) => `attempts/${name}`),
    ...(await namesIn("trash")).map((name) => `trash/${name}`),
    ...(await newFiles(target)),
  ];
}

async function serverLeftovers(target: Target, { stage }: CheckParts): Promise<string[]> {
  const names = await stage.cluster.temporaryFiles();
  return [...names.map((name) => `tmp/${name}`), ...(await newFiles(target))];
}

/** Descriptors that a process has besides those that it came up with. */
async function newFiles({ daemon, filesAtStart }: Target): Promise<string[]> {
  const known = [...filesAtStart];
  return (await openFiles(daemon.pid))
    .filter((path) => {
      const index = known.indexOf(path);
      if (index >= 0) known.splice(index, 1);
      return index < 0;
    })
    .map((path) => `a descriptor of ${path}`);
}

async function checkQuietLogs({ stage, findings }: CheckParts): Promise<void> {
  const sizes = (): Promise<number[]> =>
    Promise.all(stage.targets.map(async ({ daemon }) => (await stat(daemon.logFile)).size));
  const before = await sizes();
  await delay(QUIET_MS);
  const after = await sizes();
  for (const [index, { name }] of stage.targets.entries()) {
    const grown = (after[index] ?? 0) - (before[index] ?? 0);
    if (grown > QUIET_LOG_BYTES)
      findings.violation(`${name} logs ${grown} bytes in ${QUIET_MS / 1000} s without any work`);
  }
}
