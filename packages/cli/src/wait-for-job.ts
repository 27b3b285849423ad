import type { Job } from "@jobctl/protocol";

import { RECONNECT_FOR_MS, type ApiClient } from "./api-client.js";

/** Below the time after which proxies commonly cut an idle connection. */
const POLL_SECONDS = 50;

export interface WaitOptions {
  readonly signal: AbortSignal;
  readonly enough: (job: Job) => boolean;
  /** Called with every change that is seen. */
  readonly onChange?: (job: Job) => void;
}

/** Waits, by long polls, until a job is as it should be. */
export async function waitForJob(
  client: ApiClient,
  id: number,
  options: WaitOptions,
): Promise<Job> {
  let afterVersion = 0;
  for (;;) {
    const job = await client.json<Job>(`/v1/jobs/${id}/wait`, {
      query: { until: "change", afterVersion, timeoutSeconds: POLL_SECONDS },
      signal: options.signal,
      retryForMs: RECONNECT_FOR_MS,
    });
    if (job.version > afterVersion) options.onChange?.(job);
    afterVersion = job.version;
    if (options.enough(job)) return job;
  }
}
