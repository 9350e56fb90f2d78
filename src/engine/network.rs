//! A checked architecture with its weights, and inference.

use crate::engine::{real::Real, shape::Shape, spec::Architecture};
use ndarray::{Array2, ArrayView2};

/// Weights of an architecture.
#[derive(Debug, Clone)]
pub struct Network<F: Real> {
    architecture: Architecture,
    weights: Vec<F>,
}

/// One named tensor of weights: `dense/kernel`, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor<F> {
    /// `layer/parameter`.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Its values, row-major.
    pub values: Vec<F>,
}

/// Weights that do not fit the architecture they were given to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WeightsError(pub String);

impl<F: Real> Network<F> {
    /// First weights from the initializers and `seed`.
    pub fn initialize(_architecture: Architecture, _seed: u64) -> Self {
        todo!()
    }
    /// A network of stored weights; names and shapes must be those of [`Self::tensors`].
    pub fn with_tensors(_architecture: Architecture, _tensors: Vec<NamedTensor<F>>) -> Result<Self, WeightsError> {
        todo!()
    }
    /// Every weight, trainable or not, in the order of the layers.
    pub fn tensors(&self) -> Vec<NamedTensor<F>> {
        todo!()
    }
    /// What it was made from.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }
    /// Runs inference on `x` [rows, input cells]; the answer is [rows, output cells]. The bits of a row do not depend
    /// on the rows beside it.
    pub fn predict(&self, _x: ArrayView2<'_, F>) -> Array2<F> {
        let _ = &self.weights;
        todo!()
    }
}
