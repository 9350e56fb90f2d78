//! Optimizers: Keras's names, defaults and arithmetic. Settings are immutable; moments are passed in.

use crate::engine::real::Real;
use serde::{Deserialize, Serialize};

/// What turns gradients into new weights. A name (`"adam"`) or settings (`{"type": "sgd", "learning_rate": 0.1}`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(missing_docs, reason = "to be documented with formulas")]
pub enum Optimizer {
    Adam { learning_rate: f32 },
}

impl Optimizer {
    /// The settings' learning rate.
    pub fn learning_rate(&self) -> f32 {
        todo!()
    }

    /// How many values an optimizer keeps for each weight (Adam: 2).
    pub fn slots(&self) -> usize {
        todo!()
    }

    /// One step. `iteration` counts from 1; `slots` has [`Self::slots`] slices, each as long as `weights`, zero before
    /// the first step. Every optimizer here works elementwise, so any cut of the weights gives the same bits.
    pub fn step<F: Real>(
        &self,
        _iteration: u64,
        _learning_rate: F,
        _weights: &mut [F],
        _gradient: &[F],
        _slots: &mut [&mut [F]],
    ) {
        todo!()
    }
}
