-- Records. Times are microseconds since 1970 (UTC); ids are UUIDv7 as text, so that their order is that of creation.
-- Structured values are JSON as text.

CREATE TABLE datasets (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    format     TEXT NOT NULL,
    row_count  INTEGER NOT NULL,
    bytes      INTEGER NOT NULL,
    sha256     TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    columns    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE models (
    id                TEXT PRIMARY KEY,
    name              TEXT NOT NULL UNIQUE,
    definition        TEXT NOT NULL,
    training_defaults TEXT NOT NULL,
    summary           TEXT,
    created_at        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A job outlives the model and the datasets that it names: it keeps their names and ids, and nothing refers to them.
CREATE TABLE jobs (
    id                    TEXT PRIMARY KEY,
    model                 TEXT NOT NULL,
    model_id              TEXT NOT NULL,
    dataset               TEXT NOT NULL,
    dataset_id            TEXT NOT NULL,
    validation_dataset    TEXT,
    validation_dataset_id TEXT,
    target                TEXT NOT NULL,
    features              TEXT NOT NULL,
    task                  TEXT NOT NULL,
    training              TEXT NOT NULL,
    status                TEXT NOT NULL,
    progress              TEXT NOT NULL,
    metrics               TEXT NOT NULL,
    best_epoch            INTEGER,
    version               INTEGER,
    attempt               INTEGER NOT NULL,
    error                 TEXT,
    created_at            INTEGER NOT NULL,
    queued_at             INTEGER NOT NULL,
    started_at            INTEGER,
    ended_at              INTEGER,
    queued_seconds        REAL,
    preparing_seconds     REAL,
    training_seconds      REAL,
    -- Rises with each claim; a write of a worker that carries another one changes nothing.
    fence                 INTEGER NOT NULL DEFAULT 0,
    worker                TEXT,
    cancelling            INTEGER NOT NULL DEFAULT 0,
    -- The id of the newest event.
    last_event            INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- The queue, and what keeps models and datasets in use: few rows, however many jobs have ended.
CREATE INDEX jobs_by_status ON jobs (status, id);
CREATE INDEX jobs_by_model ON jobs (model, id);
CREATE INDEX jobs_by_dataset ON jobs (dataset, id);

CREATE TABLE events (
    job  TEXT NOT NULL REFERENCES jobs (id),
    id   INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at   INTEGER NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (job, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE versions (
    model_id   TEXT NOT NULL REFERENCES models (id) ON DELETE CASCADE,
    version    INTEGER NOT NULL,
    -- At most one result of a job is ever committed.
    job        TEXT NOT NULL UNIQUE REFERENCES jobs (id),
    dataset    TEXT NOT NULL,
    metrics    TEXT NOT NULL,
    signature  TEXT NOT NULL,
    summary    TEXT NOT NULL,
    bytes      INTEGER NOT NULL,
    sha256     TEXT NOT NULL,
    artifact   TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (model_id, version)
) STRICT, WITHOUT ROWID;

-- First answers of requests that carried an Idempotency-Key.
CREATE TABLE receipts (
    route       TEXT NOT NULL,
    key         TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status      INTEGER NOT NULL,
    location    TEXT NOT NULL,
    body        TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (route, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX receipts_by_age ON receipts (created_at);
