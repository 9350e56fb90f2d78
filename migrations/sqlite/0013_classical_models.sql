-- Facts about the fit of a classical model, as JSON.
ALTER TABLE versions ADD COLUMN fitted TEXT;
-- The comparison with baselines, as JSON.
ALTER TABLE jobs ADD COLUMN leaderboard TEXT;
ALTER TABLE versions ADD COLUMN leaderboard TEXT;
