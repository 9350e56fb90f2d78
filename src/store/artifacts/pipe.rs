//! A pipe from async code to a reader on a blocking thread.

use bytes::{Buf, Bytes};
use std::io::{BufRead, Read, Result};
use tokio::sync::mpsc;

/// Maximum number of chunks in the pipe.
const CHUNKS: usize = 64;

/// A sender of chunks and their reader, which ends once the sender is dropped.
pub fn pipe() -> (mpsc::Sender<Bytes>, PipeReader) {
    let (sender, chunks) = mpsc::channel(CHUNKS);
    (sender, PipeReader { chunks, chunk: Bytes::new() })
}

/// Reader of a [`pipe`], for blocking threads only.
#[derive(Debug)]
pub struct PipeReader {
    chunks: mpsc::Receiver<Bytes>,
    chunk: Bytes,
}

impl BufRead for PipeReader {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        while self.chunk.is_empty() {
            match self.chunks.blocking_recv() {
                Some(chunk) => self.chunk = chunk,
                None => break,
            }
        }
        Ok(&self.chunk)
    }

    fn consume(&mut self, amount: usize) {
        self.chunk.advance(amount.min(self.chunk.len()));
    }
}

impl Read for PipeReader {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let ready = self.fill_buf()?;
        let amount = ready.len().min(buffer.len());
        buffer[..amount].copy_from_slice(&ready[..amount]);
        self.consume(amount);
        Ok(amount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_come_out_in_order_and_then_the_end() {
        let (sender, mut reader) = pipe();
        for chunk in ["ab", "", "cde", "f"] {
            sender.try_send(Bytes::from_static(chunk.as_bytes())).unwrap();
        }
        drop(sender);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "abcdef");
    }
}
