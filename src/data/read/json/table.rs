//! The rows that records come to.

use crate::data::read::{
    BLOCK_BYTES, RECORD_BYTES, ReadError, TableLimits, check_names,
    chunk::{CellRef, Chunk, Sink},
};
use std::collections::HashMap;

/// Cells after which a chunk is handed on, whatever their text.
const CHUNK_CELLS: usize = 1 << 16;

/// Rows that were read but not handed on yet.
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
    /// What ended the reading while it looked like a parser's error.
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

    /// Hands on what is left and ends.
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
        let _ = self.hand_on();
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

    /// The column named so; a new one where there is none. `hint` is where it is in a record like the one before.
    pub fn column<E: serde::de::Error>(&mut self, name: &str, hint: usize) -> Result<usize, E> {
        if self.names.get(hint).is_some_and(|known| known == name) {
            return Ok(hint);
        }
        if let Some(&column) = self.by_name.get(name) {
            return Ok(column);
        }
        let column = self.names.len();
        if column == self.limits.columns {
            let most = self.limits.columns;
            return Err(self.refuse(&format!("expected at most {most} columns, received more")));
        }
        self.name_bytes += name.len();
        if self.name_bytes > RECORD_BYTES {
            return Err(self.refuse(&format!("expected at most {RECORD_BYTES} bytes of column names, received more")));
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
            // too many cells in a row: its end tells how many
            None => Ok(()),
            Some(_) => {
                let name = self.names.get(column).cloned().unwrap_or_default();
                Err(self.refuse(&format!("expected each column once, received {name:?} twice")))
            }
        }
    }

    /// Keeps a cell's text.
    pub fn push_text<E: serde::de::Error>(&mut self, column: usize, text: &str) -> Result<(), E> {
        let most = self.limits.cell_bytes;
        if text.len() > most {
            let received = text.len();
            return Err(self.refuse(&format!("expected a cell of at most {most} bytes, received {received}")));
        }
        if self.text.len() > BLOCK_BYTES + RECORD_BYTES {
            return Err(self.refuse(&format!("expected a record of at most {RECORD_BYTES} bytes, received more")));
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
            let most = self.limits.rows;
            return Err(self.refuse(&format!("expected at most {most} rows, received more")));
        }
        if self.text.len() >= BLOCK_BYTES || rows * self.columns.len().max(1) >= CHUNK_CELLS {
            return self.hand_on().map_err(|()| E::custom(ENDED));
        }
        Ok(())
    }

    fn hand_on(&mut self) -> Result<(), ()> {
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
