import { setTimeout as delay } from "node:timers/promises";

import { backoffMs } from "@jobctl/daemon";
import { JobctlError, toJobctlError } from "@jobctl/protocol";

import type { AgentLink } from "../agents/agent-link.js";
import type { BlobStore, StagedBlob } from "../blobs/blob-store.js";

const REFETCH = { firstMs: 100, maxMs: 5000 };
/** A transfer that moves fewer bytes than this in `RATE_WINDOW_MS` is cut and taken up again. */
const MIN_WINDOW_BYTES = 64 * 1024;
const RATE_WINDOW_MS = 60_000;
/** Failures in a row without a byte, after which fetching has failed for now. */
const MAX_FAILURES = 30;
/** The same for a job that has been cancelled. */
const MAX_FAILURES_ONCE_CANCELLED = 3;
/** Transfers that were too slow or ended too early, before fetching has failed. */
const MAX_UNFIT_TRANSFERS = 3;
/** Transfers in a row that began, and were cut before a byte came while the agent stayed connected. */
const MAX_EMPTY_TRANSFERS = 5;

/** A result as its agent has reported it. */
interface AnnouncedResult {
  /** Id of the attempt. */
  readonly id: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/**
 * Fetches the result of an attempt and compares it with what its report announced. A transfer that is
 * cut goes on where it stopped, until the agent is lost.
 *
 * @param isCancelled whether the job has been cancelled: then less is tried
 * @throws JobctlError `digest_mismatch`, `agent_answer_invalid`; `agent_unreachable` for whatever else the
 *   agent or the way to it is at fault for; other codes for the server's own trouble; then nothing is left
 */
export async function fetchResult(
  link: AgentLink,
  blobs: BlobStore,
  announced: AnnouncedResult,
  isCancelled: () => boolean,
): Promise<StagedBlob> {
  const { id: attemptId, sizeBytes, sha256 } = announced;
  const mismatch = (message: string): JobctlError =>
    new JobctlError("digest_mismatch", `the result of attempt ${attemptId}: ${message}`);
  // Check free space first: the announced size may be false.
  await blobs.checkFreeSpace(sizeBytes);
  const blob = await blobs.stage(downloadWithResume(link, announced, isCancelled), {
    maxBytes: sizeBytes,
    tooLarge: () => mismatch(`more than the announced ${sizeBytes} bytes arrived`),
  });
  if (blob.sha256 === sha256) return blob;
  await blob.discard();
  throw mismatch(`SHA-256 ${blob.sha256} arrived, ${sha256} was announced`);
}

/** A result as one stream that goes on where it was cut, until the agent is given up. */
async function* downloadWithResume(
  link: AgentLink,
  { id, sizeBytes }: AnnouncedResult,
  isCancelled: () => boolean,
): AsyncGenerator<Buffer> {
  let offset = 0;
  let failures = 0;
  let unfit = 0;
  let empty = 0;
  while (offset < sizeBytes) {
    const connection = link.connectionSignal;
    const before = offset;
    let hasBegun = false;
    try {
      const transfer = await link.client.getResult(id, offset);
      hasBegun = true;
      for await (const chunk of enforceMinimumRate(transfer)) {
        offset += chunk.length;
        failures = 0;
        empty = 0;
        yield chunk;
      }
      if (offset < sizeBytes)
        throw new FailedTransfer(`it ended after ${offset} of ${sizeBytes} bytes`);
    } catch (thrown) {
      if (isRefusal(thrown)) throw agentFailure(id, thrown);
      if (thrown instanceof FailedTransfer) unfit += 1;
      if (unfit >= MAX_UNFIT_TRANSFERS) throw didNotArrive(id, unfit, thrown);
      failures += 1;
      if (failures >= (isCancelled() ? MAX_FAILURES_ONCE_CANCELLED : MAX_FAILURES))
        throw agentFailure(id, thrown);
      await delay(backoffMs(failures, REFETCH, Math.random()));
      // The agent has cut it: what cuts the way to it ends the connection, too.
      if (hasBegun && offset === before && !connection.aborted) empty += 1;
      if (empty >= MAX_EMPTY_TRANSFERS) throw didNotArrive(id, empty, thrown);
      await link.untilReady();
    }
  }
}

function didNotArrive(id: string, transfers: number, thrown: unknown): JobctlError {
  return new JobctlError(
    "agent_answer_invalid",
    `the result of attempt ${id} did not arrive in ${transfers} transfers: ${toJobctlError(thrown).message}`,
  );
}

/** A transfer that the agent ended, or kept from ending: unlike a cut, it is the agent's doing. */
class FailedTransfer extends Error {}

/** @throws FailedTransfer when too little comes, which a time limit between two pieces does not notice */
async function* enforceMinimumRate(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let sinceMs = performance.now();
  let receivedBytes = 0;
  for await (const chunk of source) {
    yield chunk;
    receivedBytes += chunk.length;
    if (performance.now() - sinceMs < RATE_WINDOW_MS) continue;
    if (receivedBytes < MIN_WINDOW_BYTES)
      throw new FailedTransfer(`only ${receivedBytes} bytes came in ${RATE_WINDOW_MS / 1000} s`);
    sinceMs = performance.now();
    receivedBytes = 0;
  }
}

/** An agent's code is its word, and must not be taken for what this server has found out about itself. */
function agentFailure(id: string, thrown: unknown): JobctlError {
  const { code, message } = toJobctlError(thrown);
  if (code === "agent_answer_invalid" && thrown instanceof JobctlError) return thrown;
  return new JobctlError(
    "agent_unreachable",
    `the result of attempt ${id} could not be fetched: ${message}`,
    { cause: thrown },
  );
}

function isRefusal(thrown: unknown): boolean {
  if (thrown instanceof FailedTransfer) return false;
  const error = toJobctlError(thrown);
  return error.code !== "agent_unreachable" && error.code !== "internal";
}
