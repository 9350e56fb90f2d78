//! The operands of a product as pointers and strides, as tiles read them.

#![allow(unsafe_code, reason = "pointers into slices whose bounds were checked with their shapes")]

use super::{
    gathered::Gathered,
    matrix::{Matrix, MatrixMut},
};
use std::ops::Range;

/// The left operand of a product.
pub(super) trait LeftOperand<F>: Copy + Sync {
    /// Its elements as pointers.
    type Pointers<T: Copy>: Operand<T>;

    /// Rows and columns.
    fn shape(&self) -> [usize; 2];
    /// A range of its rows.
    ///
    /// # Panics
    /// If the range is out of bounds.
    fn rows(self, rows: Range<usize>) -> Self;
    /// Pointers to its elements. `T` must be `F`.
    fn pointers<T: Copy>(&self) -> Self::Pointers<T>;
}

/// A matrix whose element (row, column) is at `row(row).add(step(column))`.
pub(super) trait Operand<F>: Copy {
    /// Maximum rows of a tile: the pointers to their first elements are held in registers.
    const ROWS: usize;
    /// # Safety
    /// The row must exist.
    unsafe fn row(self, row: usize) -> *const F;
    /// # Safety
    /// The column must exist.
    unsafe fn step(self, column: usize) -> usize;
    /// The same matrix, where its rows and columns have constant strides.
    fn strided(self) -> Option<Strided<F>>;
}

/// A matrix with constant strides.
#[derive(Clone, Copy)]
pub(super) struct Strided<F> {
    pub elements: *const F,
    pub row_stride: usize,
    pub column_stride: usize,
}

impl<F: Copy> Strided<F> {
    #[inline(always)]
    pub fn transposed(self) -> Self {
        Self { elements: self.elements, row_stride: self.column_stride, column_stride: self.row_stride }
    }

    /// # Safety
    /// The element must exist.
    #[inline(always)]
    pub unsafe fn at(self, row: usize, column: usize) -> *const F {
        // SAFETY: see the caller.
        unsafe { self.elements.add(row * self.row_stride + column * self.column_stride) }
    }

    /// The submatrix that begins at an element.
    ///
    /// # Safety
    /// The element must exist.
    #[inline(always)]
    pub unsafe fn from(self, row: usize, column: usize) -> Self {
        // SAFETY: see the caller.
        Self { elements: unsafe { self.at(row, column) }, ..self }
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

/// A matrix whose rows and columns are at the offsets of two tables.
#[derive(Clone, Copy)]
pub(super) struct GatheredPointers<F> {
    elements: *const F,
    rows: *const u32,
    columns: *const u32,
}

impl<F: Copy> Operand<F> for GatheredPointers<F> {
    const ROWS: usize = 6;
    #[inline(always)]
    unsafe fn row(self, row: usize) -> *const F {
        // SAFETY: see the caller.
        unsafe { self.elements.add(*self.rows.add(row) as usize) }
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

/// A row-major result with a constant stride between rows.
#[derive(Clone, Copy)]
pub(super) struct Target<F> {
    pub elements: *mut F,
    pub stride: usize,
}

impl<F: Copy> Target<F> {
    /// The submatrix that begins at an element.
    ///
    /// # Safety
    /// The element must exist.
    #[inline(always)]
    pub unsafe fn from(self, row: usize, column: usize) -> Self {
        // SAFETY: see the caller.
        Self { elements: unsafe { self.elements.add(row * self.stride + column) }, ..self }
    }
}

impl<F: Copy + Sync> LeftOperand<F> for Matrix<'_, F> {
    type Pointers<T: Copy> = Strided<T>;

    fn shape(&self) -> [usize; 2] {
        [self.rows, self.columns]
    }

    fn rows(self, rows: Range<usize>) -> Self {
        assert!(rows.start < rows.end && rows.end <= self.rows, "rows of a matrix");
        Self { elements: &self.elements[rows.start * self.row_stride..], rows: rows.len(), ..self }
    }

    #[inline(always)]
    fn pointers<T: Copy>(&self) -> Strided<T> {
        Strided {
            elements: self.elements.as_ptr().cast(),
            row_stride: self.row_stride,
            column_stride: self.column_stride,
        }
    }
}

impl<F: Copy + Sync> LeftOperand<F> for Gathered<'_, F> {
    type Pointers<T: Copy> = GatheredPointers<T>;

    fn shape(&self) -> [usize; 2] {
        [self.rows.len(), self.columns.len()]
    }

    fn rows(self, rows: Range<usize>) -> Self {
        Self { rows: &self.rows[rows], ..self }
    }

    #[inline(always)]
    fn pointers<T: Copy>(&self) -> GatheredPointers<T> {
        GatheredPointers {
            elements: self.elements.as_ptr().cast(),
            rows: self.rows.as_ptr(),
            columns: self.columns.as_ptr(),
        }
    }
}

impl<F> MatrixMut<'_, F> {
    #[inline(always)]
    pub(super) fn target<T: Copy>(&mut self) -> Target<T> {
        Target { elements: self.elements.as_mut_ptr().cast(), stride: self.row_stride }
    }
}
