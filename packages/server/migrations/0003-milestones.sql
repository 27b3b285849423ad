-- When something that operators rely on last ended well: it is to be known after a restart.
CREATE TABLE milestones (
  name  TEXT    PRIMARY KEY,
  -- Milliseconds since 1970.
  at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
