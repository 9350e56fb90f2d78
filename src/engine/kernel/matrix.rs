//! Matrix views of borrowed memory.

use std::ops::Range;

/// A matrix to read: row-major with any row stride, or transposed.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a, F> {
    pub(super) elements: &'a [F],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_stride: usize,
    pub(super) column_stride: usize,
}

impl<'a, F> Matrix<'a, F> {
    /// All of `elements`, row-major.
    pub fn new(elements: &'a [F], columns: usize) -> Self {
        Self { elements, rows: elements.len() / columns, columns, row_stride: columns, column_stride: 1 }
    }

    /// `rows` rows of `columns` elements, `row_stride` elements apart. They may overlap.
    ///
    /// # Panics
    /// If a row is out of bounds.
    pub fn strided(elements: &'a [F], rows: usize, columns: usize, row_stride: usize) -> Self {
        assert!(within(elements.len(), rows, columns, row_stride), "rows of a matrix out of bounds");
        Self { elements, rows, columns, row_stride, column_stride: 1 }
    }

    /// The transpose, without a copy.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self {
            elements: self.elements,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }

    /// A range of its columns.
    ///
    /// # Panics
    /// If the range is out of bounds.
    #[must_use]
    pub fn columns(self, columns: Range<usize>) -> Self {
        assert!(columns.start < columns.end && columns.end <= self.columns, "columns of a matrix");
        Self { elements: &self.elements[columns.start * self.column_stride..], columns: columns.len(), ..self }
    }

    /// The slice that it views.
    pub fn elements(&self) -> &'a [F] {
        self.elements
    }
}

/// A matrix to write: row-major with any row stride.
#[derive(Debug)]
pub struct MatrixMut<'a, F> {
    pub(super) elements: &'a mut [F],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_stride: usize,
}

impl<'a, F> MatrixMut<'a, F> {
    /// All of `elements`, row-major.
    pub fn new(elements: &'a mut [F], columns: usize) -> Self {
        Self { rows: elements.len() / columns, columns, row_stride: columns, elements }
    }

    /// `rows` rows of `columns` elements, `row_stride` elements apart.
    ///
    /// # Panics
    /// If a row is out of bounds, or if rows overlap.
    pub fn strided(elements: &'a mut [F], rows: usize, columns: usize, row_stride: usize) -> Self {
        assert!(within(elements.len(), rows, columns, row_stride), "rows of a matrix out of bounds");
        assert!(rows <= 1 || row_stride >= columns, "rows of a matrix that is written must not overlap");
        Self { elements, rows, columns, row_stride }
    }
}

/// Whether rows of this stride lie within `elements` elements.
fn within(elements: usize, rows: usize, columns: usize, row_stride: usize) -> bool {
    let end = rows.saturating_sub(1).checked_mul(row_stride).and_then(|last| last.checked_add(columns));
    rows == 0 || columns == 0 || end.is_some_and(|end| end <= elements)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_lie_within_their_cells() {
        for (fits, elements, rows, columns, stride) in [
            (true, 12, 3, 4, 4),
            (true, 11, 3, 3, 4),
            (false, 11, 3, 4, 4),
            (true, 6, 3, 4, 1),
            (false, 6, 4, 4, 1),
            (true, 0, 0, 9, 9),
            (true, 0, 9, 0, 9),
            (false, 9, usize::MAX, 2, 9),
            (false, 9, 2, usize::MAX, 9),
        ] {
            assert_eq!(within(elements, rows, columns, stride), fits, "{elements} {rows} {columns} {stride}");
        }
    }

    #[test]
    #[should_panic(expected = "must not overlap")]
    fn rows_that_are_written_lie_apart() {
        MatrixMut::strided(&mut [0.0; 12], 3, 4, 3);
    }
}
