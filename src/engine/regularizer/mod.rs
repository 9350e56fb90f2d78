//! L1 and L2 penalties: Keras's names and arithmetic.

mod l1;
mod l1_l2;
mod l2;

pub use l1::L1;
pub use l1_l2::L1L2;
pub use l2::L2;

use crate::engine::{field::FieldError, real::Real, registry::registry};

/// What every penalty's settings implement.
trait Penalty<F: Real> {
    /// Ranges of the settings.
    fn check(&self) -> Result<(), FieldError>;
    /// The penalty of `weights`.
    fn penalty(&self, weights: &[F]) -> f64;
    /// Adds the penalty's gradient to `gradient`.
    fn add_gradient(&self, weights: &[F], gradient: &mut [F]);
}

registry! {
    /// A penalty on a parameter, added to the loss. A name (`"l2"`) or settings (`{"type": "l1_l2", "l1": 0.01, "l2": 0.01}`).
    #[derive(Debug, Clone, Copy, PartialEq)]
    Regularizer, "a regularizer", dyn Penalty {
        plain {}
        settings {
            L1 = "l1",
            L2 = "l2",
            L1L2 = "l1_l2",
        }
    }
}

impl Regularizer {
    /// Ranges of the settings; the pointer is below the regularizer (`/l2`).
    pub fn check(&self) -> Result<(), FieldError> {
        self.behaviour::<f32>().check()
    }

    /// The same penalty `factor` times as strong.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        match *self {
            Self::L1(L1 { l1 }) => Self::L1(L1 { l1: l1 * factor }),
            Self::L2(L2 { l2 }) => Self::L2(L2 { l2: l2 * factor }),
            Self::L1L2(L1L2 { l1, l2 }) => Self::L1L2(L1L2 { l1: l1 * factor, l2: l2 * factor }),
        }
    }

    /// The penalty of `weights`.
    pub fn penalty<F: Real>(&self, weights: &[F]) -> f64 {
        self.behaviour().penalty(weights)
    }

    /// Adds the penalty's gradient to `gradient`.
    pub fn add_gradient<F: Real>(&self, weights: &[F], gradient: &mut [F]) {
        self.behaviour().add_gradient(weights, gradient);
    }
}
