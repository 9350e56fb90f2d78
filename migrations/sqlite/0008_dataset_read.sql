-- How a dataset's file was read, and what was not taken at face value.
ALTER TABLE datasets ADD COLUMN read TEXT NOT NULL DEFAULT '{}';
ALTER TABLE datasets ADD COLUMN warnings TEXT NOT NULL DEFAULT '[]';
