-- Which class a trained version takes for which; of jobs that have succeeded, and of their versions.

ALTER TABLE jobs ADD COLUMN confusion_matrix TEXT;
ALTER TABLE versions ADD COLUMN confusion_matrix TEXT;
