//! [`UpSampling3d`].

use super::repetition::Repetition;
use crate::engine::{
    field::FieldError,
    kernel,
    layer::{Backward, Compute, Forward, Layer, Origins, Sizes, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// A volume enlarged by whole factors: each element repeated.
///
/// # Shapes
/// `[batch, planes, height, width, channels]` to `[batch, planes * size[0], height * size[1], width * size[2], channels]`.
///
/// Source: <https://keras.io/api/layers/reshaping_layers/up_sampling3d/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UpSampling3d {
    /// How often along planes, height and width, or one number for all; each at least 1.
    #[schema(schema_with = Sizes::<3>::schema)]
    pub size: Sizes<3>,
}

impl Default for UpSampling3d {
    fn default() -> Self {
        Self { size: Sizes::every(2) }
    }
}

impl UpSampling3d {
    fn repetition(&self, shape: &Shape) -> Repetition {
        Repetition { width: shape.0[2], channels: shape.last(), times: [self.size.0[1], self.size.0[2]] }
    }

    /// Elements of a plane before and after.
    fn plane(&self, shape: &Shape) -> (usize, usize) {
        let cells: usize = shape.0[1..].iter().product();
        (cells, cells * self.size.0[1] * self.size.0[2])
    }
}

impl Layer for UpSampling3d {
    fn check(&self) -> Result<(), FieldError> {
        self.size.check("/size", 1)
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let [planes, height, width, channels] =
            settings_checks::named_axes(&inputs[0], "planes, height, width and channels")?;
        let mut sizes = [planes, height, width];
        sizes.iter_mut().zip(self.size.0).for_each(|(size, times)| *size = size.saturating_mul(times));
        Ok(Shape([&sizes[..], &[channels]].concat()))
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Mixed
    }
}

impl<F: Real> Compute<F> for UpSampling3d {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let shape = cx.inputs.shape(0);
        let (repetition, (cells, enlarged)) = (self.repetition(shape), self.plane(shape));
        let planes = cx.output.chunks_exact_mut(self.size.0[0] * enlarged);
        for (y, x) in planes.zip(cx.inputs.get(0).chunks_exact(cells)) {
            let (first, others) = y.split_at_mut(enlarged);
            repetition.forward(x, first);
            others.chunks_exact_mut(enlarged).for_each(|y| y.copy_from_slice(first));
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let shape = cx.inputs.shape(0);
        let (repetition, (cells, enlarged)) = (self.repetition(shape), self.plane(shape));
        let Some(dx) = cx.input_gradients.get(0) else { return };
        let planes = cx.output_gradient.chunks_exact_mut(self.size.0[0] * enlarged);
        for (dy, dx) in planes.zip(dx.chunks_exact_mut(cells)) {
            let (first, others) = dy.split_at_mut(enlarged);
            others.chunks_exact(enlarged).for_each(|dy| kernel::add(dy, first));
            repetition.backward(first, dx);
        }
    }
}
