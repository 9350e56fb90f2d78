//! Products of few rows with a column-major matrix: input gradients of small batches, `dy · kernelᵀ`.
//!
//! Packing that matrix would take a third of the time. `(bᵀ · aᵀ)ᵀ` is computed instead: b is read without packing, and
//! the result is transposed while it is in the L1 cache.

#![allow(unsafe_code, reason = "strided reads and writes within bounds that are checked once")]

use super::{
    operand::{Strided, Target},
    panel::{self, LINE, MAX_COLUMNS, Panel, transpose_blocked},
    sizes::GemmSizes,
    tile::{Part, Right, tiles},
    wide::{SIDE, Wide},
};
use crate::engine::{cancel::is_cancelled, real::Real};
use std::mem::MaybeUninit;

/// Rows of the transposed product that are computed before they are transposed back.
const BLOCK: usize = 48;
/// Fewer rows would leave most of a register empty.
const MIN_ROWS: usize = 8;

/// A block of the transposed product.
#[repr(align(64))]
struct Block<F>([MaybeUninit<F>; BLOCK * MAX_COLUMNS]);

/// Whether [`gemm_transposed`] moves fewer elements than packing b.
pub(super) fn is_worthwhile<F>(sizes: GemmSizes, b: Strided<F>, max_rows: usize) -> bool {
    let GemmSizes { rows, inner, columns } = sizes;
    let transposes = 2 * inner.div_ceil(Panel::<F>::INNER) - 1;
    b.row_stride == 1
        && b.column_stride != 1
        && (MIN_ROWS..=max_rows).contains(&rows)
        && inner * columns > rows * (inner + columns * transposes)
}

/// As [`super::gemm::gemm`], to the same bits: the elements of the transposed product are the same sums.
///
/// # Safety
/// The operands and the target must have these sizes.
#[inline(always)]
pub(super) unsafe fn gemm_transposed<F: Real, W: Wide<F>>(
    wide: W,
    sizes: GemmSizes,
    a: Strided<F>,
    b: Strided<F>,
    c: Target<F>,
    accumulate: bool,
) {
    let mut panel = Panel::new();
    let depth = sizes.inner.div_ceil(sizes.inner.div_ceil(Panel::<F>::INNER));
    let long = sizes.is_long();
    for first in (0..sizes.inner).step_by(depth) {
        let inner = depth.min(sizes.inner - first);
        let add = accumulate || first > 0;
        let mut row = 0;
        // SAFETY: every row, inner index and column is below those of the sizes, and a panel holds `inner` rows of
        // `columns` elements.
        unsafe {
            while row < sizes.rows {
                if long && is_cancelled() {
                    return;
                }
                let across = if sizes.rows - row > W::LANES { 2 } else { 1 };
                let columns = (sizes.rows - row).min(across * W::LANES);
                let part = Part { first, inner, columns, add };
                let (source, target) = (a.transposed().from(first, row), c.from(row, 0));
                if across == 1 {
                    let right = panel::pack::<F, W, 1>(wide, &mut panel, source, inner, columns);
                    blocks::<F, W, 1>(wide, part, b.transposed(), right, target, sizes.columns);
                } else {
                    let right = panel::pack::<F, W, 2>(wide, &mut panel, source, inner, columns);
                    blocks::<F, W, 2>(wide, part, b.transposed(), right, target, sizes.columns);
                }
                row += columns;
            }
        }
    }
}

/// All `rows` of the transposed product, for the columns of `part`.
///
/// # Safety
/// As for [`gemm_transposed`].
#[inline(always)]
unsafe fn blocks<F: Real, W: Wide<F>, const C: usize>(
    wide: W,
    part: Part,
    a: Strided<F>,
    right: Right<F>,
    c: Target<F>,
    rows: usize,
) {
    let mut block = Block::<F>([const { MaybeUninit::uninit() }; BLOCK * MAX_COLUMNS]);
    let (elements, stride): (*mut F, usize) = (block.0.as_mut_ptr().cast(), C * W::LANES);
    for row in (0..rows).step_by(BLOCK) {
        let some = BLOCK.min(rows - row);
        // SAFETY: as the caller promises; a block holds `BLOCK` rows of `stride` elements.
        unsafe {
            let c = c.from(0, row);
            if part.add {
                transpose_blocked::<F, W, LINE>(wide, [part.columns, some], c.elements, c.stride, elements, stride);
            }
            tiles::<F, W, _, C>(wide, part, a.from(row, 0), right, Target { elements, stride }, some);
            transpose_blocked::<F, W, SIDE>(wide, [some, part.columns], elements, stride, c.elements, c.stride);
        }
    }
}
