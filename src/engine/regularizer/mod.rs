//! Regularizers of parameters and of layer outputs: Keras's names and arithmetic.

mod l1;
mod l1_l2;
mod l2;
mod orthogonal_regularizer;

pub use l1::L1;
pub use l1_l2::L1L2;
pub use l2::L2;
pub use orthogonal_regularizer::{OrthogonalMode, OrthogonalRegularizer};

use crate::engine::{field::FieldError, real::Real, registry::registry, shape::Shape};

/// Implemented by the settings of every regularizer.
trait Penalty<F: Real> {
    /// Ranges of the settings.
    fn check(&self) -> Result<(), FieldError>;
    /// Whether it can be applied to a parameter of `shape`.
    fn check_shape(&self, _shape: &Shape) -> Result<(), FieldError> {
        Ok(())
    }
    /// See [`Regularizer::scratch_elements`].
    fn scratch_elements(&self, _shape: &Shape) -> usize {
        0
    }
    /// See [`Regularizer::penalty`].
    fn penalty(&self, weights: &[F], shape: &Shape, scratch: &mut [F]) -> f64;
    /// See [`Regularizer::add_gradient`].
    fn add_gradient(&self, weights: &[F], shape: &Shape, scratch: &mut [F], gradient: &mut [F]);
}

registry! {
    /// Regularizer of a parameter: a penalty added to the loss. A name (`"l2"`) or settings (`{"type": "l1_l2", "l1":
    /// 0.01, "l2": 0.01}`).
    #[derive(Debug, Clone, Copy, PartialEq)]
    Regularizer, "a regularizer", dyn Penalty<F> {
        plain {}
        settings {
            L1 = "l1",
            L2 = "l2",
            L1L2 = "l1_l2",
            OrthogonalRegularizer = "orthogonal_regularizer",
        }
    }
}

impl Regularizer {
    /// Ranges of the settings; the pointer is below the regularizer (`/l2`).
    pub fn check(&self) -> Result<(), FieldError> {
        self.behaviour::<f32>().check()
    }

    /// Whether it can be applied to a parameter of `shape`; the pointer is below the regularizer.
    pub fn check_shape(&self, shape: &Shape) -> Result<(), FieldError> {
        self.behaviour::<f32>().check_shape(shape)
    }

    /// Scratch elements that the penalty on a parameter of `shape` needs: 0 if the penalty is elementwise, so that it
    /// can be computed for any part of the parameter.
    pub fn scratch_elements(&self, shape: &Shape) -> usize {
        self.behaviour::<f32>().scratch_elements(shape)
    }

    /// The penalty of `weights`, row-major of `shape`; `scratch` has [`Self::scratch_elements`] elements.
    pub fn penalty<F: Real>(&self, weights: &[F], shape: &Shape, scratch: &mut [F]) -> f64 {
        self.behaviour().penalty(weights, shape, scratch)
    }

    /// Adds the penalty's gradient to `gradient`.
    pub fn add_gradient<F: Real>(&self, weights: &[F], shape: &Shape, scratch: &mut [F], gradient: &mut [F]) {
        self.behaviour().add_gradient(weights, shape, scratch, gradient);
    }

    /// The factors of an elementwise penalty; `None` for a penalty on a matrix.
    pub fn elementwise(&self) -> Option<L1L2> {
        match *self {
            Self::L1(L1 { l1 }) => Some(L1L2 { l1, l2: 0.0 }),
            Self::L2(L2 { l2 }) => Some(L1L2 { l1: 0.0, l2 }),
            Self::L1L2(both) => Some(both),
            Self::OrthogonalRegularizer(_) => None,
        }
    }
}
