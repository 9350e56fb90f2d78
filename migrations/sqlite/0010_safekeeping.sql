-- The database itself: the artifacts of its records belong to it alone, and readiness writes to it.
CREATE TABLE service (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    identity   TEXT NOT NULL,
    checked_at INTEGER NOT NULL
) STRICT;

INSERT INTO service (id, identity, checked_at) VALUES (1, lower(hex(randomblob(16))), 0);

-- Versions are deleted one by one; a number is never given twice.
ALTER TABLE models ADD COLUMN last_version INTEGER NOT NULL DEFAULT 0;
UPDATE models SET last_version = (SELECT coalesce(max(version), 0) FROM versions WHERE model_id = models.id);
