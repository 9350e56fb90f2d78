//! Matrix products.

use super::{
    gathered::Gathered,
    gemm,
    matrix::{Matrix, MatrixMut},
    operand::LeftOperand,
};
use crate::engine::real::Real;

/// Writes `a · b` into `c` (row-major), or adds it to `c`.
///
/// A row's bits do not depend on the other rows nor on their number, and no call allocates. Measured on one Zen 4 core
/// with a peak of 116 GFLOP/s: 103 to 116 for layers of 28 to 784 units at 64 and more rows, 107 for 32 rows of 64 to
/// 128 units, 45 for 10 rows of 10 to 16.
///
/// # Panics
/// If the three shapes do not match.
pub fn product<F: Real>(a: Matrix<'_, F>, b: Matrix<'_, F>, c: &mut [F], accumulate: bool) {
    assert!(a.rows * b.columns == c.len(), "shapes of a product");
    let c = MatrixMut { rows: a.rows, columns: b.columns, row_stride: b.columns, elements: c };
    product_into(a, b, c, accumulate);
}

/// [`product`] into a matrix that may be a part of a wider one.
///
/// # Panics
/// If the three shapes do not match.
pub fn product_into<F: Real>(a: Matrix<'_, F>, b: Matrix<'_, F>, c: MatrixMut<'_, F>, accumulate: bool) {
    checked_product(a, b, c, accumulate);
}

/// [`product_into`] of a matrix whose elements are gathered.
///
/// # Panics
/// If the three shapes do not match.
pub fn product_gathered<F: Real>(a: Gathered<'_, F>, b: Matrix<'_, F>, c: MatrixMut<'_, F>, accumulate: bool) {
    checked_product(a, b, c, accumulate);
}

pub(super) fn checked_product<F: Real>(
    a: impl LeftOperand<F>,
    b: Matrix<'_, F>,
    c: MatrixMut<'_, F>,
    accumulate: bool,
) {
    let [rows, inner] = a.shape();
    assert!(inner == b.rows && rows == c.rows && b.columns == c.columns, "shapes of a product");
    if inner > 0 {
        gemm::gemm(a, b, c, accumulate);
    } else if !accumulate && c.columns > 0 {
        for row in 0..c.rows {
            c.elements[row * c.row_stride..][..c.columns].fill(F::ZERO);
        }
    }
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
            matrix.elements[row * matrix.row_stride + column * matrix.column_stride]
        };
        let element = |index: usize| {
            let (row, column) = (index / b.columns, index % b.columns);
            (0..a.columns).map(|inner| at(a, row, inner) * at(b, inner, column)).sum::<f32>() + c[index]
        };
        (0..a.rows * b.columns).map(element).collect()
    }

    #[test]
    fn products_of_any_shape_and_orientation_are_exact() {
        for (m, k, n) in [
            (1, 1, 1),
            (1, 5, 40),
            (3, 2, 1),
            (10, 10, 16),
            (10, 16, 1),
            (7, 300, 17),
            (33, 64, 50),
            (150, 530, 35),
            (13, 70, 101),
            (50, 600, 215),
        ] {
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

    /// A strided matrix, and a contiguous copy of it.
    fn part(elements: &[f32], rows: usize, columns: usize, stride: usize) -> (Matrix<'_, f32>, Vec<f32>) {
        let in_order = elements.chunks(stride).take(rows).flat_map(|row| row[..columns].to_vec()).collect();
        (Matrix::strided(elements, rows, columns, stride), in_order)
    }

    #[test]
    fn strided_matrices_multiply_like_their_copies_and_leave_the_gaps_alone() {
        for (m, k, n) in [(1, 5, 40), (3, 2, 1), (10, 300, 16), (30, 16, 1), (7, 30, 17), (33, 64, 50), (20, 300, 75)] {
            let (wide_a, wide_a_t) = (numbers(m * (k + 3), 1), numbers(k * (m + 2), 2));
            let (wide_b, wide_b_t) = (numbers(k * (n + 5), 3), numbers(n * (k + 1), 4));
            let (a, a_copy) = part(&wide_a, m, k, k + 3);
            let (a_t, a_t_copy) = part(&wide_a_t, k, m, m + 2);
            let (b, b_copy) = part(&wide_b, k, n, n + 5);
            let (b_t, b_t_copy) = part(&wide_b_t, n, k, k + 1);
            let a = [(a, Matrix::new(&a_copy, k)), (a_t.transposed(), Matrix::new(&a_t_copy, m).transposed())];
            let b = [(b, Matrix::new(&b_copy, n)), (b_t.transposed(), Matrix::new(&b_t_copy, k).transposed())];
            for ((a, a_copy), (b, b_copy), accumulate) in
                a.into_iter().flat_map(|a| b.map(|b| [(a, b, false), (a, b, true)])).flatten()
            {
                let before = numbers(m * (n + 4), 5);
                let mut expected = before.clone();
                for (row, elements) in expected.chunks_mut(n + 4).enumerate() {
                    let one = Matrix { rows: 1, elements: &a_copy.elements[row * a_copy.row_stride..], ..a_copy };
                    product(one, b_copy, &mut elements[..n], accumulate);
                }
                let mut c = before;
                product_into(a, b, MatrixMut::strided(&mut c, m, n, n + 4), accumulate);
                assert_eq!(c, expected, "{m} x {k} x {n}");
            }
        }
    }

    #[test]
    fn a_product_over_an_empty_axis_is_zero() {
        let mut c = [1.0f32; 12];
        product(Matrix::new(&[], 3).transposed(), Matrix::new(&[], 4), &mut c, true);
        assert_eq!(c, [1.0; 12]);
        product(Matrix::new(&[], 3).transposed(), Matrix::new(&[], 4), &mut c, false);
        assert_eq!(c, [0.0; 12]);
    }

    #[test]
    fn a_rows_bits_do_not_depend_on_the_other_rows() {
        const ROWS: usize = 140;
        let element = |index: usize| (index as f32 * 0.37).sin();
        for (k, n) in [(5, 1), (64, 128), (300, 10), (33, 37), (40, 256), (600, 130)] {
            let x: Vec<f32> = (0..ROWS * k).map(element).collect();
            let w: Vec<f32> = (0..k * n).map(|index| element(index + 9)).collect();
            for w in [Matrix::new(&w, n), Matrix::new(&w, k).transposed()] {
                let mut together = vec![0.0; ROWS * n];
                product(Matrix::new(&x, k), w, &mut together, false);
                for rows in [1, 2, 3, 7, 12, 25, 48, 128] {
                    let mut some = vec![0.0; rows * n];
                    product(Matrix::new(&x[..rows * k], k), w, &mut some, false);
                    assert_eq!(some, together[..rows * n], "{rows} rows, {k} x {n}");
                }
            }
        }
    }
}
