//! [`Rescaling`].

use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, InputScale, Layer, MaskRule},
    numbers::Numbers,
    real::{Real, check},
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// `y = x * scale + offset`.
///
/// # Shapes
/// Any, unchanged.
///
/// Source: <https://keras.io/api/layers/preprocessing_layers/image_preprocessing/rescaling/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rescaling {
    /// The factor, or an array of them along the last axes, each axis as long as the input's or 1.
    pub scale: Numbers,
    /// Added afterwards, likewise.
    #[serde(default)]
    pub offset: Numbers,
}

impl Rescaling {
    /// The last axes of a sample along which there are several numbers.
    fn along(&self, shape: &Shape) -> Shape {
        let axes = self.scale.axes().max(self.offset.axes()).clamp(1, shape.0.len());
        Shape(shape.0[shape.0.len() - axes..].to_vec())
    }
}

impl Layer for Rescaling {
    fn check(&self) -> Result<(), FieldError> {
        self.scale.check("/scale", check::finite)?;
        self.offset.check("/offset", check::finite)
    }

    fn input_scale(&self) -> InputScale {
        InputScale::Raw
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        self.scale.check_broadcast(&inputs[0], "/scale")?;
        self.offset.check_broadcast(&inputs[0], "/offset")?;
        Ok(inputs[0].clone())
    }

    fn mask(&self, _: &[Shape], _: &[Option<Shape>]) -> MaskRule {
        MaskRule::Pass(0)
    }

    fn tables(&self, inputs: &[Shape]) -> Vec<Vec<u32>> {
        let shape = self.along(&inputs[0]);
        vec![self.scale.places(&shape), self.offset.places(&shape), vec![shape.elements() as u32]]
    }
}

impl<F: Real> Compute<F> for Rescaling {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let [scales, offsets, width] = cx.tables else { return };
        let width = width[0] as usize;
        let rows = cx.output.chunks_exact_mut(width).zip(cx.inputs.get(0).chunks_exact(width));
        for (y, x) in rows {
            for (place, (y, &x)) in y.iter_mut().zip(x).enumerate() {
                *y = x * F::of(self.scale.at(scales, place)) + F::of(self.offset.at(offsets, place));
            }
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let [scales, _, width] = cx.tables else { return };
        let width = width[0] as usize;
        let Some(dx) = cx.input_gradients.get(0) else { return };
        for (dx, dy) in dx.chunks_exact_mut(width).zip(cx.output_gradient.chunks_exact(width)) {
            for (place, (dx, &dy)) in dx.iter_mut().zip(dy).enumerate() {
                *dx = dy * F::of(self.scale.at(scales, place));
            }
        }
    }
}
