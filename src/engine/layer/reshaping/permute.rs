//! [`Permute`].

use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, Origins, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The axes in another order.
///
/// # Shapes
/// `[batch, a, b, …]` to the same axes as `dims` orders them.
///
/// Source: <https://keras.io/api/layers/reshaping_layers/permute/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Permute {
    /// For each axis of the output, which axis of the input it is, counted from 1.
    pub dims: Vec<usize>,
}

impl Permute {
    /// Elements of the input from one index of an axis to the next.
    fn stride(shape: &Shape, dim: usize) -> usize {
        shape.0[dim..].iter().product()
    }

    /// Calls `f` for each run along the output's last axis: where it lies there, where it begins in the input, and how far
    /// apart its elements are there.
    fn runs(&self, shape: &Shape, mut f: impl FnMut(Range<usize>, usize, usize)) {
        let Some((&last, others)) = self.dims.split_last() else { return };
        let (length, stride) = (shape.0[last - 1], Self::stride(shape, last));
        for (run, start) in (0..shape.elements()).step_by(length).enumerate() {
            let (mut position, mut from) = (run, 0);
            for &dim in others.iter().rev() {
                let size = shape.0[dim - 1];
                from += position % size * Self::stride(shape, dim);
                position /= size;
            }
            f(start..start + length, from, stride);
        }
    }
}

impl Permute {
    /// For each element of the output, the element of the input that it is.
    pub(crate) fn sources(&self, shape: &Shape) -> Vec<u32> {
        let mut sources = vec![0; shape.elements()];
        self.runs(shape, |to, from, stride| {
            let cells = (from..).step_by(stride);
            sources[to].iter_mut().zip(cells).for_each(|(source, cell)| *source = cell as u32);
        });
        sources
    }
}

impl Layer for Permute {
    fn check(&self) -> Result<(), FieldError> {
        settings_checks::axes(self.dims.len(), "/dims")?;
        let mut sorted = self.dims.clone();
        sorted.sort_unstable();
        let expected = "the numbers from 1 in some order, at least one of them";
        let whole = !sorted.is_empty() && sorted.iter().copied().eq(1..=sorted.len());
        settings_checks::range(whole, "/dims", expected, format!("{:?}", self.dims))
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let axes = &inputs[0].0;
        let expected = format!("one number for each axis of {}", inputs[0]);
        settings_checks::range(axes.len() == self.dims.len(), "/dims", &expected, format!("{:?}", self.dims))?;
        Ok(Shape(self.dims.iter().map(|&dim| axes[dim - 1]).collect()))
    }

    fn origins(&self, inputs: &[Shape]) -> Origins {
        Origins::Taken(self.sources(&inputs[0]))
    }
}

impl<F: Real> Compute<F> for Permute {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let shape = cx.inputs.shape(0);
        let rows = cx.inputs.get(0).chunks_exact(shape.elements()).zip(cx.output.chunks_exact_mut(shape.elements()));
        for (x, y) in rows {
            self.runs(shape, |to, from, stride| {
                y[to].iter_mut().zip(x[from..].iter().step_by(stride)).for_each(|(y, &x)| *y = x);
            });
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let shape = cx.inputs.shape(0);
        let Some(dx) = cx.input_gradients.get(0) else { return };
        let rows = dx.chunks_exact_mut(shape.elements()).zip(cx.output_gradient.chunks_exact(shape.elements()));
        for (dx, dy) in rows {
            self.runs(shape, |to, from, stride| {
                dx[from..].iter_mut().step_by(stride).zip(&dy[to]).for_each(|(dx, &dy)| *dx = dy);
            });
        }
    }
}
