-- Logs of the best epoch, and what users write on a job.
ALTER TABLE jobs ADD COLUMN best TEXT;
ALTER TABLE jobs ADD COLUMN labels TEXT;
ALTER TABLE jobs ADD COLUMN note TEXT;
