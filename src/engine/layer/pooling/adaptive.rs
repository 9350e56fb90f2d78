//! [`Division`]: an image divided into as many pools as its output has elements.

use crate::engine::{
    field::FieldError,
    layer::{
        Sizes,
        convolutional::{check_axes, volume},
    },
    shape::Shape,
};
use std::ops::Range;

/// A volume that is divided into pools; pools of one axis may share elements. An image is a volume of one plane.
#[derive(Debug, Clone, Copy)]
pub(super) struct Division {
    input: [usize; 3],
    output: [usize; 3],
}

impl Division {
    /// The division of an input that [`output_shape`] accepts.
    pub fn new<const AXES: usize>(input: &Shape, output_size: Sizes<AXES>) -> Self {
        Self { input: volume(input), output: output_size.triple() }
    }

    /// Elements of the input.
    pub fn inputs(&self) -> usize {
        self.input.iter().product()
    }

    /// Pools.
    pub fn outputs(&self) -> usize {
        self.output.iter().product()
    }

    /// The pool of every output.
    pub fn pools(&self) -> impl Iterator<Item = Pool> + use<> {
        let Self { input, output } = *self;
        let [_, rows, columns] = output;
        (0..self.outputs()).map(move |index| {
            let place = [index / (rows * columns), index / columns % rows, index % columns];
            let spans = std::array::from_fn(|axis| span(input[axis], output[axis], place[axis]));
            Pool { spans, input }
        })
    }
}

/// The part of a volume that becomes one output.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    spans: [Range<usize>; 3],
    input: [usize; 3],
}

impl Pool {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.spans.iter().map(Range::len).product()
    }

    /// The elements' positions in the volume, column by column, as Keras pools one axis after the other.
    pub fn elements(&self) -> impl Iterator<Item = usize> + use<> {
        let [planes, rows, columns] = self.spans.clone();
        let [_, height, width] = self.input;
        columns.flat_map(move |column| {
            let planes = planes.clone();
            rows.clone().flat_map(move |row| planes.clone().map(move |plane| (plane * height + row) * width + column))
        })
    }
}

/// The elements of an axis of length `input` in the pool `place` of `output` pools.
fn span(input: usize, output: usize, place: usize) -> Range<usize> {
    place * input / output..((place + 1) * input).div_ceil(output)
}

/// The shape of an output of so many pools.
pub(super) fn output_shape<const AXES: usize>(input: &Shape, output_size: Sizes<AXES>) -> Result<Shape, FieldError> {
    check_axes::<AXES>(input)?;
    Ok(Shape([&output_size.0[..], &[input.last()]].concat()))
}
