-- Which server is active on this data directory. One row; the epoch is raised at every take-over.
CREATE TABLE lease (
  id      INTEGER PRIMARY KEY CHECK (id = 1),
  epoch   INTEGER NOT NULL CHECK (epoch > 0),
  holder  TEXT    NOT NULL,
  since   INTEGER NOT NULL
) STRICT;

-- Agents that an operator has told to take no new work, by name.
CREATE TABLE drains (
  agent        TEXT    PRIMARY KEY,
  since        INTEGER NOT NULL,
  -- When what still runs there is stopped and queued again; null leaves it alone.
  deadline_at  INTEGER
) STRICT, WITHOUT ROWID;

-- How often a failed job is to be tried again, and when the next time is.
ALTER TABLE jobs ADD COLUMN retries INTEGER NOT NULL DEFAULT 0 CHECK (retries >= 0);
ALTER TABLE jobs ADD COLUMN not_before INTEGER;

-- Attempts that were taken from an agent on purpose count neither as lost nor as failed.
CREATE TABLE attempts_next (
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
INSERT INTO attempts_next (job_id, number, agent, created_at, started_at, finished_at, ended_as, outcome_reason)
  SELECT job_id, number, agent, created_at, started_at, finished_at, ended_as, outcome_reason FROM attempts;
DROP TABLE attempts;
ALTER TABLE attempts_next RENAME TO attempts;

CREATE INDEX jobs_by_end ON jobs (finished_at) WHERE finished_at IS NOT NULL;
