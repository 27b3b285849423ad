-- How long an attempt has run comes from clocks that are never set, not from time stamps.

-- When the current attempt was sent, later when it started: milliseconds of the machine's monotonic clock,
-- and the start of the machine that they belong to.
ALTER TABLE jobs ADD COLUMN clock_boot TEXT;
ALTER TABLE jobs ADD COLUMN clock_ms REAL;
-- How long the last attempt ran; null while it runs, and when it has not been started.
ALTER TABLE jobs ADD COLUMN runtime_seconds REAL CHECK (runtime_seconds >= 0);
-- How long the pause before not_before was meant to be.
ALTER TABLE jobs ADD COLUMN pause_ms INTEGER CHECK (pause_ms >= 0);

UPDATE jobs SET runtime_seconds = ifnull(wall_seconds, max(0, finished_at - started_at) / 1000.0)
  WHERE finished_at IS NOT NULL AND started_at IS NOT NULL;

UPDATE jobs SET pause_ms = 600000 WHERE not_before IS NOT NULL;

-- How long what runs on a drained agent was given.
ALTER TABLE drains ADD COLUMN deadline_ms INTEGER CHECK (deadline_ms >= 0);
UPDATE drains SET deadline_ms = max(0, deadline_at - since) WHERE deadline_at IS NOT NULL;
