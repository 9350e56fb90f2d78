//! epoca trains, tracks and serves machine-learning models over HTTP.
//!
//! The rooms, in reading order; each may use what stands above it, never what stands below
//! (`tests/rooms.rs` holds this):
//!
//! 1. [`engine`]: learning itself. Arrays, settings and a seed in; weights and events out.
//! 2. [`data`]: tables in, tensors out.
//! 3. [`keras`]: Keras JSON into a model definition.
//! 4. [`job`]: what a job is: plain data, and the checks that need both a definition and a table.
//! 5. [`store`]: the only truth. Records in SQL, artifacts in an object store.
//! 6. [`worker`]: claim, load, fit, record.
//! 7. [`serving`]: loaded models and predictions.
//! 8. [`http`]: routes, errors, limits, streams.
//! 9. [`demo`]: the `demo` command, a client of the service.
//!
//! [`config`] is the one description of how the process was started.

pub mod config;
pub mod data;
pub mod demo;
pub mod engine;
pub mod http;
pub mod job;
pub mod keras;
pub mod serving;
pub mod store;
pub mod worker;
