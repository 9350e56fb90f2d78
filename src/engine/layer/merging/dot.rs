//! [`Dot`].

use crate::engine::{
    field::FieldError,
    kernel::{Matrix, product},
    layer::{Axes, Backward, Compute, Forward, Layer, Workspace, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// `y = x_0 · x_1`, summed along one axis of each; with `normalize`, of both divided by their lengths along it.
///
/// # Shapes
/// `[batch, a…, n, b…]` and `[batch, c…, n, d…]` to `[batch, a…, b…, c…, d…]`; of two vectors, `[batch, 1]`.
///
/// Source: <https://keras.io/api/layers/merging_layers/dot/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Dot {
    /// The axis that is summed along, counted with the batch axis or from the last one, which is -1; or one for each input.
    pub axes: Axes,
    /// Whether to divide by the lengths first: the cosine of the angle between the two.
    #[serde(default)]
    pub normalize: bool,
}

/// What is divided by is at least this.
const SHORTEST: f64 = 1e-7;

/// An input as a matrix [others, summed], at any axis: its elements lie at `outer * length * inner + k * inner + rest`.
#[derive(Debug, Clone, Copy)]
struct View {
    length: usize,
    inner: usize,
    cells: usize,
}

impl View {
    /// Rows of the matrix.
    fn others(self) -> usize {
        self.cells / self.length
    }

    /// Calls `f` with each place in the matrix and in the input.
    fn each(self, mut f: impl FnMut(usize, usize)) {
        for other in 0..self.others() {
            let first = other / self.inner * self.length * self.inner + other % self.inner;
            for k in 0..self.length {
                f(other * self.length + k, first + k * self.inner);
            }
        }
    }

    /// 1 / length of a vector, as Keras bounds it, and whether that bound is met.
    fn scale<F: Real>(squares: F) -> (F, bool) {
        let (scale, most) = (F::ONE / squares.sqrt(), F::of(1.0 / SHORTEST));
        if scale > most { (most, true) } else { (scale, false) }
    }

    /// Copies an input to its matrix.
    fn load<F: Real>(self, x: &[F], matrix: &mut [F], normalize: bool) {
        self.each(|place, cell| matrix[place] = x[cell]);
        if normalize {
            for row in matrix.chunks_exact_mut(self.length) {
                let (scale, _) = Self::scale(row.iter().map(|&x| x * x).sum::<F>());
                row.iter_mut().for_each(|x| *x *= scale);
            }
        }
    }

    /// Copies a matrix's gradient to the input's; `matrix` is what [`Self::load`] made of it.
    fn store<F: Real>(self, x: &[F], matrix: &[F], gradient: &mut [F], dx: &mut [F], normalize: bool) {
        if normalize {
            let rows = gradient.chunks_exact_mut(self.length).zip(matrix.chunks_exact(self.length));
            for (other, (gradient, unit)) in rows.enumerate() {
                let first = other / self.inner * self.length * self.inner + other % self.inner;
                let squares = (0..self.length).map(|k| x[first + k * self.inner]).map(|x| x * x).sum::<F>();
                let (scale, bounded) = Self::scale(squares);
                let along = gradient.iter().zip(unit).map(|(&dx, &unit)| dx * unit).sum::<F>();
                let along = if bounded { F::ZERO } else { along };
                gradient.iter_mut().zip(unit).for_each(|(dx, &unit)| *dx = scale * (*dx - along * unit));
            }
        }
        self.each(|place, cell| dx[cell] = gradient[place]);
    }
}

impl Dot {
    fn axis(&self, input: usize) -> i64 {
        let axes = self.axes.listed();
        axes[input % axes.len()]
    }

    fn view(&self, input: usize, shape: &Shape) -> View {
        let axis = settings_checks::place(self.axis(input), shape).unwrap_or(0);
        View { length: shape.0[axis], inner: shape.0[axis + 1..].iter().product(), cells: shape.elements() }
    }
}

impl Layer for Dot {
    fn check(&self) -> Result<(), FieldError> {
        let axes = self.axes.listed();
        let count = if let Axes::One(_) = self.axes { 1 } else { 2 };
        let expected = "an axis, or a list of two, other than the batch axis, which is 0";
        settings_checks::range(axes.len() == count && !axes.contains(&0), "/axes", expected, format!("{axes:?}"))
    }

    fn arity(&self) -> RangeInclusive<usize> {
        2..=2
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let mut others = Vec::new();
        let mut lengths = [0; 2];
        for (input, shape) in inputs.iter().enumerate() {
            let axis = settings_checks::axis(self.axis(input), shape).map_err(|error| error.under("/axes"))?;
            let mut axes = shape.0.clone();
            lengths[input] = axes.remove(axis);
            others.extend(axes);
        }
        let [first, second] = lengths;
        let expected = format!("two axes of the same size in {} and {}", inputs[0], inputs[1]);
        settings_checks::range(first == second, "/axes", &expected, format!("{first} and {second}"))?;
        Ok(Shape(if others.is_empty() { vec![1] } else { others }))
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        Workspace { scratch: 2 * (inputs[0].elements() + inputs[1].elements()), ..Workspace::default() }
    }

    fn cost(&self, inputs: &[Shape]) -> u64 {
        let [first, second] = [0, 1].map(|input| self.view(input, &inputs[input]));
        2 * (first.cells as u64).saturating_mul(second.others() as u64)
    }
}

impl<F: Real> Compute<F> for Dot {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let [first, second] = [0, 1].map(|input| self.view(input, cx.inputs.shape(input)));
        let (a, rest) = cx.scratch.split_at_mut(first.cells);
        let b = &mut rest[..second.cells];
        let rows = cx.inputs.get(0).chunks_exact(first.cells).zip(cx.inputs.get(1).chunks_exact(second.cells));
        for (y, (x_0, x_1)) in cx.output.chunks_exact_mut(first.others() * second.others()).zip(rows) {
            first.load(x_0, a, self.normalize);
            second.load(x_1, b, self.normalize);
            product(Matrix::new(a, first.length), Matrix::new(b, second.length).transposed(), y, false);
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let [first, second] = [0, 1].map(|input| self.view(input, cx.inputs.shape(input)));
        let (a, rest) = cx.scratch.split_at_mut(first.cells);
        let (b, rest) = rest.split_at_mut(second.cells);
        let (da, rest) = rest.split_at_mut(first.cells);
        let db = &mut rest[..second.cells];
        let (x_0, x_1) = (cx.inputs.get(0), cx.inputs.get(1));
        for (row, dy) in cx.output_gradient.chunks_exact(first.others() * second.others()).enumerate() {
            let x_0 = &x_0[row * first.cells..][..first.cells];
            let x_1 = &x_1[row * second.cells..][..second.cells];
            first.load(x_0, a, self.normalize);
            second.load(x_1, b, self.normalize);
            let dy = Matrix::new(dy, second.others());
            if let Some(dx) = cx.input_gradients.get(0) {
                product(dy, Matrix::new(b, second.length), da, false);
                first.store(x_0, a, da, &mut dx[row * first.cells..][..first.cells], self.normalize);
            }
            if let Some(dx) = cx.input_gradients.get(1) {
                product(dy.transposed(), Matrix::new(a, first.length), db, false);
                second.store(x_1, b, db, &mut dx[row * second.cells..][..second.cells], self.normalize);
            }
        }
    }
}
