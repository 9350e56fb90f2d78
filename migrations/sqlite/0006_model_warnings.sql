-- What of a Keras model is read otherwise than it stands there.
ALTER TABLE models ADD COLUMN warnings TEXT;
