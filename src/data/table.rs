//! A table in memory, by column.

/// Selected columns of a dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// In the requested order.
    pub columns: Vec<TableColumn>,
    /// Rows of every column.
    pub rows: usize,
}

/// One column's cells.
#[derive(Debug, Clone, PartialEq)]
pub struct TableColumn {
    /// Its name.
    pub name: String,
    /// Its cells.
    pub cells: Cells,
}

/// Cells of one type.
#[derive(Debug, Clone, PartialEq)]
pub enum Cells {
    /// NaN where missing; finite elsewhere.
    Number(Vec<f64>),
    /// Seconds since 1970 in UTC; NaN where missing.
    Datetime(Vec<f64>),
    /// Index into `levels`; [`MISSING`] where missing.
    Category {
        /// A cell's level.
        codes: Vec<u32>,
        /// The levels, in label order.
        levels: Vec<String>,
    },
    /// `None` where missing.
    Boolean(Vec<Option<bool>>),
}

/// The code of a category cell without a value.
pub const MISSING: u32 = u32::MAX;
