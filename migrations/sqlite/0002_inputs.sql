-- The features of each input, for models whose inputs have names.
ALTER TABLE jobs ADD COLUMN inputs TEXT;
