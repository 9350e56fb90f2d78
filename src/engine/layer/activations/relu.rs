//! [`ReluLayer`].

use crate::engine::{
    field::FieldError,
    kernel::vectorized,
    layer::{Backward, Compute, Forward, Layer, MaskRule},
    real::{Real, check},
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// `y = min(x, max_value)` where x > threshold, else `negative_slope * (x - threshold)`.
///
/// # Shapes
/// Any, unchanged.
///
/// Source: <https://keras.io/api/layers/activation_layers/relu/>
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReluLayer {
    /// The largest output, at least 0; none where absent.
    pub max_value: Option<f64>,
    /// The slope below the threshold, at least 0.
    pub negative_slope: f64,
    /// Where the function leaves 0, at least 0.
    pub threshold: f64,
}

impl Layer for ReluLayer {
    fn check(&self) -> Result<(), FieldError> {
        if let Some(most) = self.max_value {
            check::not_negative("/max_value", most)?;
        }
        check::not_negative("/negative_slope", self.negative_slope)?;
        check::not_negative("/threshold", self.threshold)
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        Ok(inputs[0].clone())
    }

    fn mask(&self, _: &[Shape], _: &[Option<Shape>]) -> MaskRule {
        MaskRule::Pass(0)
    }
}

impl<F: Real> Compute<F> for ReluLayer {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let (x, y) = (cx.inputs.get(0), &mut *cx.output);
        let most = F::of(self.max_value.unwrap_or(f64::INFINITY));
        let (slope, threshold) = (F::of(self.negative_slope), F::of(self.threshold));
        vectorized(
            #[inline(always)]
            || {
                for (y, &x) in y.iter_mut().zip(x) {
                    *y = if x > threshold { x.minimum(most) } else { slope * (x - threshold) };
                }
            },
        );
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let (x, dy) = (cx.inputs.get(0), &*cx.output_gradient);
        let most = F::of(self.max_value.unwrap_or(f64::INFINITY));
        let (slope, threshold) = (F::of(self.negative_slope), F::of(self.threshold));
        let Some(dx) = cx.input_gradients.get(0) else { return };
        vectorized(
            #[inline(always)]
            || {
                for ((dx, &dy), &x) in dx.iter_mut().zip(dy).zip(x) {
                    let above = if x > most { F::ZERO } else { dy };
                    *dx = if x > threshold { above } else { slope * dy };
                }
            },
        );
    }
}
