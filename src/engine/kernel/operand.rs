//! Where the cells of operands are: what tiles see of them.

#![allow(unsafe_code, reason = "pointers into slices whose bounds were checked with their shapes")]

use super::{
    gathered::Gathered,
    matrix::{Matrix, MatrixMut},
};
use std::ops::Range;

/// What a product takes on its left.
pub(super) trait Left<F>: Copy + Sync {
    /// Its form for tiles.
    type Places<T: Copy>: Operand<T>;

    /// Rows and columns.
    fn shape(&self) -> [usize; 2];
    /// Some of its rows.
    ///
    /// # Panics
    /// Where there are not so many.
    fn rows(self, rows: Range<usize>) -> Self;
    /// Where its cells are. `T` must be `F`.
    fn places<T: Copy>(&self) -> Self::Places<T>;
}

/// Cells of rows and columns: the cell (row, column) lies `step(column)` cells beyond `row(row)`.
pub(super) trait Operand<F>: Copy {
    /// Most rows of a tile: as many as there are registers to hold where they begin.
    const ROWS: usize;
    /// # Safety
    /// The row must be there.
    unsafe fn row(self, row: usize) -> *const F;
    /// # Safety
    /// The column must be there.
    unsafe fn step(self, column: usize) -> usize;
    /// The same cells, where rows and columns follow each other at equal distances.
    fn strided(self) -> Option<Strided<F>>;
}

/// Rows at equal distances, and columns at equal distances.
#[derive(Clone, Copy)]
pub(super) struct Strided<F> {
    pub cells: *const F,
    pub row_stride: usize,
    pub column_stride: usize,
}

impl<F: Copy> Strided<F> {
    #[inline(always)]
    pub fn transposed(self) -> Self {
        Self { cells: self.cells, row_stride: self.column_stride, column_stride: self.row_stride }
    }

    /// # Safety
    /// The cell must be there.
    #[inline(always)]
    pub unsafe fn at(self, row: usize, column: usize) -> *const F {
        // SAFETY: see the caller.
        unsafe { self.cells.add(row * self.row_stride + column * self.column_stride) }
    }

    /// What begins at a cell.
    ///
    /// # Safety
    /// The cell must be there.
    #[inline(always)]
    pub unsafe fn from(self, row: usize, column: usize) -> Self {
        // SAFETY: see the caller.
        Self { cells: unsafe { self.at(row, column) }, ..self }
    }
}

impl<F: Copy> Operand<F> for Strided<F> {
    const ROWS: usize = usize::MAX;
    #[inline(always)]
    unsafe fn row(self, row: usize) -> *const F {
        // SAFETY: see the caller.
        unsafe { self.at(row, 0) }
    }
    #[inline(always)]
    unsafe fn step(self, column: usize) -> usize {
        column * self.column_stride
    }
    #[inline(always)]
    fn strided(self) -> Option<Self> {
        Some(self)
    }
}

/// Rows and columns wherever two tables say.
#[derive(Clone, Copy)]
pub(super) struct Tabled<F> {
    cells: *const F,
    rows: *const u32,
    columns: *const u32,
}

impl<F: Copy> Operand<F> for Tabled<F> {
    const ROWS: usize = 6;
    #[inline(always)]
    unsafe fn row(self, row: usize) -> *const F {
        // SAFETY: see the caller.
        unsafe { self.cells.add(*self.rows.add(row) as usize) }
    }
    #[inline(always)]
    unsafe fn step(self, column: usize) -> usize {
        // SAFETY: see the caller.
        unsafe { *self.columns.add(column) as usize }
    }
    #[inline(always)]
    fn strided(self) -> Option<Strided<F>> {
        None
    }
}

/// Where a result goes: rows at equal distances, whose cells follow each other.
#[derive(Clone, Copy)]
pub(super) struct Target<F> {
    pub cells: *mut F,
    pub stride: usize,
}

impl<F: Copy> Target<F> {
    /// What begins at a cell.
    ///
    /// # Safety
    /// The cell must be there.
    #[inline(always)]
    pub unsafe fn from(self, row: usize, column: usize) -> Self {
        // SAFETY: see the caller.
        Self { cells: unsafe { self.cells.add(row * self.stride + column) }, ..self }
    }
}

impl<F: Copy + Sync> Left<F> for Matrix<'_, F> {
    type Places<T: Copy> = Strided<T>;

    fn shape(&self) -> [usize; 2] {
        [self.rows, self.columns]
    }

    fn rows(self, rows: Range<usize>) -> Self {
        assert!(rows.start < rows.end && rows.end <= self.rows, "rows of a matrix");
        Self { cells: &self.cells[rows.start * self.row_stride..], rows: rows.len(), ..self }
    }

    #[inline(always)]
    fn places<T: Copy>(&self) -> Strided<T> {
        Strided { cells: self.cells.as_ptr().cast(), row_stride: self.row_stride, column_stride: self.column_stride }
    }
}

impl<F: Copy + Sync> Left<F> for Gathered<'_, F> {
    type Places<T: Copy> = Tabled<T>;

    fn shape(&self) -> [usize; 2] {
        [self.rows.len(), self.columns.len()]
    }

    fn rows(self, rows: Range<usize>) -> Self {
        Self { rows: &self.rows[rows], ..self }
    }

    #[inline(always)]
    fn places<T: Copy>(&self) -> Tabled<T> {
        Tabled { cells: self.cells.as_ptr().cast(), rows: self.rows.as_ptr(), columns: self.columns.as_ptr() }
    }
}

impl<F> MatrixMut<'_, F> {
    #[inline(always)]
    pub(super) fn target<T: Copy>(&mut self) -> Target<T> {
        Target { cells: self.cells.as_mut_ptr().cast(), stride: self.row_stride }
    }
}
