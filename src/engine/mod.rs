//! Learning itself: arrays, settings and a seed in; weights and events out.
//!
//! This room knows no runtime, no HTTP, no database, no file, no clock and no environment. Every random number comes
//! from the seed that it is passed, and every result has the same bits at any number of threads.

pub mod activation;
pub mod constraint;
pub mod field;
pub mod fit;
pub mod init;
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
