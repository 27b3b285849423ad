import { attemptId, type AttemptSpec, type ValidationPolicy } from "@jobctl/protocol";

import type { JobRow } from "../store/job-row.js";

/** What jobs of a service may do. */
export interface JobPolicy {
  readonly network: boolean;
  readonly validation: ValidationPolicy;
}

/** What the agent is told of the current attempt at a job. */
export function attemptSpec(row: JobRow, policy: JobPolicy): AttemptSpec {
  return {
    id: attemptId(row.id, row.attempt),
    jobId: row.id,
    attempt: row.attempt,
    service: row.service,
    env: JSON.parse(row.env) as Record<string, string>,
    timeoutSeconds: row.timeout_seconds,
    cpus: row.cpus,
    memoryBytes: row.memory_bytes,
    network: policy.network,
    validation: policy.validation,
    outputs: JSON.parse(row.outputs) as string[],
    archive: { sha256: row.input_sha256, sizeBytes: row.input_size_bytes, root: row.input_root },
  };
}
