-- CRC-32 of each 64 KiB of a blob that is larger, taken when it was stored. Without a row it is taken anew.
CREATE TABLE blob_checksums (
  sha256      TEXT    PRIMARY KEY CHECK (length(sha256) = 64),
  size_bytes  INTEGER NOT NULL CHECK (size_bytes > 0),
  -- Four bytes each, big-endian.
  pieces      BLOB    NOT NULL
) STRICT;

-- Blobs whose content is not what it was, until they are right again or have been removed.
CREATE TABLE damaged_blobs (
  sha256    TEXT    PRIMARY KEY CHECK (length(sha256) = 64),
  -- Milliseconds since 1970.
  found_at  INTEGER NOT NULL,
  -- What is wrong, for people.
  found     TEXT    NOT NULL,
  -- The jobs that referred to it then.
  jobs      TEXT    NOT NULL CHECK (json_valid(jobs))
) STRICT, WITHOUT ROWID;

-- How far the background check of all blobs is. One row.
CREATE TABLE scrub (
  id            INTEGER PRIMARY KEY CHECK (id = 1),
  -- When checking began on this database; milliseconds since 1970, as are the others.
  since         INTEGER NOT NULL,
  -- The last blob of the round under way that has been read; null between two rounds.
  position      TEXT,
  completed_at  INTEGER
) STRICT;

-- Blobs that the last backup had to leave out.
ALTER TABLE milestones ADD COLUMN damaged INTEGER NOT NULL DEFAULT 0 CHECK (damaged >= 0);
