//! Products in tiles of registers, without memory of their own: of b, a panel is copied where it is not in order; a is
//! read as it lies.
//!
//! Every cell of the result is one sum in an order that follows from the inner axis alone: a row's bits do not depend on
//! the rows beside it.

#![allow(unsafe_code, reason = "strided reads and writes within bounds that are checked once")]

use super::{
    matrix::{Matrix, MatrixMut},
    operand::{Left, Operand, Strided, Target},
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

/// Writes `a · b` into `c`, or adds it to what is there. The shapes must fit together.
pub(super) fn product<F: Real>(a: impl Left<F>, b: Matrix<'_, F>, c: MatrixMut<'_, F>, accumulate: bool) {
    Arch::new().dispatch(Product { a, b, c, accumulate });
}

struct Product<'a, F, A> {
    a: A,
    b: Matrix<'a, F>,
    c: MatrixMut<'a, F>,
    accumulate: bool,
}

impl<F: Real, A: Left<F>> WithSimd for Product<'_, F, A> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { a, b, mut c, accumulate } = self;
        let sizes = Sizes { rows: c.rows, inner: b.rows, columns: c.columns };
        // SAFETY: `F` is the type that is asked for, so the casts change nothing; the shapes fit together, and every
        // matrix lies within its slice.
        unsafe {
            if TypeId::of::<F>() == TypeId::of::<f32>() {
                run(Single(simd), sizes, a.places::<f32>(), b.places(), c.target(), accumulate);
            } else {
                run(Double(simd), sizes, a.places::<f64>(), b.places(), c.target(), accumulate);
            }
        }
    }
}

/// The shapes of a product.
#[derive(Clone, Copy)]
struct Sizes {
    rows: usize,
    inner: usize,
    columns: usize,
}

/// # Safety
/// The operands and the target must have these sizes.
#[inline(always)]
unsafe fn run<F: Real, W: Wide<F>>(
    wide: W,
    sizes: Sizes,
    a: impl Operand<F>,
    b: Strided<F>,
    c: Target<F>,
    accumulate: bool,
) {
    // SAFETY: as the caller promises. One column is one row of the transposed product, and lies in memory the same way
    // where the target's cells follow one another.
    unsafe {
        match a.strided() {
            Some(a) if sizes.columns == 1 && a.column_stride == 1 && b.row_stride == 1 => {
                dots(wide, sizes, a, b, c, accumulate);
            }
            Some(a) if sizes.columns == 1 && c.stride == 1 => {
                let sizes = Sizes { rows: 1, inner: sizes.inner, columns: sizes.rows };
                multiply(wide, sizes, b.transposed(), a.transposed(), c, accumulate);
            }
            _ => multiply(wide, sizes, a, b, c, accumulate),
        }
    }
}

/// The products of each row of a with one vector; both lie in order.
///
/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn dots<F: Real, W: Wide<F>>(
    wide: W,
    sizes: Sizes,
    a: Strided<F>,
    b: Strided<F>,
    c: Target<F>,
    accumulate: bool,
) {
    let whole = sizes.inner / (ACROSS * W::LANES) * (ACROSS * W::LANES);
    for row in 0..sizes.rows {
        // SAFETY: a row of a and the vector have as many cells as the inner axis, and c has one cell for each row.
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
            let target = c.cells.add(row * c.stride);
            let mut total = if accumulate { *target } else { F::ZERO };
            for &cell in &cells[..ACROSS * W::LANES] {
                total += cell;
            }
            for p in whole..sizes.inner {
                total = (*left.add(p)).mul_add(*b.cells.add(p), total);
            }
            *target = total;
        }
    }
}

/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn multiply<F: Real, W: Wide<F>>(
    wide: W,
    sizes: Sizes,
    a: impl Operand<F>,
    b: Strided<F>,
    c: Target<F>,
    accumulate: bool,
) {
    let Sizes { rows: m, inner: k, columns: n } = sizes;
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
                    let part = Part { row: 0, first, inner, columns: wider, add };
                    let right = b.from(first, column);
                    tile::<F, W, 1, ACROSS_ONE_ROW>(wide, part, a, right.cells, b.row_stride, c.from(0, column));
                    column += wider;
                }
            }
            while column < n {
                let columns = width.min(n - column);
                let source = b.from(first, column);
                let in_order = columns == width && b.column_stride == 1 && m <= 4 * ROWS;
                let (right, stride) = if in_order {
                    (source.cells, b.row_stride)
                } else {
                    fill(wide, panel.as_mut_ptr().cast(), source, inner, columns);
                    (panel.as_ptr().cast::<F>(), width)
                };
                for row in (0..m).step_by(ROWS) {
                    let part = Part { row, first, inner, columns, add };
                    let target = c.from(row, column);
                    match m - row {
                        1 => tile::<F, W, 1, ACROSS>(wide, part, a, right, stride, target),
                        2 => tile::<F, W, 2, ACROSS>(wide, part, a, right, stride, target),
                        3 => tile::<F, W, 3, ACROSS>(wide, part, a, right, stride, target),
                        4 => tile::<F, W, 4, ACROSS>(wide, part, a, right, stride, target),
                        5 => tile::<F, W, 5, ACROSS>(wide, part, a, right, stride, target),
                        _ => tile::<F, W, ROWS, ACROSS>(wide, part, a, right, stride, target),
                    }
                }
                column += width;
            }
        }
    }
}

/// Copies `inner` rows of b into order, as wide as a tile; the cells to the right of its `columns` become zero.
///
/// # Safety
/// `source` must be there, and `panel` must hold as many rows as wide as a tile.
#[inline(always)]
unsafe fn fill<F: Real, W: Wide<F>>(wide: W, panel: *mut F, source: Strided<F>, inner: usize, columns: usize) {
    let width = ACROSS * W::LANES;
    // SAFETY: as the caller promises.
    unsafe {
        if columns == width && source.column_stride == 1 {
            for p in 0..inner {
                for j in 0..ACROSS {
                    wide.store(panel.add(p * width + j * W::LANES), wide.load(source.at(p, j * W::LANES)));
                }
            }
            return;
        }
        for j in 0..width {
            for p in 0..inner {
                *panel.add(p * width + j) = if j < columns { *source.at(p, j) } else { F::ZERO };
            }
        }
    }
}

/// What a tile covers: its first row, `inner` cells of the inner axis from `first` on, and its columns.
#[derive(Clone, Copy)]
struct Part {
    row: usize,
    first: usize,
    inner: usize,
    columns: usize,
    /// Whether to add to what is there.
    add: bool,
}

/// `R` rows of a times `C` registers of each row of b, which begin `stride` cells after one another at `right`.
///
/// # Safety
/// All of these cells, and the target's, must be there; cells of b beyond the part's columns too.
#[inline(always)]
unsafe fn tile<F: Real, W: Wide<F>, const R: usize, const C: usize>(
    wide: W,
    part: Part,
    a: impl Operand<F>,
    right: *const F,
    stride: usize,
    target: Target<F>,
) {
    let whole = part.columns == C * W::LANES;
    let mut sums = [[wide.splat(F::ZERO); C]; R];
    // SAFETY: as the caller promises; `spare` is at least as wide as the tiles that are not whole, those with C = ACROSS.
    unsafe {
        let rows: [*const F; R] = std::array::from_fn(|i| a.row(part.row + i));
        if part.add {
            for (i, sums) in sums.iter_mut().enumerate() {
                let row = target.cells.add(i * target.stride);
                let mut spare = [F::ZERO; MOST_COLUMNS];
                let cells: *const F = if whole {
                    row
                } else {
                    std::ptr::copy_nonoverlapping(row, spare.as_mut_ptr(), part.columns);
                    spare.as_ptr()
                };
                for (j, sum) in sums.iter_mut().enumerate() {
                    *sum = wide.load(cells.add(j * W::LANES));
                }
            }
        }
        for p in 0..part.inner {
            let mut across = [wide.splat(F::ZERO); C];
            for (j, lanes) in across.iter_mut().enumerate() {
                *lanes = wide.load(right.add(p * stride + j * W::LANES));
            }
            let step = a.step(part.first + p);
            for (row, sums) in rows.iter().zip(&mut sums) {
                let factor = wide.splat(*row.add(step));
                for (sum, lanes) in sums.iter_mut().zip(across) {
                    *sum = wide.mul_add(factor, lanes, *sum);
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
                std::ptr::copy_nonoverlapping(cells, row, part.columns);
            }
        }
    }
}
