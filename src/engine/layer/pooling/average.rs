//! [`AveragePooling`]: [`AveragePooling1d`], [`AveragePooling2d`] and [`AveragePooling3d`].

use super::Pool;
use crate::engine::{
    field::FieldError,
    kernel,
    layer::{Backward, Compute, Forward, Layer, Origins, Padding, Sizes, convolutional::Window},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// The mean of each channel over each pool. Padding is not counted.
///
/// # Shapes
/// `average_pooling1d`: `[batch, steps, channels]` to `[batch, new steps, channels]`; `average_pooling2d`: `[batch, rows,
/// columns, channels]` to `[batch, new rows, new columns, channels]`; `average_pooling3d`: with planes before the rows.
///
/// Source: <https://keras.io/api/layers/pooling_layers/average_pooling1d/>,
/// <https://keras.io/api/layers/pooling_layers/average_pooling2d/>,
/// <https://keras.io/api/layers/pooling_layers/average_pooling3d/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AveragePooling<const AXES: usize> {
    /// Pool size along each axis, at least 1.
    #[serde(default = "Sizes::twos")]
    #[schema(schema_with = Sizes::<AXES>::schema)]
    pub pool_size: Sizes<AXES>,
    /// Stride along each axis, at least 1; default: `pool_size`.
    #[serde(default)]
    #[schema(schema_with = Sizes::<AXES>::schema)]
    pub strides: Option<Sizes<AXES>>,
    /// Padding: `valid` (none) or `same`.
    #[serde(default)]
    pub padding: Padding,
}

/// Average pooling of sequences.
pub type AveragePooling1d = AveragePooling<1>;
/// Average pooling of images.
pub type AveragePooling2d = AveragePooling<2>;
/// Average pooling of volumes.
pub type AveragePooling3d = AveragePooling<3>;

impl<const AXES: usize> AveragePooling<AXES> {
    fn pool(&self) -> Pool<AXES> {
        Pool { size: self.pool_size, strides: self.strides, padding: self.padding }
    }
}

impl<const AXES: usize> Layer for AveragePooling<AXES> {
    fn check(&self) -> Result<(), FieldError> {
        self.pool().check()
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        self.pool().output_shape(&inputs[0])
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Mixed
    }
}

impl<F: Real, const AXES: usize> Compute<F> for AveragePooling<AXES> {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let channels = cx.inputs.shape(0).last();
        let window = self.pool().window(cx.inputs.shape(0));
        let outputs = cx.output.chunks_exact_mut(window.outputs() * channels);
        for (image, output) in cx.inputs.get(0).chunks_exact(window.inputs() * channels).zip(outputs) {
            output.fill(F::ZERO);
            add(&window, channels, image, output);
            divide(&window, channels, output);
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let channels = cx.inputs.shape(0).last();
        let window = self.pool().window(cx.inputs.shape(0));
        let Some(dx) = cx.input_gradients.get(0) else { return };
        let gradients = cx.output_gradient.chunks_exact_mut(window.outputs() * channels);
        for (dx, dy) in dx.chunks_exact_mut(window.inputs() * channels).zip(gradients) {
            dx.fill(F::ZERO);
            divide(&window, channels, dy);
            spread(&window, channels, dy, dx);
        }
    }
}

/// Adds to each output the elements of its pool.
fn add<F: Real>(window: &Window, channels: usize, image: &[F], output: &mut [F]) {
    kernel::vectorized(
        #[inline(always)]
        || {
            window.each_output(
                #[inline(always)]
                |output_place, _, place| {
                    let sums = output[output_place * channels..][..channels].iter_mut();
                    sums.zip(&image[place * channels..][..channels]).for_each(|(sum, &x)| *sum += x);
                },
            );
        },
    );
}

/// Adds each output to the elements of its pool.
fn spread<F: Real>(window: &Window, channels: usize, output: &[F], image: &mut [F]) {
    kernel::vectorized(
        #[inline(always)]
        || {
            window.each_output(
                #[inline(always)]
                |output_place, _, place| {
                    let cells = image[place * channels..][..channels].iter_mut();
                    cells.zip(&output[output_place * channels..][..channels]).for_each(|(cell, &y)| *cell += y);
                },
            );
        },
    );
}

/// Divides each output by the elements of its pool.
fn divide<F: Real>(window: &Window, channels: usize, output: &mut [F]) {
    let [planes, rows, columns] = window.axes;
    let lines = (0..planes.output).flat_map(|plane| (0..rows.output).map(move |row| (plane, row)));
    for (output, (plane, row)) in output.chunks_exact_mut(columns.output * channels).zip(lines) {
        let line = planes.span(plane).len() * rows.span(row).len();
        for (column, output) in output.chunks_exact_mut(channels).enumerate() {
            let count = F::of((line * columns.span(column).len()) as f64);
            output.iter_mut().for_each(|cell| *cell /= count);
        }
    }
}
