-- Agents that an operator has added while the server ran; those of its configuration are not here.
CREATE TABLE added_agents (
  url       TEXT    PRIMARY KEY,
  -- Milliseconds since 1970.
  added_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
