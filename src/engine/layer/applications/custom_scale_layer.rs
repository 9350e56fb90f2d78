//! [`CustomScaleLayer`].

use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, settings_checks},
    real::{Real, check},
    shape::Shape,
};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// `y = x + scale * residual`: the sum of a shortcut and a scaled residual branch of Inception-ResNet-v2.
///
/// Inputs are `[x, residual]`. The output has no mask.
///
/// # Shapes
/// Any, both the same, unchanged.
///
/// Source: <https://github.com/keras-team/keras/blob/v3.15.1/keras/src/applications/inception_resnet_v2.py>,
/// <https://arxiv.org/abs/1602.07261>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomScaleLayer {
    /// The factor of the residual branch.
    pub scale: f64,
}

impl Layer for CustomScaleLayer {
    fn check(&self) -> Result<(), FieldError> {
        check::finite("/scale", self.scale)
    }

    fn arity(&self) -> RangeInclusive<usize> {
        2..=2
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let expected = format!("a residual of the shape of x, {}", inputs[0]);
        settings_checks::range(inputs[0] == inputs[1], "", &expected, &inputs[1])?;
        Ok(inputs[0].clone())
    }
}

impl<F: Real> Compute<F> for CustomScaleLayer {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let scale = F::of(self.scale);
        let inputs = cx.inputs.get(0).iter().zip(cx.inputs.get(1));
        for (y, (&x, &residual)) in cx.output.iter_mut().zip(inputs) {
            *y = x + residual * scale;
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        if let Some(dx) = cx.input_gradients.get(0) {
            dx.copy_from_slice(cx.output_gradient);
        }
        if let Some(gradient) = cx.input_gradients.get(1) {
            let scale = F::of(self.scale);
            for (gradient, &dy) in gradient.iter_mut().zip(&*cx.output_gradient) {
                *gradient = dy * scale;
            }
        }
    }
}
