-- What restores have left out, so that nothing that was given out before is given out again. One row.
CREATE TABLE restores (
  id             INTEGER PRIMARY KEY CHECK (id = 1),
  -- Job ids that were left out, in all.
  skipped_ids    INTEGER NOT NULL DEFAULT 0 CHECK (skipped_ids >= 0),
  -- Attempts at jobs up to this one are numbered from first_attempt on.
  last_job_id    INTEGER NOT NULL DEFAULT 0,
  first_attempt  INTEGER NOT NULL DEFAULT 1 CHECK (first_attempt > 0)
) STRICT;
INSERT INTO restores (id) VALUES (1);
