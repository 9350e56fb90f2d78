//! Consecutive rows of a file, cut into cells by column.

use super::{
    cell::{self, Cell},
    error::ReadError,
    numeric::Numeric,
    spelling::Spelling,
};
use std::{borrow::Cow, ops::ControlFlow};

/// A cell: a value, or the range of its text in the chunk.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CellRef {
    /// No value: JSON's null, or a key that a record does not have.
    Missing,
    /// Text whose meaning follows from its spelling (CSV).
    Written(u32, u32),
    /// Like `Written`, in quotes.
    Quoted(u32, u32),
    /// Like `Quoted`, with doubled quotes in it.
    Escaped(u32, u32),
    /// Text that is always text (a JSON string).
    Text(u32, u32),
    /// A number.
    Number(f64),
    /// An integer, past the integers that are exact in `f64`.
    Integer(i64),
    /// An integer past the largest [`i64`].
    Unsigned(u64),
    /// A boolean.
    Boolean(bool),
}

impl CellRef {
    /// Whether it has neither a value nor text.
    pub(super) fn is_empty(self) -> bool {
        match self {
            Self::Missing => true,
            Self::Written(start, end)
            | Self::Quoted(start, end)
            | Self::Escaped(start, end)
            | Self::Text(start, end) => start == end,
            Self::Number(_) | Self::Integer(_) | Self::Unsigned(_) | Self::Boolean(_) => false,
        }
    }
}

/// Consecutive rows. Readers pass one chunk after the other, so that a file of any length takes the memory of one chunk.
#[derive(Debug)]
pub struct Chunk<'a> {
    /// The text that the cells refer to.
    pub text: &'a str,
    /// At most as many cells in each as there are rows; those that are not there are missing.
    pub columns: &'a [Vec<CellRef>],
    /// Rows.
    pub rows: usize,
    /// Rows of the file before this chunk.
    pub rows_before: u64,
    /// The place of each row in the file, counted from 1.
    pub places: &'a [u64],
    /// The unit of `places`: `line` or `record`.
    pub unit: &'static str,
    /// How the text spells numbers and missing values.
    pub spelling: &'a Spelling,
    /// The names of the columns.
    pub names: &'a [String],
    /// What is doubled in [`CellRef::Escaped`].
    pub quote: char,
}

/// Takes chunks until it breaks or fails.
pub type Sink<'a> = dyn FnMut(&Chunk<'_>) -> Result<ControlFlow<()>, ReadError> + 'a;

impl Chunk<'_> {
    /// The cell that `cell` refers to.
    #[inline]
    pub(super) fn cell(&self, cell: CellRef) -> Cell<'_> {
        let written =
            |start, end, quoted| Cell::Written { text: Cow::Borrowed(cell::trim(self.text(start, end))), quoted };
        match cell {
            CellRef::Missing => Cell::Missing,
            CellRef::Written(start, end) => written(start, end, false),
            CellRef::Quoted(start, end) => written(start, end, true),
            CellRef::Escaped(start, end) => {
                let quote = self.quote.to_string();
                let text = cell::trim(self.text(start, end)).replace(&quote.repeat(2), &quote);
                Cell::Written { text: Cow::Owned(text), quoted: true }
            }
            CellRef::Text(start, end) => Cell::Text(cell::trim(self.text(start, end))),
            CellRef::Number(value) => Cell::Number(Numeric::new(value)),
            CellRef::Integer(value) => Cell::Number(Numeric::of_integer(value.into())),
            CellRef::Unsigned(value) => Cell::Number(Numeric::of_integer(value.into())),
            CellRef::Boolean(value) => Cell::Boolean(value),
        }
    }

    /// The text of a cell.
    #[inline]
    pub(super) fn text(&self, start: u32, end: u32) -> &str {
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    /// `line 17` of a row of this chunk.
    pub(super) fn place(&self, row: usize) -> String {
        format!("{} {}", self.unit, self.number(row))
    }

    /// 17 of `line 17`.
    pub(super) fn number(&self, row: usize) -> u64 {
        self.places.get(row).copied().unwrap_or_default()
    }
}
