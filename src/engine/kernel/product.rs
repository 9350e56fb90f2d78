//! Matrix products.

use super::tile;
use crate::engine::real::Real;

/// A matrix seen in memory that belongs to somebody else: row-major, or the transpose of such.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a, F> {
    pub(super) cells: &'a [F],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_stride: usize,
    pub(super) column_stride: usize,
}

impl<'a, F> Matrix<'a, F> {
    /// All of `cells`, row-major.
    pub fn new(cells: &'a [F], columns: usize) -> Self {
        Self { cells, rows: cells.len() / columns, columns, row_stride: columns, column_stride: 1 }
    }

    /// The transpose, without a copy.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self {
            cells: self.cells,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }

    /// What it was made of.
    pub fn cells(&self) -> &'a [F] {
        self.cells
    }
}

/// Writes `a · b` into `c` (row-major), or adds it to what is there.
///
/// A row's bits do not depend on the rows beside it, nor on how many there are. Beside the `gemm` crate this is a few
/// percent slower on large products and faster on small ones, and it takes no memory of its own in any call.
///
/// # Panics
/// Where the three shapes do not belong together.
pub fn product<F: Real>(a: Matrix<'_, F>, b: Matrix<'_, F>, c: &mut [F], accumulate: bool) {
    tile::product(a, b, c, accumulate);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small whole numbers, whose products and sums are exact.
    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|index| ((index * 7 + seed) % 11) as f32 - 5.0).collect()
    }

    fn expected(a: Matrix<'_, f32>, b: Matrix<'_, f32>, c: &[f32]) -> Vec<f32> {
        let at = |matrix: Matrix<'_, f32>, row: usize, column: usize| {
            matrix.cells[row * matrix.row_stride + column * matrix.column_stride]
        };
        let cell = |index: usize| {
            let (row, column) = (index / b.columns, index % b.columns);
            (0..a.columns).map(|inner| at(a, row, inner) * at(b, inner, column)).sum::<f32>() + c[index]
        };
        (0..a.rows * b.columns).map(cell).collect()
    }

    #[test]
    fn products_of_any_shape_and_orientation_are_exact() {
        for (m, k, n) in [(1, 1, 1), (1, 5, 40), (3, 2, 1), (10, 10, 16), (10, 16, 1), (7, 300, 17), (33, 64, 50)] {
            let (a, a_t) = (numbers(m * k, 1), numbers(m * k, 2));
            let (b, b_t) = (numbers(k * n, 3), numbers(k * n, 4));
            let (a, a_t) = (Matrix::new(&a, k), Matrix::new(&a_t, m).transposed());
            let (b, b_t) = (Matrix::new(&b, n), Matrix::new(&b_t, k).transposed());
            for (a, b) in [(a, b), (a_t, b), (a, b_t), (a_t, b_t)] {
                let before = numbers(m * n, 5);
                for accumulate in [false, true] {
                    let expected = expected(a, b, &if accumulate { before.clone() } else { vec![0.0; m * n] });
                    let mut c = before.clone();
                    product(a, b, &mut c, accumulate);
                    assert_eq!(c, expected, "{m} x {k} x {n}");
                }
            }
        }
    }

    #[test]
    fn a_product_over_nothing_is_zero() {
        let mut c = [1.0f32; 12];
        product(Matrix::new(&[], 3).transposed(), Matrix::new(&[], 4), &mut c, true);
        assert_eq!(c, [1.0; 12]);
        product(Matrix::new(&[], 3).transposed(), Matrix::new(&[], 4), &mut c, false);
        assert_eq!(c, [0.0; 12]);
    }

    #[test]
    fn a_row_has_the_same_bits_in_any_company() {
        let cell = |index: usize| (index as f32 * 0.37).sin();
        for (k, n) in [(5, 1), (64, 128), (300, 10), (33, 37)] {
            let x: Vec<f32> = (0..40 * k).map(cell).collect();
            let w: Vec<f32> = (0..k * n).map(|index| cell(index + 9)).collect();
            let mut together = vec![0.0; 40 * n];
            product(Matrix::new(&x, k), Matrix::new(&w, n), &mut together, false);
            for rows in [1, 2, 3, 7, 25] {
                let mut some = vec![0.0; rows * n];
                product(Matrix::new(&x[..rows * k], k), Matrix::new(&w, n), &mut some, false);
                assert_eq!(some, together[..rows * n], "{rows} rows, {k} x {n}");
            }
        }
    }
}
