import { cp, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { checkJobs, type CheckParts } from "./check-jobs.js";
import { checkDatabase, checkGarbage, checkLeftovers, collectGarbage } from "./check-leftovers.js";
import { runClient } from "./clients.js";
import { disturb } from "./disturb.js";
import { DISTURBANCES } from "./disturbances.js";
import { Findings } from "./findings.js";
import { Ledger } from "./ledger.js";
import { countWarnings } from "./log-events.js";
import type { SoakReport } from "./report.js";
import { Stage } from "./stage.js";
import { Talk } from "./talk.js";

const CLIENTS = 8;
const MOST_WARNINGS = 12;
/** Until a server that is not disturbed any more has answered what it was asked meanwhile. */
const ANSWERS_MS = 120_000;

export interface SoakOptions {
  readonly seconds: number;
  readonly seed: number;
}

/**
 * Runs jobs through daemons that are killed, stopped, cut off, filled up and set to other times, and then checks that
 * everything that was acknowledged has happened, once, and that nothing is left of it.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { seed, seconds } = options;
  const findings = new Findings();
  const stage = await Stage.set();
  const { cluster } = stage;
  const ledger = new Ledger(findings);
  // Clients go through a link that is disturbed, checks do not.
  const outside = new Talk(() => stage.server.link.url, cluster.authorization);
  const inside = new Talk(() => cluster.server.url, cluster.authorization);
  const [over, gaveUp] = [new AbortController(), new AbortController()];
  const timers: NodeJS.Timeout[] = [];
  const began = performance.now();
  try {
    timers.push(
      setTimeout(() => over.abort(), seconds * 1000),
      setTimeout(() => gaveUp.abort(), seconds * 1000 + ANSWERS_MS),
    );
    const parts = { stage, talk: inside, ledger, findings, seed };
    const clients = Array.from({ length: CLIENTS }, (_, n) =>
      runClient(n + 1, { ...parts, talk: outside, over: over.signal, gaveUp: gaveUp.signal }),
    );
    const settings = { seed, seconds, disturbances: DISTURBANCES, findings };
    try {
      await Promise.all([
        ...stage.targets.map((target) => disturb(target, parts, settings)),
        collectAtHalfTime(inside, findings, seconds, gaveUp.signal),
      ]);
    } finally {
      over.abort();
      await stage.calm();
    }
    await Promise.all(clients);
    const elapsed = (performance.now() - began) / 1000;
    const check: CheckParts = { stage, talk: inside, ledger, findings, seconds: elapsed };
    await checkJobs(check);
    outside.close();
    await checkLeftovers(check);
    await checkGarbage(check);
    findings.count("seconds in all", Math.round((performance.now() - began) / 1000));
    await cluster.server.end("SIGTERM");
    checkDatabase(check);
    return await makeReport(stage, findings, options);
  } finally {
    for (const timer of timers) clearTimeout(timer);
    over.abort();
    gaveUp.abort();
    outside.close();
    inside.close();
    await stage.strike();
  }
}

/** After that no server is ended any more: what gc finds at the end was left by one that lives. */
async function collectAtHalfTime(
  talk: Talk,
  findings: Findings,
  seconds: number,
  gaveUp: AbortSignal,
): Promise<void> {
  // Some time after the middle: a disturbance that began before it may take so long.
  await delay(seconds * 600);
  while (!gaveUp.aborted) {
    const report = await collectGarbage(talk);
    if (report !== null) {
      findings.count("blobs that killed servers have left", report.blobs.count);
      return;
    }
    await delay(500);
  }
}

async function makeReport(
  { targets }: Stage,
  findings: Findings,
  { seed, seconds }: SoakOptions,
): Promise<SoakReport> {
  const warnings: (readonly [string, number])[] = [];
  for (const { name, daemon } of targets)
    for (const [event, count] of await countWarnings(daemon.logFile))
      warnings.push([`${name}: ${event}`, count]);
  const { violations, counts } = findings;
  return {
    ...{ seed, seconds, counts, violations },
    warnings: warnings.toSorted(([, a], [, b]) => b - a).slice(0, MOST_WARNINGS),
    leftOut: [
      ...(targets.some(({ volume }) => volume === null) ? ["full volumes: needs root"] : []),
      ...(targets.some(({ clock }) => clock === null) ? ["clocks: needs libfaketime"] : []),
    ],
    logs: violations.length === 0 ? null : await keepLogs(targets),
  };
}

async function keepLogs(targets: Stage["targets"]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "jobctl-soak-logs-"));
  for (const { daemon } of targets)
    await cp(daemon.logFile, join(directory, basename(daemon.logFile)));
  return directory;
}
