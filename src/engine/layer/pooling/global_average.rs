//! [`GlobalAveragePooling`]: [`GlobalAveragePooling1d`], [`GlobalAveragePooling2d`] and [`GlobalAveragePooling3d`].

use super::global_shape;
use crate::engine::{
    field::FieldError,
    kernel,
    layer::{Backward, Compute, Forward, Layer, Values, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// The mean of each channel; in a sequence with a mask, over the steps that count. Of no steps, as in Keras, it is NaN.
///
/// # Shapes
/// `global_average_pooling1d`: `[batch, steps, channels]` to `[batch, channels]`, with `keepdims` to `[batch, 1,
/// channels]`; `global_average_pooling2d`: `[batch, rows, columns, channels]` to `[batch, channels]`, with `keepdims` to
/// `[batch, 1, 1, channels]`; `global_average_pooling3d`: with planes before the rows.
///
/// Source: <https://keras.io/api/layers/pooling_layers/global_average_pooling1d/>,
/// <https://keras.io/api/layers/pooling_layers/global_average_pooling2d/>,
/// <https://keras.io/api/layers/pooling_layers/global_average_pooling3d/>
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GlobalAveragePooling<const AXES: usize> {
    /// Whether the axes that were pooled stay, of length 1.
    #[serde(default)]
    pub keepdims: bool,
}

/// Global average pooling of sequences.
pub type GlobalAveragePooling1d = GlobalAveragePooling<1>;
/// Global average pooling of images.
pub type GlobalAveragePooling2d = GlobalAveragePooling<2>;
/// Global average pooling of volumes.
pub type GlobalAveragePooling3d = GlobalAveragePooling<3>;

/// The mask of the steps of each row. Keras's images have none.
fn mask<F: Real, const AXES: usize>(inputs: Values<'_, F>) -> Option<&[F]> {
    if AXES == 1 { inputs.mask(0) } else { None }
}

impl<const AXES: usize> Layer for GlobalAveragePooling<AXES> {
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        global_shape::<AXES>(&inputs[0], self.keepdims)
    }

    fn sees_masks_of_steps(&self) -> bool {
        AXES == 1
    }

    fn check_masks(&self, inputs: &[Shape], masks: &[Option<Shape>]) -> Result<(), FieldError> {
        if AXES == 1 { settings_checks::masks_of_steps(inputs, masks) } else { Ok(()) }
    }

    fn uses_masks(&self) -> bool {
        AXES == 1
    }
}

impl<F: Real, const AXES: usize> Compute<F> for GlobalAveragePooling<AXES> {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let shape = cx.inputs.shape(0);
        let (channels, cells) = (shape.last(), shape.elements());
        let positions = cells / channels;
        let mut masks = mask::<F, AXES>(cx.inputs).map(|mask| mask.chunks_exact(positions));
        for (image, output) in cx.inputs.get(0).chunks_exact(cells).zip(cx.output.chunks_exact_mut(channels)) {
            let count = match masks.as_mut().and_then(Iterator::next) {
                None => {
                    kernel::sum_rows(image, output, false);
                    F::of(positions as f64)
                }
                Some(mask) => {
                    output.fill(F::ZERO);
                    let steps = image.chunks_exact(channels).zip(mask).filter(|(_, mask)| **mask != F::ZERO);
                    steps.for_each(|(x, _)| kernel::add(x, output));
                    mask.iter().copied().sum()
                }
            };
            output.iter_mut().for_each(|y| *y /= count);
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let shape = cx.inputs.shape(0);
        let (channels, cells) = (shape.last(), shape.elements());
        let positions = cells / channels;
        let mut masks = mask::<F, AXES>(cx.inputs).map(|mask| mask.chunks_exact(positions));
        let Some(dx) = cx.input_gradients.get(0) else { return };
        for (dx, dy) in dx.chunks_exact_mut(cells).zip(cx.output_gradient.chunks_exact_mut(channels)) {
            let mask = masks.as_mut().and_then(Iterator::next);
            let count = mask.map_or(F::of(positions as f64), |mask| mask.iter().copied().sum());
            dy.iter_mut().for_each(|dy| *dy /= count);
            let mut steps = mask.unwrap_or_default().iter();
            for dx in dx.chunks_exact_mut(channels) {
                match steps.next() {
                    Some(&step) if step == F::ZERO => dx.fill(F::ZERO),
                    _ => dx.copy_from_slice(dy),
                }
            }
        }
    }
}
