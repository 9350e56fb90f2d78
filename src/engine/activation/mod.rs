//! Activations: Keras's names, forward and backward.
//!
//! A new activation is one file and one row below; the gradient test and the parity tests cover it.

mod celu;
mod elu;
mod exponential;
mod gelu;
mod hard_shrink;
mod hard_sigmoid;
mod hard_silu;
mod hard_tanh;
mod leaky_relu;
mod linear;
mod log_sigmoid;
mod log_softmax;
mod mish;
mod relu;
mod relu6;
mod selu;
mod sigmoid;
mod soft_shrink;
mod softmax;
mod softplus;
mod softsign;
mod sparse_plus;
mod sparse_sigmoid;
mod sparsemax;
mod squareplus;
mod swish;
mod tanh;
mod tanh_shrink;
mod threshold;

pub use celu::Celu;
pub use elu::Elu;
pub use exponential::Exponential;
pub use gelu::Gelu;
pub use hard_shrink::HardShrink;
pub use hard_sigmoid::HardSigmoid;
pub use hard_silu::HardSilu;
pub use hard_tanh::HardTanh;
pub use leaky_relu::LeakyRelu;
pub use linear::Linear;
pub use log_sigmoid::LogSigmoid;
pub use log_softmax::LogSoftmax;
pub use mish::Mish;
pub use relu::Relu;
pub use relu6::Relu6;
pub use selu::Selu;
pub use sigmoid::Sigmoid;
pub use soft_shrink::SoftShrink;
pub use softmax::Softmax;
pub use softplus::Softplus;
pub use softsign::Softsign;
pub use sparse_plus::SparsePlus;
pub use sparse_sigmoid::SparseSigmoid;
pub use sparsemax::Sparsemax;
pub use squareplus::Squareplus;
pub use swish::Swish;
pub use tanh::Tanh;
pub use tanh_shrink::TanhShrink;
pub use threshold::Threshold;

use crate::engine::{field::FieldError, kernel::vectorized, real::Real, registry::registry};

/// Implemented by the settings of every activation.
trait Function<F: Real> {
    /// Ranges of the settings.
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }
    /// Whether `backward` needs x, not only y.
    fn needs_input(&self) -> bool {
        false
    }
    /// The infimum and the supremum of f.
    fn range(&self) -> (f64, f64) {
        (f64::NEG_INFINITY, f64::INFINITY)
    }
    /// Replaces x by f(x); `width` is the size of the last axis.
    fn forward(&self, x: &mut [F], width: usize);
    /// Replaces dL/dy by dL/dx.
    fn backward(&self, x: &[F], y: &[F], gradient: &mut [F], width: usize);
}

registry! {
    /// Activation function. A name (`"relu"`) or settings
    /// (`{"type": "leaky_relu", "negative_slope": 0.1}`).
    #[derive(Debug, Clone, Copy, PartialEq)]
    Activation, "an activation", dyn Function<F> {
        plain {
            Linear = "linear",
            Sigmoid = "sigmoid",
            Tanh = "tanh",
            Softmax = "softmax",
            Softplus = "softplus",
            Swish = "swish" | "silu",
            Exponential = "exponential",
            HardSilu = "hard_silu" | "hard_swish",
            HardTanh = "hard_tanh",
            LogSigmoid = "log_sigmoid",
            LogSoftmax = "log_softmax",
            Mish = "mish",
            Relu6 = "relu6",
            Selu = "selu",
            Softsign = "softsign",
            SparsePlus = "sparse_plus",
            SparseSigmoid = "sparse_sigmoid",
            Sparsemax = "sparsemax",
            TanhShrink = "tanh_shrink",
        }
        settings {
            Relu = "relu",
            LeakyRelu = "leaky_relu",
            Elu = "elu",
            Gelu = "gelu",
            Celu = "celu",
            HardShrink = "hard_shrink",
            HardSigmoid = "hard_sigmoid",
            SoftShrink = "soft_shrink",
            Squareplus = "squareplus",
            Threshold = "threshold",
        }
    }
}

#[allow(clippy::derivable_impls, reason = "the registry writes the enum, which has no place for #[default]")]
impl Default for Activation {
    fn default() -> Self {
        Self::Linear
    }
}

impl Activation {
    /// Ranges of the settings; the pointer is below the activation (`/alpha`).
    pub fn check(&self) -> Result<(), FieldError> {
        self.behaviour::<f32>().check()
    }

    /// The infimum and the supremum of its values; infinite where there is none.
    pub fn range(&self) -> (f64, f64) {
        self.behaviour::<f32>().range()
    }

    /// Whether [`Self::backward`] needs the input, not only the output.
    pub fn needs_input(&self) -> bool {
        self.behaviour::<f32>().needs_input()
    }

    /// Replaces x by f(x), in place; `width` is the size of the last axis.
    pub fn forward<F: Real>(&self, x: &mut [F], width: usize) {
        self.behaviour().forward(x, width);
    }

    /// Replaces dL/dy by dL/dx, in place. `x` may be empty unless [`Self::needs_input`].
    pub fn backward<F: Real>(&self, x: &[F], y: &[F], gradient: &mut [F], width: usize) {
        self.behaviour().backward(x, y, gradient, width);
    }
}

/// Replaces each x by f(x).
///
/// Adding zero changes no value, but prevents a masked store where f returns x itself, which takes four times as long.
#[inline(always)]
fn map<F: Real>(x: &mut [F], f: impl Fn(F) -> F) {
    vectorized(
        #[inline(always)]
        || {
            for x in x.iter_mut() {
                *x = f(*x) + F::ZERO;
            }
        },
    );
}

/// Multiplies each gradient by the derivative that `f` computes from `known` (x or y). For the zero see [`map`].
#[inline(always)]
fn chain<F: Real>(known: &[F], gradient: &mut [F], f: impl Fn(F) -> F) {
    vectorized(
        #[inline(always)]
        || {
            for (gradient, &known) in gradient.iter_mut().zip(known) {
                *gradient = *gradient * f(known) + F::ZERO;
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::field::parse;
    use serde_json::Value;

    #[test]
    fn values_are_within_the_range() {
        for name in Activation::NAMES {
            let activation: Activation = parse(&Value::from(*name)).unwrap();
            let (min, max) = activation.range();
            let mut values: Vec<f64> = (0..800).map(|step| f64::from(step * 37 % 801 - 400) / 10.0).collect();
            activation.forward(&mut values, 4);
            let slack = 1e-9;
            assert!(values.iter().all(|value| (min - slack..=max + slack).contains(value)), "{name}: {min} to {max}");
            let reached =
                values.iter().copied().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
            let is_close = |bound: f64, reached: f64| bound.is_infinite() || (bound - reached).abs() < 0.05;
            assert!(is_close(min, reached.0) && is_close(max, reached.1), "{name}: {reached:?} of {min} to {max}");
        }
    }
}
