//! [`Concatenate`].

use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, MaskRule, Origins, broadcast::ANY_NUMBER, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// The inputs one after the other along an axis.
///
/// # Shapes
/// Inputs that are equal along every other axis; the sizes along `axis` add up.
///
/// Source: <https://keras.io/api/layers/merging_layers/concatenate/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Concatenate {
    /// Along which axis, counted with the batch axis, or from the last one, which is -1.
    pub axis: i64,
}

impl Default for Concatenate {
    fn default() -> Self {
        Self { axis: -1 }
    }
}

impl Concatenate {
    /// The axis of a sample; one past the last where there is none such.
    fn axis(&self, shape: &Shape) -> usize {
        settings_checks::place(self.axis, shape).unwrap_or(shape.0.len())
    }

    /// For each input, where its elements lie in each block of the output: elements of a block, first element, elements.
    pub(crate) fn parts<'a>(&self, shapes: &'a [Shape]) -> impl Iterator<Item = (usize, usize, usize)> + use<'a> {
        let axis = shapes.first().map_or(0, |shape| self.axis(shape));
        let block = shapes.iter().map(|shape| shape.0.iter().skip(axis).product::<usize>()).sum::<usize>();
        shapes.iter().scan(0, move |next, shape| {
            let (first, cells) = (*next, shape.0.iter().skip(axis).product::<usize>());
            *next += cells;
            Some((block, first, cells))
        })
    }
}

impl Concatenate {
    /// Whether inputs whose first one has this shape are joined along the last axis.
    pub(in crate::engine) fn along_last(&self, shape: &Shape) -> bool {
        self.axis(shape) + 1 == shape.0.len()
    }

    /// One mask after the other; along the last axis, which masks do not have, a step counts where it does in any input.
    fn write_mask<F: Real>(&self, cx: &mut Forward<'_, F>) {
        let shapes = cx.inputs.shapes();
        let along_last = shapes.first().is_some_and(|shape| self.along_last(shape));
        cx.mask.fill(F::ZERO);
        for (input, (block, first, cells)) in self.parts(shapes).enumerate() {
            let width = shapes[input].last();
            let (block, first, cells) =
                if along_last { (1, 0, 1) } else { (block / width, first / width, cells / width) };
            let blocks = cx.mask.chunks_exact_mut(block).map(|block| &mut block[first..first + cells]);
            match cx.inputs.mask(input) {
                None => blocks.for_each(|block| block.fill(F::ONE)),
                Some(mask) => {
                    let cells = blocks.flatten().zip(mask);
                    cells.for_each(|(shown, &cell)| *shown = shown.maximum(cell));
                }
            }
        }
    }
}

impl Layer for Concatenate {
    fn check(&self) -> Result<(), FieldError> {
        settings_checks::range(self.axis != 0, "/axis", "an axis other than the batch axis, which is 0", self.axis)
    }

    fn arity(&self) -> RangeInclusive<usize> {
        ANY_NUMBER
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let axis = settings_checks::axis(self.axis, &inputs[0]).map_err(|error| error.under("/axis"))?;
        let mut whole = inputs[0].clone();
        for shape in &inputs[1..] {
            let others = |shape: &Shape| {
                let axes = shape.0.iter().enumerate().filter(|(index, _)| *index != axis);
                axes.map(|(_, &size)| size).collect::<Vec<_>>()
            };
            if shape.0.len() != whole.0.len() || others(shape) != others(&whole) {
                let detail =
                    format!("expected inputs equal along every axis but {}, received {whole} and {shape}", self.axis);
                return Err(FieldError::new("/inputs", detail));
            }
            whole.0[axis] = whole.0[axis].saturating_add(shape.0[axis]);
        }
        Ok(whole)
    }

    fn check_masks(&self, inputs: &[Shape], masks: &[Option<Shape>]) -> Result<(), FieldError> {
        settings_checks::masks_of_steps(inputs, masks)
    }

    /// Where only some have masks, every step of the others counts.
    fn mask(&self, inputs: &[Shape], masks: &[Option<Shape>]) -> MaskRule {
        match self.output_shape(inputs) {
            Ok(whole) if masks.iter().any(Option::is_some) => MaskRule::Write(settings_checks::all_but_last(&whole)),
            _ => MaskRule::Drop,
        }
    }

    fn origins(&self, inputs: &[Shape]) -> Origins {
        Origins::Blocks(self.parts(inputs).map(|(_, _, elements)| elements).collect())
    }

    fn joins_masks(&self, inputs: &[Shape]) -> bool {
        inputs.first().is_some_and(|shape| !self.along_last(shape))
    }
}

impl<F: Real> Compute<F> for Concatenate {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        for (input, (block, first, cells)) in self.parts(cx.inputs.shapes()).enumerate() {
            let blocks = cx.output.chunks_exact_mut(block).zip(cx.inputs.get(input).chunks_exact(cells));
            blocks.for_each(|(y, x)| y[first..first + cells].copy_from_slice(x));
        }
        if !cx.mask.is_empty() {
            self.write_mask(cx);
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        for (input, (block, first, cells)) in self.parts(cx.inputs.shapes()).enumerate() {
            if let Some(dx) = cx.input_gradients.get(input) {
                let blocks = cx.output_gradient.chunks_exact(block).zip(dx.chunks_exact_mut(cells));
                blocks.for_each(|(dy, dx)| dx.copy_from_slice(&dy[first..first + cells]));
            }
        }
    }
}
