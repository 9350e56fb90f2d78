//! [`SinePositionEncoding`].

use crate::engine::{
    field::FieldError,
    kernel,
    layer::{Backward, Compute, Forward, Layer, MaskRule, Workspace, settings_checks},
    real::{Real, check},
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// `y = x + encoding`, with `encoding[step, i] = sin(step * max_wavelength^(-2 * floor(i / 2) / dim))` for even i, and the
/// cosine for odd i.
///
/// # Shapes
/// `[batch, steps, dim]`, unchanged.
///
/// Source: <https://keras.io/keras_hub/api/modeling_layers/sine_position_encoding/>, which gives the encoding and leaves
/// the sum to an `Add` after it, <https://arxiv.org/abs/1706.03762>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SinePositionEncoding {
    /// The longest wave, more than 0.
    pub max_wavelength: f64,
}

impl Default for SinePositionEncoding {
    fn default() -> Self {
        Self { max_wavelength: 10_000.0 }
    }
}

impl Layer for SinePositionEncoding {
    fn check(&self) -> Result<(), FieldError> {
        check::positive("/max_wavelength", self.max_wavelength)
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        settings_checks::sequence(&inputs[0])?;
        Ok(inputs[0].clone())
    }

    fn mask(&self, _: &[Shape], _: &[Option<Shape>]) -> MaskRule {
        MaskRule::Pass(0)
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        Workspace { scratch: inputs[0].elements(), ..Workspace::default() }
    }
}

impl<F: Real> Compute<F> for SinePositionEncoding {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let dim = cx.inputs.shape(0).last();
        let encoding = &mut cx.scratch[..cx.inputs.shape(0).elements()];
        for i in 0..dim {
            let frequency = self.max_wavelength.powf(-((i / 2 * 2) as f64) / dim as f64);
            // Each step turns the wave on by the same angle: no sine is taken twice.
            let (turn_sine, turn_cosine) = frequency.sin_cos();
            let (mut sine, mut cosine) = (0.0, 1.0);
            for cell in encoding.iter_mut().skip(i).step_by(dim) {
                *cell = F::of(if i % 2 == 0 { sine } else { cosine });
                (sine, cosine) = (sine * turn_cosine + cosine * turn_sine, cosine * turn_cosine - sine * turn_sine);
            }
        }
        cx.output.copy_from_slice(cx.inputs.get(0));
        kernel::add_to_rows(encoding, cx.output);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        if let Some(gradient) = cx.input_gradients.get(0) {
            gradient.copy_from_slice(cx.output_gradient);
        }
    }
}
