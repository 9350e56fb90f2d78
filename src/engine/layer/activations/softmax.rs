//! [`SoftmaxLayer`].

use crate::engine::{
    activation::Activation,
    field::FieldError,
    layer::{Axes, Backward, Compute, Forward, Layer, MaskRule, Workspace, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// `y_i = exp(x_i) / sum_j exp(x_j)`, along an axis, or along several adjacent ones as if they were one.
///
/// A second input is a mask: elements where it is not over 0.5 are left out of the sum, and give 0.
///
/// # Shapes
/// Any, unchanged; a mask has as many axes as the input, each of the same size or of 1.
///
/// Source: <https://keras.io/api/layers/activation_layers/softmax/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SoftmaxLayer {
    /// The axes, counted with the batch axis or from the last one, which is -1; or one axis alone.
    pub axis: Axes,
}

impl Default for SoftmaxLayer {
    fn default() -> Self {
        Self { axis: Axes::LAST }
    }
}

/// What stands in masked elements in Keras, so that a row that is masked whole is still finite.
const HIDDEN: f64 = -1e9;

impl SoftmaxLayer {
    /// Elements that are summed together, and how far apart they are.
    fn view(&self, shape: &Shape) -> (usize, usize) {
        let axes = shape.0.len() as i64;
        let own = |axis: i64| if axis < 0 { axis + axes } else { axis - 1 } as usize;
        let last = self.axis.listed().iter().map(|&axis| own(axis)).max().unwrap_or(0);
        let length = self.axis.listed().iter().map(|&axis| shape.0[own(axis)]).product();
        (length, shape.0[last + 1..].iter().product())
    }
}

/// Calls `f` with each element of [rows, shape] that the mask hides.
fn each_hidden<F: Real>(shape: &Shape, mask: &[F], mask_shape: &Shape, rows: usize, mut f: impl FnMut(usize)) {
    let (cells, half) = (shape.elements(), F::of(0.5));
    for cell in 0..rows * cells {
        let (mut position, mut stride, mut place) = (cell % cells, 1, cell / cells * mask_shape.elements());
        for (&size, &own) in shape.0.iter().zip(&mask_shape.0).rev() {
            place += if own == 1 { 0 } else { position % size * stride };
            stride *= own;
            position /= size;
        }
        if mask[place] <= half {
            f(cell);
        }
    }
}

impl Layer for SoftmaxLayer {
    fn check(&self) -> Result<(), FieldError> {
        let expected = "at least one axis, and not the batch axis, which is 0";
        let axes = self.axis.listed();
        settings_checks::range(!axes.is_empty() && !axes.contains(&0), "/axis", expected, format!("{axes:?}"))
    }

    fn arity(&self) -> RangeInclusive<usize> {
        1..=2
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        self.axis.beside(&inputs[0])?;
        if let Some(mask) = inputs.get(1) {
            let alike = |(&mask, &axis): (&usize, &usize)| mask == 1 || mask == axis;
            let fits = mask.0.len() == inputs[0].0.len() && mask.0.iter().zip(&inputs[0].0).all(alike);
            let expected = format!("a mask whose axes are those of {}, or 1", inputs[0]);
            settings_checks::range(fits, "/inputs", &expected, mask)?;
        }
        Ok(inputs[0].clone())
    }

    fn mask(&self, _: &[Shape], _: &[Option<Shape>]) -> MaskRule {
        MaskRule::Pass(0)
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        Workspace { scratch: 2 * self.view(&inputs[0]).1, ..Workspace::default() }
    }

    /// Not along other axes than the last, nor of a mask, which is no input of the model's own.
    fn last_activation(&self) -> Option<Activation> {
        (self.axis == Axes::LAST).then_some(Activation::Softmax)
    }

    fn uses_masks(&self) -> bool {
        true
    }
}

impl<F: Real> Compute<F> for SoftmaxLayer {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let shape = cx.inputs.shape(0);
        let (length, inner) = self.view(shape);
        cx.output.copy_from_slice(cx.inputs.get(0));
        if cx.pass.logits {
            return;
        }
        let masked = cx.inputs.len() > 1;
        if masked {
            let output = &mut *cx.output;
            let (mask, mask_shape) = (cx.inputs.get(1), cx.inputs.shape(1));
            each_hidden(shape, mask, mask_shape, cx.pass.rows, |cell| output[cell] = F::of(HIDDEN));
        }
        let (largest, sums) = cx.scratch[..2 * inner].split_at_mut(inner);
        for block in cx.output.chunks_exact_mut(length * inner) {
            largest.copy_from_slice(&block[..inner]);
            for line in block.chunks_exact(inner) {
                largest.iter_mut().zip(line).for_each(|(largest, &x)| *largest = largest.maximum(x));
            }
            sums.fill(F::ZERO);
            for line in block.chunks_exact_mut(inner) {
                for ((y, &largest), sum) in line.iter_mut().zip(&*largest).zip(&mut *sums) {
                    *y = (*y - largest).exp();
                    *sum += *y;
                }
            }
            for line in block.chunks_exact_mut(inner) {
                line.iter_mut().zip(&*sums).for_each(|(y, &sum)| *y /= sum);
            }
        }
        if masked {
            let output = &mut *cx.output;
            let (mask, mask_shape) = (cx.inputs.get(1), cx.inputs.shape(1));
            each_hidden(shape, mask, mask_shape, cx.pass.rows, |cell| output[cell] = F::ZERO);
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let (length, inner) = self.view(cx.inputs.shape(0));
        if cx.inputs.len() > 1
            && let Some(gradient) = cx.input_gradients.get(1)
        {
            gradient.fill(F::ZERO);
        }
        let Some(dx) = cx.input_gradients.get(0) else { return };
        if cx.pass.logits {
            dx.copy_from_slice(cx.output_gradient);
            return;
        }
        let sums = &mut cx.scratch[..inner];
        let blocks = cx.output.chunks_exact(length * inner).zip(cx.output_gradient.chunks_exact(length * inner));
        for (dx, (y, dy)) in dx.chunks_exact_mut(length * inner).zip(blocks) {
            sums.fill(F::ZERO);
            for (y, dy) in y.chunks_exact(inner).zip(dy.chunks_exact(inner)) {
                sums.iter_mut().zip(y).zip(dy).for_each(|((sum, &y), &dy)| *sum += y * dy);
            }
            let lines = y.chunks_exact(inner).zip(dy.chunks_exact(inner));
            for (dx, (y, dy)) in dx.chunks_exact_mut(inner).zip(lines) {
                let cells = dx.iter_mut().zip(y).zip(dy).zip(&*sums);
                cells.for_each(|(((dx, &y), &dy), &sum)| *dx = y * (dy - sum));
            }
        }
    }
}
