//! Limits that the parser does not have.

use super::integers::Integers;
use crate::data::read::error::Refused;
use std::io::{BufRead, Read, Result};

/// Ends the reading at a string that is longer than a cell may be, before the parser takes memory for it, and at an integer that
/// is read as another number.
pub(super) struct StringGuard<'a> {
    source: &'a mut dyn BufRead,
    max_bytes: usize,
    /// Bytes of the string that is open.
    length: Option<usize>,
    escaped: bool,
    integers: Integers,
    line: u64,
}

impl<'a> StringGuard<'a> {
    /// Strings of up to `max_bytes` bytes pass.
    pub fn new(source: &'a mut dyn BufRead, max_bytes: usize) -> Self {
        Self { source, max_bytes, length: None, escaped: false, integers: Integers::default(), line: 1 }
    }
}

impl Read for StringGuard<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let read = self.source.read(buffer)?;
        for &byte in buffer.iter().take(read) {
            match self.length {
                None => {
                    if let Some(detail) = self.integers.take(byte) {
                        return Err(Refused::error(format!("line {}: {detail}", self.line)));
                    }
                    if byte == b'"' {
                        self.length = Some(0);
                    }
                }
                Some(_) if self.escaped => self.escaped = false,
                Some(_) if byte == b'"' => self.length = None,
                Some(length) => {
                    self.escaped = byte == b'\\';
                    self.length = Some(length + 1);
                    // an escaped character takes up to six bytes for one
                    if length / 6 > self.max_bytes {
                        let (line, max) = (self.line, self.max_bytes);
                        let text = format!("line {line}: expected a cell of at most {max} bytes, received more");
                        return Err(Refused::error(text));
                    }
                }
            }
            self.line += u64::from(byte == b'\n');
        }
        Ok(read)
    }
}
