//! Routes, errors, limits, streams.
