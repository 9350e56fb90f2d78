//! [`Masking`].

use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, InputScale, Layer, MaskRule, Origins, settings_checks},
    real::{Real, check},
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// Hides steps of which every element equals `mask_value`: the layers after it leave them out, and the loss does.
///
/// # Shapes
/// `[batch, steps, …]`, unchanged; hidden steps are 0. The mask has every axis but the last one.
///
/// Source: <https://keras.io/api/layers/core_layers/masking/>
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Masking {
    /// What stands in steps that are padding.
    pub mask_value: f64,
}

impl Masking {
    fn shows<F: Real>(&self, step: &[F]) -> bool {
        let hidden = F::of(self.mask_value);
        step.iter().any(|&x| x != hidden)
    }
}

impl Layer for Masking {
    fn check(&self) -> Result<(), FieldError> {
        check::finite("/mask_value", self.mask_value)
    }

    fn input_scale(&self) -> InputScale {
        InputScale::Raw
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        Ok(inputs[0].clone())
    }

    fn mask(&self, inputs: &[Shape], _: &[Option<Shape>]) -> MaskRule {
        MaskRule::Write(settings_checks::all_but_last(&inputs[0]))
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Same { exact: false }
    }

    fn begins_mask(&self) -> bool {
        true
    }
}

impl<F: Real> Compute<F> for Masking {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let width = cx.inputs.shape(0).last();
        cx.output.copy_from_slice(cx.inputs.get(0));
        for (index, y) in cx.output.chunks_exact_mut(width).enumerate() {
            let shown = self.shows(y);
            if !shown {
                y.fill(F::ZERO);
            }
            // Empty where it runs on each step separately: the mask is then another's.
            if let Some(mask) = cx.mask.get_mut(index) {
                *mask = if shown { F::ONE } else { F::ZERO };
            }
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let (x, width) = (cx.inputs.get(0), cx.inputs.shape(0).last());
        let Some(dx) = cx.input_gradients.get(0) else { return };
        dx.copy_from_slice(cx.output_gradient);
        for (dx, x) in dx.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
            if !self.shows(x) {
                dx.fill(F::ZERO);
            }
        }
    }
}
