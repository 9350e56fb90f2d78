//! Rows for prediction: how files write them, what a model expects, and batches of them.

use super::{failure::Failure, output::clean};
use serde_json::Value;

/// Rows of a batch, and bytes after which it is full.
const BATCH_ROWS: usize = 1000;
const BATCH_BYTES: usize = 2 << 20;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Cells separated by commas (or what the file has)
    Csv,
    /// Cells separated by tabs
    Tsv,
    /// An array of records, or of lists
    Json,
    /// A record a line
    Ndjson,
}

impl Format {
    /// By a file's name.
    pub fn of_name(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
            "csv" | "txt" => Some(Self::Csv),
            "tsv" | "tab" => Some(Self::Tsv),
            "json" => Some(Self::Json),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            _ => None,
        }
    }

    /// By a file's first bytes.
    pub fn of_start(start: &[u8]) -> Self {
        let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
        match start.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'[') => Self::Json,
            Some(b'{') => {
                // An object that goes on after its first line, or is alone, is one document; otherwise each line is one.
                let start = start.trim_ascii();
                let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
                let is_line = line.len() < start.len() && serde_json::from_slice::<Value>(line).is_ok();
                if is_line { Self::Ndjson } else { Self::Json }
            }
            _ => Self::Csv,
        }
    }
}

/// What the model expects, and how its dataset was written.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// The features with their types, in the order of training.
    pub features: Vec<(String, String)>,
    /// `read` of the dataset that the model was trained on.
    pub read: Value,
}

impl Expected {
    /// The type of the feature `name`, if it is one.
    pub fn type_of(&self, name: &str) -> Option<&str> {
        self.features.iter().find(|(known, _)| known == name).map(|(_, kind)| kind.as_str())
    }
}

/// One row: what the model is asked, and what the file had.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// For the request.
    pub instance: Value,
    /// The cells, or the record.
    pub original: Original,
}

/// A row as the file has it.
#[derive(Debug, Clone, PartialEq)]
pub enum Original {
    /// Of a table.
    Cells(Vec<String>),
    /// Of JSON.
    Json(Value),
}

/// What a file consists of, in order.
#[derive(Debug)]
pub enum Part {
    /// The names of a table's columns, once and first.
    Header(Vec<String>),
    /// Some rows; the first one is `first`, counted from 1.
    Rows { first: usize, rows: Vec<Row> },
}

/// Collects rows until a batch is full.
pub struct Batches<'a> {
    sink: &'a mut dyn FnMut(Part) -> bool,
    rows: Vec<Row>,
    bytes: usize,
    /// How many were pushed.
    pub read: usize,
}

impl<'a> Batches<'a> {
    /// None yet, for `sink`, which returns false to stop.
    pub fn new(sink: &'a mut dyn FnMut(Part) -> bool) -> Self {
        Self { sink, rows: Vec::new(), bytes: 0, read: 0 }
    }

    /// Passes the header of a table on; false where nobody wants its rows.
    pub fn header(&mut self, header: Vec<String>) -> bool {
        (self.sink)(Part::Header(header))
    }

    /// Adds a row; false where no more are wanted.
    pub fn push(&mut self, row: Row, bytes: usize) -> bool {
        self.rows.push(row);
        self.read += 1;
        self.bytes += bytes;
        self.rows.len() < BATCH_ROWS && self.bytes < BATCH_BYTES || self.flush()
    }

    /// Passes on what is left.
    pub fn flush(&mut self) -> bool {
        self.bytes = 0;
        let rows = std::mem::take(&mut self.rows);
        rows.is_empty() || (self.sink)(Part::Rows { first: self.read - rows.len() + 1, rows })
    }
}

/// The failure where nothing in a file is a feature of the model.
pub fn no_feature(what: &str, names: &str, expected: &Expected) -> Failure {
    let features: Vec<String> = expected.features.iter().take(10).map(|(name, _)| clean(name)).collect();
    let more = if expected.features.len() > features.len() { ", …" } else { "" };
    let (names, features) = (clean(names), features.join(", "));
    Failure::Error(format!("no {what} is a feature of the model\n  {what}s:   {names}\n  features:  {features}{more}"))
}
