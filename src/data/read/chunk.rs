//! Some rows of a file, cut into cells and held by column.

use super::{ReadError, cell::Cell};
use std::{borrow::Cow, ops::ControlFlow};

/// Where a cell stands in the chunk's text, or what it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum CellRef {
    /// See [`Cell::Missing`].
    Missing,
    /// See [`Cell::Written`].
    Written(u32, u32),
    /// [`Cell::Written`] with doubled quotes in it.
    Escaped(u32, u32),
    /// See [`Cell::Text`].
    Text(u32, u32),
    /// See [`Cell::Number`].
    Number(f64),
    /// See [`Cell::Boolean`].
    Boolean(bool),
}

/// Rows that follow each other. Readers hand on one after the other, so that a file of any length takes the memory of one.
#[derive(Debug)]
pub(super) struct Chunk<'a> {
    /// What the cells refer to.
    pub text: &'a str,
    /// As many cells in each as there are rows.
    pub columns: &'a [Vec<CellRef>],
    /// Rows.
    pub rows: usize,
    /// Rows of the file before these.
    pub rows_before: u64,
    /// Where each row stands in the file, as people count it.
    pub places: &'a [u64],
    /// What `places` counts: `line` or `record`.
    pub unit: &'static str,
}

/// Takes chunks until it breaks or fails.
pub(super) type Sink<'a> = dyn FnMut(&Chunk<'_>) -> Result<ControlFlow<()>, ReadError> + 'a;

impl Chunk<'_> {
    /// The cell that `cell` refers to.
    #[inline]
    pub fn cell(&self, cell: CellRef) -> Cell<'_> {
        match cell {
            CellRef::Missing => Cell::Missing,
            CellRef::Written(start, end) => Cell::Written(Cow::Borrowed(self.text(start, end))),
            CellRef::Escaped(start, end) => Cell::Written(Cow::Owned(self.text(start, end).replace("\"\"", "\""))),
            CellRef::Text(start, end) => Cell::Text(self.text(start, end)),
            CellRef::Number(value) => Cell::Number(value),
            CellRef::Boolean(value) => Cell::Boolean(value),
        }
    }

    #[inline]
    fn text(&self, start: u32, end: u32) -> &str {
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    /// `line 17` of a row of this chunk.
    pub fn place(&self, row: usize) -> String {
        format!("{} {}", self.unit, self.places.get(row).copied().unwrap_or_default())
    }
}
