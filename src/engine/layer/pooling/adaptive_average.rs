//! [`AdaptiveAveragePooling`]: [`AdaptiveAveragePooling1d`], [`AdaptiveAveragePooling2d`] and [`AdaptiveAveragePooling3d`].

use super::adaptive::{Division, output_shape};
use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, Origins, Sizes},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// The mean of each channel over each pool, with as many pools along an axis as `output_size` says: pool i of n over an axis
/// of length m has the elements from `floor(i m / n)` to `ceil((i + 1) m / n) - 1`.
///
/// # Shapes
/// `adaptive_average_pooling1d`: `[batch, steps, channels]` to `[batch, new steps, channels]`; `adaptive_average_pooling2d`:
/// `[batch, rows, columns, channels]` to `[batch, new rows, new columns, channels]`; `adaptive_average_pooling3d`: with planes
/// before the rows.
///
/// Source: <https://keras.io/api/layers/pooling_layers/adaptive_average_pooling1d/>,
/// <https://keras.io/api/layers/pooling_layers/adaptive_average_pooling2d/>,
/// <https://keras.io/api/layers/pooling_layers/adaptive_average_pooling3d/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdaptiveAveragePooling<const AXES: usize> {
    /// Size of the output along each axis, at least 1.
    #[schema(schema_with = Sizes::<AXES>::schema)]
    pub output_size: Sizes<AXES>,
}

/// Adaptive average pooling of sequences.
pub type AdaptiveAveragePooling1d = AdaptiveAveragePooling<1>;
/// Adaptive average pooling of images.
pub type AdaptiveAveragePooling2d = AdaptiveAveragePooling<2>;
/// Adaptive average pooling of volumes.
pub type AdaptiveAveragePooling3d = AdaptiveAveragePooling<3>;

impl<const AXES: usize> Layer for AdaptiveAveragePooling<AXES> {
    fn check(&self) -> Result<(), FieldError> {
        self.output_size.check("/output_size", 1)
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        output_shape(&inputs[0], self.output_size)
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Mixed
    }
}

impl<F: Real, const AXES: usize> Compute<F> for AdaptiveAveragePooling<AXES> {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let channels = cx.inputs.shape(0).last();
        let division = Division::new(cx.inputs.shape(0), self.output_size);
        let images = cx.inputs.get(0).chunks_exact(division.inputs() * channels);
        for (image, output) in images.zip(cx.output.chunks_exact_mut(division.outputs() * channels)) {
            output.fill(F::ZERO);
            for (pool, output) in division.pools().zip(output.chunks_exact_mut(channels)) {
                for element in pool.elements() {
                    let x = &image[element * channels..][..channels];
                    output.iter_mut().zip(x).for_each(|(sum, &x)| *sum += x);
                }
                let count = F::of(pool.len() as f64);
                output.iter_mut().for_each(|sum| *sum /= count);
            }
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let channels = cx.inputs.shape(0).last();
        let division = Division::new(cx.inputs.shape(0), self.output_size);
        let Some(dx) = cx.input_gradients.get(0) else { return };
        let gradients = cx.output_gradient.chunks_exact_mut(division.outputs() * channels);
        for (dx, dy) in dx.chunks_exact_mut(division.inputs() * channels).zip(gradients) {
            dx.fill(F::ZERO);
            for (pool, dy) in division.pools().zip(dy.chunks_exact_mut(channels)) {
                let count = F::of(pool.len() as f64);
                dy.iter_mut().for_each(|dy| *dy /= count);
                for element in pool.elements() {
                    let dx = &mut dx[element * channels..][..channels];
                    dx.iter_mut().zip(&*dy).for_each(|(dx, &dy)| *dx += dy);
                }
            }
        }
    }
}
