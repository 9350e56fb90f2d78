//! Values of several shapes brought to one: axes of size 1, and axes that are missing in front, stretch to the others.

use crate::engine::{
    field::FieldError,
    kernel::vectorized,
    layer::{Backward, Forward, MaskRule, Values},
    real::Real,
    shape::Shape,
};
use std::ops::{Range, RangeInclusive};

/// As many inputs as a graph may name.
pub(crate) const ANY_NUMBER: RangeInclusive<usize> = 1..=usize::MAX;

/// The shape of what is computed element by element: axes of size 1, and axes that are missing in front, stretch to the others.
pub(crate) fn broadcast_shape(inputs: &[Shape]) -> Result<Shape, FieldError> {
    let mut axes: Vec<usize> = Vec::new();
    for shape in inputs {
        let missing = shape.0.len().saturating_sub(axes.len());
        axes.splice(0..0, std::iter::repeat_n(1, missing));
        for (whole, &axis) in axes.iter_mut().rev().zip(shape.0.iter().rev()) {
            if *whole != axis && *whole != 1 && axis != 1 {
                let shapes: Vec<String> = inputs.iter().map(Shape::to_string).collect();
                let detail = format!(
                    "expected inputs of the same shape, or with axes of size 1, received {}",
                    shapes.join(" and ")
                );
                return Err(FieldError::new("/inputs", detail));
            }
            *whole = if *whole == 1 { axis } else { *whole };
        }
    }
    Ok(Shape(axes))
}

/// The mask of what is computed of several inputs: the steps that any of them counts, where all have a mask.
pub(crate) fn merged_mask(masks: &[Option<Shape>]) -> MaskRule {
    let masks: Option<Vec<Shape>> = masks.iter().cloned().collect();
    masks.and_then(|masks| broadcast_shape(&masks).ok()).map_or(MaskRule::Drop, MaskRule::Write)
}

/// Fails where all have a mask, and those are not brought together as the inputs are.
pub(crate) fn check_merged_masks(inputs: &[Shape], masks: &[Option<Shape>]) -> Result<(), FieldError> {
    let Some(masks) = masks.iter().cloned().collect::<Option<Vec<Shape>>>() else { return Ok(()) };
    let whole = broadcast_shape(inputs)?;
    if broadcast_shape(&masks).is_ok_and(|mask| whole.0.starts_with(&mask.0)) {
        return Ok(());
    }
    let shapes: Vec<String> = masks.iter().map(Shape::to_string).collect();
    let detail = format!("expected masks of the same first axes of {whole}, received {}", shapes.join(" and "));
    Err(FieldError::new("/inputs", detail))
}

/// Writes the mask of [`merged_mask`].
pub(crate) fn write_mask<F: Real>(cx: &mut Forward<'_, F>) {
    if cx.mask.is_empty() {
        return;
    }
    let whole = Whole(cx.inputs.mask_shapes());
    cx.mask.fill(F::ZERO);
    for input in 0..cx.inputs.len() {
        let Some(mask) = cx.inputs.mask(input) else { continue };
        // A mask stretches as its input does.
        whole.combine(
            cx.mask,
            mask,
            &cx.inputs.mask_shapes()[input],
            #[inline(always)]
            |shown, cell| shown.maximum(cell),
        );
    }
}

/// The shape of [`broadcast_shape`], read off the inputs: running layers take no memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whole<'a>(pub(crate) &'a [Shape]);

impl Whole<'_> {
    /// How many axes there are.
    pub(crate) fn rank(self) -> usize {
        self.0.iter().map(|shape| shape.0.len()).max().unwrap_or(0)
    }
    /// The size of an axis, counted from the last one.
    pub(crate) fn axis(self, from_last: usize) -> usize {
        self.0.iter().filter_map(|shape| shape.0.iter().rev().nth(from_last)).max().copied().unwrap_or(1)
    }
    pub(crate) fn elements(self) -> usize {
        (0..self.rank()).map(|axis| self.axis(axis)).product()
    }
    /// Calls `f` with elements of one row of the whole, and with those of the input that go there: as many, or one for all.
    /// `by_step`: no range is longer than the last axis, even where the input has every element.
    pub(crate) fn runs(self, input: &Shape, by_step: bool, mut f: impl FnMut(Range<usize>, Range<usize>)) {
        let cells = self.elements();
        if input.elements() == cells && !by_step {
            return f(0..cells, 0..cells);
        }
        let width = self.axis(0);
        let length = if input.last() == width { width } else { 1 };
        for (run, start) in (0..cells).step_by(width).enumerate() {
            let first = self.place(input, run, length);
            f(start..start + width, first..first + length);
        }
    }
    /// The element of an input, `length` elements long along its last axis, that begins run `run` of the whole along that axis.
    pub(crate) fn place(self, input: &Shape, run: usize, length: usize) -> usize {
        let (mut position, mut stride, mut first) = (run, length, 0);
        // Where the input has an axis no longer, it stretches.
        for (from_last, &axis) in input.0.iter().rev().enumerate().skip(1) {
            let size = self.axis(from_last);
            if axis != 1 {
                first += position % size * stride;
            }
            stride *= axis;
            position /= size;
        }
        first
    }
    /// Whether the mask of an input counts its elements that go to a run of the whole along the last axis, which begins at
    /// `start` in a row; all count where it has none.
    pub(crate) fn counts<F: Real>(self, inputs: Values<'_, F>, input: usize, row: usize, start: usize) -> bool {
        let Some(mask) = mask_of(inputs, input) else { return true };
        let shape = inputs.shape(input);
        let first = self.place(shape, start / self.axis(0), shape.last());
        mask[(row * shape.elements() + first) / shape.last()] != F::ZERO
    }

    /// Combines each element of `y`, [rows, whole], with the element of `x`, [rows, input], that goes there.
    #[inline(always)]
    pub(crate) fn combine<F: Real>(self, y: &mut [F], x: &[F], input: &Shape, f: impl Fn(F, F) -> F) {
        for (y, x) in y.chunks_exact_mut(self.elements()).zip(x.chunks_exact(input.elements())) {
            self.runs(input, false, |outs, ins| combine_run(&mut y[outs], &x[ins], &f));
        }
    }

    /// Writes `factor` times the gradient of the whole to that of an input, summed up where the input stretched.
    pub(crate) fn hand_back<F: Real>(self, dy: &[F], dx: &mut [F], input: &Shape, factor: F) {
        dx.fill(F::ZERO);
        for (dy, dx) in dy.chunks_exact(self.elements()).zip(dx.chunks_exact_mut(input.elements())) {
            self.runs(input, false, |outs, ins| match &mut dx[ins] {
                [dx] => *dx += factor * dy[outs].iter().copied().sum::<F>(),
                dx => combine_run(
                    dx,
                    &dy[outs],
                    #[inline(always)]
                    |dx, dy| dx + factor * dy,
                ),
            });
        }
    }
}

/// Combines elements with as many others, or with a single one.
#[inline(always)]
pub(crate) fn combine_run<F: Real>(y: &mut [F], x: &[F], f: impl Fn(F, F) -> F) {
    vectorized(
        #[inline(always)]
        || match x {
            &[x] => y.iter_mut().for_each(|y| *y = f(*y, x)),
            x => y.iter_mut().zip(x).for_each(|(y, &x)| *y = f(*y, x)),
        },
    );
}

/// Writes the first input, stretched, and combines it with the others in turn.
#[inline(always)]
pub(crate) fn fold<F: Real>(cx: &mut Forward<'_, F>, f: impl Fn(F, F) -> F) {
    let whole = Whole(cx.inputs.shapes());
    for input in 0..cx.inputs.len() {
        let (x, shape) = (cx.inputs.get(input), cx.inputs.shape(input));
        if input == 0 {
            whole.combine(
                cx.output,
                x,
                shape,
                #[inline(always)]
                |_, x| x,
            );
        } else {
            whole.combine(cx.output, x, shape, &f);
        }
    }
    write_mask(cx);
}

/// Writes the gradients of inputs that were added up, each with its factor.
pub(crate) fn hand_back_sum<F: Real>(cx: &mut Backward<'_, F>, factor: impl Fn(usize) -> F) {
    let whole = Whole(cx.inputs.shapes());
    for input in 0..cx.inputs.len() {
        if let Some(dx) = cx.input_gradients.get(input) {
            whole.hand_back(cx.output_gradient, dx, cx.inputs.shape(input), factor(input));
        }
    }
}

/// The mask of an input where it has a say in what is computed. Keras loses it where it gives an input the axes that are
/// missing in front.
pub(crate) fn mask_of<'a, F: Real>(inputs: Values<'a, F>, input: usize) -> Option<&'a [F]> {
    let whole = Whole(inputs.shapes());
    inputs.mask(input).filter(|_| inputs.shape(input).0.len() == whole.rank())
}
