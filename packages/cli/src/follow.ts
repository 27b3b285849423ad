import type { Job } from "@jobctl/protocol";
import { JobctlError } from "@jobctl/protocol/error";
import { isTerminal } from "@jobctl/protocol/lifecycle";
import type { LogStream } from "@jobctl/protocol/reserved";

import { RECONNECT_FOR_MS, type ApiClient } from "./api-client.js";
import { waitForJob } from "./wait-for-job.js";

const RECONNECT_PAUSE_MS = 100;

export type LogSink = (stream: LogStream, bytes: Buffer) => Promise<void> | void;

export interface FollowOptions {
  readonly client: ApiClient;
  readonly signal: AbortSignal;
  readonly streams: readonly LogStream[];
  readonly sink: LogSink;
  /** How much of each stream of the first attempt is known already. */
  readonly offsets?: ReadonlyMap<LogStream, number>;
  /** Called when the job is run again because its agent was lost. */
  readonly onNewAttempt?: (attempt: number) => void;
}

/**
 * Shows the output of a job from before it starts to its last byte, across broken connections and
 * restarts of the server, and across attempts.
 *
 * @returns the job when it has ended
 */
export async function followJob(id: number, options: FollowOptions): Promise<Job> {
  const { client, signal } = options;
  let attempt: number | null = null;
  for (;;) {
    const attempts = await Promise.all(
      options.streams.map((stream) => followStream(id, stream, attempt, options)),
    );
    const shown = Math.max(...attempts, 0);
    const job = await waitForJob(client, id, {
      signal,
      enough: (now) => isTerminal(now.status) || now.attempt > shown,
    });
    if (isTerminal(job.status) && job.attempt <= shown) return job;
    if (isTerminal(job.status) && shown === 0) return job;
    options.onNewAttempt?.(job.attempt);
    attempt = job.attempt;
  }
}

/** @returns the attempt whose output has been shown completely */
async function followStream(
  id: number,
  stream: LogStream,
  attempt: number | null,
  options: FollowOptions,
): Promise<number> {
  const { client, signal, sink } = options;
  let following = attempt;
  // Another attempt's output begins at its own beginning.
  let offset = attempt === null ? (options.offsets?.get(stream) ?? 0) : 0;
  for (;;) {
    try {
      const answer = await client.send(`/v1/jobs/${id}/logs`, {
        query: { stream, offset, follow: 1, attempt: following ?? undefined },
        signal,
        silenceMs: 0,
        retryForMs: RECONNECT_FOR_MS,
      });
      following = Number(answer.headers["jobctl-attempt-number"]) || following;
      for await (const chunk of answer.body) {
        await sink(stream, chunk as Buffer);
        offset += (chunk as Buffer).length;
      }
      return following ?? 0;
    } catch (thrown) {
      signal.throwIfAborted();
      if (thrown instanceof JobctlError && thrown.code === "attempt_superseded")
        return following ?? 0;
      if (thrown instanceof JobctlError && thrown.code !== "agent_unreachable") throw thrown;
      // The connection was cut: on with what is missing.
      await new Promise((resolve) => setTimeout(resolve, RECONNECT_PAUSE_MS));
    }
  }
}
