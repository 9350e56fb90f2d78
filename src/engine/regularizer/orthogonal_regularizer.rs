//! [`OrthogonalRegularizer`].

use super::Penalty;
use crate::engine::{
    field::FieldError,
    kernel::{self, Matrix, sum},
    real::{Real, check},
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// `factor * sum |n_i · n_j| / count` over the `count = size * (size - 1) / 2` pairs of L2-normalized rows, or columns:
/// encourages them to be orthogonal.
///
/// # Shapes
/// `[rows, columns]`, at least 2 along the axis of `mode`.
///
/// Source: <https://keras.io/api/layers/regularizers/>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OrthogonalRegularizer {
    /// The factor, at least 0.
    pub factor: f64,
    /// Whether rows or columns are to be orthogonal.
    pub mode: OrthogonalMode,
}

/// Whether rows or columns are to be orthogonal.
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

/// Keras's epsilon: the minimum norm by which vectors are divided.
const EPSILON: f64 = 1e-7;

/// The scratch memory of a penalty.
struct Scratch<'a, F> {
    /// The matrix with normalized vectors.
    unit: &'a mut [F],
    /// [size, size]: the dot product of each pair of vectors.
    products: &'a mut [F],
    /// Of the size of the matrix.
    sums: &'a mut [F],
    /// The factor by which each vector was scaled.
    scales: &'a mut [F],
}

impl OrthogonalRegularizer {
    /// Number of vectors.
    fn size(&self, shape: &Shape) -> usize {
        match (self.mode, shape.0.as_slice()) {
            (OrthogonalMode::Rows, [rows, ..]) => *rows,
            _ => shape.last(),
        }
    }

    fn cut<'a, F>(&self, shape: &Shape, scratch: &'a mut [F]) -> Scratch<'a, F> {
        let size = self.size(shape);
        let (unit, scratch) = scratch.split_at_mut(shape.elements());
        let (sums, scratch) = scratch.split_at_mut(shape.elements());
        let (products, scales) = scratch.split_at_mut(size * size);
        Scratch { unit, products, sums, scales }
    }

    /// The index of the vector of element `index`.
    fn vector(&self, index: usize, columns: usize) -> usize {
        match self.mode {
            OrthogonalMode::Rows => index / columns,
            OrthogonalMode::Columns => index % columns,
        }
    }

    /// Fills `unit`, `scales` and `products`.
    fn multiply<F: Real>(&self, weights: &[F], columns: usize, scratch: &mut Scratch<'_, F>) {
        scratch.scales.fill(F::ZERO);
        for (index, &weight) in weights.iter().enumerate() {
            scratch.scales[self.vector(index, columns)] += weight * weight;
        }
        scratch.scales.iter_mut().for_each(|scale| *scale = (F::ONE / scale.sqrt()).minimum(F::of(1.0 / EPSILON)));
        for (index, (unit, &weight)) in scratch.unit.iter_mut().zip(weights).enumerate() {
            *unit = weight * scratch.scales[self.vector(index, columns)];
        }
        let unit = Matrix::new(&*scratch.unit, columns);
        match self.mode {
            OrthogonalMode::Rows => kernel::product(unit, unit.transposed(), scratch.products, false),
            OrthogonalMode::Columns => kernel::product(unit.transposed(), unit, scratch.products, false),
        }
        let size = scratch.scales.len();
        scratch.products.iter_mut().step_by(size + 1).for_each(|with_itself| *with_itself = F::ZERO);
    }

    /// The factor of the sum over pairs, in which each pair is counted twice.
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

    fn scratch_elements(&self, shape: &Shape) -> usize {
        let size = self.size(shape);
        2 * shape.elements() + size * size + size
    }

    fn penalty(&self, weights: &[F], shape: &Shape, scratch: &mut [F]) -> f64 {
        let mut scratch = self.cut(shape, scratch);
        self.multiply(weights, shape.last(), &mut scratch);
        let all = sum(
            &*scratch.products,
            #[inline(always)]
            |product| product.abs(),
        );
        self.factor_of_sum(scratch.scales.len()) * all
    }

    /// With s the signs of the products, the gradient of the normalized vector `n_i` is `2 c Σ_j s_ij n_j`, minus its
    /// component along `n_i`.
    fn add_gradient(&self, weights: &[F], shape: &Shape, scratch: &mut [F], gradient: &mut [F]) {
        let columns = shape.last();
        let mut scratch = self.cut(shape, scratch);
        self.multiply(weights, columns, &mut scratch);
        let size = scratch.scales.len();
        for (index, products) in scratch.products.chunks_exact_mut(size).enumerate() {
            let along: F = products.iter().map(|product| product.abs()).sum();
            products.iter_mut().for_each(|product| *product = product.sign());
            // The factor of a vector below the minimum norm is constant.
            products[index] = if scratch.scales[index] < F::of(1.0 / EPSILON) { -along } else { F::ZERO };
        }
        let (unit, signs) = (Matrix::new(&*scratch.unit, columns), Matrix::new(&*scratch.products, size));
        match self.mode {
            OrthogonalMode::Rows => kernel::product(signs, unit, scratch.sums, false),
            OrthogonalMode::Columns => kernel::product(unit, signs, scratch.sums, false),
        }
        let twice = F::of(2.0 * self.factor_of_sum(size));
        for (index, (gradient, &sum)) in gradient.iter_mut().zip(&*scratch.sums).enumerate() {
            *gradient += twice * scratch.scales[self.vector(index, columns)] * sum;
        }
    }
}
