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

/// Writes `a + b` into `sum`.
pub fn write_sum<F: Real>(a: &[F], b: &[F], sum: &mut [F]) {
    vectorized(
        #[inline(always)]
        || sum.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (&a, &b))| *sum = a + b),
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

/// Writes the transpose of the rows of `source`, `columns` cells each of which the first is `stride` cells after that of
/// the row before, as rows that are `target_stride` cells apart.
pub fn transpose<F: Real>(source: &[F], columns: usize, stride: usize, target: &mut [F], target_stride: usize) {
    // A few rows at a time, so that neither side leaves the first-level cache before its lines are used up.
    const ROWS: usize = 16;
    for (block, source) in source.chunks(ROWS * stride).enumerate() {
        let first = block * ROWS;
        for column in 0..columns {
            let cells = source[column..].iter().step_by(stride);
            target[column * target_stride + first..].iter_mut().zip(cells).for_each(|(cell, &value)| *cell = value);
        }
    }
}

/// Adds each row of `rows`, [_, cells], to `target`: the cell (row, cell) at `places[row] + cells[cell]`. `run` neighbours
/// of `cells` at a time, which divide it, are neighbours in `target` as well.
pub fn scatter_rows<F: Real>(rows: &[F], places: &[u32], cells: &[u32], run: usize, target: &mut [F]) {
    vectorized(
        #[inline(always)]
        || {
            for (row, &place) in rows.chunks_exact(cells.len()).zip(places) {
                for (run, &first) in row.chunks_exact(run).zip(cells.iter().step_by(run)) {
                    let target = &mut target[(place + first) as usize..][..run.len()];
                    target.iter_mut().zip(run).for_each(|(sum, &cell)| *sum += cell);
                }
            }
        },
    );
}
