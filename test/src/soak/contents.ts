import { createHash } from "node:crypto";

import type { Job } from "@jobctl/protocol";

import type { Findings } from "./findings.js";
import type { Entry } from "./ledger.js";
import type { Talk } from "./talk.js";

/**
 * Reads what a job that has ended has left: its result as a whole, the one file of it, and its output. Wrong bytes
 * are a violation, in any state.
 *
 * @returns whether everything was served
 */
export async function readContents(
  talk: Talk,
  job: Job,
  { work, key }: Entry,
  findings: Findings,
): Promise<boolean> {
  if (job.result === null) return false;
  const about = `job ${job.id} (${work.kind}, ${job.status})`;
  const whole = await talk.call(`/v1/jobs/${job.id}/result`);
  if (whole?.status === 200) {
    const sha256 = createHash("sha256").update(whole.body).digest("hex");
    if (sha256 !== job.result.sha256)
      findings.violation(`${about}: the result that is served has SHA-256 ${sha256}`);
  }
  // Whoever is cancelled or killed may not have come so far.
  const isWhole = job.status === work.status && work.result !== null;
  if (!isWhole) return whole?.status === 200;
  const file = await talk.call(`/v1/jobs/${job.id}/files/result.txt`);
  if (file?.status === 200 && file.body.toString() !== work.result)
    findings.violation(`${about}: result.txt is served with wrong bytes`);
  const output = await talk.call(`/v1/jobs/${job.id}/logs`);
  if (output?.status === 200 && output.body.toString() !== `${key}\n`)
    findings.violation(`${about}: its output is served with wrong bytes`);
  findings.count("contents compared");
  return [whole, file, output].every((answer) => answer?.status === 200);
}
