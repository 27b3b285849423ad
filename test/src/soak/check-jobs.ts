import { isTerminal, type Job, type JobEvent } from "@jobctl/protocol";

import { countStarts } from "../support/starts.js";
import { waitUntil } from "../support/wait-until.js";
import { readContents } from "./contents.js";
import type { Findings } from "./findings.js";
import type { Entry, Ledger } from "./ledger.js";
import type { Stage } from "./stage.js";
import type { Talk } from "./talk.js";
import type { Work } from "./work.js";

/** Until all jobs have ended once nothing disturbs them. */
const SETTLE_MS = 180_000;
/** Events of one job. A job that is refused or dispatched again and again has more. */
const MAX_EVENTS = 150;

export interface CheckParts {
  readonly stage: Stage;
  readonly talk: Talk;
  readonly ledger: Ledger;
  readonly findings: Findings;
  /** How long the soak has taken. */
  readonly seconds: number;
}

/** Checks that each acknowledged job ends, as it should, once, with the right contents, and that there are no others. */
export async function checkJobs(parts: CheckParts): Promise<void> {
  const began = performance.now();
  await waitForAllToEnd(parts);
  parts.findings.count(
    "seconds until all jobs had ended",
    Math.round((performance.now() - began) / 1000),
  );
  const jobs = await listJobs(parts.talk);
  checkIdentities(jobs, parts);
  const starts = await countStarts(parts.stage.cluster);
  for (const [attempt, count] of starts)
    if (count > 1) parts.findings.violation(`attempt ${attempt} was started ${count} times`);
  parts.findings.count("attempts started", starts.size);
  for (const entry of parts.ledger.entries) {
    const job = jobs.get(entry.id);
    if (job !== undefined && isTerminal(job.status)) await checkJob(job, entry, starts, parts);
  }
}

async function waitForAllToEnd({ talk, findings }: CheckParts): Promise<void> {
  const open = async (): Promise<Job[] | undefined> =>
    (
      await talk.json<{ items: Job[] }>(
        "/v1/jobs?state=queued,dispatched,running,collecting&limit=1000",
      )
    )?.items;
  try {
    await waitUntil("all jobs have ended", async () => (await open())?.length === 0, SETTLE_MS);
  } catch {
    for (const { id, name, status, reason, agent, attempt } of (await open()) ?? [])
      findings.violation(
        `job ${id} (${name}) does not end: ${status} (${reason}), attempt ${attempt} on ${agent}`,
      );
  }
}

async function listJobs(talk: Talk): Promise<Map<number, Job>> {
  const jobs = new Map<number, Job>();
  for (let cursor: string | null = ""; cursor !== null;) {
    const from: string = cursor === "" ? "" : `&cursor=${cursor}`;
    const page: { items: Job[]; nextCursor: string | null } | null = await talk.json(
      `/v1/jobs?limit=1000&sort=oldest${from}`,
    );
    if (page === null) throw new Error("the server does not list its jobs");
    for (const job of page.items) jobs.set(job.id, job);
    cursor = page.nextCursor;
  }
  return jobs;
}

/** Each key has one job, and each job a key that was acknowledged. */
function checkIdentities(jobs: ReadonlyMap<number, Job>, { ledger, findings }: CheckParts): void {
  const keys = new Map<string, number>();
  for (const { id, name } of jobs.values()) {
    const other = keys.get(name);
    if (other !== undefined) findings.violation(`key ${name} made two jobs: ${other} and ${id}`);
    keys.set(name, id);
    if (ledger.get(id) === undefined)
      findings.violation(`job ${id} (${name}) exists and was never acknowledged`);
  }
  for (const { id, key } of ledger.entries)
    if (!jobs.has(id)) findings.violation(`job ${id} (${key}) was acknowledged and is lost`);
}

async function checkJob(
  job: Job,
  entry: Entry,
  starts: ReadonlyMap<string, number>,
  { talk, findings, seconds }: CheckParts,
): Promise<void> {
  const { work } = entry;
  const about = `job ${job.id} (${work.kind})`;
  findings.count(`jobs ${job.status}`);
  findings.count("attempts made", job.attempts.length);
  if (!mayEndLikeThat(job, entry)) {
    const { reason, exitCode, signal, message } = job.outcome ?? {};
    findings.violation(
      `${about} ended as ${job.status} (${[reason, exitCode, signal, message].filter((part) => part != null).join(", ")}), not as ${work.status}`,
    );
  }
  if (job.status === "completed" && !starts.has(`${job.id}.${job.attempt}`))
    findings.violation(`${about} completed with attempt ${job.attempt}, which was never started`);
  if (job.usage !== null && (job.usage.wallSeconds < 0 || job.usage.wallSeconds > seconds))
    findings.violation(`${about} took ${job.usage.wallSeconds} s in a soak of ${seconds} s`);
  const events = await talk.json<{ items: JobEvent[] }>(`/v1/jobs/${job.id}/events`);
  const count = events?.items.length ?? 0;
  if (count > MAX_EVENTS) findings.violation(`${about} has ${count} events`);
  findings.most("events of one job at most", count);
  findings.most("attempts at one job at most", job.attempts.length);
  const isServed = await readContents(talk, job, entry, findings);
  if (!isServed && job.result !== null && entry.damaged !== "result")
    findings.violation(`${about}: its result is not served`);
  if (job.result === null && endedAsPlanned(job, work) && work.result !== null)
    findings.violation(`${about} is ${job.status} and has no result`);
}

function mayEndLikeThat(job: Job, { work, cancelled, struck, damaged }: Entry): boolean {
  if (struck) return true;
  if (cancelled && job.status === "cancelled") return true;
  // With a reason of its own, which is no exit of the script.
  if (damaged === "input" && job.status !== "completed" && job.outcome?.exitCode == null)
    return job.outcome?.message != null;
  return endedAsPlanned(job, work);
}

function endedAsPlanned(job: Job, { status, exitCode }: Work): boolean {
  return job.status === status && (exitCode === null || job.outcome?.exitCode === exitCode);
}
