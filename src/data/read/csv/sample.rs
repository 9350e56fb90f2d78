//! The first bytes of a file, from which its layout is detected.

use super::scanner::Scanner;
use crate::data::read::chunk::CellRef;

/// Bytes that are looked at.
pub(super) const SAMPLE_BYTES: usize = 1 << 16;

/// The first bytes of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample<'a> {
    pub bytes: &'a [u8],
    /// Whether these are all bytes of the file.
    pub whole: bool,
    pub quote: u8,
}

impl<'a> Sample<'a> {
    /// The first of `bytes`; `ended` says that these are all bytes of the file.
    pub fn new(bytes: &'a [u8], ended: bool, quote: u8) -> Self {
        let whole = ended && bytes.len() <= SAMPLE_BYTES;
        Self { bytes: bytes.get(..SAMPLE_BYTES).unwrap_or(bytes), whole, quote }
    }

    /// The records, each as its cells' texts; a record that is not cut as CSV ends them with an empty one.
    pub fn records(self, separator: u8, limit: usize) -> Vec<Vec<&'a [u8]>> {
        let mut scanner = Scanner::new(self.bytes, separator, self.quote, None);
        scanner.ended = true;
        let mut records = Vec::new();
        while records.len() < limit {
            scanner.skip_blank_lines();
            if scanner.at == self.bytes.len() {
                break;
            }
            let mut cells = Vec::new();
            if !matches!(scanner.record(|cell| cells.push(cell)), Ok(true)) {
                // A quote that is open at the end of the sample may be closed behind it.
                if self.whole || records.is_empty() {
                    records.push(Vec::new());
                }
                return records;
            }
            let at_end = scanner.at == self.bytes.len();
            if at_end && !self.whole && !records.is_empty() {
                break;
            }
            records.push(cells.iter().map(|cell| self.text(cell)).collect());
        }
        records
    }

    /// The text of a cell of the sample.
    pub fn text(self, cell: &CellRef) -> &'a [u8] {
        match *cell {
            CellRef::Written(start, end) | CellRef::Quoted(start, end) | CellRef::Escaped(start, end) => {
                self.bytes.get(start as usize..end as usize).unwrap_or_default()
            }
            _ => &[],
        }
    }
}
