import type { NewJobRow } from "./job-row.js";

/** A job as a test inserts it. */
export const NEW_JOB: NewJobRow = {
  tenant: "t",
  user: "u",
  name: "n",
  service: "default",
  env: "{}",
  outputs: "[]",
  priority: 0,
  timeout_seconds: 60,
  cpus: 1,
  memory_bytes: null,
  requeue: 1,
  retries: 0,
  idempotency_key: null,
  request_sha256: "0".repeat(64),
  input_sha256: "1".repeat(64),
  input_size_bytes: 1,
  input_root: "",
  input_entries: 1,
  input_extracted_bytes: 1,
  submitted_at: 1,
};
