import { setTimeout as delay } from "node:timers/promises";

import { isTerminal, type Job } from "@jobctl/protocol";

import { counted } from "../support/starts.js";
import { jobArchive, uploadOf } from "../support/direct-submits.js";
import { readContents } from "./contents.js";
import type { Findings } from "./findings.js";
import type { Entry, Ledger } from "./ledger.js";
import { Random } from "./random.js";
import type { Stage } from "./stage.js";
import type { Talk } from "./talk.js";
import { makeWork, type Work } from "./work.js";

/** How a client that has an id goes on. */
const CANCELS = 0.2;
const LEAVES = 0.05;
/** Submits that are sent a second time although they were acknowledged. */
const REPEATS = 0.1;

export interface ClientParts {
  readonly stage: Stage;
  readonly talk: Talk;
  readonly ledger: Ledger;
  readonly findings: Findings;
  readonly seed: number;
  /** Raised when nothing more is to be submitted. */
  readonly over: AbortSignal;
  /** Raised some time later: a server that has not answered until then never will. */
  readonly gaveUp: AbortSignal;
}

/**
 * Submits jobs one after the other, each with a key of its own that is repeated until the server has acknowledged it,
 * and cancels them, leaves them alone, or waits for them and compares what comes back.
 */
export async function runClient(number: number, parts: ClientParts): Promise<void> {
  const random = new Random(parts.seed, `client ${number}`);
  for (let n = 0; !parts.over.aborted; n += 1) {
    const key = `soak-${parts.seed}-${number}-${n}`;
    const work = makeWork(key, random);
    const [what, pauseMs, repeats] = [
      random.next(),
      random.between(0, 3000),
      random.chance(REPEATS),
    ];
    const entry = await submit(key, work, parts);
    if (entry === null) return;
    if (repeats) await submit(key, work, parts);
    if (what < CANCELS) {
      await delay(pauseMs);
      await cancel(entry, parts);
    }
    if (what < CANCELS + LEAVES) continue;
    await waitFor(entry, parts);
  }
}

/** @returns null when the submit was refused, or never answered, which are violations */
async function submit(key: string, work: Work, parts: ClientParts): Promise<Entry | null> {
  const { stage, talk, ledger, findings, gaveUp } = parts;
  const { headers, body } = uploadOf(jobArchive(counted(stage.cluster, work.script)), work.options);
  // Also after the end: whatever the server has taken in is to have an id.
  for (let tries = 1; !gaveUp.aborted; tries += 1) {
    const answer = await talk.call("/v1/jobs", {
      method: "POST",
      headers: { ...headers, "idempotency-key": key },
      body,
    });
    findings.count(tries === 1 ? "submits" : "submits repeated");
    if (answer?.status === 200 || answer?.status === 201) {
      const { id } = JSON.parse(answer.body.toString()) as Job;
      findings.count(answer.status === 201 ? "acknowledged as new" : "acknowledged again");
      return ledger.acknowledge(id, key, work);
    }
    findings.count(`submits answered with ${answer?.status ?? "nothing"}`);
    if (answer !== null && answer.status >= 400 && answer.status < 500 && answer.status !== 429) {
      findings.violation(`submit of ${key} was refused: ${answer.status} ${answer.body}`);
      return null;
    }
    await delay(200);
  }
  findings.violation(`submit of ${key} is not answered`);
  return null;
}

async function cancel(entry: Entry, { talk, findings, gaveUp }: ClientParts): Promise<void> {
  // Whether or not the answer arrives: it may have been done.
  entry.cancelled = true;
  findings.count("cancels");
  while (!gaveUp.aborted) {
    const answer = await talk.call(`/v1/jobs/${entry.id}/cancel`, { method: "POST" });
    if (answer?.status === 200) return;
    if (answer?.status === 404) {
      findings.violation(`job ${entry.id} (${entry.key}) was acknowledged and is not known`);
      return;
    }
    await delay(200);
  }
  findings.violation(`cancel of job ${entry.id} is not answered`);
}

async function waitFor(entry: Entry, { talk, findings, over }: ClientParts): Promise<void> {
  while (!over.aborted) {
    const job = await talk.json<Job>(`/v1/jobs/${entry.id}/wait?timeoutSeconds=5`);
    if (job === null) await delay(200);
    else if (isTerminal(job.status)) {
      await readContents(talk, job, entry, findings);
      return;
    }
  }
}
