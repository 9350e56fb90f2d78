//! [`Stack`].

use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, Origins, broadcast::ANY_NUMBER, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// The inputs beside each other along a new axis.
///
/// # Shapes
/// Inputs of one shape; the output has an axis more, as long as there are inputs.
///
/// Source: <https://keras.io/api/ops/numpy/#stack-function>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Stack {
    /// Which axis of the output is the new one, counted with the batch axis, or from the last one, which is -1.
    pub axis: i64,
}

impl Default for Stack {
    fn default() -> Self {
        Self { axis: -1 }
    }
}

impl Stack {
    /// Where the new axis stands in a sample of the output; `None` where it has no such axis.
    fn place(&self, input: &Shape) -> Option<usize> {
        let axes = input.0.len() as i64 + 1;
        let place = if self.axis < 0 { self.axis + axes } else { self.axis - 1 };
        (0..axes).contains(&place).then_some(place as usize)
    }

    /// Elements of an input that stay together.
    pub(crate) fn run(&self, input: &Shape) -> usize {
        input.0.iter().skip(self.place(input).unwrap_or_default()).product()
    }
}

impl Layer for Stack {
    fn check(&self) -> Result<(), FieldError> {
        settings_checks::range(self.axis != 0, "/axis", "an axis other than the batch axis, which is 0", self.axis)
    }

    fn arity(&self) -> RangeInclusive<usize> {
        ANY_NUMBER
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let first = &inputs[0];
        if let Some(other) = inputs.iter().find(|shape| *shape != first) {
            return Err(FieldError::new(
                "/inputs",
                format!("expected inputs of one shape, received {first} and {other}"),
            ));
        }
        let axes = first.0.len() + 1;
        let expected = format!("1 to {axes}, or -{axes} to -1");
        let Some(place) = self.place(first) else {
            return Err(FieldError::new("/axis", format!("expected {expected}, received {}", self.axis)));
        };
        let mut whole = first.clone();
        whole.0.insert(place, inputs.len());
        Ok(whole)
    }

    fn origins(&self, inputs: &[Shape]) -> Origins {
        Origins::Blocks(vec![self.run(&inputs[0]); inputs.len()])
    }
}

impl<F: Real> Compute<F> for Stack {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let shapes = cx.inputs.shapes();
        let Some(run) = shapes.first().map(|shape| self.run(shape)) else { return };
        for input in 0..shapes.len() {
            let runs = cx.output.chunks_exact_mut(run).skip(input).step_by(shapes.len());
            runs.zip(cx.inputs.get(input).chunks_exact(run)).for_each(|(y, x)| y.copy_from_slice(x));
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let shapes = cx.inputs.shapes();
        let Some(run) = shapes.first().map(|shape| self.run(shape)) else { return };
        for input in 0..shapes.len() {
            if let Some(dx) = cx.input_gradients.get(input) {
                let runs = cx.output_gradient.chunks_exact(run).skip(input).step_by(shapes.len());
                dx.chunks_exact_mut(run).zip(runs).for_each(|(dx, dy)| dx.copy_from_slice(dy));
            }
        }
    }
}
