//! Products in tiles of registers, without memory of their own: of b, a panel is copied where it is not in order; a is
//! read as it lies.
//!
//! Every cell of the result is one sum in an order that follows from the inner axis alone: a row's bits do not depend on
//! the rows beside it.

#![allow(unsafe_code, reason = "strided reads and writes within bounds that are checked once")]

use super::{
    product::Matrix,
    wide::{Double, Single, Wide},
};
use crate::engine::real::Real;
use pulp::{Arch, Simd, WithSimd};
use std::{any::TypeId, mem::MaybeUninit};

/// Registers across a tile.
const ACROSS: usize = 2;
/// Rows of a tile: as many as leave registers for a row of b and a cell of a.
const ROWS: usize = 6;
/// Registers across where there is a single row: enough sums at once to hide an addition's latency.
const ACROSS_ONE_ROW: usize = 8;
/// Inner cells of a panel of b that is copied into order: it stays in the first-level cache.
const INNER: usize = 256;
/// Most columns of a tile: two registers of sixteen.
const MOST_COLUMNS: usize = 32;

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
    Arch::new().dispatch(Product { a, b, c, accumulate });
}

struct Product<'a, F> {
    a: Matrix<'a, F>,
    b: Matrix<'a, F>,
    c: &'a mut [F],
    accumulate: bool,
}

impl<F: Real> WithSimd for Product<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // SAFETY: `F` is the type that is asked for, so the casts change nothing; the shapes fit together, and a matrix
        // lies within its slice.
        unsafe {
            if TypeId::of::<F>() == TypeId::of::<f32>() {
                run(Single(simd), self.a.cast::<f32>(), self.b.cast(), self.c.as_mut_ptr().cast(), self.accumulate);
            } else {
                run(Double(simd), self.a.cast::<f64>(), self.b.cast(), self.c.as_mut_ptr().cast(), self.accumulate);
            }
        }
    }
}

/// Where the cells of a matrix are.
#[derive(Clone, Copy)]
struct View<F> {
    cells: *const F,
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<F> Matrix<'_, F> {
    fn cast<T>(&self) -> View<T> {
        let Self { rows, columns, row_stride, column_stride, .. } = *self;
        View { cells: self.cells.as_ptr().cast(), rows, columns, row_stride, column_stride }
    }
}

impl<F> View<F> {
    fn transposed(self) -> Self {
        let Self { cells, rows, columns, row_stride, column_stride } = self;
        Self { cells, rows: columns, columns: rows, row_stride: column_stride, column_stride: row_stride }
    }

    /// # Safety
    /// The cell must be there.
    #[inline(always)]
    unsafe fn at(&self, row: usize, column: usize) -> *const F {
        // SAFETY: see the caller.
        unsafe { self.cells.add(row * self.row_stride + column * self.column_stride) }
    }
}

/// # Safety
/// The shapes must fit together, with at least one inner cell: `c` has a.rows * b.columns cells.
#[inline(always)]
unsafe fn run<F: Real, W: Wide<F>>(wide: W, a: View<F>, b: View<F>, c: *mut F, accumulate: bool) {
    // SAFETY: as the caller promises. One column is one row of the transposed product, and lies in memory the same way.
    unsafe {
        match b.columns == 1 {
            true if a.column_stride == 1 && b.row_stride == 1 => dots(wide, a, b, c, accumulate),
            true => multiply(wide, b.transposed(), a.transposed(), c, accumulate),
            false => multiply(wide, a, b, c, accumulate),
        }
    }
}

/// The products of each row of a with one vector; both lie in order.
///
/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn dots<F: Real, W: Wide<F>>(wide: W, a: View<F>, b: View<F>, c: *mut F, accumulate: bool) {
    let whole = a.columns / (ACROSS * W::LANES) * (ACROSS * W::LANES);
    for row in 0..a.rows {
        // SAFETY: rows of a and b have a.columns cells, and c one for each row.
        unsafe {
            let left = a.at(row, 0);
            let mut sums = [wide.splat(F::ZERO); ACROSS];
            for p in (0..whole).step_by(ACROSS * W::LANES) {
                for (j, sum) in sums.iter_mut().enumerate() {
                    let place = p + j * W::LANES;
                    *sum = wide.mul_add(wide.load(left.add(place)), wide.load(b.cells.add(place)), *sum);
                }
            }
            let mut cells = [F::ZERO; MOST_COLUMNS];
            for (j, sum) in sums.into_iter().enumerate() {
                wide.store(cells.as_mut_ptr().add(j * W::LANES), sum);
            }
            let mut total = if accumulate { *c.add(row) } else { F::ZERO };
            for &cell in &cells[..ACROSS * W::LANES] {
                total += cell;
            }
            for p in whole..a.columns {
                total = (*left.add(p)).mul_add(*b.cells.add(p), total);
            }
            *c.add(row) = total;
        }
    }
}

/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn multiply<F: Real, W: Wide<F>>(wide: W, a: View<F>, b: View<F>, c: *mut F, accumulate: bool) {
    let (m, k, n) = (a.rows, a.columns, b.columns);
    let width = ACROSS * W::LANES;
    let mut panel = [MaybeUninit::<F>::uninit(); INNER * MOST_COLUMNS];
    for first in (0..k).step_by(INNER) {
        let inner = INNER.min(k - first);
        let add = accumulate || first > 0;
        let mut column = 0;
        // SAFETY: every row, inner cell and column that is touched is below m, k and n, and a panel holds `inner` rows
        // of `width` cells.
        unsafe {
            if m == 1 && b.column_stride == 1 {
                let wider = ACROSS_ONE_ROW * W::LANES;
                while column + wider <= n {
                    let target = Target { cells: c.add(column), stride: n, columns: wider, add };
                    tile::<F, W, 1, ACROSS_ONE_ROW>(wide, a, first, b.at(first, column), b.row_stride, inner, target);
                    column += wider;
                }
            }
            while column < n {
                let columns = width.min(n - column);
                let source = View { cells: b.at(first, column), rows: inner, columns, ..b };
                let in_order = columns == width && b.column_stride == 1 && m <= 4 * ROWS;
                let (right, stride) = if in_order {
                    (source.cells, b.row_stride)
                } else {
                    fill(wide, panel.as_mut_ptr().cast(), source);
                    (panel.as_ptr().cast::<F>(), width)
                };
                for row in (0..m).step_by(ROWS) {
                    let a = View { cells: a.at(row, 0), ..a };
                    let target = Target { cells: c.add(row * n + column), stride: n, columns, add };
                    match m - row {
                        1 => tile::<F, W, 1, ACROSS>(wide, a, first, right, stride, inner, target),
                        2 => tile::<F, W, 2, ACROSS>(wide, a, first, right, stride, inner, target),
                        3 => tile::<F, W, 3, ACROSS>(wide, a, first, right, stride, inner, target),
                        4 => tile::<F, W, 4, ACROSS>(wide, a, first, right, stride, inner, target),
                        5 => tile::<F, W, 5, ACROSS>(wide, a, first, right, stride, inner, target),
                        _ => tile::<F, W, ROWS, ACROSS>(wide, a, first, right, stride, inner, target),
                    }
                }
                column += width;
            }
        }
    }
}

/// Copies a part of b into order, as wide as a tile; the cells to its right become zero.
///
/// # Safety
/// `source` must be there, and `panel` must hold as many rows as wide as a tile.
#[inline(always)]
unsafe fn fill<F: Real, W: Wide<F>>(wide: W, panel: *mut F, source: View<F>) {
    let width = ACROSS * W::LANES;
    // SAFETY: as the caller promises.
    unsafe {
        if source.columns == width && source.column_stride == 1 {
            for p in 0..source.rows {
                for j in 0..ACROSS {
                    wide.store(panel.add(p * width + j * W::LANES), wide.load(source.at(p, j * W::LANES)));
                }
            }
            return;
        }
        for j in 0..width {
            for p in 0..source.rows {
                *panel.add(p * width + j) = if j < source.columns { *source.at(p, j) } else { F::ZERO };
            }
        }
    }
}

/// A tile of c.
#[derive(Clone, Copy)]
struct Target<F> {
    cells: *mut F,
    stride: usize,
    columns: usize,
    add: bool,
}

/// `R` rows of a, from the inner cell `first`, times `C` registers of each of `inner` rows of b.
///
/// # Safety
/// All of these cells, and the target's, must be there; cells of b beyond the target's columns too.
#[inline(always)]
unsafe fn tile<F: Real, W: Wide<F>, const R: usize, const C: usize>(
    wide: W,
    a: View<F>,
    first: usize,
    right: *const F,
    stride: usize,
    inner: usize,
    target: Target<F>,
) {
    let whole = target.columns == C * W::LANES;
    let mut sums = [[wide.splat(F::ZERO); C]; R];
    // SAFETY: as the caller promises; `spare` is at least as wide as the tiles that are not whole, those with C = ACROSS.
    unsafe {
        if target.add {
            for (i, sums) in sums.iter_mut().enumerate() {
                let row = target.cells.add(i * target.stride);
                let mut spare = [F::ZERO; MOST_COLUMNS];
                let cells: *const F = if whole {
                    row
                } else {
                    std::ptr::copy_nonoverlapping(row, spare.as_mut_ptr(), target.columns);
                    spare.as_ptr()
                };
                for (j, sum) in sums.iter_mut().enumerate() {
                    *sum = wide.load(cells.add(j * W::LANES));
                }
            }
        }
        for p in 0..inner {
            let mut row = [wide.splat(F::ZERO); C];
            for (j, row) in row.iter_mut().enumerate() {
                *row = wide.load(right.add(p * stride + j * W::LANES));
            }
            for (i, sums) in sums.iter_mut().enumerate() {
                let factor = wide.splat(*a.at(i, first + p));
                for (sum, row) in sums.iter_mut().zip(row) {
                    *sum = wide.mul_add(factor, row, *sum);
                }
            }
        }
        for (i, sums) in sums.into_iter().enumerate() {
            let row = target.cells.add(i * target.stride);
            let mut spare = [F::ZERO; MOST_COLUMNS];
            let cells = if whole { row } else { spare.as_mut_ptr() };
            for (j, sum) in sums.into_iter().enumerate() {
                wide.store(cells.add(j * W::LANES), sum);
            }
            if !whole {
                std::ptr::copy_nonoverlapping(cells, row, target.columns);
            }
        }
    }
}
