//! What layers share that make one element of some axes.

use crate::engine::{
    field::FieldError,
    kernel,
    layer::{Axes, settings_checks},
    real::Real,
    shape::Shape,
};

/// A sample as blocks of `length` lines of `inner` elements; the lines of a block become one.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    pub length: usize,
    pub inner: usize,
}

impl View {
    /// Only for axes that passed [`shape_of`].
    pub fn new(axis: &Axes, shape: &Shape) -> Self {
        let axes = axis.beside(shape).unwrap_or_default();
        Self { length: shape.0[axes.clone()].iter().product(), inner: shape.0[axes.end..].iter().product() }
    }

    /// Elements of a block.
    pub fn block(self) -> usize {
        self.length * self.inner
    }
}

/// The shape of what is left of `shape`; the pointer of the error is `/axis`.
pub(super) fn shape_of(axis: &Axes, keepdims: bool, shape: &Shape) -> Result<Shape, FieldError> {
    let axes = axis.beside(shape)?;
    reduced(axis, keepdims, shape, |axis| axes.contains(&axis))
}

/// What is left of `shape` without the axes in question, or with these of length 1.
pub(super) fn reduced(
    axis: &Axes,
    keepdims: bool,
    shape: &Shape,
    gone: impl Fn(usize) -> bool,
) -> Result<Shape, FieldError> {
    let sizes = shape.0.iter().enumerate().filter_map(|(axis, &size)| match (gone(axis), keepdims) {
        (false, _) => Some(size),
        (true, true) => Some(1),
        (true, false) => None,
    });
    let sizes: Vec<usize> = sizes.collect();
    settings_checks::range(
        !sizes.is_empty(),
        "/axis",
        "an axis that is left, or `keepdims`",
        format!("{:?}", axis.listed()),
    )?;
    Ok(Shape(sizes))
}

/// Writes the sum of each block's lines.
pub(super) fn add_up<F: Real>(view: View, x: &[F], y: &mut [F]) {
    let blocks = x.chunks_exact(view.block()).zip(y.chunks_exact_mut(view.inner));
    match view.inner {
        1 => blocks.for_each(|(x, y)| y.fill(F::of(kernel::sum(x, |x| x)))),
        _ => blocks.for_each(|(x, y)| kernel::sum_rows(x, y, false)),
    }
}

/// Writes the gradient of a block's one line to each line that was added up.
pub(super) fn hand_back<F: Real>(view: View, dy: &[F], dx: &mut [F]) {
    for (dx, dy) in dx.chunks_exact_mut(view.block()).zip(dy.chunks_exact(view.inner)) {
        dx.chunks_exact_mut(view.inner).for_each(|dx| dx.copy_from_slice(dy));
    }
}
