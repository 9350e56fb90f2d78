//! Panels: parts of b copied into the order in which tiles read them.

#![allow(unsafe_code, reason = "strided reads and writes within bounds that are checked once")]

use super::{
    operand::Strided,
    tile::Right,
    wide::{SIDE, Wide},
};
use crate::engine::real::Real;
use std::mem::MaybeUninit;

/// Most columns of a tile: two registers of sixteen.
const MOST_COLUMNS: usize = 32;
const INNER: usize = 256;

/// Room for a part of b, at the beginning of a cache line so that no register's load touches two.
#[repr(align(64))]
pub(super) struct Panel<F>([MaybeUninit<F>; INNER * MOST_COLUMNS]);

impl<F> Panel<F> {
    /// Most rows: what then stays in the first-level cache.
    pub const INNER: usize = INNER;

    #[inline(always)]
    pub fn new() -> Self {
        Self([const { MaybeUninit::uninit() }; INNER * MOST_COLUMNS])
    }
}

/// Copies `inner` rows of b into order, `C` registers wide; the cells to the right of its `columns` become zero.
///
/// # Safety
/// `source` must be there, with at most [`Panel::INNER`] rows and as many columns as `C` registers hold.
#[inline(always)]
pub(super) unsafe fn fill<F: Real, W: Wide<F>, const C: usize>(
    wide: W,
    panel: &mut Panel<F>,
    source: Strided<F>,
    inner: usize,
    columns: usize,
) -> Right<F> {
    let stride = C * W::LANES;
    let cells: *mut F = panel.0.as_mut_ptr().cast();
    // SAFETY: as the caller promises.
    unsafe {
        if source.column_stride == 1 {
            let some = wide.first(columns - (C - 1) * W::LANES);
            for p in 0..inner {
                for j in 0..C {
                    let from = source.at(p, j * W::LANES);
                    let lanes =
                        if columns == stride || j + 1 < C { wide.load(from) } else { wide.load_some(from, some) };
                    wide.store(cells.add(p * stride + j * W::LANES), lanes);
                }
            }
        } else {
            transpose(wide, cells, stride, source, inner, columns);
        }
    }
    Right { cells, stride, ahead: 0 }
}

/// Cells of a cache line: so many rows of a panel are written while columns of b are read along whole lines.
const LINE: usize = 16;

/// # Safety
/// As for [`fill`].
#[inline(always)]
unsafe fn transpose<F: Real, W: Wide<F>>(
    wide: W,
    cells: *mut F,
    stride: usize,
    source: Strided<F>,
    inner: usize,
    columns: usize,
) {
    let (whole_inner, whole_columns) = match source.row_stride {
        1 => (inner / SIDE * SIDE, columns / SIDE * SIDE),
        _ => (0, 0),
    };
    // SAFETY: as the caller promises; squares are whole.
    unsafe {
        for line in (0..whole_inner).step_by(LINE) {
            for j in (0..whole_columns).step_by(SIDE) {
                for p in (line..whole_inner.min(line + LINE)).step_by(SIDE) {
                    wide.transpose(source.at(p, j), source.column_stride, cells.add(p * stride + j), stride);
                }
            }
        }
        for j in 0..stride {
            let begin = if j < whole_columns { whole_inner } else { 0 };
            for p in begin..inner {
                *cells.add(p * stride + j) = if j < columns { *source.at(p, j) } else { F::ZERO };
            }
        }
    }
}
