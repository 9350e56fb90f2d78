//! [`Source`]: a reader of a stored file that verifies its SHA-256.

use crate::store::artifacts::{ArtifactKey, damaged, hexadecimal};
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{BufRead, Error, ErrorKind, Read, Result},
};

/// Bytes read from the file at once.
const BUFFER: usize = 1 << 18;

/// Reader of a stored file, for blocking threads.
///
/// At the file's end the SHA-256 of everything read is compared with the recorded one: a difference is an error of the
/// kind `InvalidData`. A reader that stops before the end has checked nothing unless it calls [`Self::finish`].
#[derive(Debug)]
pub struct Source {
    key: ArtifactKey,
    file: File,
    sha256: String,
    hasher: Option<Sha256>,
    buffer: Box<[u8]>,
    /// The unread part of the buffer.
    ready: std::ops::Range<usize>,
}

impl Source {
    pub(super) fn new(key: ArtifactKey, file: File, sha256: String) -> Self {
        let buffer = vec![0; BUFFER].into_boxed_slice();
        Self { key, file, sha256, hasher: Some(Sha256::new()), buffer, ready: 0..0 }
    }

    /// Reads to the end, so that the SHA-256 is verified.
    pub fn finish(mut self) -> Result<()> {
        loop {
            match self.fill_buf()?.len() {
                0 => return Ok(()),
                read => self.consume(read),
            }
        }
    }

    fn refill(&mut self) -> Result<()> {
        let Some(hasher) = &mut self.hasher else { return Ok(()) };
        let read = self.file.read(&mut self.buffer)?;
        if read > 0 {
            hasher.update(&self.buffer[..read]);
            self.ready = 0..read;
        } else if let Some(hasher) = self.hasher.take() {
            let found = hexadecimal(&hasher.finalize());
            if found != self.sha256 {
                return Err(Error::new(ErrorKind::InvalidData, damaged(&self.key, &self.sha256, &found)));
            }
        }
        Ok(())
    }
}

impl BufRead for Source {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        if self.ready.is_empty() {
            self.refill()?;
        }
        Ok(&self.buffer[self.ready.clone()])
    }

    fn consume(&mut self, amount: usize) {
        self.ready.start = self.ready.end.min(self.ready.start + amount);
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let ready = self.fill_buf()?;
        let amount = ready.len().min(buffer.len());
        buffer[..amount].copy_from_slice(&ready[..amount]);
        self.consume(amount);
        Ok(amount)
    }
}
