//! [`LayerScale`].

use crate::engine::{
    field::FieldError,
    init::{Constant, Initializer},
    layer::{Backward, Compute, Forward, Layer, ParameterSpec, settings_checks},
    real::{Real, check},
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// `y = gamma * x`, with a gamma for each channel that is learned and begins near 0: the end of a residual branch of
/// ConvNeXt. The output has no mask.
///
/// # Shapes
/// Any, unchanged; gamma has the size of the last axis.
///
/// Source: <https://github.com/keras-team/keras/blob/v3.15.1/keras/src/applications/convnext.py>,
/// <https://arxiv.org/abs/2103.17239>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LayerScale {
    /// The initial value of every gamma.
    pub init_values: f64,
    /// The size of gamma, which is that of the input's last axis; null for whatever that is.
    pub projection_dim: Option<usize>,
}

impl Default for LayerScale {
    fn default() -> Self {
        Self { init_values: 1e-6, projection_dim: None }
    }
}

const GAMMA: usize = 0;

impl Layer for LayerScale {
    fn check(&self) -> Result<(), FieldError> {
        check::finite("/init_values", self.init_values)
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        if let Some(size) = self.projection_dim {
            let expected = format!("the size of the last axis of {}", inputs[0]);
            settings_checks::range(size == inputs[0].last(), "/projection_dim", &expected, size)?;
        }
        Ok(inputs[0].clone())
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let initializer = Initializer::Constant(Constant { value: self.init_values.into() });
        vec![ParameterSpec::trained("gamma", Shape::vector(inputs[0].last()), &initializer, None, None)]
    }
}

impl<F: Real> Compute<F> for LayerScale {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let gamma = cx.parameters.get(GAMMA);
        let rows = cx.output.chunks_exact_mut(gamma.len()).zip(cx.inputs.get(0).chunks_exact(gamma.len()));
        for (y, x) in rows {
            for ((y, &x), &gamma) in y.iter_mut().zip(x).zip(gamma) {
                *y = x * gamma;
            }
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let (x, gamma, dy) = (cx.inputs.get(0), cx.parameters.get(GAMMA), &*cx.output_gradient);
        let width = gamma.len();
        let accumulate = cx.parameter_gradients.accumulate;
        if let Some(gradient) = cx.parameter_gradients.get(GAMMA) {
            if !accumulate {
                gradient.fill(F::ZERO);
            }
            for (dy, x) in dy.chunks_exact(width).zip(x.chunks_exact(width)) {
                for ((sum, &dy), &x) in gradient.iter_mut().zip(dy).zip(x) {
                    *sum += dy * x;
                }
            }
        }
        let Some(dx) = cx.input_gradients.get(0) else { return };
        for (dx, dy) in dx.chunks_exact_mut(width).zip(dy.chunks_exact(width)) {
            for ((dx, &dy), &gamma) in dx.iter_mut().zip(dy).zip(gamma) {
                *dx = dy * gamma;
            }
        }
    }
}
