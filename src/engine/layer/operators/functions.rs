//! Functions of each element, a line each: what becomes of `x`, and the derivative from `x` and `y`.

use super::cellwise::{CellFunction, layer_of_cells};
use crate::engine::real::Real;
use serde::{Deserialize, Serialize};

macro_rules! functions {
    ($($(#[doc = $doc:literal])+ $name:ident, $source:literal, $of:expr, $slope:expr;)+) => {$(
        $(#[doc = $doc])+
        ///
        /// # Shapes
        /// Any, unchanged.
        ///
        #[doc = concat!("Source: <https://keras.io/api/ops/numpy/#", $source, "-function>")]
        #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {}

        layer_of_cells!($name);

        impl CellFunction for $name {
            #[inline(always)]
            fn of<F: Real>(&self, x: F) -> F {
                let of: fn(F) -> F = $of;
                of(x)
            }

            #[inline(always)]
            fn slope<F: Real>(&self, x: F, y: F) -> F {
                let slope: fn(F, F) -> F = $slope;
                slope(x, y)
            }
        }
    )+};
}

functions! {
    /// `y = sin(x)`, of radians.
    Sin, "sin", |x| through(x, libm::sin), |x, _| through(x, libm::cos);
    /// `y = cos(x)`, of radians.
    Cos, "cos", |x| through(x, libm::cos), |x, _| -through(x, libm::sin);
    /// `y = tan(x)`, of radians.
    Tan, "tan", |x| through(x, libm::tan), |_, y| F::ONE + y * y;
    /// `y = arcsin(x)`, which is no number beyond -1 and 1.
    Arcsin, "arcsin", |x| through(x, libm::asin), |x, _| F::ONE / (F::ONE - x * x).sqrt();
    /// `y = arccos(x)`, which is no number beyond -1 and 1.
    Arccos, "arccos", |x| through(x, libm::acos), |x, _| -F::ONE / (F::ONE - x * x).sqrt();
    /// `y = arctan(x)`
    Arctan, "arctan", |x| through(x, libm::atan), |x, _| F::ONE / (F::ONE + x * x);
    /// `y = sinh(x)`
    Sinh, "sinh", |x| through(x, libm::sinh), |x, _| through(x, libm::cosh);
    /// `y = cosh(x)`
    Cosh, "cosh", |x| through(x, libm::cosh), |x, _| through(x, libm::sinh);
    /// `y = arcsinh(x)`
    Arcsinh, "arcsinh", |x| through(x, libm::asinh), |x, _| F::ONE / (x * x + F::ONE).sqrt();
    /// `y = arccosh(x)`, which is no number below 1.
    Arccosh, "arccosh", |x| through(x, libm::acosh), |x, _| F::ONE / (x * x - F::ONE).sqrt();
    /// `y = arctanh(x)`, which is no number beyond -1 and 1.
    Arctanh, "arctanh", |x| through(x, libm::atanh), |x, _| F::ONE / (F::ONE - x * x);
    /// `y = exp(x) - 1`, exact near 0.
    Expm1, "expm1", |x| x.exp_m1(), |_, y| y + F::ONE;
    /// The logarithm to base 2, which is no number of an `x` below 0.
    Log2, "log2", |x| through(x, libm::log2), |x, _| F::of(std::f64::consts::LOG2_E) / x;
    /// The logarithm to base 10, which is no number of an `x` below 0.
    Log10, "log10", |x| through(x, libm::log10), |x, _| F::of(std::f64::consts::LOG10_E) / x;
    /// The error function.
    Erf, "erf", |x| x.erf(), |x, _| F::of(std::f64::consts::FRAC_2_SQRT_PI) * (-(x * x)).exp();
    /// The next lower whole number; the gradient is 0.
    Floor, "floor", |x| through(x, f64::floor), |_, _| F::ZERO;
    /// The next higher whole number; the gradient is 0.
    Ceil, "ceil", |x| through(x, f64::ceil), |_, _| F::ZERO;
    /// The nearest whole number, of two as near the even one; the gradient is 0.
    Round, "round", |x| through(x, f64::round_ties_even), |_, _| F::ZERO;
    /// The whole number towards 0; the gradient is 0.
    Trunc, "trunc", |x| through(x, f64::trunc), |_, _| F::ZERO;
    /// -1, 0 or 1; the gradient is 0.
    Sign, "sign", |x| x.sign(), |_, _| F::ZERO;
    /// 1 of 0, and 0 of any other number; the gradient is 0.
    LogicalNot, "logicalnot", |x| if x == F::ZERO { F::ONE } else { F::ZERO }, |_, _| F::ZERO;
}

/// A function that is computed in `f64`.
#[inline(always)]
fn through<F: Real>(x: F, function: fn(f64) -> f64) -> F {
    F::of(function(x.to_f64()))
}
