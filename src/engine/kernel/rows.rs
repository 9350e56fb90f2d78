//! Loops over the rows of a matrix.

use super::vectorized;
use crate::engine::real::Real;
use ndarray::ArrayView2;

/// Adds `bias` to every row of `rows`, [_, bias].
pub fn add_to_rows<F: Real>(bias: &[F], rows: &mut [F]) {
    vectorized(
        #[inline(always)]
        || {
            for row in rows.chunks_exact_mut(bias.len()) {
                for (cell, &bias) in row.iter_mut().zip(bias) {
                    *cell += bias;
                }
            }
        },
    );
}

/// Adds `a` to `sum`, cell by cell.
pub fn add<F: Real>(a: &[F], sum: &mut [F]) {
    vectorized(
        #[inline(always)]
        || sum.iter_mut().zip(a).for_each(|(sum, &a)| *sum += a),
    );
}

/// Writes the sum of the rows of `rows`, [_, sums], or adds it to what is there.
pub fn sum_rows<F: Real>(rows: &[F], sums: &mut [F], accumulate: bool) {
    if !accumulate {
        sums.fill(F::ZERO);
    }
    vectorized(
        #[inline(always)]
        || {
            for row in rows.chunks_exact(sums.len()) {
                for (sum, &cell) in sums.iter_mut().zip(row) {
                    *sum += cell;
                }
            }
        },
    );
}

/// For each column, the sum of `term(a, b, center)` over the rows of `a` and `b`, [_, center].
///
/// Rows are added in blocks in `F` (`block` holds as many cells as there are columns), and blocks in `f64`, so that long
/// sums stay exact at the speed of short ones.
pub fn column_sums<F: Real>(
    a: &[F],
    b: &[F],
    center: &[F],
    block: &mut [F],
    sums: &mut [f64],
    term: impl Fn(F, F, F) -> F,
) {
    const ROWS: usize = 32;
    let columns = center.len();
    let block = &mut block[..columns];
    sums.fill(0.0);
    vectorized(
        #[inline(always)]
        || {
            for (a, b) in a.chunks(ROWS * columns).zip(b.chunks(ROWS * columns)) {
                block.fill(F::ZERO);
                for (a, b) in a.chunks_exact(columns).zip(b.chunks_exact(columns)) {
                    for c in 0..columns {
                        block[c] += term(a[c], b[c], center[c]);
                    }
                }
                for (sum, cell) in sums.iter_mut().zip(&*block) {
                    *sum += cell.to_f64();
                }
            }
        },
    );
}

/// Copies the rows `order` of `source` into `rows`, one after the other.
pub fn gather<F: Real>(source: ArrayView2<'_, F>, order: &[usize], rows: &mut [F]) {
    for (&index, row) in order.iter().zip(rows.chunks_exact_mut(source.ncols())) {
        match source.row(index).as_slice() {
            Some(cells) => row.copy_from_slice(cells),
            None => row.iter_mut().zip(source.row(index)).for_each(|(cell, &value)| *cell = value),
        }
    }
}
