//! Tiles of registers: a few rows of a product, a few registers across.

#![allow(unsafe_code, reason = "strided reads and writes within bounds that are checked once")]

use super::{
    operand::{Operand, Strided, Target},
    wide::{Wide, prefetch},
};
use crate::engine::real::Real;

/// What a tile covers.
#[derive(Clone, Copy)]
pub(super) struct Part {
    /// First cell of the inner axis, and how many.
    pub first: usize,
    pub inner: usize,
    pub columns: usize,
    /// Whether to add to what is there.
    pub add: bool,
}

/// Rows of b in order: each begins `stride` cells after the one before.
#[derive(Clone, Copy)]
pub(super) struct Right<F> {
    pub cells: *const F,
    pub stride: usize,
    /// Cells from a row to one that is asked for when it is read; 0 where all are in the first-level cache.
    pub ahead: usize,
}

impl<F: Copy> Right<F> {
    /// Rows where they are, each of which is asked for so many rows before.
    #[inline(always)]
    pub fn as_it_lies(b: Strided<F>, rows_ahead: usize) -> Self {
        Self { cells: b.cells, stride: b.row_stride, ahead: rows_ahead * b.row_stride }
    }
}

/// As [`tile`], for all of `rows`, in tiles as high as there are registers for.
///
/// # Safety
/// As for [`tile`].
#[inline(always)]
pub(super) unsafe fn tiles<F: Real, W: Wide<F>, A: Operand<F>, const C: usize>(
    wide: W,
    part: Part,
    a: A,
    right: Right<F>,
    target: Target<F>,
    rows: usize,
) {
    // Registers for the sums, a row of b and a cell of a: of 32, 12 * 2 + 2 + 1; of 16, 6 * 2 + 2 + 1.
    let high = W::REGISTERS >= 32 && A::ROWS >= 12;
    let mut row = 0;
    // SAFETY: as the caller promises; every tile ends at `rows`.
    unsafe {
        if high {
            while row + 12 <= rows && !ends_in_eights(rows - row) {
                tile::<F, W, 12, C>(wide, part, a, row, right, target.from(row, 0));
                row += 12;
            }
            while ends_in_eights(rows - row) {
                tile::<F, W, 8, C>(wide, part, a, row, right, target.from(row, 0));
                row += 8;
            }
        }
        while row + 6 <= rows {
            tile::<F, W, 6, C>(wide, part, a, row, right, target.from(row, 0));
            row += 6;
        }
        if row == rows {
            return;
        }
        let target = target.from(row, 0);
        match rows - row {
            1 => tile::<F, W, 1, C>(wide, part, a, row, right, target),
            2 => tile::<F, W, 2, C>(wide, part, a, row, right, target),
            3 => tile::<F, W, 3, C>(wide, part, a, row, right, target),
            4 => tile::<F, W, 4, C>(wide, part, a, row, right, target),
            _ => tile::<F, W, 5, C>(wide, part, a, row, right, target),
        }
    }
}

/// Whether the rest of a product's rows had better begin with a tile of eight. A low tile has too few sums to hide what an
/// addition takes: the last rows are tiles of nearly equal height rather than high and low ones.
#[inline(always)]
fn ends_in_eights(rest: usize) -> bool {
    matches!(rest, 8 | 13 | 14 | 16)
}

/// `R` rows of a from `row` on, times `C` registers of each row of b.
///
/// # Safety
/// All of these cells, and the target's, must be there; cells of b beyond the part's columns too. Those columns end in
/// the last register.
#[inline(always)]
pub(super) unsafe fn tile<F: Real, W: Wide<F>, const R: usize, const C: usize>(
    wide: W,
    part: Part,
    a: impl Operand<F>,
    row: usize,
    right: Right<F>,
    target: Target<F>,
) {
    let whole = part.columns == C * W::LANES;
    let some = wide.first(part.columns - (C - 1) * W::LANES);
    let mut sums = [[wide.splat(F::ZERO); C]; R];
    // SAFETY: as the caller promises.
    unsafe {
        let rows: [*const F; R] = std::array::from_fn(|i| a.row(row + i));
        if part.add {
            for (i, sums) in sums.iter_mut().enumerate() {
                for (j, sum) in sums.iter_mut().enumerate() {
                    let cells = target.cells.add(i * target.stride + j * W::LANES);
                    *sum = if whole || j + 1 < C { wide.load(cells) } else { wide.load_some(cells, some) };
                }
            }
        }
        for p in 0..part.inner {
            let mut across = [wide.splat(F::ZERO); C];
            for (j, lanes) in across.iter_mut().enumerate() {
                *lanes = wide.load(right.cells.add(p * right.stride + j * W::LANES));
            }
            if right.ahead > 0 {
                for j in 0..C {
                    prefetch(right.cells.wrapping_add(p * right.stride + right.ahead + j * W::LANES));
                }
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
            for (j, sum) in sums.into_iter().enumerate() {
                let cells = target.cells.add(i * target.stride + j * W::LANES);
                if whole || j + 1 < C {
                    wide.store(cells, sum);
                } else {
                    wide.store_some(cells, some, sum);
                }
            }
        }
    }
}
