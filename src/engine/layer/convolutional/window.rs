//! [`Window`]: where the taps of a kernel, or of a pool, meet an image.

use super::{Frame, Padding, Sizes, sizes::triple};
use crate::engine::{field::FieldError, shape::Shape};
use std::ops::Range;

/// A window that moves over a volume of three axes. An image is a volume of one plane, a sequence an image of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    /// Planes, rows and columns.
    pub axes: [Axis; 3],
}

/// A window along one axis: output `o` meets the input at `o * stride + tap * dilation - before`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Axis {
    pub input: usize,
    pub output: usize,
    pub taps: usize,
    pub stride: usize,
    pub dilation: usize,
    /// Padding before the input.
    pub before: usize,
}

impl Axis {
    fn new(input: usize, taps: usize, stride: usize, dilation: usize, padding: Padding) -> Self {
        let reach = reach(taps, dilation);
        let output = match padding {
            Padding::Valid => input.saturating_sub(reach) / stride + 1,
            Padding::Same | Padding::Causal => input.div_ceil(stride),
        };
        let before = match padding {
            Padding::Valid => 0,
            Padding::Same => ((output.saturating_sub(1)) * stride + reach).saturating_sub(input) / 2,
            Padding::Causal => reach - 1,
        };
        Self { input, output, taps, stride, dilation, before }
    }

    /// Elements from the first to the last that one output meets.
    pub fn reach(&self) -> usize {
        reach(self.taps, self.dilation)
    }

    /// The length of the input with its padding.
    pub fn padded(&self) -> usize {
        (self.before + self.input).max(self.output.saturating_sub(1) * self.stride + self.reach())
    }

    /// The elements of the input that an output meets, padding left out. Only where there is no dilation.
    pub fn span(&self, output: usize) -> Range<usize> {
        let start = output * self.stride;
        start.saturating_sub(self.before)..(start + self.taps).saturating_sub(self.before).min(self.input)
    }
}

fn reach(taps: usize, dilation: usize) -> usize {
    (taps - 1) * dilation + 1
}

impl Window {
    /// The window over an input of such planes, rows and columns, which passed [`check`].
    pub fn new<const AXES: usize>(
        input: [usize; 3],
        taps: Sizes<AXES>,
        strides: Sizes<AXES>,
        dilation: Sizes<AXES>,
        padding: Padding,
    ) -> Self {
        let (taps, strides, dilation) = (taps.triple(), strides.triple(), dilation.triple());
        // Along an axis that the input has not, the only tap meets the only element.
        let axis = |axis: usize| Axis::new(input[axis], taps[axis], strides[axis], dilation[axis], padding);
        Self { axes: std::array::from_fn(axis) }
    }

    /// Elements of the input.
    pub fn inputs(&self) -> usize {
        self.axes.iter().map(|axis| axis.input).product()
    }

    /// Outputs.
    pub fn outputs(&self) -> usize {
        self.axes.iter().map(|axis| axis.output).product()
    }

    /// Taps.
    pub fn taps(&self) -> usize {
        self.axes.iter().map(|axis| axis.taps).product()
    }

    /// The image with its padding.
    pub fn frame(&self) -> Frame {
        Frame {
            inner: self.axes.map(|axis| axis.input),
            outer: self.axes.map(|axis| axis.padded()),
            before: self.axes.map(|axis| axis.before),
        }
    }

    /// Calls `each` with every output and every element of the image that it meets, padding left out: the output's position,
    /// how many elements it met before, the element's position. Only where there is no dilation.
    #[inline(always)]
    pub fn each_output(&self, mut each: impl FnMut(usize, usize, usize)) {
        let [planes, rows, columns] = self.axes;
        for plane in 0..planes.output {
            let (met, first) = (planes.span(plane), plane * rows.output);
            for row in 0..rows.output {
                for column in 0..columns.output {
                    let (output, mut number) = ((first + row) * columns.output + column, 0);
                    for plane in met.clone() {
                        for row in rows.span(row) {
                            for column in columns.span(column) {
                                each(output, number, (plane * rows.input + row) * columns.input + column);
                                number += 1;
                            }
                        }
                    }
                }
            }
        }
    }

    /// The shape of the output, `channels` elements at each position, as the input has so many axes.
    pub fn output_shape<const AXES: usize>(&self, channels: usize) -> Shape {
        let [planes, rows, columns] = self.axes.map(|axis| axis.output);
        Shape([planes, rows, columns, channels][3 - AXES..].to_vec())
    }
}

/// Planes, rows and columns of a volume, an image or a sequence; its last axis are the channels.
pub(crate) fn volume(shape: &Shape) -> [usize; 3] {
    triple(shape.0.split_last().map_or(&[], |(_, axes)| axes))
}

/// Fails unless an input of `shape` has so many axes besides its channels.
pub(crate) fn check_axes<const AXES: usize>(shape: &Shape) -> Result<(), FieldError> {
    let expected = match AXES {
        1 => "[steps, channels]",
        2 => "[rows, columns, channels]",
        _ => "[planes, rows, columns, channels]",
    };
    if shape.0.len() == AXES + 1 {
        return Ok(());
    }
    Err(FieldError::new("", format!("expected an input of the shape {expected}, received one of {shape}")))
}

/// Fails unless `window` stands within an input of `shape` somewhere, and the input with its padding, `channels` elements at
/// each position, can be addressed.
pub(crate) fn check(shape: &Shape, window: &Window, channels: usize, padding: Padding) -> Result<(), FieldError> {
    for axis in window.axes {
        if padding == Padding::Valid && axis.input < axis.reach() {
            let reach = axis.reach();
            let detail = format!("expected axes of at least {reach} as the window reaches so far, received {shape}");
            return Err(FieldError::new("", detail));
        }
    }
    let mut sizes = window.axes.iter().map(|axis| axis.padded() + axis.reach() - 1);
    let cells = sizes.try_fold(channels, usize::checked_mul);
    if cells.is_some_and(|cells| cells <= u32::MAX as usize) {
        return Ok(());
    }
    let detail = format!("expected at most {} cells with the padding, received more of the shape {shape}", u32::MAX);
    Err(FieldError::new("", detail))
}
