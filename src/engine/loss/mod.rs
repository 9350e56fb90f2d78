//! Losses: Keras's names and arithmetic, value and gradient in one pass.

use crate::engine::{activation::Activation, real::Real};
use serde::{Deserialize, Serialize};

/// What training minimizes. A name (`"mse"`) or settings (`{"type": "huber", "delta": 1.0}`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(missing_docs, reason = "to be documented with formulas")]
pub enum Loss {
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    MeanSquaredError,
    MeanAbsoluteError,
    Huber { delta: f32 },
}

impl Loss {
    /// Cells of one target row for an output of `output_width` cells: 1 for sparse labels, else the output's own.
    pub fn target_width(&self, _output_width: usize) -> usize {
        todo!()
    }

    /// The final activation that this loss can absorb: given it, the network skips that activation in training and
    /// passes logits to [`Self::evaluate`] with `logits` true.
    pub fn absorbs(&self) -> Option<Activation> {
        todo!()
    }

    /// The sum over rows of weight times the row's loss (the row's loss is the mean over its `width` cells, as Keras's),
    /// and in `gradient` (as long as `output`) `scale` times that sum's gradient.
    ///
    /// `targets` is [rows, `target_width`], `output` [rows, `width`] (logits where `logits`), `weights` [rows].
    #[allow(clippy::too_many_arguments, reason = "one hot call; a struct would be built for it alone")]
    pub fn evaluate<F: Real>(
        &self,
        _targets: &[F],
        _output: &[F],
        _width: usize,
        _logits: bool,
        _weights: Option<&[F]>,
        _scale: F,
        _gradient: &mut [F],
    ) -> f64 {
        todo!()
    }
}
