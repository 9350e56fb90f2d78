-- Whether the model of a job is compared with baselines.
ALTER TABLE jobs ADD COLUMN baselines INTEGER NOT NULL DEFAULT 0;
