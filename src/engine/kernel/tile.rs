//! Register tiles: a few rows of a product, a few registers wide.

#![allow(unsafe_code, reason = "strided reads and writes within bounds that are checked once")]

use super::{
    operand::{Operand, Strided, Target},
    wide::{Wide, prefetch},
};
use crate::engine::real::Real;

/// The part of a product that a tile computes.
#[derive(Clone, Copy)]
pub(super) struct Part {
    /// First index of the inner axis, and how many.
    pub first: usize,
    pub inner: usize,
    pub columns: usize,
    /// Whether to add to the target.
    pub add: bool,
}

/// Contiguous rows of b, `stride` elements apart.
#[derive(Clone, Copy)]
pub(super) struct Right<F> {
    pub elements: *const F,
    pub stride: usize,
    /// Elements between a row that is read and the row that is prefetched; 0 if all rows are in the L1 cache.
    pub prefetch: usize,
}

impl<F: Copy> Right<F> {
    /// Rows of b in place, each of which is prefetched `rows_ahead` rows before it is read.
    #[inline(always)]
    pub fn unpacked(b: Strided<F>, rows_ahead: usize) -> Self {
        Self { elements: b.elements, stride: b.row_stride, prefetch: rows_ahead * b.row_stride }
    }
}

/// As [`tile`], for all of `rows`, in tiles as high as the registers allow.
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
    // Registers for the sums, a row of b and an element of a: of 32, 12 * 2 + 2 + 1; of 16, 6 * 2 + 2 + 1.
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

/// Whether the remaining rows should begin with a tile of eight. A low tile has too few sums to hide the latency of an
/// addition: the last tiles are of nearly equal height.
#[inline(always)]
fn ends_in_eights(rest: usize) -> bool {
    matches!(rest, 8 | 13 | 14 | 16)
}

/// `R` rows of a from `row` on, times `C` registers of each row of b.
///
/// # Safety
/// All of these elements, and the target's, must exist, and those of b beyond the part's columns too. Those columns end
/// in the last register.
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
                    let elements = target.elements.add(i * target.stride + j * W::LANES);
                    *sum = if whole || j + 1 < C { wide.load(elements) } else { wide.load_some(elements, some) };
                }
            }
        }
        for p in 0..part.inner {
            let mut across = [wide.splat(F::ZERO); C];
            for (j, lanes) in across.iter_mut().enumerate() {
                *lanes = wide.load(right.elements.add(p * right.stride + j * W::LANES));
            }
            if right.prefetch > 0 {
                for j in 0..C {
                    prefetch(right.elements.wrapping_add(p * right.stride + right.prefetch + j * W::LANES));
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
                let elements = target.elements.add(i * target.stride + j * W::LANES);
                if whole || j + 1 < C {
                    wide.store(elements, sum);
                } else {
                    wide.store_some(elements, some, sum);
                }
            }
        }
    }
}
