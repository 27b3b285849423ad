-- The database as migration 9 leaves it. Made by npm run generate.

CREATE TRIGGER jobs_terminal_is_final BEFORE UPDATE OF status ON jobs
WHEN OLD.status IN ('completed', 'failed', 'invalid', 'timed_out', 'cancelled', 'lost')
  AND NEW.status <> OLD.status
BEGIN
  SELECT RAISE(ABORT, 'a job that has ended cannot change its status');
END;

CREATE TABLE added_agents (
  url       TEXT    PRIMARY KEY,
  -- Milliseconds since 1970.
  added_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE agent_keys (
  name         TEXT    PRIMARY KEY,
  public_key   TEXT    NOT NULL,
  enrolled_at  INTEGER NOT NULL,
  -- When the agent last proved it.
  seen_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE agents (
  url          TEXT PRIMARY KEY,
  name         TEXT,
  self         TEXT CHECK (json_valid(self)),
  load         TEXT CHECK (json_valid(load)),
  received_at  INTEGER
) STRICT;

CREATE TABLE "attempts" (
  job_id          INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  number          INTEGER NOT NULL CHECK (number > 0),
  agent           TEXT    NOT NULL,
  created_at      INTEGER NOT NULL,
  started_at      INTEGER,
  finished_at     INTEGER,
  -- Null while it is the current one; only a collected one has an outcome.
  ended_as        TEXT    CHECK (ended_as IN ('collected', 'refused', 'lost', 'drained')),
  outcome_reason  TEXT,
  exit_code       INTEGER,
  PRIMARY KEY (job_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE blob_checksums (
  sha256      TEXT    PRIMARY KEY CHECK (length(sha256) = 64),
  size_bytes  INTEGER NOT NULL CHECK (size_bytes > 0),
  -- Four bytes each, big-endian.
  pieces      BLOB    NOT NULL
) STRICT;

CREATE TABLE damaged_blobs (
  sha256    TEXT    PRIMARY KEY CHECK (length(sha256) = 64),
  -- Milliseconds since 1970.
  found_at  INTEGER NOT NULL,
  -- What is wrong, for people.
  found     TEXT    NOT NULL,
  -- The jobs that referred to it then.
  jobs      TEXT    NOT NULL CHECK (json_valid(jobs))
) STRICT, WITHOUT ROWID;

CREATE TABLE drains (
  agent        TEXT    PRIMARY KEY,
  since        INTEGER NOT NULL,
  -- When what still runs there is stopped and queued again; null leaves it alone.
  deadline_at  INTEGER
, deadline_ms INTEGER CHECK (deadline_ms >= 0)) STRICT, WITHOUT ROWID;

CREATE TABLE enrolments (
  url         TEXT    PRIMARY KEY,
  secret      TEXT    NOT NULL,
  expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE installation (
  id           INTEGER PRIMARY KEY CHECK (id = 1),
  uuid         TEXT    NOT NULL,
  -- Ed25519, 32 bytes in base64url each.
  public_key   TEXT    NOT NULL,
  private_key  TEXT    NOT NULL,
  created_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE job_events (
  id        INTEGER PRIMARY KEY,
  job_id    INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  at        INTEGER NOT NULL,
  type      TEXT    NOT NULL CHECK (type IN ('submitted', 'status', 'cancel_requested', 'agent_refused', 'not_sent')),
  status    TEXT    NOT NULL,
  reason    TEXT,
  attempt   INTEGER NOT NULL,
  agent     TEXT,
  message   TEXT
, repeats INTEGER NOT NULL DEFAULT 1 CHECK (repeats > 0)) STRICT;

CREATE TABLE job_labels (
  job_id  INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  key     TEXT    NOT NULL,
  value   TEXT    NOT NULL,
  PRIMARY KEY (job_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
  id                      INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant                  TEXT    NOT NULL,
  user                    TEXT    NOT NULL,
  name                    TEXT    NOT NULL,
  service                 TEXT    NOT NULL,
  env                     TEXT    NOT NULL DEFAULT '{}' CHECK (json_valid(env)),
  outputs                 TEXT    NOT NULL DEFAULT '[]' CHECK (json_valid(outputs)),
  priority                INTEGER NOT NULL DEFAULT 0,
  timeout_seconds         INTEGER NOT NULL CHECK (timeout_seconds > 0),
  cpus                    INTEGER NOT NULL CHECK (cpus > 0),
  memory_bytes            INTEGER CHECK (memory_bytes > 0),
  requeue                 INTEGER NOT NULL DEFAULT 1 CHECK (requeue IN (0, 1)),

  -- One submit, one job: the key is unique for a tenant, and the request's digest tells a repeated
  -- submit from another one that uses the same key.
  idempotency_key         TEXT,
  request_sha256          TEXT    NOT NULL CHECK (length(request_sha256) = 64),

  input_sha256            TEXT    NOT NULL CHECK (length(input_sha256) = 64),
  input_size_bytes        INTEGER NOT NULL CHECK (input_size_bytes >= 0),
  input_root              TEXT    NOT NULL,
  input_entries           INTEGER NOT NULL CHECK (input_entries > 0),
  input_extracted_bytes   INTEGER NOT NULL CHECK (input_extracted_bytes >= 0),

  status                  TEXT    NOT NULL CHECK (status IN ('queued', 'dispatched', 'running',
                            'collecting', 'completed', 'failed', 'invalid', 'timed_out', 'cancelled', 'lost')),
  version                 INTEGER NOT NULL DEFAULT 1,
  attempt                 INTEGER NOT NULL DEFAULT 0 CHECK (attempt >= 0),
  agent                   TEXT,
  agent_reason            TEXT    CHECK (agent_reason IN ('agent_unreachable')),
  cancel_requested_at     INTEGER,
  submitted_at            INTEGER NOT NULL,
  started_at              INTEGER,
  finished_at             INTEGER,

  outcome_reason          TEXT    CHECK (outcome_reason IN ('exited', 'signaled', 'timed_out', 'cancelled',
                            'rejected', 'oom_killed', 'disk_full', 'output_limit', 'agent_lost', 'executor_error', 'input_damaged', 'never_started')),
  exit_code               INTEGER,
  signal                  TEXT,
  outcome_message         TEXT,
  findings                TEXT    NOT NULL DEFAULT '[]' CHECK (json_valid(findings)),
  wall_seconds            REAL,
  cpu_seconds             REAL,
  max_rss_bytes           INTEGER,
  result_sha256           TEXT    CHECK (length(result_sha256) = 64),
  result_size_bytes       INTEGER CHECK (result_size_bytes >= 0),
  expired_at              INTEGER, retries INTEGER NOT NULL DEFAULT 0 CHECK (retries >= 0), not_before INTEGER, clock_boot TEXT, clock_ms REAL, runtime_seconds REAL CHECK (runtime_seconds >= 0), pause_ms INTEGER CHECK (pause_ms >= 0), refusals INTEGER NOT NULL DEFAULT 0 CHECK (refusals >= 0), refused_at INTEGER, refused_ms INTEGER NOT NULL DEFAULT 0 CHECK (refused_ms >= 0),

  UNIQUE (tenant, idempotency_key),
  -- An outcome and an end go with a terminal status, and with no other.
  CHECK ((status IN ('completed', 'failed', 'invalid', 'timed_out', 'cancelled', 'lost'))
         = (outcome_reason IS NOT NULL)),
  CHECK ((outcome_reason IS NOT NULL) = (finished_at IS NOT NULL))
) STRICT;

CREATE TABLE lease (
  id      INTEGER PRIMARY KEY CHECK (id = 1),
  epoch   INTEGER NOT NULL CHECK (epoch > 0),
  holder  TEXT    NOT NULL,
  since   INTEGER NOT NULL
) STRICT;

CREATE TABLE milestones (
  name  TEXT    PRIMARY KEY,
  -- Milliseconds since 1970.
  at    INTEGER NOT NULL
, damaged INTEGER NOT NULL DEFAULT 0 CHECK (damaged >= 0)) STRICT, WITHOUT ROWID;

CREATE TABLE restores (
  id             INTEGER PRIMARY KEY CHECK (id = 1),
  -- Job ids that were left out, in all.
  skipped_ids    INTEGER NOT NULL DEFAULT 0 CHECK (skipped_ids >= 0),
  -- Attempts at jobs up to this one are numbered from first_attempt on.
  last_job_id    INTEGER NOT NULL DEFAULT 0,
  first_attempt  INTEGER NOT NULL DEFAULT 1 CHECK (first_attempt > 0)
) STRICT;

CREATE TABLE scrub (
  id            INTEGER PRIMARY KEY CHECK (id = 1),
  -- When checking began on this database; milliseconds since 1970, as are the others.
  since         INTEGER NOT NULL,
  -- The last blob of the round under way that has been read; null between two rounds.
  position      TEXT,
  completed_at  INTEGER
) STRICT;

CREATE INDEX job_events_by_job ON job_events (job_id, id);

CREATE INDEX job_labels_by_value ON job_labels (key, value, job_id);

CREATE INDEX jobs_by_end ON jobs (finished_at) WHERE finished_at IS NOT NULL;

CREATE INDEX jobs_by_input ON jobs (input_sha256);

CREATE INDEX jobs_by_result ON jobs (result_sha256) WHERE result_sha256 IS NOT NULL;

CREATE INDEX jobs_by_service ON jobs (service, id);

CREATE INDEX jobs_by_status ON jobs (status, id);

CREATE INDEX jobs_by_user ON jobs (user, id);

CREATE INDEX jobs_on_agent ON jobs (agent) WHERE status IN ('dispatched', 'running', 'collecting');

CREATE INDEX jobs_queued ON jobs (id) WHERE status = 'queued';
