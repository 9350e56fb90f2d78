-- The fence identifies the holder of a job.
ALTER TABLE jobs DROP COLUMN worker;
