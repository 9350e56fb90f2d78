-- Queued jobs of a higher priority are claimed first.
ALTER TABLE jobs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
CREATE INDEX jobs_in_queue ON jobs (priority DESC, id) WHERE status = 'queued' AND NOT held;
