//! Apache Parquet: tables of flat columns, by row group.
//!
//! A file is copied to a temporary one, since its index is at the end. Sizes are checked before anything is decoded
//! ([`pages`]): a forged one is an error, not an allocation.

mod cells;
mod compact;
mod decode;
mod footer;
mod pages;
mod positioned;

use super::{
    chunk::{CellRef, Chunk, Sink},
    error::ReadError,
    limits::{BLOCK_BYTES, MAX_RECORD_BYTES, TableLimits},
    names::check_names,
    options::{Dialect, ReadOptions},
    reader::{Reader, Reading},
    source::Source,
    spelling::Spelling,
    warning::DatasetWarning,
};
use cells::{Column, Kind};
use decode::{damaged, decode};
use pages::{CheckedPages, Pages};
use parquet::{
    column::reader::get_column_reader,
    file::{
        metadata::FileMetaData,
        reader::{FileReader, SerializedFileReader},
    },
};
use positioned::Positioned;
use rayon::prelude::*;
use serde_json::Value;
use std::fs::File;

/// Cells that are decoded at a time.
const MAX_BATCH_CELLS: usize = 1 << 17;
/// Maximum bytes of the pages of a row group that are in memory together, one per column.
const MAX_PAGES_BYTES: u64 = 1 << 29;
/// The first and the last bytes of a file.
const MAGIC: &[u8] = b"PAR1";

/// Apache Parquet.
pub(super) struct Parquet;

impl Reader for Parquet {
    fn name(&self) -> &'static str {
        "parquet"
    }

    fn description(&self) -> &'static str {
        "Apache Parquet with flat columns"
    }

    fn media_types(&self) -> &'static [&'static str] {
        &["application/vnd.apache.parquet", "application/parquet", "application/x-parquet"]
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["parquet", "pq"]
    }

    fn is_text(&self) -> bool {
        false
    }

    fn example(&self) -> Option<Value> {
        None
    }

    fn read(
        &self,
        source: Source<'_>,
        options: &ReadOptions,
        limits: &TableLimits,
        sink: &mut Sink<'_>,
    ) -> Result<Reading, ReadError> {
        options.check_untyped(self.name(), false)?;
        read(&source.into_file()?, limits, sink)
    }
}

/// What pandas wrote of its table.
fn pandas(metadata: &FileMetaData) -> Value {
    let entries = metadata.key_value_metadata().into_iter().flatten();
    let text = entries.filter(|entry| entry.key == "pandas").find_map(|entry| entry.value.as_deref());
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// The columns that are the index of a table of pandas.
fn labels(pandas: &Value) -> Vec<String> {
    // An index of numbers in order has no column: it is an object.
    let columns = pandas["index_columns"].as_array().into_iter().flatten();
    columns.filter_map(|column| column.as_str().map(str::to_owned)).collect()
}

/// Warnings about columns of durations of pandas, which a file has as integers.
fn durations(pandas: &Value, names: &[String]) -> Vec<DatasetWarning> {
    let columns = pandas["columns"].as_array().into_iter().flatten();
    let warning = |column: &Value| {
        let name = column["field_name"].as_str().or_else(|| column["name"].as_str())?;
        let unit = column["numpy_type"].as_str()?.strip_prefix("timedelta64[")?.strip_suffix(']')?;
        let is_known = names.iter().any(|known| known == name);
        is_known.then(|| DatasetWarning {
            code: "durations".to_owned(),
            column: Some(name.to_owned()),
            lines: Vec::new(),
            examples: Vec::new(),
            count: 1,
            detail: format!("the column has durations of pandas, and is read as numbers of the unit `{unit}`"),
        })
    };
    columns.filter_map(warning).collect()
}

/// Reads the table.
fn read(file: &File, limits: &TableLimits, sink: &mut Sink<'_>) -> Result<Reading, ReadError> {
    pages::check_ends(file, MAGIC)?;
    footer::check(file)?;
    let reader = decode("footer", || SerializedFileReader::new(Positioned::new(file)?))?;
    let metadata = reader.metadata();
    let schema = metadata.file_metadata().schema_descr_ptr();
    if schema.num_columns() > limits.columns {
        let (max, received) = (limits.columns, schema.num_columns());
        return Err(ReadError::Invalid(format!("expected at most {max} columns, received {received}")));
    }
    let kinds = schema.columns().iter().map(|column| Kind::of(column)).collect::<Result<Vec<_>, _>>()?;
    let names: Vec<String> = schema.columns().iter().map(|column| column.name().to_owned()).collect();
    check_names(&names, "schema")?;
    let groups = metadata.row_groups();
    let rows = groups.iter().try_fold(0u64, |sum, group| sum.checked_add(u64::try_from(group.num_rows()).ok()?));
    let rows = rows.ok_or_else(|| damaged("footer"))?;
    if rows > limits.rows {
        return Err(ReadError::Invalid(format!("expected at most {} rows, received {rows}", limits.rows)));
    }

    let pandas = pandas(metadata.file_metadata());
    let (labels, warnings) = (labels(&pandas), durations(&pandas, &names));
    let mut pages = Pages::new(file)?;
    let mut rows_before = 0;
    for (index, group) in groups.iter().enumerate() {
        let group_rows = group.num_rows() as u64;
        if group.columns().len() != names.len() {
            return Err(damaged("footer"));
        }
        let mut together = 0u64;
        for (chunk, name) in group.columns().iter().zip(&names) {
            let place = format!("row group {index}, column {name:?}");
            let bytes = pages.check(chunk, group_rows).map_err(|error| error.at(&place))?;
            together = together.saturating_add(bytes);
        }
        if together > MAX_PAGES_BYTES {
            return Err(ReadError::Invalid(format!(
                "row group {index}: expected pages of at most {MAX_PAGES_BYTES} bytes together, received {together}; \
                 write the file with smaller pages or row groups"
            )));
        }
        let group_reader = decode("footer", || reader.get_row_group(index))?;
        let mut columns = Vec::with_capacity(names.len());
        for (column, (kind, name)) in kinds.iter().zip(&names).enumerate() {
            let place = format!("row group {index}, column {name:?}");
            let descriptor = schema.column(column);
            let reader = decode(&place, || {
                let checked = CheckedPages::new(group_reader.get_column_page_reader(column)?, &descriptor);
                Ok(get_column_reader(descriptor, Box::new(checked)))
            })?;
            columns.push(Column::new(reader, *kind, place, limits.cell_bytes));
        }
        if !read_group(&mut columns, &names, group_rows, &mut rows_before, sink)? {
            break;
        }
    }
    Ok(Reading { names, dialect: Dialect::default(), labels, warnings })
}

/// Passes the rows of a group to the sink; whether it wants more.
fn read_group(
    columns: &mut [Column],
    names: &[String],
    rows: u64,
    rows_before: &mut u64,
    sink: &mut Sink<'_>,
) -> Result<bool, ReadError> {
    let batch = (MAX_BATCH_CELLS / columns.len().max(1)).clamp(1, 8192) as u64;
    let mut left = rows;
    let (mut text, mut places) = (String::new(), Vec::new());
    let mut cells: Vec<Vec<CellRef>> = vec![Vec::new(); columns.len()];
    let mut bytes = Vec::new();
    while left > 0 {
        let count = left.min(batch) as usize;
        left -= count as u64;
        bytes.clear();
        bytes.resize(count, 0usize);
        let before = *rows_before;
        let decoded: Vec<Result<(), ReadError>> =
            columns.par_iter_mut().map(|column| column.decode(count, before)).collect();
        decoded.into_iter().collect::<Result<(), ReadError>>()?;
        columns.iter().for_each(|column| column.add_text_bytes(&mut bytes));
        let mut row = 0;
        while row < count {
            // as many rows as have text for one block
            let mut end = row;
            let mut sum = 0usize;
            while end < count && (end == row || sum + bytes[end] <= BLOCK_BYTES) {
                sum = sum.saturating_add(bytes[end]);
                end += 1;
            }
            if sum > MAX_RECORD_BYTES {
                return Err(ReadError::Invalid(format!(
                    "row {}: expected at most {MAX_RECORD_BYTES} bytes, received {sum}",
                    *rows_before + 1
                )));
            }
            text.clear();
            cells.iter_mut().for_each(Vec::clear);
            let numbers = columns.par_iter_mut().zip(&mut cells).filter(|(column, _)| !column.has_text());
            numbers.try_for_each(|(column, cells)| column.cells(row..end, &mut String::new(), cells))?;
            for (column, cells) in columns.iter_mut().zip(&mut cells).filter(|(column, _)| column.has_text()) {
                column.cells(row..end, &mut text, cells)?;
            }
            let chunk_rows = end - row;
            places.clear();
            places.extend(*rows_before + 1..=*rows_before + chunk_rows as u64);
            let chunk = Chunk {
                text: &text,
                columns: &cells,
                rows: chunk_rows,
                rows_before: *rows_before,
                places: &places,
                unit: "row",
                spelling: &Spelling::USUAL,
                names,
                quote: '"',
            };
            if sink(&chunk)?.is_break() {
                return Ok(false);
            }
            *rows_before += chunk_rows as u64;
            row = end;
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests;
