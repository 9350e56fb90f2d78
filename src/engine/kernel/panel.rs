//! Panels: parts of b packed into the order in which tiles read them.

#![allow(unsafe_code, reason = "strided reads and writes within bounds that are checked once")]

use super::{
    operand::Strided,
    tile::Right,
    wide::{SIDE, Wide},
};
use crate::engine::real::Real;
use std::mem::MaybeUninit;

/// Maximum columns of a tile: two registers of sixteen.
pub(super) const MAX_COLUMNS: usize = 32;
const INNER: usize = 256;

/// Memory for a part of b, aligned to a cache line so that no register's load touches two.
#[repr(align(64))]
pub(super) struct Panel<F>([MaybeUninit<F>; INNER * MAX_COLUMNS]);

impl<F> Panel<F> {
    /// Maximum rows: a panel of these stays in the L1 cache.
    pub const INNER: usize = INNER;

    #[inline(always)]
    pub fn new() -> Self {
        Self([const { MaybeUninit::uninit() }; INNER * MAX_COLUMNS])
    }
}

/// Packs `inner` rows of b, `C` registers wide; the elements to the right of its `columns` become zero.
///
/// # Safety
/// `source` must be readable, with at most [`Panel::INNER`] rows and as many columns as `C` registers hold.
#[inline(always)]
pub(super) unsafe fn pack<F: Real, W: Wide<F>, const C: usize>(
    wide: W,
    panel: &mut Panel<F>,
    source: Strided<F>,
    inner: usize,
    columns: usize,
) -> Right<F> {
    let stride = C * W::LANES;
    let elements: *mut F = panel.0.as_mut_ptr().cast();
    // SAFETY: as the caller promises.
    unsafe {
        if source.column_stride == 1 {
            let some = wide.first(columns - (C - 1) * W::LANES);
            for p in 0..inner {
                for j in 0..C {
                    let from = source.at(p, j * W::LANES);
                    let lanes =
                        if columns == stride || j + 1 < C { wide.load(from) } else { wide.load_some(from, some) };
                    wide.store(elements.add(p * stride + j * W::LANES), lanes);
                }
            }
        } else {
            pack_transposed(wide, elements, stride, source, inner, columns);
        }
    }
    Right { elements, stride, prefetch: 0 }
}

/// # Safety
/// As for [`pack`].
#[inline(always)]
unsafe fn pack_transposed<F: Real, W: Wide<F>>(
    wide: W,
    elements: *mut F,
    stride: usize,
    source: Strided<F>,
    inner: usize,
    columns: usize,
) {
    // SAFETY: as the caller promises.
    unsafe {
        if source.row_stride == 1 {
            transpose_blocked::<F, W, LINE>(
                wide,
                [columns, inner],
                source.elements,
                source.column_stride,
                elements,
                stride,
            );
        }
        for j in 0..stride {
            let written = if j < columns && source.row_stride == 1 { inner } else { 0 };
            for p in written..inner {
                *elements.add(p * stride + j) = if j < columns { *source.at(p, j) } else { F::ZERO };
            }
        }
    }
}

/// Elements of a cache line.
pub(super) const LINE: usize = 16;

/// Writes the transpose of a strided matrix in squares, `AT_ONCE` columns at a time: a cache line of columns where the
/// lines that are read should be used up first, one square where the lines that are written should.
///
/// # Safety
/// The matrix must be readable at `from`, and its transpose writable at `to`.
#[inline(always)]
pub(super) unsafe fn transpose_blocked<F: Real, W: Wide<F>, const AT_ONCE: usize>(
    wide: W,
    [rows, columns]: [usize; 2],
    from: *const F,
    from_stride: usize,
    to: *mut F,
    to_stride: usize,
) {
    let (whole_rows, whole_columns) = (rows / SIDE * SIDE, columns / SIDE * SIDE);
    // SAFETY: as the caller promises; squares are whole.
    unsafe {
        for first in (0..whole_columns).step_by(AT_ONCE) {
            for row in (0..whole_rows).step_by(SIDE) {
                for column in (first..whole_columns.min(first + AT_ONCE)).step_by(SIDE) {
                    let square = from.add(row * from_stride + column);
                    wide.transpose(square, from_stride, to.add(column * to_stride + row), to_stride);
                }
            }
        }
        for row in 0..rows {
            let begin = if row < whole_rows { whole_columns } else { 0 };
            for column in begin..columns {
                *to.add(column * to_stride + row) = *from.add(row * from_stride + column);
            }
        }
    }
}
