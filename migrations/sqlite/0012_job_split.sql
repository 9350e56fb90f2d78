-- How a job's rows are divided into parts. What becomes of its columns has another form now: earlier jobs show no such list.
ALTER TABLE jobs ADD COLUMN split TEXT;
UPDATE jobs SET preprocessing = NULL WHERE preprocessing LIKE '[%';
