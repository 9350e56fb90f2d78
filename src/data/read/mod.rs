//! Readers: one file per format. A first pass infers column types and summarizes; a later one loads the columns of a job.
//!
//! A format cuts the file into chunks of cells by column ([`reader::Reader`]). Everything after that is the same for every
//! format and runs column by column on all threads. The result does not depend on the number of threads.

mod cell;
pub mod chunk;
mod csv;
mod distinct;
pub mod error;
mod json;
pub mod limits;
mod load;
mod names;
pub mod reader;
pub mod registry;
pub mod source;
mod summary;

pub(crate) use cell::is_missing;
pub use error::ReadError;
pub use limits::TableLimits;
pub use registry::Format;
pub use source::Source;
pub(crate) use summary::MAX_LISTED_INTEGERS;

use crate::data::{schema::Column, table::Table};
use distinct::Budget;
use load::Builder;
use rayon::prelude::*;
use std::{io::BufRead, ops::ControlFlow};
use summary::ColumnSummary;

/// What the first pass found.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// Rows without the header.
    pub rows: u64,
    /// Columns in the file's order.
    pub columns: Vec<Column>,
}

/// Reads the whole file once, in constant memory.
pub fn inspect(source: &mut dyn BufRead, format: Format, limits: &TableLimits) -> Result<Inspection, ReadError> {
    let mut summaries: Vec<ColumnSummary> = Vec::new();
    let mut rows = 0;
    let names = format.read(Source::new(source), limits, &mut |chunk| {
        // a JSON column may begin in any record
        summaries.resize_with(chunk.columns.len(), || ColumnSummary::after(chunk.rows_before));
        rows = chunk.rows_before + chunk.rows as u64;
        let budget = Budget::of(summaries.len());
        summaries.par_iter_mut().zip(chunk.columns).for_each(|(summary, cells)| summary.add(chunk, cells, &budget));
        Ok(ControlFlow::Continue(()))
    })?;
    if rows == 0 {
        return Err(ReadError::Invalid("expected at least one row, received none".into()));
    }
    let columns =
        summaries.into_iter().zip(names).map(|(summary, name)| summary.finish(name)).collect::<Result<_, _>>()?;
    Ok(Inspection { rows, columns })
}

/// Reads the columns named in `selected`, in that order; `columns` and `rows` are what [`inspect`] found, so that memory is
/// allocated once.
pub fn load(
    source: &mut dyn BufRead,
    format: Format,
    columns: &[Column],
    selected: &[String],
    rows: u64,
) -> Result<Table, ReadError> {
    let expected = usize::try_from(rows).unwrap_or_default();
    let mut builders = selected
        .iter()
        .map(|name| {
            let index = columns.iter().position(|column| column.name == *name);
            let found = index.and_then(|index| Some((index, columns.get(index)?)));
            let (index, column) = found.ok_or_else(|| ReadError::Invalid(format!("there is no column {name:?}")))?;
            Builder::new(index, column, expected)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut rows = 0;
    format.read(Source::new(source), &TableLimits::NONE, &mut |chunk| {
        rows += chunk.rows;
        builders.par_iter_mut().try_for_each(|builder| match chunk.columns.get(builder.index) {
            Some(cells) => builder.add(chunk, cells),
            // a JSON column that begins in a later record
            None => builder.add(chunk, &vec![chunk::CellRef::Missing; chunk.rows]),
        })?;
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(Table { columns: builders.into_iter().map(Builder::finish).collect(), rows })
}

/// The first `limit` rows as JSON records.
pub fn rows(
    source: &mut dyn BufRead,
    format: Format,
    columns: &[Column],
    limit: usize,
) -> Result<Vec<serde_json::Value>, ReadError> {
    let mut records = Vec::new();
    format.read(Source::new(source), &TableLimits::NONE, &mut |chunk| {
        let rows = chunk.rows.min(limit - records.len());
        records.extend((0..rows).map(|row| load::record(chunk, row, columns)));
        Ok(if records.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    Ok(records)
}

#[cfg(test)]
mod tests;
