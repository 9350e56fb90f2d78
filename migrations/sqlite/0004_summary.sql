-- Sizes of a job, known before it begins.
ALTER TABLE jobs ADD COLUMN summary TEXT;
