//! Rows made of records.

use crate::data::read::{
    chunk::{CellRef, Chunk, Sink},
    error::ReadError,
    limits::{BLOCK_BYTES, MAX_RECORD_BYTES, TableLimits},
    names::check_names,
    options::Dialect,
    reader::Reading,
    spelling::Spelling,
    warning::DatasetWarning,
};
use std::collections::HashMap;

/// Maximum cells of a chunk.
const MAX_CHUNK_CELLS: usize = 1 << 16;

/// Maximum bytes of a file in which columns follow each other, as it is in memory.
const MAX_HELD_BYTES: usize = 1 << 28;

/// Rows that were read and not yet passed to the sink.
pub(super) struct Table<'a, 's> {
    pub limits: &'a TableLimits,
    sink: &'a mut Sink<'s>,
    unit: &'static str,
    pub names: Vec<String>,
    by_name: HashMap<String, usize>,
    name_bytes: usize,
    text: String,
    pub columns: Vec<Vec<CellRef>>,
    /// Cells in `columns`.
    cells: usize,
    places: Vec<u64>,
    rows_before: u64,
    /// Of the record being read.
    pub place: u64,
    /// The labels of the rows of the first column, where columns follow each other.
    labels: Vec<String>,
    by_column: bool,
    /// The columns that a schema of pandas names as labels of the rows.
    pub label_columns: Vec<String>,
    /// Bytes of the cells of such columns.
    held: usize,
    /// Whether a number past the integers of 64 bits was read.
    pub has_large: bool,
    /// Why the reading ended, while serde reports [`ENDED`].
    ended: Option<Result<(), ReadError>>,
}

/// The text of an error whose reason is in [`Table::ended`].
const ENDED: &str = "ended";

impl<'a, 's> Table<'a, 's> {
    pub fn new(limits: &'a TableLimits, sink: &'a mut Sink<'s>, unit: &'static str) -> Self {
        Self {
            limits,
            sink,
            unit,
            names: Vec::new(),
            by_name: HashMap::new(),
            name_bytes: 0,
            text: String::new(),
            columns: Vec::new(),
            cells: 0,
            places: Vec::new(),
            rows_before: 0,
            place: 1,
            labels: Vec::new(),
            by_column: false,
            label_columns: Vec::new(),
            held: 0,
            has_large: false,
            ended: None,
        }
    }

    /// Passes the remaining rows to the sink and ends.
    pub fn settle(
        mut self,
        parsed: serde_json::Result<()>,
        describe: impl FnOnce(serde_json::Error) -> ReadError,
    ) -> Result<Reading, ReadError> {
        match (self.ended.take(), parsed) {
            (Some(Err(error)), _) => return Err(error),
            (Some(Ok(())), _) => return Ok(self.reading()),
            (None, Err(error)) => return Err(describe(error)),
            (None, Ok(())) => {}
        }
        let _ = self.flush();
        self.ended.take().unwrap_or(Ok(()))?;
        if self.rows_before > 0 {
            check_names(&self.names, "the first record")?;
        }
        Ok(self.reading())
    }

    fn reading(self) -> Reading {
        let is_name = |label: &&String| label.parse::<u64>().is_err();
        let warning = self.labels.first().filter(is_name).map(|label| DatasetWarning {
            code: "row_labels".to_owned(),
            column: None,
            lines: Vec::new(),
            examples: vec![label.clone()],
            count: self.labels.len() as u64,
            detail: format!(
                "the keys within each column, such as {label:?}, are taken as labels of rows and are not read; if they are names of \
                 columns, send an array of records"
            ),
        });
        let warnings = warning.into_iter().collect();
        Reading { names: self.names, dialect: Dialect::json(), labels: self.label_columns, warnings }
    }

    fn end<E: serde::de::Error>(&mut self, reason: Result<(), ReadError>) -> E {
        self.ended = Some(reason);
        E::custom(ENDED)
    }

    pub fn refuse<E: serde::de::Error>(&mut self, detail: &str) -> E {
        let text = format!("{} {}: {detail}", self.unit, self.place);
        self.end(Err(ReadError::Invalid(text)))
    }

    /// The column of this name; a new one if there is none. `hint` is its index if the record has the order of the last one.
    pub fn column<E: serde::de::Error>(&mut self, name: &str, hint: usize) -> Result<usize, E> {
        if self.names.get(hint).is_some_and(|known| known == name) {
            return Ok(hint);
        }
        if let Some(&column) = self.by_name.get(name) {
            return Ok(column);
        }
        let column = self.names.len();
        if column == self.limits.columns {
            let max = self.limits.columns;
            return Err(self.refuse(&format!("expected at most {max} columns, received more")));
        }
        self.name_bytes += name.len();
        if self.name_bytes > MAX_RECORD_BYTES {
            return Err(
                self.refuse(&format!("expected at most {MAX_RECORD_BYTES} bytes of column names, received more"))
            );
        }
        self.by_name.insert(name.to_owned(), column);
        self.names.push(name.to_owned());
        self.columns.push(Vec::new());
        Ok(column)
    }

    /// Whether columns follow each other. Such a file is held in memory.
    pub fn is_by_column(&self) -> bool {
        self.by_column
    }

    /// Begins the column of this name in a file in which columns follow each other.
    pub fn begin_column<E: serde::de::Error>(&mut self, name: &str) -> Result<usize, E> {
        self.by_column = true;
        if self.by_name.contains_key(name) {
            return Err(self.refuse(&format!("expected each column once, received {name:?} twice")));
        }
        self.column(name, usize::MAX)
    }

    /// Checks that the rows of every column have the labels of the first one, in this order.
    pub fn check_label<E: serde::de::Error>(&mut self, row: usize, label: &str) -> Result<(), E> {
        if self.columns.len() == 1 {
            self.labels.push(label.to_owned());
            return Ok(());
        }
        match self.labels.get(row).is_some_and(|known| known == label) {
            true => Ok(()),
            false => {
                let expected = self.labels.get(row).cloned().unwrap_or_default();
                Err(self.refuse(&format!("expected the row {expected:?} as in the first column, received {label:?}")))
            }
        }
    }

    /// Ends a file in which columns follow each other.
    pub fn end_columns<E: serde::de::Error>(&mut self) -> Result<(), E> {
        let rows = self.columns.iter().map(Vec::len).max().unwrap_or_default();
        let short = self.columns.iter().zip(&self.names).find(|(cells, _)| cells.len() != rows);
        if let Some((cells, name)) = short {
            let received = cells.len();
            let detail =
                format!("expected {rows} cells in the column {name:?} as in the longest one, received {received}");
            return Err(self.refuse(&detail));
        }
        if rows as u64 > self.limits.rows {
            let max = self.limits.rows;
            return Err(self.refuse(&format!("expected at most {max} rows, received more")));
        }
        self.places = (1..=rows as u64).collect();
        self.flush().map_err(|()| E::custom(ENDED))
    }

    pub fn push<E: serde::de::Error>(&mut self, column: usize, cell: CellRef) -> Result<(), E> {
        if self.by_column {
            let rows = self.columns.get(column).map_or(0, Vec::len) as u64;
            if rows == self.limits.rows {
                let max = self.limits.rows;
                return Err(self.refuse(&format!("expected at most {max} rows, received more")));
            }
            self.held += size_of::<CellRef>();
            if self.held + self.text.len() > MAX_HELD_BYTES {
                return Err(self.refuse(&format!(
                    "expected columns of at most {MAX_HELD_BYTES} bytes together, received more; send records, or CSV"
                )));
            }
            if let Some(cells) = self.columns.get_mut(column) {
                cells.push(cell);
            }
            return Ok(());
        }
        let rows = self.places.len();
        match self.columns.get_mut(column) {
            Some(cells) if cells.len() <= rows => {
                self.cells += rows + 1 - cells.len();
                // the records since the last one with this key
                cells.resize(rows, CellRef::Missing);
                cells.push(cell);
                Ok(())
            }
            // too many cells in a row: an error at its end
            None => Ok(()),
            Some(_) => {
                let name = self.names.get(column).cloned().unwrap_or_default();
                Err(self.refuse(&format!("expected each column once, received {name:?} twice")))
            }
        }
    }

    /// Keeps a cell's text.
    pub fn push_text<E: serde::de::Error>(&mut self, column: usize, text: &str) -> Result<(), E> {
        let max = self.limits.cell_bytes;
        if text.len() > max {
            let received = text.len();
            return Err(self.refuse(&format!("expected a cell of at most {max} bytes, received {received}")));
        }
        if !self.by_column && self.text.len() > BLOCK_BYTES + MAX_RECORD_BYTES {
            return Err(self.refuse(&format!("expected a record of at most {MAX_RECORD_BYTES} bytes, received more")));
        }
        let start = self.text.len() as u32;
        self.text.push_str(text);
        let end = self.text.len() as u32;
        self.push(column, CellRef::Text(start, end))
    }

    /// Whether no row has been read yet.
    pub fn is_empty(&self) -> bool {
        self.rows_before == 0 && self.places.is_empty()
    }

    /// Ends a row, and a chunk where it is large enough.
    pub fn end_row<E: serde::de::Error>(&mut self) -> Result<(), E> {
        self.places.push(self.place);
        self.place += 1;
        let rows = self.places.len();
        if self.rows_before + rows as u64 > self.limits.rows {
            let max = self.limits.rows;
            return Err(self.refuse(&format!("expected at most {max} rows, received more")));
        }
        if self.text.len() >= BLOCK_BYTES || self.cells.max(rows) >= MAX_CHUNK_CELLS {
            return self.flush().map_err(|()| E::custom(ENDED));
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ()> {
        let rows = self.places.len();
        let chunk = Chunk {
            text: &self.text,
            columns: &self.columns,
            rows,
            rows_before: self.rows_before,
            places: &self.places,
            unit: self.unit,
            spelling: &Spelling::USUAL,
            names: &self.names,
            quote: '"',
        };
        if rows > 0 {
            match (self.sink)(&chunk) {
                Ok(flow) if flow.is_continue() => {}
                Ok(_) => self.ended = Some(Ok(())),
                Err(error) => self.ended = Some(Err(error)),
            }
        }
        self.rows_before += rows as u64;
        self.columns.iter_mut().for_each(Vec::clear);
        self.cells = 0;
        self.places.clear();
        self.text.clear();
        if self.ended.is_some() { Err(()) } else { Ok(()) }
    }
}
