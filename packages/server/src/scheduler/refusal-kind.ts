import type { ErrorCode } from "@jobctl/protocol";

/**
 * What the failure of a dispatch means for the attempt:
 * - `rejected`: the archive is wrong, and every agent would say so: the job ends, unless the server finds
 *   that its own copy is damaged;
 * - `damaged`: the archive that arrived is not the one that was sent for, or could not be read to its end:
 *   the server reads its own again;
 * - `unrunnable`: the specification cannot be carried out: the job ends;
 * - `full`: the agent has no room at the moment: the job is queued again;
 * - `refused`: something is wrong with the agent, the link or the session: the job is queued again,
 *   after a pause;
 * - `unknown`: the agent may hold the attempt: the same attempt is asked for and sent again.
 */
export type RefusalKind = "rejected" | "damaged" | "unrunnable" | "full" | "refused" | "unknown";

/** Every code is listed, so that a new one does not compile before it is classified. */
const KINDS: Readonly<Record<ErrorCode, RefusalKind>> = {
  archive_expands_too_much: "rejected",
  archive_invalid: "rejected",
  archive_too_large: "rejected",
  archive_too_many_entries: "rejected",
  archive_unsafe_entry: "rejected",
  run_script_missing: "rejected",
  script_rejected: "rejected",

  archive_digest_mismatch: "damaged",
  blob_damaged: "damaged",
  blob_missing: "damaged",

  // The specification travels in a header.
  body_too_large: "unrunnable",
  headers_too_large: "unrunnable",
  invalid_request: "unrunnable",

  draining: "full",
  no_room: "full",

  agent_answer_invalid: "unknown",
  agent_unreachable: "unknown",
  attempt_receiving: "unknown",

  agent_enrolled: "refused",
  agent_key_mismatch: "refused",
  agent_not_found: "refused",
  agent_not_removable: "refused",
  agents_down: "refused",
  archive_unknown: "refused",
  attempt_not_found: "refused",
  attempt_superseded: "refused",
  backup_damaged: "refused",
  backup_not_found: "refused",
  backup_running: "refused",
  config_invalid: "refused",
  daemon_failed: "refused",
  data_dir_locked: "refused",
  data_mismatch: "refused",
  database_damaged: "refused",
  database_newer: "refused",
  database_unavailable: "refused",
  digest_mismatch: "refused",
  enrolment_refused: "refused",
  epoch_outdated: "refused",
  expectation_failed: "refused",
  file_exists: "refused",
  file_not_found: "refused",
  file_system: "refused",
  idempotency_conflict: "refused",
  installation_mismatch: "refused",
  internal: "refused",
  interrupted: "refused",
  job_not_finished: "refused",
  job_not_found: "refused",
  job_not_running: "refused",
  method_not_allowed: "refused",
  overloaded: "refused",
  range_not_satisfiable: "refused",
  rate_limited: "refused",
  request_timeout: "refused",
  result_missing: "refused",
  route_not_found: "refused",
  sandbox_unavailable: "refused",
  server_answer_invalid: "refused",
  server_unreachable: "refused",
  service_unknown: "refused",
  standby: "refused",
  storage_full: "refused",
  too_many_connections: "refused",
  unauthorized: "refused",
  unsupported_media_type: "refused",
  uri_too_long: "refused",
  usage: "refused",
  vacuum_running: "refused",
  version_mismatch: "refused",
  wait_timed_out: "refused",
};

/** Only codes about the archive or the specification end a job; trouble on the way never does. */
export function refusalKind(code: ErrorCode): RefusalKind {
  return KINDS[code];
}
