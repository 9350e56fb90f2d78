//! Matrices seen in memory that belongs to somebody else.

use std::ops::Range;

/// A matrix to read: row-major, a part of a wider one, or the transpose of such.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a, F> {
    pub(super) cells: &'a [F],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_stride: usize,
    pub(super) column_stride: usize,
}

impl<'a, F> Matrix<'a, F> {
    /// All of `cells`, row-major.
    pub fn new(cells: &'a [F], columns: usize) -> Self {
        Self { cells, rows: cells.len() / columns, columns, row_stride: columns, column_stride: 1 }
    }

    /// `rows` rows of `columns` cells, of which each begins `row_stride` cells after the one before. They may overlap.
    ///
    /// # Panics
    /// Where a row ends beyond `cells`.
    pub fn strided(cells: &'a [F], rows: usize, columns: usize, row_stride: usize) -> Self {
        assert!(within(cells.len(), rows, columns, row_stride), "rows of a matrix beyond its cells");
        Self { cells, rows, columns, row_stride, column_stride: 1 }
    }

    /// The transpose, without a copy.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self {
            cells: self.cells,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }

    /// Some of its columns.
    ///
    /// # Panics
    /// Where there are not so many.
    #[must_use]
    pub fn columns(self, columns: Range<usize>) -> Self {
        assert!(columns.start < columns.end && columns.end <= self.columns, "columns of a matrix");
        Self { cells: &self.cells[columns.start * self.column_stride..], columns: columns.len(), ..self }
    }

    /// What it was made of.
    pub fn cells(&self) -> &'a [F] {
        self.cells
    }
}

/// A matrix to write: row-major, or a part of a wider one.
#[derive(Debug)]
pub struct MatrixMut<'a, F> {
    pub(super) cells: &'a mut [F],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_stride: usize,
}

impl<'a, F> MatrixMut<'a, F> {
    /// All of `cells`, row-major.
    pub fn new(cells: &'a mut [F], columns: usize) -> Self {
        Self { rows: cells.len() / columns, columns, row_stride: columns, cells }
    }

    /// `rows` rows of `columns` cells, of which each begins `row_stride` cells after the one before.
    ///
    /// # Panics
    /// Where a row ends beyond `cells`, or where rows overlap.
    pub fn strided(cells: &'a mut [F], rows: usize, columns: usize, row_stride: usize) -> Self {
        assert!(within(cells.len(), rows, columns, row_stride), "rows of a matrix beyond its cells");
        assert!(rows <= 1 || row_stride >= columns, "rows of a matrix that is written must not overlap");
        Self { cells, rows, columns, row_stride }
    }
}

/// Whether such rows lie within so many cells.
fn within(cells: usize, rows: usize, columns: usize, row_stride: usize) -> bool {
    let end = rows.saturating_sub(1).checked_mul(row_stride).and_then(|last| last.checked_add(columns));
    rows == 0 || columns == 0 || end.is_some_and(|end| end <= cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_lie_within_their_cells() {
        for (fits, cells, rows, columns, stride) in [
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
            assert_eq!(within(cells, rows, columns, stride), fits, "{cells} {rows} {columns} {stride}");
        }
    }

    #[test]
    #[should_panic(expected = "must not overlap")]
    fn rows_that_are_written_lie_apart() {
        MatrixMut::strided(&mut [0.0; 12], 3, 4, 3);
    }
}
