//! Products of few rows with a matrix that lies in columns, as those of a layer's gradient back with its kernel.
//!
//! Bringing that matrix into order would take a third of the time. The transposes are multiplied in the other order instead, where
//! it is read as it lies, and what comes out is turned while it is in the first-level cache.

#![allow(unsafe_code, reason = "strided reads and writes within bounds that are checked once")]

use super::{
    multiply::Sizes,
    operand::{Strided, Target},
    panel::{self, LINE, MOST_COLUMNS, Panel, turn},
    tile::{Part, Right, tiles},
    wide::{SIDE, Wide},
};
use crate::engine::real::Real;
use std::mem::MaybeUninit;

/// Rows of the transposed product that are made before they are turned.
const BLOCK: usize = 48;
/// Fewer rows would leave most of a register empty.
const LEAST_ROWS: usize = 8;

/// Rows that were made and not yet turned.
#[repr(align(64))]
struct Block<F>([MaybeUninit<F>; BLOCK * MOST_COLUMNS]);

/// Whether [`turned`] moves fewer cells than bringing b into order would.
pub(super) fn pays<F>(sizes: Sizes, b: Strided<F>, most_rows: usize) -> bool {
    let Sizes { rows, inner, columns } = sizes;
    let times_turned = 2 * inner.div_ceil(Panel::<F>::INNER) - 1;
    b.row_stride == 1
        && b.column_stride != 1
        && (LEAST_ROWS..=most_rows).contains(&rows)
        && inner * columns > rows * (inner + columns * times_turned)
}

/// As [`super::multiply::multiply`], to the same bits: the cells of the transposed product are the same sums.
///
/// # Safety
/// The operands and the target must have these sizes.
#[inline(always)]
pub(super) unsafe fn turned<F: Real, W: Wide<F>>(
    wide: W,
    sizes: Sizes,
    a: Strided<F>,
    b: Strided<F>,
    c: Target<F>,
    accumulate: bool,
) {
    let mut panel = Panel::new();
    let depth = sizes.inner.div_ceil(sizes.inner.div_ceil(Panel::<F>::INNER));
    for first in (0..sizes.inner).step_by(depth) {
        let inner = depth.min(sizes.inner - first);
        let add = accumulate || first > 0;
        let mut row = 0;
        // SAFETY: every row, inner cell and column that is touched is below those of the sizes, and a panel holds `inner`
        // rows of `columns` cells.
        unsafe {
            while row < sizes.rows {
                let across = if sizes.rows - row > W::LANES { 2 } else { 1 };
                let columns = (sizes.rows - row).min(across * W::LANES);
                let part = Part { first, inner, columns, add };
                let (source, target) = (a.transposed().from(first, row), c.from(row, 0));
                if across == 1 {
                    let right = panel::fill::<F, W, 1>(wide, &mut panel, source, inner, columns);
                    blocks::<F, W, 1>(wide, part, b.transposed(), right, target, sizes.columns);
                } else {
                    let right = panel::fill::<F, W, 2>(wide, &mut panel, source, inner, columns);
                    blocks::<F, W, 2>(wide, part, b.transposed(), right, target, sizes.columns);
                }
                row += columns;
            }
        }
    }
}

/// All `rows` of the transposed product, for some of its columns.
///
/// # Safety
/// As for [`turned`].
#[inline(always)]
unsafe fn blocks<F: Real, W: Wide<F>, const C: usize>(
    wide: W,
    part: Part,
    a: Strided<F>,
    right: Right<F>,
    c: Target<F>,
    rows: usize,
) {
    let mut block = Block::<F>([const { MaybeUninit::uninit() }; BLOCK * MOST_COLUMNS]);
    let (cells, stride): (*mut F, usize) = (block.0.as_mut_ptr().cast(), C * W::LANES);
    for row in (0..rows).step_by(BLOCK) {
        let some = BLOCK.min(rows - row);
        // SAFETY: as the caller promises; a block has room for `BLOCK` rows of `stride` cells.
        unsafe {
            let c = c.from(0, row);
            if part.add {
                turn::<F, W, LINE>(wide, [part.columns, some], c.cells, c.stride, cells, stride);
            }
            tiles::<F, W, _, C>(wide, part, a.from(row, 0), right, Target { cells, stride }, some);
            turn::<F, W, SIDE>(wide, [some, part.columns], cells, stride, c.cells, c.stride);
        }
    }
}
