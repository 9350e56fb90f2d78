//! [`MaxPooling`]: [`MaxPooling1d`], [`MaxPooling2d`] and [`MaxPooling3d`].

use super::Pool;
use crate::engine::{
    field::FieldError,
    kernel,
    layer::{
        Backward, Compute, Forward, Layer, Origins, Padding, Sizes, Workspace, convolutional::Window, settings_checks,
    },
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// The largest element of each channel in each pool; of equal ones the first has the gradient. Padding is never the largest,
/// and NaN always is.
///
/// # Shapes
/// `max_pooling1d`: `[batch, steps, channels]` to `[batch, new steps, channels]`; `max_pooling2d`: `[batch, rows, columns,
/// channels]` to `[batch, new rows, new columns, channels]`; `max_pooling3d`: with planes before the rows.
///
/// Source: <https://keras.io/api/layers/pooling_layers/max_pooling1d/>,
/// <https://keras.io/api/layers/pooling_layers/max_pooling2d/>,
/// <https://keras.io/api/layers/pooling_layers/max_pooling3d/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MaxPooling<const AXES: usize> {
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

/// Max pooling of sequences.
pub type MaxPooling1d = MaxPooling<1>;
/// Max pooling of images.
pub type MaxPooling2d = MaxPooling<2>;
/// Max pooling of volumes.
pub type MaxPooling3d = MaxPooling<3>;

/// Elements of a pool that numbers of any type tell apart.
const LARGEST_POOL: usize = 1 << 24;

impl<const AXES: usize> MaxPooling<AXES> {
    fn pool(&self) -> Pool<AXES> {
        Pool { size: self.pool_size, strides: self.strides, padding: self.padding }
    }
}

impl<const AXES: usize> Layer for MaxPooling<AXES> {
    fn check(&self) -> Result<(), FieldError> {
        self.pool().check()?;
        let cells: usize = self.pool_size.0.iter().product();
        settings_checks::range(cells <= LARGEST_POOL, "/pool_size", &format!("at most {LARGEST_POOL} cells"), cells)
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        self.pool().output_shape(&inputs[0])
    }

    /// Kept: which element of its pool each output is.
    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        let outputs = self.pool().window(&inputs[0]).outputs();
        Workspace { kept_per_row: outputs * inputs[0].last(), ..Workspace::default() }
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Mixed
    }
}

impl<F: Real, const AXES: usize> Compute<F> for MaxPooling<AXES> {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let channels = cx.inputs.shape(0).last();
        let window = self.pool().window(cx.inputs.shape(0));
        let (cells, outputs) = (window.inputs() * channels, window.outputs() * channels);
        let mut kept = cx.kept.chunks_exact_mut(outputs);
        for (image, output) in cx.inputs.get(0).chunks_exact(cells).zip(cx.output.chunks_exact_mut(outputs)) {
            match kept.next() {
                Some(kept) => largest_with_place(&window, channels, image, output, kept),
                None => largest(&window, channels, image, output),
            }
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let channels = cx.inputs.shape(0).last();
        let window = self.pool().window(cx.inputs.shape(0));
        let (cells, outputs) = (window.inputs() * channels, window.outputs() * channels);
        let Some(dx) = cx.input_gradients.get(0) else { return };
        let gradients = cx.output_gradient.chunks_exact(outputs).zip(cx.kept.chunks_exact(outputs));
        // Where no two pools meet, each element has one gradient at most.
        let apart = window.axes.iter().all(|axis| axis.stride >= axis.taps);
        // Where they also leave none out, each element is written.
        let covered =
            apart && window.axes.iter().all(|axis| axis.stride == axis.taps && axis.output * axis.taps >= axis.input);
        for (dx, (dy, kept)) in dx.chunks_exact_mut(cells).zip(gradients) {
            if !covered {
                dx.fill(F::ZERO);
            }
            if apart {
                spread(&window, channels, dy, kept, dx, |_, gradient| gradient);
            } else {
                spread(&window, channels, dy, kept, dx, |sum, gradient| sum + gradient);
            }
        }
    }
}

fn largest<F: Real>(window: &Window, channels: usize, image: &[F], output: &mut [F]) {
    kernel::vectorized(
        #[inline(always)]
        || {
            window.each_output(
                #[inline(always)]
                |output_place, number, place| {
                    let x = &image[place * channels..][..channels];
                    let y = &mut output[output_place * channels..][..channels];
                    if number == 0 {
                        y.copy_from_slice(x);
                        return;
                    }
                    for (y, &x) in y.iter_mut().zip(x) {
                        // Adding zero makes each element a new one, as in activations: stores are then not masked.
                        *y = if x > *y || x.is_nan() { x } else { *y } + F::ZERO;
                    }
                },
            );
        },
    );
}

fn largest_with_place<F: Real>(window: &Window, channels: usize, image: &[F], output: &mut [F], kept: &mut [F]) {
    kernel::vectorized(
        #[inline(always)]
        || {
            window.each_output(
                #[inline(always)]
                |output_place, number, place| {
                    let x = &image[place * channels..][..channels];
                    let y = &mut output[output_place * channels..][..channels];
                    let kept = &mut kept[output_place * channels..][..channels];
                    if number == 0 {
                        y.copy_from_slice(x);
                        kept.fill(F::ZERO);
                        return;
                    }
                    let number = F::of(number as f64);
                    for ((y, kept), &x) in y.iter_mut().zip(kept).zip(x) {
                        let larger = x > *y || x.is_nan();
                        *y = if larger { x } else { *y } + F::ZERO;
                        *kept = if larger { number } else { *kept } + F::ZERO;
                    }
                },
            );
        },
    );
}

/// Brings each output's gradient to the element that it came from, which becomes `join` of what is there and of it; other elements
/// of its pool become `join` of what is there and of zero.
#[inline(always)]
fn spread<F: Real>(
    window: &Window,
    channels: usize,
    output_gradient: &[F],
    kept: &[F],
    gradient: &mut [F],
    join: impl Fn(F, F) -> F,
) {
    kernel::vectorized(
        #[inline(always)]
        || {
            window.each_output(
                #[inline(always)]
                |output_place, number, place| {
                    let dy = &output_gradient[output_place * channels..][..channels];
                    let kept = &kept[output_place * channels..][..channels];
                    let number = F::of(number as f64);
                    for ((dx, &dy), &kept) in gradient[place * channels..][..channels].iter_mut().zip(dy).zip(kept) {
                        *dx = join(*dx, if kept == number { dy } else { F::ZERO });
                    }
                },
            );
        },
    );
}
