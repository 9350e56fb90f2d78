//! [`Cumsum`].

use super::reduction::View;
use crate::engine::{
    field::FieldError,
    layer::{Axes, Backward, Compute, Forward, Layer, Origins, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// Each element is the sum of those up to it along an axis.
///
/// # Shapes
/// Any, unchanged.
///
/// Source: <https://keras.io/api/ops/numpy/#cumsum-function>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Cumsum {
    /// The axis, counted with the batch axis or from the last one, which is -1.
    pub axis: i64,
}

impl Layer for Cumsum {
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        settings_checks::axis(self.axis, &inputs[0]).map_err(|error| error.under("/axis"))?;
        Ok(inputs[0].clone())
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Mixed
    }
}

impl<F: Real> Compute<F> for Cumsum {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let view = View::new(&Axes::One(self.axis), cx.inputs.shape(0));
        cx.output.copy_from_slice(cx.inputs.get(0));
        for block in cx.output.chunks_exact_mut(view.block()) {
            for place in view.inner..block.len() {
                block[place] += block[place - view.inner];
            }
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let view = View::new(&Axes::One(self.axis), cx.inputs.shape(0));
        let Some(dx) = cx.input_gradients.get(0) else { return };
        dx.copy_from_slice(cx.output_gradient);
        for block in dx.chunks_exact_mut(view.block()) {
            for place in (view.inner..block.len()).rev() {
                block[place - view.inner] += block[place];
            }
        }
    }
}
