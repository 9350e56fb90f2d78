-- API keys. The secret is stored as its SHA-256 alone; a key is found by its prefix.
CREATE TABLE keys (
    id                  TEXT PRIMARY KEY,
    name                TEXT NOT NULL,
    prefix              TEXT NOT NULL UNIQUE,
    hash                TEXT NOT NULL,
    scopes              TEXT NOT NULL,
    requests_per_second REAL,
    max_bytes           INTEGER,
    created_at          INTEGER NOT NULL,
    expires_at          INTEGER,
    revoked_at          INTEGER
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX keys_by_name ON keys (name) WHERE revoked_at IS NULL;

-- Writes that clients made. It outlives keys and resources, and nothing refers to it.
CREATE TABLE audit (
    id         TEXT PRIMARY KEY,
    at         INTEGER NOT NULL,
    key        TEXT,
    key_name   TEXT,
    address    TEXT,
    method     TEXT NOT NULL,
    path       TEXT NOT NULL,
    status     INTEGER NOT NULL,
    location   TEXT,
    request_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The key that created it; null without keys.
ALTER TABLE datasets ADD COLUMN owner TEXT;
ALTER TABLE models ADD COLUMN owner TEXT;
ALTER TABLE jobs ADD COLUMN owner TEXT;

CREATE INDEX datasets_by_owner ON datasets (owner) WHERE owner IS NOT NULL;
CREATE INDEX jobs_by_owner ON jobs (owner) WHERE owner IS NOT NULL;
