-- The epoch after which the state of a job's fit is kept, and the number of attempts since that was last so of a later epoch.
ALTER TABLE jobs ADD COLUMN checkpoint INTEGER;
ALTER TABLE jobs ADD COLUMN fruitless INTEGER NOT NULL DEFAULT 0;
