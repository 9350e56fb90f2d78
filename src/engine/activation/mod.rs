//! Activations: Keras's names, forward beside backward.

use crate::engine::real::Real;
use serde::{Deserialize, Serialize};

/// An elementwise function, or softmax along the last axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "to be documented with formulas")]
pub enum Activation {
    #[default]
    Linear,
    Relu,
    LeakyRelu,
    Elu,
    Gelu,
    Sigmoid,
    Tanh,
    Softmax,
    Softplus,
    Swish,
}

impl Activation {
    /// Whether [`Self::backward`] reads the input; where not, the output is enough and the input need not be kept.
    pub fn needs_input(self) -> bool {
        todo!()
    }

    /// Replaces x by f(x), in place; `width` is the size of the last axis.
    pub fn forward<F: Real>(self, _x: &mut [F], _width: usize) {
        todo!()
    }

    /// Replaces dL/dy by dL/dx, in place. `x` may be empty unless [`Self::needs_input`].
    pub fn backward<F: Real>(self, _x: &[F], _y: &[F], _gradient: &mut [F], _width: usize) {
        todo!()
    }
}
