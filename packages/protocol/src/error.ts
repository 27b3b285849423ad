/**
 * Every error that jobctl reports, in one registry: the code that scripts match, the HTTP status
 * that carries it, and the exit code that the command line ends with. `docs/errors.md` is
 * generated from it.
 */

/** Exit codes of the command line, beside the job's own. */
export const EXIT = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  jobFailed: 100,
  waitTimedOut: 101,
  notFound: 102,
  jobCancelled: 103,
  jobTimedOut: 104,
  rejected: 105,
  jobLost: 106,
  unauthorized: 107,
  unreachable: 108,
  conflict: 109,
  /** A backup, or what was restored from one, is complete but for damaged files. */
  backupIncomplete: 110,
  interrupted: 130,
} as const;

interface ErrorKind {
  readonly status: number;
  readonly exitCode: number;
  /** What it means, for docs/errors.md. */
  readonly meaning: string;
}

export const ERRORS = {
  usage: {
    status: 400,
    exitCode: EXIT.usage,
    meaning: "The command was called in a way that it does not understand.",
  },
  config_invalid: {
    status: 500,
    exitCode: EXIT.usage,
    meaning:
      "A configuration file, flag or environment variable holds a value that cannot be used.",
  },
  invalid_request: {
    status: 400,
    exitCode: EXIT.usage,
    meaning: "The request does not fit the schema; the details name each field.",
  },
  unauthorized: {
    status: 401,
    exitCode: EXIT.unauthorized,
    meaning: "The bearer token is missing or not known.",
  },
  version_mismatch: {
    status: 400,
    exitCode: EXIT.unexpected,
    meaning: "Client and server are too far apart; the message says which side to upgrade.",
  },
  route_not_found: {
    status: 404,
    exitCode: EXIT.unexpected,
    meaning: "The server has no such path.",
  },
  method_not_allowed: {
    status: 405,
    exitCode: EXIT.unexpected,
    meaning: "The path is known, and takes other methods.",
  },
  request_timeout: {
    status: 408,
    exitCode: EXIT.unreachable,
    meaning: "The rest of the request did not arrive in time.",
  },
  body_too_large: {
    status: 413,
    exitCode: EXIT.rejected,
    meaning: "The body of the request is larger than this path takes.",
  },
  uri_too_long: {
    status: 414,
    exitCode: EXIT.unexpected,
    meaning: "A part of the path is longer than any name or number there.",
  },
  unsupported_media_type: {
    status: 415,
    exitCode: EXIT.unexpected,
    meaning: "The path does not take a body of this content type.",
  },
  expectation_failed: {
    status: 417,
    exitCode: EXIT.unexpected,
    meaning: "The header `Expect` asks for something other than 100-continue.",
  },
  headers_too_large: {
    status: 431,
    exitCode: EXIT.unexpected,
    meaning: "The request line and the headers are longer than the daemon reads.",
  },
  too_many_connections: {
    status: 429,
    exitCode: EXIT.unreachable,
    meaning: "One address has more connections open than JOBCTL_MAX_CONNECTIONS_PER_ADDRESS.",
  },
  job_not_found: { status: 404, exitCode: EXIT.notFound, meaning: "No job has this id." },
  agent_not_found: { status: 404, exitCode: EXIT.notFound, meaning: "No agent has this name." },
  agent_not_removable: {
    status: 409,
    exitCode: EXIT.conflict,
    meaning: "The agent has jobs, or was not added with `jobctl agents add`.",
  },
  attempt_not_found: {
    status: 404,
    exitCode: EXIT.notFound,
    meaning: "The agent does not hold this attempt.",
  },
  file_system: {
    status: 500,
    exitCode: EXIT.unexpected,
    meaning: "A file on this machine cannot be read or written: no space, no permission.",
  },
  file_not_found: {
    status: 404,
    exitCode: EXIT.notFound,
    meaning: "The path does not exist, on this machine or in the job's result.",
  },
  service_unknown: {
    status: 422,
    exitCode: EXIT.rejected,
    meaning: "The job names a service that the server does not know.",
  },
  archive_unknown: {
    status: 404,
    exitCode: EXIT.unexpected,
    meaning: "The server does not hold an archive with this digest; send it.",
  },
  rate_limited: {
    status: 429,
    exitCode: EXIT.rejected,
    meaning: "One address has sent more requests in a second than JOBCTL_RATE_LIMIT.",
  },
  archive_too_large: {
    status: 413,
    exitCode: EXIT.rejected,
    meaning: "The archive is larger than JOBCTL_MAX_UPLOAD_BYTES.",
  },
  archive_expands_too_much: {
    status: 422,
    exitCode: EXIT.rejected,
    meaning: "The files in the archive add up to more than JOBCTL_MAX_EXTRACTED_BYTES.",
  },
  archive_too_many_entries: {
    status: 422,
    exitCode: EXIT.rejected,
    meaning: "The archive has more entries than JOBCTL_MAX_ARCHIVE_ENTRIES.",
  },
  archive_unsafe_entry: {
    status: 422,
    exitCode: EXIT.rejected,
    meaning: "An entry could leave the job's directory, or is not a file, directory or link.",
  },
  archive_invalid: {
    status: 422,
    exitCode: EXIT.rejected,
    meaning: "The upload is not a complete tar or gzipped tar archive.",
  },
  archive_digest_mismatch: {
    status: 422,
    exitCode: EXIT.rejected,
    meaning: "The archive that arrived is not the one that was announced.",
  },
  run_script_missing: {
    status: 422,
    exitCode: EXIT.rejected,
    meaning: "There is no run.sh at the top level, nor in a single top-level folder.",
  },
  script_rejected: {
    status: 422,
    exitCode: EXIT.rejected,
    meaning: "The script does what jobs may not do; the findings say where.",
  },
  idempotency_conflict: {
    status: 409,
    exitCode: EXIT.conflict,
    meaning: "The idempotency key was used before, for a different job.",
  },
  job_not_finished: {
    status: 409,
    exitCode: EXIT.conflict,
    meaning: "The job has no result yet.",
  },
  job_not_running: {
    status: 409,
    exitCode: EXIT.conflict,
    meaning: "The job has no workspace on an agent at the moment.",
  },
  result_missing: {
    status: 410,
    exitCode: EXIT.notFound,
    meaning: "The job left no result, or it has been removed since.",
  },
  range_not_satisfiable: {
    status: 416,
    exitCode: EXIT.unexpected,
    meaning: "The requested bytes lie outside the file.",
  },
  file_exists: {
    status: 409,
    exitCode: EXIT.conflict,
    meaning: "A file would be overwritten; --force allows it.",
  },
  data_dir_locked: {
    status: 409,
    exitCode: EXIT.conflict,
    meaning: "Another process holds the data directory.",
  },
  data_mismatch: {
    status: 409,
    exitCode: EXIT.conflict,
    meaning:
      "The database is missing or another one than that of the files beside it; the server does not start, or removes nothing.",
  },
  attempt_superseded: {
    status: 409,
    exitCode: EXIT.conflict,
    meaning:
      "The attempt whose output was asked for was lost with its agent; the job is tried again.",
  },
  attempt_receiving: {
    status: 409,
    exitCode: EXIT.conflict,
    meaning: "The agent is still receiving this attempt over another connection, or removing it.",
  },
  no_room: {
    status: 409,
    exitCode: EXIT.conflict,
    meaning: "The agent has no free slot, CPU or memory for the attempt.",
  },
  wait_timed_out: {
    status: 408,
    exitCode: EXIT.waitTimedOut,
    meaning: "The job did not finish in the time given; it goes on.",
  },
  digest_mismatch: {
    status: 500,
    exitCode: EXIT.unexpected,
    meaning: "Bytes that arrived do not have the digest that they were announced with.",
  },
  backup_running: {
    status: 409,
    exitCode: EXIT.conflict,
    meaning: "Another backup of the same server, or into the same directory, is under way.",
  },
  backup_not_found: {
    status: 404,
    exitCode: EXIT.notFound,
    meaning: "There is no such snapshot.",
  },
  backup_damaged: {
    status: 500,
    exitCode: EXIT.unexpected,
    meaning: "A snapshot is not complete, or not what it was when it was taken.",
  },
  vacuum_running: {
    status: 409,
    exitCode: EXIT.conflict,
    meaning: "Another vacuum of the same server is under way.",
  },
  database_damaged: {
    status: 500,
    exitCode: EXIT.unexpected,
    meaning: "SQLite's own check finds that the database is damaged.",
  },
  blob_damaged: {
    status: 500,
    exitCode: EXIT.unexpected,
    meaning: "A stored archive or result is not what it was when it was stored.",
  },
  blob_missing: {
    status: 500,
    exitCode: EXIT.unexpected,
    meaning: "A stored archive or result is not there any more.",
  },
  storage_full: {
    status: 507,
    exitCode: EXIT.unreachable,
    meaning:
      "The data volume has less free space than the server keeps in reserve, or an agent's is full.",
  },
  database_unavailable: {
    status: 503,
    exitCode: EXIT.unreachable,
    meaning: "The database is locked, read-only or out of space.",
  },
  database_newer: {
    status: 500,
    exitCode: EXIT.unexpected,
    meaning: "The database was written by a newer jobctl; upgrade this one.",
  },
  overloaded: {
    status: 503,
    exitCode: EXIT.unreachable,
    meaning:
      "The server has no file descriptor left, or the volume of its stored files is away; try again in a moment.",
  },
  draining: {
    status: 503,
    exitCode: EXIT.unreachable,
    meaning: "The daemon is shutting down; try again in a moment.",
  },
  standby: {
    status: 503,
    exitCode: EXIT.unreachable,
    meaning: "This server stands by while another one is active on the same data directory.",
  },
  agent_unreachable: {
    status: 502,
    exitCode: EXIT.unreachable,
    meaning: "The server cannot reach the agent that holds this job, or is to be added.",
  },
  agent_key_mismatch: {
    status: 409,
    exitCode: EXIT.conflict,
    meaning:
      "An agent shows another key than the one that its name is bound to, or does not prove its key.",
  },
  agent_enrolled: {
    status: 409,
    exitCode: EXIT.conflict,
    meaning: "The agent at this address is enrolled: it needs no secret.",
  },
  enrolment_refused: {
    status: 403,
    exitCode: EXIT.unauthorized,
    meaning: "Server and agent meet for the first time and do not share an enrolment secret.",
  },
  installation_mismatch: {
    status: 409,
    exitCode: EXIT.conflict,
    meaning: "The agent serves another jobctl installation.",
  },
  epoch_outdated: {
    status: 409,
    exitCode: EXIT.conflict,
    meaning: "A newer server of the same installation, or a copy, is working with the agent.",
  },
  agent_unusable: {
    status: 503,
    exitCode: EXIT.unreachable,
    meaning: "An agent is connected and says that it cannot run jobs; its problem says why.",
  },
  agent_answer_invalid: {
    status: 502,
    exitCode: EXIT.unreachable,
    meaning: "An agent sent what the protocol between server and agent does not allow.",
  },
  server_unreachable: {
    status: 502,
    exitCode: EXIT.unreachable,
    meaning: "No connection to the server, after retries.",
  },
  server_answer_invalid: {
    status: 502,
    exitCode: EXIT.unexpected,
    meaning: "The server's answer is not what a server of jobctl says. Nothing of it was used.",
  },
  daemon_failed: {
    status: 500,
    exitCode: EXIT.unexpected,
    meaning: "A daemon that `jobctl up` started ended or did not come up.",
  },
  sandbox_unavailable: {
    status: 500,
    exitCode: EXIT.usage,
    meaning: "The sandbox that an agent is configured for does not work on its machine.",
  },
  agents_down: {
    status: 503,
    exitCode: EXIT.conflict,
    meaning: "`jobctl agents list --check` found an agent that is down.",
  },
  interrupted: {
    status: 500,
    exitCode: EXIT.interrupted,
    meaning: "Ctrl-C. Jobs go on.",
  },
  internal: {
    status: 500,
    exitCode: EXIT.unexpected,
    meaning: "A fault in jobctl itself. The log has the cause under the request id.",
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorFacts {
  /** What to do next, as a sentence. */
  hint?: string | undefined;
  /** Facts for programs: sizes in bytes, names, limits. */
  details?: Record<string, unknown> | undefined;
  cause?: unknown;
  /** Seconds after which trying again makes sense. */
  retryAfterSeconds?: number | undefined;
}

/** An error as it travels: the body of an API answer, and of `--json`. */
export interface ErrorBody {
  code: ErrorCode;
  message: string;
  hint: string | null;
  details: Record<string, unknown> | null;
}

/**
 * The one error type of the project. The message says what happened to which thing; `hint` says
 * what to do. Anything that is thrown and is not one of these is a fault of ours.
 */
export class JobctlError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | null;
  readonly details: Record<string, unknown> | null;
  readonly retryAfterSeconds: number | null;

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? {} : { cause: facts.cause });
    this.name = "JobctlError";
    this.code = code;
    this.hint = facts.hint ?? null;
    this.details = facts.details ?? null;
    this.retryAfterSeconds = facts.retryAfterSeconds ?? null;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get exitCode(): number {
    return ERRORS[this.code].exitCode;
  }

  toBody(): ErrorBody {
    return { code: this.code, message: this.message, hint: this.hint, details: this.details };
  }
}

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(ERRORS, code);
}

/** Turns whatever was thrown into a JobctlError; what is not one already becomes `internal`. */
export function toJobctlError(thrown: unknown): JobctlError {
  if (thrown instanceof JobctlError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new JobctlError("internal", message, { cause: thrown });
}
