-- Refusals since the job was last started, or submitted: how many, the time of the last one, and how long
-- they have gone on, in milliseconds.
ALTER TABLE jobs ADD COLUMN refusals INTEGER NOT NULL DEFAULT 0 CHECK (refusals >= 0);
ALTER TABLE jobs ADD COLUMN refused_at INTEGER;
ALTER TABLE jobs ADD COLUMN refused_ms INTEGER NOT NULL DEFAULT 0 CHECK (refused_ms >= 0);

-- How often the same has happened: refusals of one agent in a row are one event, with the time of the last.
ALTER TABLE job_events ADD COLUMN repeats INTEGER NOT NULL DEFAULT 1 CHECK (repeats > 0);

-- More values for two closed lists. No row changes, so the constraints are changed where they are kept:
-- https://sqlite.org/lang_altertable.html#making_other_kinds_of_table_schema_changes
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
  SET sql = replace(sql, '''executor_error''))', '''executor_error'', ''input_damaged'', ''never_started''))')
  WHERE type = 'table' AND name = 'jobs';
UPDATE sqlite_schema
  SET sql = replace(sql, '''agent_refused''))', '''agent_refused'', ''not_sent''))')
  WHERE type = 'table' AND name = 'job_events';
PRAGMA writable_schema = RESET;
