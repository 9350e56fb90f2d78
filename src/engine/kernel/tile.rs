//! Products without packing what is already in order, and without any set-up.
//!
//! Every cell of the result is one sum in an order that follows from the inner axis alone: a row's bits do not depend on
//! the rows beside it.

#![allow(unsafe_code, reason = "strided reads and writes within bounds that are checked once")]

use super::{product::Matrix, vectorized};
use crate::engine::real::Real;
use std::mem::MaybeUninit;

/// Columns of a tile: two AVX registers of `f32`.
const COLUMNS: usize = 16;
/// Rows of a tile: as many as leave registers for a row of b and a cell of a.
const ROWS: usize = 6;
/// Inner cells of a panel of b that is copied into order: it stays in the first-level cache.
const INNER: usize = 256;

/// Columns of `c` that are worked on at once, in order: `[inner][COLUMNS]`.
struct Panel<F> {
    cells: [MaybeUninit<F>; INNER * COLUMNS],
}

/// Writes `a · b` into `c` (row-major), or adds it to what is there.
///
/// # Panics
/// Where the three shapes do not belong together.
pub(super) fn product<F: Real>(a: Matrix<'_, F>, b: Matrix<'_, F>, c: &mut [F], accumulate: bool) {
    assert!(a.columns == b.rows && a.rows * b.columns == c.len(), "shapes of a product");
    if a.columns == 0 {
        if !accumulate {
            c.fill(F::ZERO);
        }
        return;
    }
    let one_column = b.columns == 1;
    vectorized(
        #[inline(always)]
        || match one_column {
            true if a.column_stride == 1 && b.row_stride == 1 => dots(a, b.cells, c, accumulate),
            // One column is one row of the transposed product, which lies in memory the same way.
            // SAFETY: the shapes fit together, and the matrices lie within their slices.
            true => unsafe { multiply(b.transposed(), a.transposed(), c.as_mut_ptr(), accumulate) },
            // SAFETY: as above.
            false => unsafe { multiply(a, b, c.as_mut_ptr(), accumulate) },
        },
    );
}

/// The products of each row of a with one vector.
#[inline(always)]
fn dots<F: Real>(a: Matrix<'_, F>, b: &[F], c: &mut [F], accumulate: bool) {
    for (row, c) in a.cells.chunks_exact(a.columns).zip(c) {
        let mut sums = [F::ZERO; COLUMNS];
        let ((rows, rest), (columns, last)) = (row.as_chunks::<COLUMNS>(), b.as_chunks::<COLUMNS>());
        for (row, column) in rows.iter().zip(columns) {
            for j in 0..COLUMNS {
                sums[j] = row[j].mul_add(column[j], sums[j]);
            }
        }
        for (j, (&row, &column)) in rest.iter().zip(last).enumerate() {
            sums[j] = row.mul_add(column, sums[j]);
        }
        for half in [8, 4, 2, 1] {
            for j in 0..half {
                sums[j] = sums[j] + sums[j + half];
            }
        }
        *c = if accumulate { *c + sums[0] } else { sums[0] };
    }
}

/// # Safety
/// The shapes must fit together: c has a.rows * b.columns cells.
#[inline(always)]
unsafe fn multiply<F: Real>(a: Matrix<'_, F>, b: Matrix<'_, F>, c: *mut F, accumulate: bool) {
    let (m, k, n) = (a.rows, a.columns, b.columns);
    let mut panel = Panel { cells: [const { MaybeUninit::uninit() }; INNER * COLUMNS] };
    for first in (0..k).step_by(INNER) {
        let inner = INNER.min(k - first);
        let add = accumulate || first > 0;
        for column in (0..n).step_by(COLUMNS) {
            let columns = COLUMNS.min(n - column);
            let source = unsafe { b.cells.as_ptr().add(first * b.row_stride + column * b.column_stride) };
            let in_order = columns == COLUMNS && b.column_stride == 1 && (m <= 4 * ROWS || b.row_stride == COLUMNS);
            let (right, stride) = if in_order {
                (source, b.row_stride)
            } else {
                unsafe { panel.fill(source, b.row_stride, b.column_stride, inner, columns) };
                (panel.cells.as_ptr().cast::<F>(), COLUMNS)
            };
            let mut row = 0;
            while row < m {
                let left = unsafe { a.cells.as_ptr().add(row * a.row_stride + first * a.column_stride) };
                let left = Left { cells: left, row_stride: a.row_stride, inner_stride: a.column_stride };
                let target = Target { cells: unsafe { c.add(row * n + column) }, stride: n, columns, add };
                unsafe {
                    match m - row {
                        1 => tile::<F, 1>(left, right, stride, inner, target),
                        2 => tile::<F, 2>(left, right, stride, inner, target),
                        3 => tile::<F, 3>(left, right, stride, inner, target),
                        4 => tile::<F, 4>(left, right, stride, inner, target),
                        5 => tile::<F, 5>(left, right, stride, inner, target),
                        _ => tile::<F, ROWS>(left, right, stride, inner, target),
                    }
                }
                row += ROWS;
            }
        }
    }
}

impl<F: Real> Panel<F> {
    /// Copies `inner` rows of `columns` cells; the cells to their right become zero.
    ///
    /// # Safety
    /// The strides must stay within the source for these counts.
    #[inline(always)]
    unsafe fn fill(&mut self, source: *const F, row: usize, column: usize, inner: usize, columns: usize) {
        let target = self.cells.as_mut_ptr().cast::<F>();
        if columns == COLUMNS && column == 1 {
            for p in 0..inner {
                unsafe { *target.add(p * COLUMNS).cast::<[F; COLUMNS]>() = *source.add(p * row).cast() };
            }
            return;
        }
        for j in 0..columns {
            for p in 0..inner {
                unsafe { *target.add(p * COLUMNS + j) = *source.add(p * row + j * column) };
            }
        }
        for j in columns..COLUMNS {
            for p in 0..inner {
                unsafe { *target.add(p * COLUMNS + j) = F::ZERO };
            }
        }
    }
}

/// Rows of a.
#[derive(Clone, Copy)]
struct Left<F> {
    cells: *const F,
    row_stride: usize,
    inner_stride: usize,
}

/// A tile of c.
#[derive(Clone, Copy)]
struct Target<F> {
    cells: *mut F,
    stride: usize,
    columns: usize,
    add: bool,
}

/// `R` rows of a times a panel of b.
///
/// # Safety
/// `R` rows of a and of c, and `inner` rows of b with all of their columns, must be there.
#[inline(always)]
unsafe fn tile<F: Real, const R: usize>(
    left: Left<F>,
    right: *const F,
    stride: usize,
    inner: usize,
    target: Target<F>,
) {
    let mut sums = [[F::ZERO; COLUMNS]; R];
    if target.add {
        for i in 0..R {
            let row = unsafe { target.cells.add(i * target.stride) };
            if target.columns == COLUMNS {
                sums[i] = unsafe { *row.cast() };
            } else {
                for j in 0..target.columns {
                    sums[i][j] = unsafe { *row.add(j) };
                }
            }
        }
    }
    for p in 0..inner {
        let right: [F; COLUMNS] = unsafe { *right.add(p * stride).cast() };
        for i in 0..R {
            let factor = unsafe { *left.cells.add(i * left.row_stride + p * left.inner_stride) };
            for j in 0..COLUMNS {
                sums[i][j] = factor.mul_add(right[j], sums[i][j]);
            }
        }
    }
    for (i, sums) in sums.iter().enumerate() {
        let row = unsafe { target.cells.add(i * target.stride) };
        if target.columns == COLUMNS {
            unsafe { *row.cast() = *sums };
        } else {
            for (j, &sum) in sums.iter().enumerate().take(target.columns) {
                unsafe { *row.add(j) = sum };
            }
        }
    }
}
