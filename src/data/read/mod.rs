//! Readers: one file per format. A first pass infers column types and summarizes; a later one loads the columns of a job.
//!
//! A format cuts the file into chunks of cells by column ([`reader::Reader`]). Everything after that is the same for every
//! format and runs column by column on all threads. The result does not depend on the number of threads.

mod amount;
mod cell;
pub mod chunk;
mod codes;
pub mod columnar;
pub mod compression;
mod csv;
mod distinct;
mod distribution;
mod duplicates;
mod encoding;
pub mod error;
mod header_doubts;
mod json;
mod kind;
pub mod limits;
mod load;
mod names;
mod numeric;
pub mod options;
mod parquet;
pub mod reader;
pub mod registry;
pub mod source;
pub mod spelling;
mod stream;
mod summary;
mod text_kind;
pub mod warning;

pub(crate) use cell::{boolean_in, is_missing, is_past_integers, number_in, number_text, spells, trim};
pub use duplicates::MAX_COMPARED_ROWS;
pub use encoding::named as encoding_named;
pub use error::ReadError;
pub use limits::TableLimits;
pub use options::{Dialect, ReadOptions};
pub use registry::Format;
pub use source::Source;
pub(crate) use summary::{MAX_LISTED_INTEGERS, reads_text};
pub use warning::DatasetWarning;

use crate::{
    data::{
        date::DateForms,
        schema::{Column, ColumnType, GivenType},
        table::Table,
    },
    engine::{cancel::is_cancelled, field::did_you_mean_quoted},
};
use distinct::{Counting, keep_within_budget};
use duplicates::SeenRows;
use header_doubts::header_doubts;
use load::Builder;
use rayon::prelude::*;
use reader::Reading;
use spelling::Spelling;
use std::{io::BufRead, ops::ControlFlow};
use stream::read;
use summary::{ColumnSummary, TableFacts};

/// Result of the first pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// Rows without the header.
    pub rows: u64,
    /// Columns in the file's order.
    pub columns: Vec<Column>,
    /// How the file was read.
    pub dialect: Dialect,
    /// What was not taken at face value.
    pub warnings: Vec<DatasetWarning>,
}

/// Maximum values that the columns of a table list together.
const MAX_LISTED_VALUES: usize = 1 << 18;

/// Reads the whole file once, in constant memory.
pub fn inspect(
    source: &mut dyn BufRead,
    format: Format,
    options: &ReadOptions,
    limits: &TableLimits,
) -> Result<Inspection, ReadError> {
    let mut summaries: Vec<ColumnSummary> = Vec::new();
    let mut rows = 0;
    let forms = DateForms::new(options.types.values().filter_map(|given| given.format.as_ref()));
    let mut spelling = Spelling::USUAL;
    let Reading { names, dialect, labels, warnings: of_file } = read(source, format, options, limits, &mut |chunk| {
        // a JSON column may begin in any record
        summaries.extend((summaries.len()..chunk.columns.len()).map(|index| {
            let given = chunk.names.get(index).and_then(|name| options.types.get(name));
            ColumnSummary::after(chunk.rows_before, chunk.columns.len(), given.map(|given| given.kind))
        }));
        if rows == 0 {
            spelling = chunk.spelling.clone();
        }
        rows = chunk.rows_before + chunk.rows as u64;
        let counting = Counting::new(summaries.len(), chunk.spelling);
        summaries
            .par_iter_mut()
            .zip(chunk.columns)
            .for_each(|(summary, cells)| summary.add(chunk, cells, &counting, &forms));
        let mut counted: Vec<_> =
            summaries.iter_mut().map(|summary| (summary.is_numeric(), &mut summary.distinct)).collect();
        keep_within_budget(&mut counted, &counting);
        Ok(ControlFlow::Continue(()))
    })?;
    if rows == 0 {
        return Err(ReadError::Invalid("expected at least one row, received none".into()));
    }
    if let Some(name) = options.types.keys().find(|name| !names.contains(name)) {
        let hint = did_you_mean_quoted(name, names.iter().map(String::as_str));
        return Err(ReadError::Invalid(format!("types: expected columns of the file, received {name:?}{hint}")));
    }
    let columns_of_bare_numbers = summaries.iter().filter(|summary| summary.has_bare_numbers()).count();
    let mut columns = Vec::with_capacity(names.len());
    let mut warnings = of_file;
    let ignored = GivenType { kind: ColumnType::Ignored, order: Vec::new(), format: None };
    let finish = |(summary, name): (ColumnSummary, String)| {
        // Labels of rows are no features unless they are given a type.
        let given = options.types.get(&name).or_else(|| labels.contains(&name).then_some(&ignored));
        summary.finish(name, &TableFacts { columns_of_bare_numbers, rows, given, spelling: &spelling })
    };
    let finished: Vec<Result<(Column, Vec<DatasetWarning>), ReadError>> =
        summaries.into_par_iter().zip(names).map(finish).collect();
    for outcome in finished {
        let (column, about) = outcome?;
        columns.push(column);
        warnings.extend(about);
    }
    let are_labels = |column: &&mut Column| labels.contains(&column.name) && !options.types.contains_key(&column.name);
    for column in columns.iter_mut().filter(are_labels) {
        column.reason = Some("labels of the rows, as pandas and R write them".to_owned());
        warnings.push(row_labels(&column.name));
    }
    if options.header.is_none() && dialect.header == Some(true) {
        warnings.extend(header_doubts(&columns, &dialect, &spelling));
    }
    if let (true, Some(first)) = (options.strict, warnings.first()) {
        let column = first.column.as_ref().map_or_else(String::new, |column| format!("column {column:?}: "));
        return Err(ReadError::Invalid(format!("{column}{}", first.detail)));
    }
    list_within_budget(&mut columns);
    Ok(Inspection { rows, columns, dialect, warnings })
}

fn row_labels(name: &str) -> DatasetWarning {
    DatasetWarning {
        code: "row_labels".to_owned(),
        column: Some(name.to_owned()),
        lines: Vec::new(),
        examples: Vec::new(),
        count: 1,
        detail: format!(
            "{name:?} has labels of the rows, as pandas and R write them in front of a table; the column is ignored; give it a type by the \
             option `types` to use it"
        ),
    }
}

/// Whether people read this text as a number, and programs do not.
pub(crate) fn is_amount(text: &str) -> bool {
    number_in(text).is_none() && amount::unit(text, &Spelling::USUAL).is_some()
}

/// Keeps the listed values of wide tables within bounds: categories first, then the integer columns with fewest values and,
/// as the target often is there, those at either end.
fn list_within_budget(columns: &mut [Column]) {
    let last = columns.len().saturating_sub(1);
    let size = |column: &Column| column.values.as_ref().map_or(0, Vec::len);
    let mut order: Vec<usize> = (0..columns.len()).collect();
    order.sort_by_key(|&index| {
        let column = columns.get(index);
        let is_number = column.is_some_and(|column| column.kind == ColumnType::Number);
        (is_number && index != 0 && index != last, column.map_or(0, size), index)
    });
    let mut left = MAX_LISTED_VALUES;
    for index in order {
        let Some(column) = columns.get_mut(index) else { continue };
        match left.checked_sub(size(column)) {
            Some(rest) => left = rest,
            None if column.kind == ColumnType::Number => column.values = None,
            None => {}
        }
    }
}

/// Reads the columns named in `selected`, in that order; `dialect`, `columns` and `rows` are what [`inspect`] found, so that
/// memory is allocated once.
pub fn load(
    source: &mut dyn BufRead,
    format: Format,
    dialect: &Dialect,
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
    read(source, format, &dialect.options(), &TableLimits::NONE, &mut |chunk| {
        rows += chunk.rows;
        builders.par_iter_mut().try_for_each(|builder| match chunk.columns.get(builder.index) {
            Some(cells) => builder.add(chunk, cells),
            // a JSON column that begins in a later record
            None => builder.add(chunk, &[]),
        })?;
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(Table { columns: builders.into_iter().map(Builder::finish).collect(), rows })
}

/// Number of rows that are equal to an earlier one.
pub fn duplicate_rows(
    source: &mut dyn BufRead,
    format: Format,
    dialect: &Dialect,
    columns: &[Column],
) -> Result<u64, ReadError> {
    let mut seen = SeenRows::default();
    read(source, format, &dialect.options(), &TableLimits::NONE, &mut |chunk| {
        seen.add(chunk, columns);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(seen.duplicates)
}

/// Rows of a table, as records.
#[derive(Debug, Clone, Copy)]
pub struct RowRange {
    /// Rows before the first.
    pub first: u64,
    /// Maximum rows.
    pub limit: usize,
    /// Bytes after which no row follows.
    pub bytes: usize,
}

/// Records of `range`, at least one where the table has one there; ends early once cancelled.
pub fn rows(
    source: &mut dyn BufRead,
    format: Format,
    dialect: &Dialect,
    columns: &[Column],
    range: RowRange,
) -> Result<Vec<serde_json::Value>, ReadError> {
    let mut records = Vec::new();
    let mut bytes = 0;
    read(source, format, &dialect.options(), &TableLimits::NONE, &mut |chunk| {
        if is_cancelled() {
            return Ok(ControlFlow::Break(()));
        }
        let skipped = range.first.saturating_sub(chunk.rows_before);
        for row in usize::try_from(skipped).unwrap_or(usize::MAX)..chunk.rows {
            if records.len() >= range.limit || bytes >= range.bytes {
                return Ok(ControlFlow::Break(()));
            }
            let record = load::record(chunk, row, columns);
            bytes += load::bytes_of(&record);
            records.push(record);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(records)
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
