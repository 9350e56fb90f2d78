//! Readers: one file a format. A first pass infers and summarizes, a later one loads the columns that a job wants.
//!
//! A format cuts the file into chunks of cells held by column; what is done with the cells is the same for every format,
//! and is done column by column on all threads. What comes out does not depend on how many there are.

mod cell;
mod chunk;
mod csv;
mod distinct;
mod json;
mod load;
mod summary;

pub(crate) use cell::is_missing;
pub(crate) use summary::LISTED_INTEGERS;

use crate::data::{
    schema::{Column, Format},
    table::Table,
};
use chunk::Sink;
use distinct::Budget;
use load::Builder;
use rayon::prelude::*;
use std::{collections::HashSet, io::BufRead, ops::ControlFlow};
use summary::ColumnSummary;

/// Bytes of a file that are in memory at a time, where its records are not longer.
const BLOCK_BYTES: usize = 1 << 18;

/// Most bytes of one record.
const RECORD_BYTES: usize = 1 << 25;

/// How large a table may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableLimits {
    /// Most rows.
    pub rows: u64,
    /// Most columns.
    pub columns: usize,
    /// Most bytes of one cell.
    pub cell_bytes: usize,
}

/// What the first pass found.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// Rows without the header.
    pub rows: u64,
    /// Columns in the file's order.
    pub columns: Vec<Column>,
}

/// Why a file is no table.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum ReadError {
    /// The client's fault; the text says where (line, column) and what was expected.
    #[error("{0}")]
    Invalid(String),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Reads the whole file once, in constant memory.
pub fn inspect(source: &mut dyn BufRead, format: Format, limits: &TableLimits) -> Result<Inspection, ReadError> {
    let mut summaries: Vec<ColumnSummary> = Vec::new();
    let mut rows = 0;
    let names = read(source, format, limits, &mut |chunk| {
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

/// Reads the columns named in `wanted`, in that order; `columns` and `rows` are what [`inspect`] found: memory is taken once.
pub fn load(
    source: &mut dyn BufRead,
    format: Format,
    columns: &[Column],
    wanted: &[String],
    rows: u64,
) -> Result<Table, ReadError> {
    let expected = usize::try_from(rows).unwrap_or_default();
    let mut builders = wanted
        .iter()
        .map(|name| {
            let index = columns.iter().position(|column| column.name == *name);
            let found = index.and_then(|index| Some((index, columns.get(index)?)));
            let (index, column) = found.ok_or_else(|| ReadError::Invalid(format!("there is no column {name:?}")))?;
            Builder::new(index, column, expected)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut rows = 0;
    read(source, format, &UNLIMITED, &mut |chunk| {
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

/// The first `limit` rows as JSON records, for people to look at.
pub fn rows(
    source: &mut dyn BufRead,
    format: Format,
    columns: &[Column],
    limit: usize,
) -> Result<Vec<serde_json::Value>, ReadError> {
    let mut records = Vec::new();
    read(source, format, &UNLIMITED, &mut |chunk| {
        let wanted = chunk.rows.min(limit - records.len());
        records.extend((0..wanted).map(|row| load::record(chunk, row, columns)));
        Ok(if records.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    Ok(records)
}

/// For files that [`inspect`] has passed under the service's limits.
const UNLIMITED: TableLimits = TableLimits { rows: u64::MAX, columns: usize::MAX, cell_bytes: usize::MAX };

fn read(
    source: &mut dyn BufRead,
    format: Format,
    limits: &TableLimits,
    sink: &mut Sink<'_>,
) -> Result<Vec<String>, ReadError> {
    match format {
        Format::Csv => csv::read(source, limits, sink),
        Format::Json => json::read(source, limits, sink),
        Format::Ndjson => json::read_lines(source, limits, sink),
    }
}

/// Columns are addressed by name: every one needs its own.
fn check_names(names: &[String], place: &str) -> Result<(), ReadError> {
    if names.is_empty() {
        return Err(ReadError::Invalid("expected at least one column, received none".into()));
    }
    let mut seen = HashSet::new();
    for (index, name) in names.iter().enumerate() {
        let number = index + 1;
        if name.is_empty() {
            return Err(ReadError::Invalid(format!(
                "{place}, column {number}: expected a name, received an empty one"
            )));
        }
        if !seen.insert(name) {
            return Err(ReadError::Invalid(format!(
                "{place}, column {number}: expected a name of its own, received {name:?} again"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
