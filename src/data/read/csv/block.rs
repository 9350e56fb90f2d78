//! The part of a file that is in memory.

use crate::data::read::{
    error::ReadError,
    limits::{BLOCK_BYTES, MAX_RECORD_BYTES},
};
use std::io::{BufRead, Read};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The byte that ends a text file on CP/M and DOS.
const END_OF_FILE: u8 = 0x1a;

/// Whole records and the start of one more.
pub(super) struct Block<'a> {
    source: &'a mut dyn BufRead,
    /// What is in memory.
    pub bytes: Vec<u8>,
    target: usize,
    /// Whether the file ends where the bytes end.
    pub ended: bool,
    /// Whether lines end with a carriage return alone.
    is_cr: bool,
}

impl<'a> Block<'a> {
    /// The start of the file without its byte order mark. Carriage returns are line feeds from here on if lines end with them
    /// alone.
    pub fn start(source: &'a mut dyn BufRead) -> Result<Self, ReadError> {
        let bytes = Vec::with_capacity(BLOCK_BYTES);
        let mut block = Self { source, bytes, target: BLOCK_BYTES, ended: false, is_cr: false };
        block.fill()?;
        while block.bytes.starts_with(BYTE_ORDER_MARK) {
            block.bytes.drain(..BYTE_ORDER_MARK.len());
        }
        block.is_cr = block.bytes.contains(&b'\r') && !block.bytes.contains(&b'\n');
        block.carriage_returns_to_line_feeds(0);
        Ok(block)
    }

    /// Fills up to `target` bytes whatever the source's own pieces are, so that chunks do not depend on timing.
    fn fill(&mut self) -> Result<(), ReadError> {
        let before = self.bytes.len();
        let room = self.target.saturating_sub(before);
        let read = (&mut *self.source).take(room as u64).read_to_end(&mut self.bytes)?;
        self.ended = read < room;
        self.carriage_returns_to_line_feeds(before);
        if self.ended {
            let text = self.bytes.trim_ascii_end().len();
            if self.bytes.get(text.saturating_sub(1)) == Some(&END_OF_FILE) && text > 0 {
                self.bytes.truncate(text - 1);
            }
        }
        Ok(())
    }

    fn carriage_returns_to_line_feeds(&mut self, from: usize) {
        if self.is_cr {
            let new = self.bytes.get_mut(from..).unwrap_or_default();
            new.iter_mut().filter(|byte| **byte == b'\r').for_each(|byte| *byte = b'\n');
        }
    }

    /// Drops the first `used` bytes and reads on; makes room where not even one record was complete.
    pub fn advance(&mut self, used: usize, line: u64) -> Result<(), ReadError> {
        self.bytes.drain(..used);
        self.target = if self.bytes.len() < BLOCK_BYTES / 2 { BLOCK_BYTES } else { self.bytes.len() * 2 };
        if self.bytes.len() >= MAX_RECORD_BYTES {
            return Err(ReadError::Invalid(format!(
                "line {line}: expected a record of at most {MAX_RECORD_BYTES} bytes, received more"
            )));
        }
        self.fill()
    }
}
