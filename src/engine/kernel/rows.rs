//! Operations on the rows of a matrix.

use super::vectorized;
use crate::engine::real::Real;
use ndarray::ArrayView2;

/// Adds `bias` to every row of `rows`, [_, bias].
pub fn add_to_rows<F: Real>(bias: &[F], rows: &mut [F]) {
    vectorized(
        #[inline(always)]
        || {
            for row in rows.chunks_exact_mut(bias.len()) {
                for (element, &bias) in row.iter_mut().zip(bias) {
                    *element += bias;
                }
            }
        },
    );
}

/// Adds `a` to `sum`, element by element.
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

/// Writes the sum of the rows of `rows`, [_, sums], or adds it to `sums`.
pub fn sum_rows<F: Real>(rows: &[F], sums: &mut [F], accumulate: bool) {
    if !accumulate {
        sums.fill(F::ZERO);
    }
    vectorized(
        #[inline(always)]
        || {
            for row in rows.chunks_exact(sums.len()) {
                for (sum, &element) in sums.iter_mut().zip(row) {
                    *sum += element;
                }
            }
        },
    );
}

/// For each column, the sum of `term(a, b, center)` over the rows of `a` and `b`, [_, center].
///
/// Rows are added in blocks in `F` (`block` has one element per column), and blocks in `f64`: long sums stay exact at
/// the speed of short ones.
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
                for (sum, element) in sums.iter_mut().zip(&*block) {
                    *sum += element.to_f64();
                }
            }
        },
    );
}

/// Copies the rows `order` of `source` into `rows`, one after the other.
pub fn gather<F: Real>(source: ArrayView2<'_, F>, order: &[usize], rows: &mut [F]) {
    for (&index, row) in order.iter().zip(rows.chunks_exact_mut(source.ncols())) {
        match source.row(index).as_slice() {
            Some(elements) => row.copy_from_slice(elements),
            None => row.iter_mut().zip(source.row(index)).for_each(|(element, &value)| *element = value),
        }
    }
}

/// Adds the rows `indices` of `table`, [_, columns], to those of `sums`, [indices, columns]; nothing where there is no
/// index.
pub fn add_looked_up<F: Real>(
    table: &[F],
    columns: usize,
    indices: impl Iterator<Item = Option<usize>>,
    sums: &mut [F],
) {
    vectorized(
        #[inline(always)]
        || {
            for (index, sums) in indices.zip(sums.chunks_exact_mut(columns)) {
                let Some(index) = index else { continue };
                let row = &table[index * columns..(index + 1) * columns];
                sums.iter_mut().zip(row).for_each(|(sum, &element)| *sum += element);
            }
        },
    );
}

/// Adds the rows of `rows`, [indices, columns], to the rows `indices` of `table`, [_, columns], in order.
pub fn add_at<F: Real>(rows: &[F], columns: usize, indices: impl Iterator<Item = Option<usize>>, table: &mut [F]) {
    vectorized(
        #[inline(always)]
        || {
            for (index, row) in indices.zip(rows.chunks_exact(columns)) {
                let Some(index) = index else { continue };
                let sums = &mut table[index * columns..(index + 1) * columns];
                sums.iter_mut().zip(row).for_each(|(sum, &element)| *sum += element);
            }
        },
    );
}

/// Writes the transpose of `source`, whose rows have `columns` elements and are `stride` elements apart, as rows that
/// are `target_stride` elements apart.
pub fn transpose<F: Real>(source: &[F], columns: usize, stride: usize, target: &mut [F], target_stride: usize) {
    // A few rows at a time, so that neither side leaves the L1 cache before its lines are used up.
    const ROWS: usize = 16;
    for (block, source) in source.chunks(ROWS * stride).enumerate() {
        let first = block * ROWS;
        for column in 0..columns {
            let elements = source[column..].iter().step_by(stride);
            target[column * target_stride + first..]
                .iter_mut()
                .zip(elements)
                .for_each(|(element, &value)| *element = value);
        }
    }
}

/// Adds each row of `rows`, [_, columns], to `target`: the element (row, column) at `places[row] + elements[column]`.
/// Each `run` consecutive elements of `elements`, whose length `run` divides, are consecutive in `target` too.
pub fn scatter_rows<F: Real>(rows: &[F], places: &[u32], elements: &[u32], run: usize, target: &mut [F]) {
    vectorized(
        #[inline(always)]
        || {
            for (row, &place) in rows.chunks_exact(elements.len()).zip(places) {
                for (run, &first) in row.chunks_exact(run).zip(elements.iter().step_by(run)) {
                    let target = &mut target[(place + first) as usize..][..run.len()];
                    target.iter_mut().zip(run).for_each(|(sum, &element)| *sum += element);
                }
            }
        },
    );
}
