//! [`Context`].

use crate::{
    engine::spec::Limits,
    memory::Memory,
    store::{Store, artifacts::Artifacts},
};
use std::sync::Arc;

/// What every job needs.
#[derive(Clone)]
pub struct Context {
    /// Records.
    pub store: Arc<dyn Store>,
    /// Files of datasets and weights.
    pub artifacts: Artifacts,
    /// Maximum size of a model.
    pub limits: Limits,
    /// Compute threads per job.
    pub threads: usize,
    /// Memory that a job reserves before it starts.
    pub memory: Memory,
}
