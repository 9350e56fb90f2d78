//! Products in tiles of registers, without memory of their own: of b, a panel is copied where it is not in order; a is
//! read as it lies.
//!
//! Every cell of the result is one sum in an order that follows from the inner axis alone: a row's bits do not depend on
//! the rows beside it.

#![allow(unsafe_code, reason = "strided reads and writes within bounds that are checked once")]

use super::{
    class,
    matrix::{Matrix, MatrixMut},
    operand::{Left, Operand, Strided, Target},
    panel::{self, Panel},
    tile::{Part, Right, tile, tiles},
    turned,
    wide::{Double, Single, Wide},
};
use crate::engine::real::Real;
use pulp::{Simd, WithSimd};
use std::any::TypeId;

/// Registers across where there is a single row: enough sums at once to hide an addition's latency.
const ACROSS_ONE_ROW: usize = 8;
/// Most rows for which b, where it is in order, is read as it lies: copying it pays only if it is read more often. With
/// 32 registers tiles are twice as high, and every row of b is read half as often.
const FEW_ROWS: [usize; 2] = [24, 64];
/// Rows of b that are asked for before they are read, where it is read as it lies: by tiles, and by those of a single row.
const ROWS_AHEAD: [usize; 2] = [4, 8];

/// Writes `a · b` into `c`, or adds it to what is there. The shapes must fit together.
pub(super) fn multiply<F: Real>(a: impl Left<F>, b: Matrix<'_, F>, c: MatrixMut<'_, F>, accumulate: bool) {
    class::arch().dispatch(Product { a, b, c, accumulate });
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
pub(super) struct Sizes {
    pub rows: usize,
    pub inner: usize,
    pub columns: usize,
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
                let mut row = 0;
                while row + 4 <= sizes.rows {
                    dots::<F, W, 4>(wide, sizes.inner, a.from(row, 0), b.cells, c.from(row, 0), accumulate);
                    row += 4;
                }
                while row < sizes.rows {
                    dots::<F, W, 1>(wide, sizes.inner, a.from(row, 0), b.cells, c.from(row, 0), accumulate);
                    row += 1;
                }
            }
            Some(a) if sizes.columns == 1 && c.stride == 1 => {
                let sizes = Sizes { rows: 1, inner: sizes.inner, columns: sizes.rows };
                panels(wide, sizes, b.transposed(), a.transposed(), c, accumulate);
            }
            Some(a) if turned::pays(sizes, b, FEW_ROWS[usize::from(W::REGISTERS >= 32)]) => {
                turned::turned(wide, sizes, a, b, c, accumulate);
            }
            _ => panels(wide, sizes, a, b, c, accumulate),
        }
    }
}

/// The products of each of `R` rows of a with one vector; both lie in order.
///
/// # Safety
/// The rows and the vector must have `inner` cells.
#[inline(always)]
unsafe fn dots<F: Real, W: Wide<F>, const R: usize>(
    wide: W,
    inner: usize,
    a: Strided<F>,
    b: *const F,
    c: Target<F>,
    accumulate: bool,
) {
    let mut sums = [[wide.splat(F::ZERO); 2]; R];
    let mut p = 0;
    // SAFETY: as the caller promises.
    unsafe {
        while p < inner {
            for j in 0..2 {
                let rest = (inner - p).min(W::LANES);
                let some = wide.first(rest);
                let whole = rest == W::LANES;
                let lanes = if whole { wide.load(b.add(p)) } else { wide.load_some(b.add(p), some) };
                for (i, sums) in sums.iter_mut().enumerate() {
                    let left = a.at(i, p);
                    let left = if whole { wide.load(left) } else { wide.load_some(left, some) };
                    sums[j] = wide.mul_add(left, lanes, sums[j]);
                }
                p += rest;
            }
        }
        for (i, [even, odd]) in sums.into_iter().enumerate() {
            let cell = c.cells.add(i * c.stride);
            let sum = wide.sum(even, odd);
            *cell = if accumulate { *cell + sum } else { sum };
        }
    }
}

/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn panels<F: Real, W: Wide<F>>(
    wide: W,
    sizes: Sizes,
    a: impl Operand<F>,
    b: Strided<F>,
    c: Target<F>,
    accumulate: bool,
) {
    let Sizes { rows, inner: k, columns: n } = sizes;
    let mut panel = Panel::new();
    let few = rows <= FEW_ROWS[usize::from(W::REGISTERS >= 32)];
    // Parts of about the same depth, none so short that reading and writing its sums outweighs it.
    let depth = k.div_ceil(k.div_ceil(Panel::<F>::INNER));
    for first in (0..k).step_by(depth) {
        let inner = depth.min(k - first);
        let add = accumulate || first > 0;
        let mut column = 0;
        // SAFETY: every row, inner cell and column that is touched is below m, k and n, and a panel holds `inner` rows
        // of `width` cells.
        unsafe {
            if rows == 1 && b.column_stride == 1 {
                let columns = ACROSS_ONE_ROW * W::LANES;
                while column + columns <= n {
                    let part = Part { first, inner, columns, add };
                    let right = Right::as_it_lies(b.from(first, column), ROWS_AHEAD[1]);
                    tile::<F, W, 1, ACROSS_ONE_ROW>(wide, part, a, 0, right, c.from(0, column));
                    column += columns;
                }
                let columns = ACROSS_ONE_ROW / 2 * W::LANES;
                if column + columns <= n {
                    let part = Part { first, inner, columns, add };
                    let right = Right::as_it_lies(b.from(first, column), ROWS_AHEAD[1]);
                    tile::<F, W, 1, { ACROSS_ONE_ROW / 2 }>(wide, part, a, 0, right, c.from(0, column));
                    column += columns;
                }
            }
            while column < n {
                let across = if n - column > W::LANES { 2 } else { 1 };
                let columns = (n - column).min(across * W::LANES);
                let part = Part { first, inner, columns, add };
                let source = b.from(first, column);
                let in_order = columns == across * W::LANES && b.column_stride == 1 && few;
                let target = c.from(0, column);
                if across == 1 {
                    let right = if in_order {
                        Right::as_it_lies(source, ROWS_AHEAD[0])
                    } else {
                        panel::fill::<F, W, 1>(wide, &mut panel, source, inner, columns)
                    };
                    tiles::<F, W, _, 1>(wide, part, a, right, target, rows);
                } else {
                    let right = if in_order {
                        Right::as_it_lies(source, ROWS_AHEAD[0])
                    } else {
                        panel::fill::<F, W, 2>(wide, &mut panel, source, inner, columns)
                    };
                    tiles::<F, W, _, 2>(wide, part, a, right, target, rows);
                }
                column += columns;
            }
        }
    }
}
