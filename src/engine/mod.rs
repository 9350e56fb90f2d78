//! Training and inference: arrays, settings and a seed in; weights and events out.
//!
//! The engine uses no async runtime, HTTP, database, file, clock or environment. All random numbers come from the seed,
//! and results have the same bits for any number of threads.

pub mod activation;
pub mod cancel;
pub mod classical;
pub mod constraint;
pub mod document;
pub mod field;
pub mod fit;
pub mod hint;
pub mod init;
pub mod input_layout;
pub mod kernel;
pub mod layer;
pub mod loss;
pub mod metric;
pub mod network;
mod numbers;
pub mod optimizer;
pub mod random;
pub mod real;
pub mod reference;
pub(crate) mod registry;
pub mod regularizer;
pub mod schedule;
pub mod shape;
pub mod spec;
pub mod state;
