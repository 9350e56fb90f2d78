//! [`LineFunction`].

use super::reduction::reduced;
use crate::engine::{
    field::FieldError,
    layer::{Axes, Backward, Forward, Workspace},
    real::Real,
    shape::Shape,
};

/// What becomes of the elements along some axes, a line, that become one. [`layer_of_lines`] makes a layer of it.
pub(super) trait LineFunction {
    /// See [`Layer::check`](crate::engine::layer::Layer::check).
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }
    /// The element that is made of a line.
    fn of<F: Real>(&self, line: &[F]) -> F;
    /// Writes the gradient of a line, of which `y` was made, from that of `y`.
    fn backward<F: Real>(&self, line: &[F], y: F, dy: F, gradient: &mut [F]);
}

/// Where the elements of each line stand in a sample, one line after the other. Only for axes that passed [`shape_of`].
pub(super) fn table(axis: &Axes, shape: &Shape) -> Vec<u32> {
    let places = axis.places(shape).unwrap_or_default();
    let (along, others): (Vec<usize>, Vec<usize>) = (0..shape.0.len()).partition(|axis| places.contains(axis));
    let mut sources = vec![0];
    for axis in others.into_iter().chain(along) {
        let stride: usize = shape.0[axis + 1..].iter().product();
        let each = |source: &usize| (*source..).step_by(stride).take(shape.0[axis]);
        sources = sources.iter().flat_map(each).collect();
    }
    sources.into_iter().map(|source| source as u32).collect()
}

/// The shape of what is left of `shape`; the pointer of the error is `/axis`.
pub(super) fn shape_of(axis: &Axes, keepdims: bool, shape: &Shape) -> Result<Shape, FieldError> {
    let places = axis.places(shape)?;
    reduced(axis, keepdims, shape, |axis| places.contains(&axis))
}

/// Elements of a line.
fn length(axis: &Axes, shape: &Shape) -> usize {
    axis.width(shape)
}

pub(super) fn workspace(axis: &Axes, shape: &Shape) -> Workspace {
    Workspace { scratch: 2 * length(axis, shape), ..Workspace::default() }
}

pub(super) fn forward<F: Real>(function: &impl LineFunction, axis: &Axes, cx: &mut Forward<'_, F>) {
    let Some(table) = cx.tables.first() else { return };
    let shape = cx.inputs.shape(0);
    let length = length(axis, shape);
    let line = &mut cx.scratch[..length];
    let rows =
        cx.inputs.get(0).chunks_exact(shape.elements()).zip(cx.output.chunks_exact_mut(shape.elements() / length));
    for (x, y) in rows {
        for (y, places) in y.iter_mut().zip(table.chunks_exact(length)) {
            line.iter_mut().zip(places).for_each(|(element, &place)| *element = x[place as usize]);
            *y = function.of(line);
        }
    }
}

pub(super) fn backward<F: Real>(function: &impl LineFunction, axis: &Axes, cx: &mut Backward<'_, F>) {
    let (Some(table), Some(dx)) = (cx.tables.first(), cx.input_gradients.get(0)) else { return };
    let shape = cx.inputs.shape(0);
    let length = length(axis, shape);
    let (line, gradient) = cx.scratch[..2 * length].split_at_mut(length);
    let count = shape.elements() / length;
    let rows = cx.inputs.get(0).chunks_exact(shape.elements()).zip(dx.chunks_exact_mut(shape.elements()));
    let outputs = cx.output.chunks_exact(count).zip(cx.output_gradient.chunks_exact(count));
    for ((x, dx), (y, dy)) in rows.zip(outputs) {
        for ((&y, &dy), places) in y.iter().zip(dy).zip(table.chunks_exact(length)) {
            line.iter_mut().zip(places).for_each(|(element, &place)| *element = x[place as usize]);
            function.backward(line, y, dy, gradient);
            gradient.iter().zip(places).for_each(|(&element, &place)| dx[place as usize] = element);
        }
    }
}

/// The layer that a [`LineFunction`] with the settings `axis` and `keepdims` is.
macro_rules! layer_of_lines {
    ($function:ident) => {
        impl crate::engine::layer::Layer for $function {
            fn check(&self) -> Result<(), crate::engine::field::FieldError> {
                super::lines::LineFunction::check(self)
            }

            fn output_shape(
                &self,
                inputs: &[crate::engine::shape::Shape],
            ) -> Result<crate::engine::shape::Shape, crate::engine::field::FieldError> {
                super::lines::shape_of(&self.axis, self.keepdims, &inputs[0])
            }

            fn workspace(&self, inputs: &[crate::engine::shape::Shape]) -> crate::engine::layer::Workspace {
                super::lines::workspace(&self.axis, &inputs[0])
            }

            fn tables(&self, inputs: &[crate::engine::shape::Shape]) -> Vec<Vec<u32>> {
                vec![super::lines::table(&self.axis, &inputs[0])]
            }
        }

        impl<F: crate::engine::real::Real> crate::engine::layer::Compute<F> for $function {
            fn forward(&self, cx: &mut crate::engine::layer::Forward<'_, F>) {
                super::lines::forward(self, &self.axis, cx);
            }

            fn backward(&self, cx: &mut crate::engine::layer::Backward<'_, F>) {
                super::lines::backward(self, &self.axis, cx);
            }
        }
    };
}

pub(super) use layer_of_lines;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_run_along_any_axes() {
        let shape = Shape(vec![2, 3, 2]);
        assert_eq!(table(&Axes::One(2), &shape), [0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11]);
        assert_eq!(table(&Axes::Several(vec![1, -1]), &shape), [0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11]);
        assert_eq!(shape_of(&Axes::Several(vec![1, -1]), true, &shape).unwrap(), Shape(vec![1, 3, 1]));
        assert_eq!(shape_of(&Axes::Several(vec![1, -1]), false, &shape).unwrap(), Shape(vec![3]));
    }
}
