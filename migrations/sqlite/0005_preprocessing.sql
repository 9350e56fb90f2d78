-- How each number column is scaled and why, and what is probably not meant.
ALTER TABLE jobs ADD COLUMN preprocessing TEXT;
ALTER TABLE jobs ADD COLUMN warnings TEXT;
