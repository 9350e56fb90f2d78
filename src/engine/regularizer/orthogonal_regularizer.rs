//! [`OrthogonalRegularizer`].

use super::Penalty;
use crate::engine::{
    field::FieldError,
    kernel::{self, Matrix},
    real::{Real, check, sum},
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// `factor * sum |n_i · n_j| / count` over the `count = size * (size - 1) / 2` pairs of rows, or of columns, each of them
/// brought to length 1 as n: it pulls them to right angles with each other.
///
/// # Shapes
/// Two axes, and along the one that is told apart at least 2.
///
/// Source: <https://keras.io/api/layers/regularizers/>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OrthogonalRegularizer {
    /// The factor, at least 0.
    pub factor: f64,
    /// What shall be at right angles.
    pub mode: OrthogonalMode,
}

/// What of a matrix shall be at right angles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrthogonalMode {
    /// Its rows.
    #[default]
    Rows,
    /// Its columns.
    Columns,
}

impl Default for OrthogonalRegularizer {
    fn default() -> Self {
        Self { factor: 0.01, mode: OrthogonalMode::Rows }
    }
}

/// Keras's epsilon: vectors are divided by no smaller length.
const EPSILON: f64 = 1e-7;

/// The memory of a penalty, cut up.
struct Room<'a, F> {
    /// The matrix, each of its vectors of length 1.
    unit: &'a mut [F],
    /// [size, size]: each vector times each other.
    products: &'a mut [F],
    /// As large as the matrix.
    sums: &'a mut [F],
    /// What each vector was multiplied with, 0 for those that are too short to have a direction.
    scales: &'a mut [F],
}

impl OrthogonalRegularizer {
    /// How many vectors there are.
    fn size(&self, shape: &Shape) -> usize {
        match (self.mode, shape.0.as_slice()) {
            (OrthogonalMode::Rows, [rows, ..]) => *rows,
            _ => shape.last(),
        }
    }

    fn cut<'a, F>(&self, shape: &Shape, room: &'a mut [F]) -> Room<'a, F> {
        let size = self.size(shape);
        let (unit, room) = room.split_at_mut(shape.cells());
        let (sums, room) = room.split_at_mut(shape.cells());
        let (products, scales) = room.split_at_mut(size * size);
        Room { unit, products, sums, scales }
    }

    /// The place of the vector that cell `index` of a matrix of so many columns belongs to.
    fn vector(&self, index: usize, columns: usize) -> usize {
        match self.mode {
            OrthogonalMode::Rows => index / columns,
            OrthogonalMode::Columns => index % columns,
        }
    }

    /// Fills `unit`, `scales` and `products`.
    fn multiply<F: Real>(&self, weights: &[F], columns: usize, room: &mut Room<'_, F>) {
        room.scales.fill(F::ZERO);
        for (index, &weight) in weights.iter().enumerate() {
            room.scales[self.vector(index, columns)] += weight * weight;
        }
        room.scales.iter_mut().for_each(|scale| *scale = (F::ONE / scale.sqrt()).minimum(F::of(1.0 / EPSILON)));
        for (index, (unit, &weight)) in room.unit.iter_mut().zip(weights).enumerate() {
            *unit = weight * room.scales[self.vector(index, columns)];
        }
        let unit = Matrix::new(&*room.unit, columns);
        match self.mode {
            OrthogonalMode::Rows => kernel::product(unit, unit.transposed(), room.products, false),
            OrthogonalMode::Columns => kernel::product(unit.transposed(), unit, room.products, false),
        }
        let size = room.scales.len();
        room.products.iter_mut().step_by(size + 1).for_each(|with_itself| *with_itself = F::ZERO);
    }

    /// What the sum over each pair, counted twice, is multiplied with.
    fn factor_of_sum(&self, size: usize) -> f64 {
        self.factor / (size as f64 * (size as f64 - 1.0))
    }
}

impl<F: Real> Penalty<F> for OrthogonalRegularizer {
    fn check(&self) -> Result<(), FieldError> {
        check::not_negative("/factor", self.factor)
    }

    fn check_shape(&self, shape: &Shape) -> Result<(), FieldError> {
        if shape.0.len() == 2 && self.size(shape) > 1 {
            return Ok(());
        }
        let what = match self.mode {
            OrthogonalMode::Rows => "rows",
            OrthogonalMode::Columns => "columns",
        };
        let detail =
            format!("orthogonal_regularizer expects a parameter of two axes with at least 2 {what}, received {shape}");
        Err(FieldError::new("", detail))
    }

    fn room(&self, shape: &Shape) -> usize {
        let size = self.size(shape);
        2 * shape.cells() + size * size + size
    }

    fn penalty(&self, weights: &[F], shape: &Shape, room: &mut [F]) -> f64 {
        let mut room = self.cut(shape, room);
        self.multiply(weights, shape.last(), &mut room);
        let all = sum(
            &*room.products,
            #[inline(always)]
            |product| product.abs(),
        );
        self.factor_of_sum(room.scales.len()) * all
    }

    /// With s the signs of the products, the vector i of length 1 has the gradient `2 c Σ_j s_ij n_j`, of which what lies
    /// along `n_i` does nothing to its direction.
    fn add_gradient(&self, weights: &[F], shape: &Shape, room: &mut [F], gradient: &mut [F]) {
        let columns = shape.last();
        let mut room = self.cut(shape, room);
        self.multiply(weights, columns, &mut room);
        let size = room.scales.len();
        for (index, products) in room.products.chunks_exact_mut(size).enumerate() {
            let along: F = products.iter().map(|product| product.abs()).sum();
            products.iter_mut().for_each(|product| *product = product.sign());
            // A vector below the least length is multiplied by the same number whatever its length is.
            products[index] = if room.scales[index] < F::of(1.0 / EPSILON) { -along } else { F::ZERO };
        }
        let (unit, signs) = (Matrix::new(&*room.unit, columns), Matrix::new(&*room.products, size));
        match self.mode {
            OrthogonalMode::Rows => kernel::product(signs, unit, room.sums, false),
            OrthogonalMode::Columns => kernel::product(unit, signs, room.sums, false),
        }
        let twice = F::of(2.0 * self.factor_of_sum(size));
        for (index, (gradient, &sum)) in gradient.iter_mut().zip(&*room.sums).enumerate() {
            *gradient += twice * room.scales[self.vector(index, columns)] * sum;
        }
    }
}
