//! Metrics: Keras's names and arithmetic, as sums that lanes add up.

use crate::engine::{loss::Loss, real::Real};
use serde::{Deserialize, Serialize};

/// What is reported beside the loss. A name (`"accuracy"`) or settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(missing_docs, reason = "to be documented with formulas")]
pub enum Metric {
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    MeanSquaredError,
}

impl Metric {
    /// `accuracy` becomes the binary, categorical or sparse one, as Keras chooses by loss and output width.
    pub fn resolve(&self, _loss: &Loss, _output_width: usize) -> Metric {
        todo!()
    }

    /// The name in events and results, as Keras prints it (`accuracy`, `mse`, `auc`, …).
    pub fn name(&self) -> String {
        todo!()
    }

    /// How many sums [`Self::update`] adds to.
    pub fn cells(&self) -> usize {
        todo!()
    }

    /// Adds these rows to the sums. `output` holds probabilities (or values), never logits. Sums of disjoint rows may be added.
    pub fn update<F: Real>(&self, _targets: &[F], _output: &[F], _width: usize, _cells: &mut [f64]) {
        todo!()
    }

    /// The metric of everything added.
    pub fn result(&self, _cells: &[f64]) -> f64 {
        todo!()
    }
}
