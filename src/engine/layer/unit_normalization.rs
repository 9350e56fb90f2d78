//! [`UnitNormalization`].

use super::{Backward, Forward, Layer, MaskRule, axes::Axes, normalized::sum};
use crate::engine::{field::FieldError, kernel, real::Real, shape::Shape};
use serde::{Deserialize, Serialize};

/// `y = x * min(1 / sqrt(sum(x²)), 1e12)`, with the sum over `axis`: each stretch of `x` gets the length 1.
///
/// # Shapes
/// Any, unchanged.
///
/// Source: <https://keras.io/api/layers/normalization_layers/unit_normalization/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UnitNormalization {
    /// The axes that are normalized together: the last one, or a list of the last ones.
    pub axis: Axes,
}

impl Default for UnitNormalization {
    fn default() -> Self {
        Self { axis: Axes::LAST }
    }
}

/// The largest factor: what Keras's epsilon of 1e-12 bounds it by.
const LARGEST: f64 = 1e12;

/// What a stretch is multiplied by, and whether its bound says so.
#[inline(always)]
fn factor<F: Real>(x: &[F]) -> (F, bool) {
    let factor = F::ONE / sum(x, x, |x, _| x * x).sqrt();
    let bound = F::of(LARGEST);
    if factor > bound { (bound, true) } else { (factor, false) }
}

impl Layer for UnitNormalization {
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        self.axis.trailing(&inputs[0])?;
        Ok(inputs[0].clone())
    }

    fn mask(&self, _: &[Shape], _: &[bool]) -> MaskRule {
        MaskRule::Pass(0)
    }

    fn cost(&self, inputs: &[Shape]) -> u64 {
        4 * inputs[0].cells() as u64
    }

    fn forward<F: Real>(&self, cx: &mut Forward<'_, F>) {
        let width = self.axis.width(cx.inputs.shape(0));
        let x = cx.inputs.get(0);
        let output = &mut *cx.output;
        kernel::vectorized(
            #[inline(always)]
            || {
                for (y, x) in output.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
                    let (factor, _) = factor(x);
                    y.iter_mut().zip(x).for_each(|(y, &x)| *y = x * factor);
                }
            },
        );
    }

    /// `dx = factor * (dy - y * sum(dy * y))`; where the factor is at its bound it does not move.
    fn backward<F: Real>(&self, cx: &mut Backward<'_, F>) {
        let width = self.axis.width(cx.inputs.shape(0));
        let (x, y, dy) = (cx.inputs.get(0), cx.output, &*cx.output_gradient);
        let Some(dx) = cx.input_gradients.get(0) else { return };
        kernel::vectorized(
            #[inline(always)]
            || {
                let stretches = dx.chunks_exact_mut(width).zip(dy.chunks_exact(width));
                for ((dx, dy), (x, y)) in stretches.zip(x.chunks_exact(width).zip(y.chunks_exact(width))) {
                    let (factor, bounded) = factor(x);
                    let along = if bounded { F::ZERO } else { sum(dy, y, |dy, y| dy * y) };
                    for c in 0..width {
                        dx[c] = factor * (dy[c] - y[c] * along);
                    }
                }
            },
        );
    }
}
