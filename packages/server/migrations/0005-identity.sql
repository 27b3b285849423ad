-- Who this server is, for its agents: it travels with the database, into every backup. One row.
CREATE TABLE installation (
  id           INTEGER PRIMARY KEY CHECK (id = 1),
  uuid         TEXT    NOT NULL,
  -- Ed25519, 32 bytes in base64url each.
  public_key   TEXT    NOT NULL,
  private_key  TEXT    NOT NULL,
  created_at   INTEGER NOT NULL
) STRICT;

-- The key that an agent's name is bound to since the agent was enrolled.
CREATE TABLE agent_keys (
  name         TEXT    PRIMARY KEY,
  public_key   TEXT    NOT NULL,
  enrolled_at  INTEGER NOT NULL,
  -- When the agent last proved it.
  seen_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One-time secrets that the agent at an address is expected to prove; gone once it has.
CREATE TABLE enrolments (
  url         TEXT    PRIMARY KEY,
  secret      TEXT    NOT NULL,
  expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
