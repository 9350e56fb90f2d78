//! Matrix products in register tiles, without allocation: panels of b are packed where b is not contiguous or is read
//! often; a is never packed.
//!
//! The order of each element's sum follows from the inner axis alone: a row's bits do not depend on the other rows.

#![allow(unsafe_code, reason = "strided reads and writes within bounds that are checked once")]

use super::{
    class, gemm_transposed,
    matrix::{Matrix, MatrixMut},
    operand::{LeftOperand, Operand, Strided, Target},
    panel::{self, Panel},
    sizes::GemmSizes,
    tile::{Part, Right, tile, tiles},
    wide::{Double, Single, Wide},
};
use crate::engine::{cancel::is_cancelled, real::Real};
use pulp::{Simd, WithSimd};
use std::any::TypeId;

/// Registers across for a single row: enough independent sums to hide the latency of an addition.
const ONE_ROW_REGISTERS: usize = 8;
/// Maximum rows for which a contiguous b is read without packing: packing pays only if b is read more often. With 32
/// registers tiles are twice as high, and every row of b is read half as often.
const MAX_UNPACKED_ROWS: [usize; 2] = [24, 64];
/// Rows of an unpacked b that are prefetched ahead: by tiles of several rows, and by those of a single one.
const PREFETCHED_ROWS: [usize; 2] = [4, 8];

/// Writes `a · b` into `c`, or adds it to `c`. The shapes must match.
pub(super) fn gemm<F: Real>(a: impl LeftOperand<F>, b: Matrix<'_, F>, c: MatrixMut<'_, F>, accumulate: bool) {
    class::arch().dispatch(Product { a, b, c, accumulate });
}

struct Product<'a, F, A> {
    a: A,
    b: Matrix<'a, F>,
    c: MatrixMut<'a, F>,
    accumulate: bool,
}

impl<F: Real, A: LeftOperand<F>> WithSimd for Product<'_, F, A> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { a, b, mut c, accumulate } = self;
        let sizes = GemmSizes { rows: c.rows, inner: b.rows, columns: c.columns };
        // SAFETY: the pointers are cast to the type that `F` is, which changes nothing; the shapes match, and every
        // matrix lies within its slice.
        unsafe {
            if TypeId::of::<F>() == TypeId::of::<f32>() {
                run(Single(simd), sizes, a.pointers::<f32>(), b.pointers(), c.target(), accumulate);
            } else {
                run(Double(simd), sizes, a.pointers::<f64>(), b.pointers(), c.target(), accumulate);
            }
        }
    }
}

/// # Safety
/// The operands and the target must have these sizes.
#[inline(always)]
unsafe fn run<F: Real, W: Wide<F>>(
    wide: W,
    sizes: GemmSizes,
    a: impl Operand<F>,
    b: Strided<F>,
    c: Target<F>,
    accumulate: bool,
) {
    // SAFETY: as the caller promises. One column is one row of the transposed product, with the same memory layout
    // where the target is contiguous.
    unsafe {
        match a.strided() {
            Some(a) if sizes.columns == 1 && a.column_stride == 1 && b.row_stride == 1 => {
                let mut row = 0;
                while row + 4 <= sizes.rows {
                    dots::<F, W, 4>(wide, sizes.inner, a.from(row, 0), b.elements, c.from(row, 0), accumulate);
                    row += 4;
                }
                while row < sizes.rows {
                    dots::<F, W, 1>(wide, sizes.inner, a.from(row, 0), b.elements, c.from(row, 0), accumulate);
                    row += 1;
                }
            }
            Some(a) if sizes.columns == 1 && c.stride == 1 => {
                let sizes = GemmSizes { rows: 1, inner: sizes.inner, columns: sizes.rows };
                panels(wide, sizes, b.transposed(), a.transposed(), c, accumulate);
            }
            Some(a) if gemm_transposed::is_worthwhile(sizes, b, MAX_UNPACKED_ROWS[usize::from(W::REGISTERS >= 32)]) => {
                gemm_transposed::gemm_transposed(wide, sizes, a, b, c, accumulate);
            }
            _ => panels(wide, sizes, a, b, c, accumulate),
        }
    }
}

/// The dot products of `R` rows of a with one vector; both are contiguous.
///
/// # Safety
/// The rows and the vector must have `inner` elements.
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
            let element = c.elements.add(i * c.stride);
            let sum = wide.sum(even, odd);
            *element = if accumulate { *element + sum } else { sum };
        }
    }
}

/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn panels<F: Real, W: Wide<F>>(
    wide: W,
    sizes: GemmSizes,
    a: impl Operand<F>,
    b: Strided<F>,
    c: Target<F>,
    accumulate: bool,
) {
    let GemmSizes { rows, inner: k, columns: n } = sizes;
    let mut panel = Panel::new();
    let few = rows <= MAX_UNPACKED_ROWS[usize::from(W::REGISTERS >= 32)];
    // Parts of about the same depth, none so short that reading and writing the sums dominates.
    let depth = k.div_ceil(k.div_ceil(Panel::<F>::INNER));
    let long = sizes.is_long();
    for first in (0..k).step_by(depth) {
        let inner = depth.min(k - first);
        let add = accumulate || first > 0;
        let mut column = 0;
        // SAFETY: every row, inner index and column is below `rows`, `k` and `n`, and a panel holds `inner` rows of its
        // width.
        unsafe {
            if rows == 1 && b.column_stride == 1 {
                let columns = ONE_ROW_REGISTERS * W::LANES;
                while column + columns <= n {
                    let part = Part { first, inner, columns, add };
                    let right = Right::unpacked(b.from(first, column), PREFETCHED_ROWS[1]);
                    tile::<F, W, 1, ONE_ROW_REGISTERS>(wide, part, a, 0, right, c.from(0, column));
                    column += columns;
                }
                let columns = ONE_ROW_REGISTERS / 2 * W::LANES;
                if column + columns <= n {
                    let part = Part { first, inner, columns, add };
                    let right = Right::unpacked(b.from(first, column), PREFETCHED_ROWS[1]);
                    tile::<F, W, 1, { ONE_ROW_REGISTERS / 2 }>(wide, part, a, 0, right, c.from(0, column));
                    column += columns;
                }
            }
            while column < n {
                if long && is_cancelled() {
                    return;
                }
                let across = if n - column > W::LANES { 2 } else { 1 };
                let columns = (n - column).min(across * W::LANES);
                let part = Part { first, inner, columns, add };
                let source = b.from(first, column);
                let contiguous = columns == across * W::LANES && b.column_stride == 1 && few;
                let target = c.from(0, column);
                if across == 1 {
                    let right = if contiguous {
                        Right::unpacked(source, PREFETCHED_ROWS[0])
                    } else {
                        panel::pack::<F, W, 1>(wide, &mut panel, source, inner, columns)
                    };
                    tiles::<F, W, _, 1>(wide, part, a, right, target, rows);
                } else {
                    let right = if contiguous {
                        Right::unpacked(source, PREFETCHED_ROWS[0])
                    } else {
                        panel::pack::<F, W, 2>(wide, &mut panel, source, inner, columns)
                    };
                    tiles::<F, W, _, 2>(wide, part, a, right, target, rows);
                }
                column += columns;
            }
        }
    }
}
