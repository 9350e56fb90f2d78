//! Rows made of records.

use crate::data::read::{
    chunk::{CellRef, Chunk, Sink},
    error::ReadError,
    limits::{BLOCK_BYTES, MAX_RECORD_BYTES, TableLimits},
    names::check_names,
};
use std::collections::HashMap;

/// Maximum cells of a chunk.
const MAX_CHUNK_CELLS: usize = 1 << 16;

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
    places: Vec<u64>,
    rows_before: u64,
    /// Of the record being read.
    pub place: u64,
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
            places: Vec::new(),
            rows_before: 0,
            place: 1,
            ended: None,
        }
    }

    /// Passes the remaining rows to the sink and ends.
    pub fn settle(
        mut self,
        parsed: serde_json::Result<()>,
        describe: impl FnOnce(serde_json::Error) -> ReadError,
    ) -> Result<Vec<String>, ReadError> {
        match (self.ended.take(), parsed) {
            (Some(Err(error)), _) => return Err(error),
            (Some(Ok(())), _) => return Ok(self.names),
            (None, Err(error)) => return Err(describe(error)),
            (None, Ok(())) => {}
        }
        let _ = self.flush();
        self.ended.take().unwrap_or(Ok(()))?;
        if self.rows_before > 0 {
            check_names(&self.names, "the first record")?;
        }
        Ok(self.names)
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
        self.columns.push(vec![CellRef::Missing; self.places.len()]);
        Ok(column)
    }

    pub fn push<E: serde::de::Error>(&mut self, column: usize, cell: CellRef) -> Result<(), E> {
        let rows = self.places.len();
        match self.columns.get_mut(column) {
            Some(cells) if cells.len() == rows => {
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
        if self.text.len() > BLOCK_BYTES + MAX_RECORD_BYTES {
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
        for cells in &mut self.columns {
            cells.resize(rows, CellRef::Missing);
        }
        if self.rows_before + rows as u64 > self.limits.rows {
            let max = self.limits.rows;
            return Err(self.refuse(&format!("expected at most {max} rows, received more")));
        }
        if self.text.len() >= BLOCK_BYTES || rows * self.columns.len().max(1) >= MAX_CHUNK_CELLS {
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
        self.places.clear();
        self.text.clear();
        if self.ended.is_some() { Err(()) } else { Ok(()) }
    }
}
