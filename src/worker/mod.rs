//! Claim, load, fit, record: what a worker slot does with a job.
