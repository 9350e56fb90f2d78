//! [`Split`].

use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, Origins, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The input in parts along an axis, each a value of its own: `split`, `split/1`, `split/2` and so on.
///
/// # Shapes
/// The parts have the sizes of the input but along the axis.
///
/// Source: <https://keras.io/api/ops/numpy/#split-function>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// How many parts of the same size, or the places before which the parts after the first one begin.
    pub indices_or_sections: Sections,
    /// The axis, counted with the batch axis or from the last one, which is -1.
    #[serde(default = "last")]
    pub axis: i64,
}

/// Where an axis is split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged, expecting = "expected a whole number or a list of whole numbers")]
pub enum Sections {
    /// Into so many parts of the same size.
    Equal(usize),
    /// Before these places.
    Places(Vec<usize>),
}

/// Most parts of an input.
const MOST_PARTS: usize = 10_000;

fn last() -> i64 {
    -1
}

impl Split {
    /// Elements of a sample that lie together for each place along the axis, and the length of the axis.
    fn view(&self, shape: &Shape) -> (usize, usize) {
        let axis = settings_checks::place(self.axis, shape).unwrap_or_default();
        (shape.0[axis + 1..].iter().product(), shape.0[axis])
    }

    /// The places of a part along an axis of this length.
    fn part(&self, part: usize, length: usize) -> Range<usize> {
        match &self.indices_or_sections {
            Sections::Equal(count) => part * (length / count)..(part + 1) * (length / count),
            Sections::Places(places) => {
                let first = part.checked_sub(1).and_then(|before| places.get(before)).copied().unwrap_or(0);
                first..places.get(part).copied().unwrap_or(length)
            }
        }
    }

    fn shape_of(&self, part: usize, shape: &Shape) -> Shape {
        let mut own = shape.clone();
        let axis = settings_checks::place(self.axis, shape).unwrap_or_default();
        own.0[axis] = self.part(part, shape.0[axis]).len();
        own
    }
}

impl Layer for Split {
    fn check(&self) -> Result<(), FieldError> {
        let pointer = "/indices_or_sections";
        let expected = format!("1 to {MOST_PARTS} parts");
        settings_checks::range((1..=MOST_PARTS).contains(&self.values()), pointer, &expected, self.values())?;
        match &self.indices_or_sections {
            Sections::Equal(_) => Ok(()),
            Sections::Places(places) => {
                let rising = places.first() != Some(&0) && places.windows(2).all(|pair| pair[0] < pair[1]);
                settings_checks::range(rising, pointer, "places over 0 in rising order", format_args!("{places:?}"))
            }
        }
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let axis = settings_checks::axis(self.axis, &inputs[0]).map_err(|error| error.under("/axis"))?;
        let length = inputs[0].0[axis];
        let pointer = "/indices_or_sections";
        match &self.indices_or_sections {
            Sections::Equal(count) => {
                let expected = format!("a divisor of {length}, the size of the axis");
                settings_checks::range(length.is_multiple_of(*count), pointer, &expected, count)?;
            }
            Sections::Places(places) => {
                let within = places.last().is_none_or(|last| *last < length);
                settings_checks::range(within, pointer, &format!("places below {length}"), format_args!("{places:?}"))?;
            }
        }
        Ok(self.shape_of(0, &inputs[0]))
    }

    fn values(&self) -> usize {
        match &self.indices_or_sections {
            Sections::Equal(count) => *count,
            Sections::Places(places) => places.len() + 1,
        }
    }

    fn other_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        (1..self.values()).map(|part| self.shape_of(part, &inputs[0])).collect()
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Mixed
    }
}

impl<F: Real> Compute<F> for Split {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let (inner, length) = self.view(cx.inputs.shape(0));
        for part in 0..self.values() {
            let own = match part {
                0 => Some(&mut *cx.output),
                _ => cx.others.get(part - 1),
            };
            let Some(own) = own else { continue };
            let Range { start, end } = self.part(part, length);
            let blocks = own.chunks_exact_mut((end - start) * inner).zip(cx.inputs.get(0).chunks_exact(length * inner));
            blocks.for_each(|(y, x)| y.copy_from_slice(&x[start * inner..end * inner]));
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let (inner, length) = self.view(cx.inputs.shape(0));
        let Some(dx) = cx.input_gradients.get(0) else { return };
        dx.fill(F::ZERO);
        for part in 0..self.values() {
            let own = match part {
                0 => Some(&mut *cx.output_gradient),
                _ => cx.other_gradients.get(part - 1),
            };
            let Some(own) = own else { continue };
            let Range { start, end } = self.part(part, length);
            let blocks = own.chunks_exact((end - start) * inner).zip(dx.chunks_exact_mut(length * inner));
            blocks.for_each(|(dy, dx)| dx[start * inner..end * inner].copy_from_slice(dy));
        }
    }
}
