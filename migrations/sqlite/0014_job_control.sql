-- What users ask of a job that has not ended, and whether a worker keeps it in memory while it does not run.
ALTER TABLE jobs ADD COLUMN pausing INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN finish_after INTEGER;
ALTER TABLE jobs ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
