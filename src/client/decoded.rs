//! Rows in other encodings than UTF-8.

use encoding_rs::{Decoder, Encoding, UTF_8};
use serde_json::Value;
use std::io::{self, ErrorKind, Read};

/// Bytes that are decoded at a time.
const BLOCK_BYTES: usize = 1 << 16;

/// The encoding of rows that begin with `start`: that of their byte order mark, UTF-8 where they are UTF-8, otherwise that of the
/// dataset, which was read as `read` says.
pub fn encoding(start: &[u8], read: &Value) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(start) {
        return encoding;
    }
    // The start may end within a character; UTF-16 of ASCII is UTF-8, too.
    let is_utf8 = std::str::from_utf8(start).map_or_else(|error| error.error_len().is_none(), |_| !start.contains(&0));
    let of_dataset = read["encoding"].as_str().and_then(|name| Encoding::for_label(name.as_bytes()));
    of_dataset.filter(|_| !is_utf8).unwrap_or(UTF_8)
}

/// Text of another encoding, read as UTF-8.
pub struct Decoded<R> {
    source: R,
    encoding: &'static Encoding,
    decoder: Decoder,
    block: Vec<u8>,
    text: String,
    /// Bytes of `text` that were read.
    read: usize,
    has_ended: bool,
}

impl<R: Read> Decoded<R> {
    /// The text of `source`.
    pub fn new(source: R, encoding: &'static Encoding) -> Self {
        Self {
            source,
            encoding,
            decoder: encoding.new_decoder_with_bom_removal(),
            block: vec![0; BLOCK_BYTES],
            text: String::new(),
            read: 0,
            has_ended: false,
        }
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.read == self.text.len() && !self.has_ended {
            let count = self.source.read(&mut self.block)?;
            self.has_ended = count == 0;
            let bytes = self.block.get(..count).unwrap_or_default();
            self.read = 0;
            self.text.clear();
            self.text.reserve(self.decoder.max_utf8_buffer_length(count).unwrap_or(count));
            let (_, _, is_wrong) = self.decoder.decode_to_string(bytes, &mut self.text, self.has_ended);
            if is_wrong {
                let name = self.encoding.name();
                return Err(io::Error::new(ErrorKind::InvalidData, format!("they are not in {name}")));
            }
        }
        let mut rest = self.text.as_bytes().get(self.read..).unwrap_or_default();
        let count = rest.read(buffer)?;
        self.read += count;
        Ok(count)
    }
}
