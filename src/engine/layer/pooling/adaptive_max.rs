//! [`AdaptiveMaxPooling`]: [`AdaptiveMaxPooling1d`], [`AdaptiveMaxPooling2d`] and [`AdaptiveMaxPooling3d`].

use super::adaptive::{Division, output_shape};
use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, Origins, Sizes},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// The largest element of each channel in each pool, NaN if there is one; of equal ones the first column's has the gradient,
/// and in it the first row's. There are as many pools along an axis as `output_size` says: pool i of n over an axis
/// of length m has the elements from `floor(i m / n)` to `ceil((i + 1) m / n) - 1`.
///
/// # Shapes
/// `adaptive_max_pooling1d`: `[batch, steps, channels]` to `[batch, new steps, channels]`; `adaptive_max_pooling2d`:
/// `[batch, rows, columns, channels]` to `[batch, new rows, new columns, channels]`; `adaptive_max_pooling3d`: with planes
/// before the rows.
///
/// Source: <https://keras.io/api/layers/pooling_layers/adaptive_max_pooling1d/>,
/// <https://keras.io/api/layers/pooling_layers/adaptive_max_pooling2d/>,
/// <https://keras.io/api/layers/pooling_layers/adaptive_max_pooling3d/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdaptiveMaxPooling<const AXES: usize> {
    /// Size of the output along each axis, at least 1.
    #[schema(schema_with = Sizes::<AXES>::schema)]
    pub output_size: Sizes<AXES>,
}

/// Adaptive max pooling of sequences.
pub type AdaptiveMaxPooling1d = AdaptiveMaxPooling<1>;
/// Adaptive max pooling of images.
pub type AdaptiveMaxPooling2d = AdaptiveMaxPooling<2>;
/// Adaptive max pooling of volumes.
pub type AdaptiveMaxPooling3d = AdaptiveMaxPooling<3>;

impl<const AXES: usize> Layer for AdaptiveMaxPooling<AXES> {
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

impl<F: Real, const AXES: usize> Compute<F> for AdaptiveMaxPooling<AXES> {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let channels = cx.inputs.shape(0).last();
        let division = Division::new(cx.inputs.shape(0), self.output_size);
        let images = cx.inputs.get(0).chunks_exact(division.inputs() * channels);
        for (image, output) in images.zip(cx.output.chunks_exact_mut(division.outputs() * channels)) {
            for (pool, output) in division.pools().zip(output.chunks_exact_mut(channels)) {
                output.fill(F::of(f64::NEG_INFINITY));
                for element in pool.elements() {
                    let x = &image[element * channels..][..channels];
                    output.iter_mut().zip(x).for_each(|(y, &x)| *y = if x > *y || x.is_nan() { x } else { *y });
                }
            }
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let channels = cx.inputs.shape(0).last();
        let division = Division::new(cx.inputs.shape(0), self.output_size);
        let Some(dx) = cx.input_gradients.get(0) else { return };
        let size = (division.inputs() * channels, division.outputs() * channels);
        let images = cx.inputs.get(0).chunks_exact(size.0).zip(dx.chunks_exact_mut(size.0));
        let outputs = cx.output.chunks_exact(size.1).zip(cx.output_gradient.chunks_exact_mut(size.1));
        for ((image, dx), (y, dy)) in images.zip(outputs) {
            dx.fill(F::ZERO);
            let outputs = y.chunks_exact(channels).zip(dy.chunks_exact_mut(channels));
            for (pool, (y, dy)) in division.pools().zip(outputs) {
                for element in pool.elements() {
                    let at = element * channels..(element + 1) * channels;
                    let elements = dx[at.clone()].iter_mut().zip(&image[at]);
                    for ((dx, x), (y, dy)) in elements.zip(y.iter().zip(&mut *dy)) {
                        if x == y {
                            // The gradient goes to one element alone.
                            *dx += std::mem::replace(dy, F::ZERO);
                        }
                    }
                }
            }
        }
    }
}
