//! Functions of two elements, a line each: what becomes of them, and the derivatives.

use crate::engine::{
    field::FieldError,
    layer::{
        Backward, Compute, Forward, InputScale, Layer, Workspace,
        broadcast::{Whole, broadcast_shape, fold},
    },
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Writes the gradients of both inputs from the derivatives at each pair of elements and what was made of it.
fn hand_back<F: Real>(cx: &mut Backward<'_, F>, slopes: [impl Fn(F, F, F) -> F; 2]) {
    let (inputs, whole) = (cx.inputs, Whole(cx.inputs.shapes()));
    let elements = cx.output.len();
    let (first, rest) = cx.scratch.split_at_mut(elements);
    let (second, rest) = rest.split_at_mut(elements);
    let part = &mut rest[..elements];
    for (input, stretched) in [&mut *first, &mut *second].into_iter().enumerate() {
        whole.combine(stretched, inputs.get(input), inputs.shape(input), |_, x| x);
    }
    for (input, slope) in slopes.into_iter().enumerate() {
        let Some(dx) = cx.input_gradients.get(input) else { continue };
        let pairs = first.iter().zip(&*second).zip(cx.output.iter().zip(&*cx.output_gradient));
        part.iter_mut().zip(pairs).for_each(|(part, ((&a, &b), (&y, &dy)))| *part = dy * slope(a, b, y));
        whole.hand_back(part, dx, inputs.shape(input), F::ONE);
    }
}

macro_rules! functions {
    ($($(#[doc = $doc:literal])+ $name:ident, $source:literal, $of:expr, $first:expr, $second:expr;)+) => {$(
        $(#[doc = $doc])+
        ///
        /// # Shapes
        /// Inputs of one shape; axes of size 1, and axes that are missing in front, stretch to the others.
        ///
        #[doc = concat!("Source: <https://keras.io/api/ops/numpy/#", $source, "-function>")]
        #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {}

        impl Layer for $name {
            fn check(&self) -> Result<(), FieldError> {
                Ok(())
            }

            fn arity(&self) -> RangeInclusive<usize> {
                2..=2
            }

            fn input_scale(&self) -> InputScale {
                InputScale::Raw
            }

            fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
                broadcast_shape(inputs)
            }

            fn workspace(&self, inputs: &[Shape]) -> Workspace {
                Workspace { scratch_per_row: 3 * Whole(inputs).elements(), ..Workspace::default() }
            }
        }

        impl<F: Real> Compute<F> for $name {
            fn forward(&self, cx: &mut Forward<'_, F>) {
                let of: fn(F, F) -> F = $of;
                fold(cx, of);
            }

            fn backward(&self, cx: &mut Backward<'_, F>) {
                let slopes: [fn(F, F, F) -> F; 2] = [$first, $second];
                hand_back(cx, slopes);
            }
        }
    )+};
}

functions! {
    /// `y = x_0 ^ x_1`, which is no number for an `x_0` below 0 unless `x_1` is a whole number.
    Exponentiate, "power", |a, b| F::of(libm::pow(a.to_f64(), b.to_f64())),
        |a, b, _| b * F::of(libm::pow(a.to_f64(), b.to_f64() - 1.0)),
        |a, _, y| if a > F::ZERO { y * a.ln() } else { F::ZERO };
    /// What is left of `x_0` after whole multiples of `x_1`, with the sign of `x_1`.
    Modulo, "mod", modulo, |_, _, _| F::ONE, |a, b, _| -floor_divide(a, b);
    /// The next lower whole number to `x_0 / x_1`; the gradient is 0.
    FloorDivide, "floordivide", floor_divide, nothing, nothing;
    /// The angle of the point with the height `x_0` and the width `x_1`, in radians.
    Arctan2, "arctan2", |a, b| F::of(libm::atan2(a.to_f64(), b.to_f64())),
        |a, b, _| b / (a * a + b * b), |a, b, _| -a / (a * a + b * b);
    /// `y = log(exp(x_0) + exp(x_1))`, without overflow.
    Logaddexp, "logaddexp", |a, b| a.maximum(b) + (-(a - b).abs()).exp().ln_1p(),
        |a, b, _| (a - b).sigmoid(), |a, b, _| (b - a).sigmoid();
    /// 1 where both are equal, else 0; the gradient is 0.
    Equal, "equal", |a, b| truth(a == b), nothing, nothing;
    /// 1 where they differ, else 0; the gradient is 0.
    NotEqual, "notequal", |a, b| truth(a != b), nothing, nothing;
    /// 1 where `x_0 > x_1`, else 0; the gradient is 0.
    Greater, "greater", |a, b| truth(a > b), nothing, nothing;
    /// 1 where `x_0 >= x_1`, else 0; the gradient is 0.
    GreaterEqual, "greaterequal", |a, b| truth(a >= b), nothing, nothing;
    /// 1 where `x_0 < x_1`, else 0; the gradient is 0.
    Less, "less", |a, b| truth(a < b), nothing, nothing;
    /// 1 where `x_0 <= x_1`, else 0; the gradient is 0.
    LessEqual, "lessequal", |a, b| truth(a <= b), nothing, nothing;
    /// 1 where neither is 0, else 0; the gradient is 0.
    LogicalAnd, "logicaland", |a, b| truth(a != F::ZERO && b != F::ZERO), nothing, nothing;
    /// 1 where one of them is not 0, else 0; the gradient is 0.
    LogicalOr, "logicalor", |a, b| truth(a != F::ZERO || b != F::ZERO), nothing, nothing;
    /// 1 where one of them is 0 and the other is not, else 0; the gradient is 0.
    LogicalXor, "logicalxor", |a, b| truth((a != F::ZERO) != (b != F::ZERO)), nothing, nothing;
}

fn truth<F: Real>(holds: bool) -> F {
    if holds { F::ONE } else { F::ZERO }
}

fn nothing<F: Real>(_: F, _: F, _: F) -> F {
    F::ZERO
}

fn modulo<F: Real>(a: F, b: F) -> F {
    let rest = libm::fmod(a.to_f64(), b.to_f64());
    let other_sign = rest != 0.0 && (rest < 0.0) != (b < F::ZERO);
    F::of(if other_sign { rest + b.to_f64() } else { rest })
}

fn floor_divide<F: Real>(a: F, b: F) -> F {
    F::of((a / b).to_f64().floor())
}
