//! [`TableView`].

use crate::data::schema::Column;

/// A dataset as the resolver sees it.
#[derive(Debug, Clone, Copy)]
pub struct TableView<'a> {
    /// The dataset's name.
    pub name: &'a str,
    /// Number of rows.
    pub rows: u64,
    /// Its columns.
    pub columns: &'a [Column],
}
