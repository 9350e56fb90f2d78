//! [`GlobalMaxPooling`]: [`GlobalMaxPooling1d`], [`GlobalMaxPooling2d`] and [`GlobalMaxPooling3d`].

use super::global_shape;
use crate::engine::{
    field::FieldError,
    kernel,
    layer::{Backward, Compute, Forward, Layer, Workspace},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// The largest element of each channel; equal ones share the gradient.
///
/// # Shapes
/// `global_max_pooling1d`: `[batch, steps, channels]` to `[batch, channels]`, with `keepdims` to `[batch, 1, channels]`;
/// `global_max_pooling2d`: `[batch, rows, columns, channels]` to `[batch, channels]`, with `keepdims` to `[batch, 1, 1,
/// channels]`; `global_max_pooling3d`: with planes before the rows.
///
/// Source: <https://keras.io/api/layers/pooling_layers/global_max_pooling1d/>,
/// <https://keras.io/api/layers/pooling_layers/global_max_pooling2d/>,
/// <https://keras.io/api/layers/pooling_layers/global_max_pooling3d/>
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GlobalMaxPooling<const AXES: usize> {
    /// Whether the axes that were pooled stay, of length 1.
    #[serde(default)]
    pub keepdims: bool,
}

/// Global max pooling of sequences.
pub type GlobalMaxPooling1d = GlobalMaxPooling<1>;
/// Global max pooling of images.
pub type GlobalMaxPooling2d = GlobalMaxPooling<2>;
/// Global max pooling of volumes.
pub type GlobalMaxPooling3d = GlobalMaxPooling<3>;

impl<const AXES: usize> Layer for GlobalMaxPooling<AXES> {
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        global_shape::<AXES>(&inputs[0], self.keepdims)
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        Workspace { scratch: inputs[0].last(), ..Workspace::default() }
    }
}

impl<F: Real, const AXES: usize> Compute<F> for GlobalMaxPooling<AXES> {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let shape = cx.inputs.shape(0);
        let (channels, cells) = (shape.last(), shape.elements());
        let (images, output) = (cx.inputs.get(0), &mut *cx.output);
        kernel::vectorized(
            #[inline(always)]
            || {
                for (image, output) in images.chunks_exact(cells).zip(output.chunks_exact_mut(channels)) {
                    output.copy_from_slice(&image[..channels]);
                    for x in image.chunks_exact(channels) {
                        output.iter_mut().zip(x).for_each(|(y, &x)| {
                            *y = if x > *y || x.is_nan() { x } else { *y } + F::ZERO;
                        });
                    }
                }
            },
        );
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let shape = cx.inputs.shape(0);
        let (channels, cells) = (shape.last(), shape.elements());
        let Some(dx) = cx.input_gradients.get(0) else { return };
        let share = &mut cx.scratch[..channels];
        let images = cx.inputs.get(0).chunks_exact(cells).zip(dx.chunks_exact_mut(cells));
        let outputs = cx.output.chunks_exact(channels).zip(cx.output_gradient.chunks_exact(channels));
        kernel::vectorized(
            #[inline(always)]
            || {
                for ((image, dx), (y, dy)) in images.zip(outputs) {
                    share.fill(F::ZERO);
                    for x in image.chunks_exact(channels) {
                        for ((share, &x), &y) in share.iter_mut().zip(x).zip(y) {
                            *share += if x == y { F::ONE } else { F::ZERO };
                        }
                    }
                    share.iter_mut().zip(dy).for_each(|(share, &dy)| *share = dy / *share);
                    for (dx, x) in dx.chunks_exact_mut(channels).zip(image.chunks_exact(channels)) {
                        for (((dx, &x), &y), &share) in dx.iter_mut().zip(x).zip(y).zip(&*share) {
                            *dx = if x == y { share } else { F::ZERO };
                        }
                    }
                }
            },
        );
    }
}
