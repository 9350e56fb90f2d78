//! Files that are compressed by gzip or zstd, in any format.

use super::error::Refused;
use flate2::bufread::MultiGzDecoder;
use std::{
    cell::Cell,
    io::{BufRead, BufReader, Cursor, Read, Result},
    rc::Rc,
};

/// Bytes that tell a compression.
const MAGIC_BYTES: u64 = 4;

/// Maximum window of zstd, as a power of two: what `zstd --long` writes.
const ZSTD_WINDOW: u32 = 27;

/// Maximum inflated bytes.
const MAX_BYTES: u64 = 1 << 33;

/// Maximum inflated bytes for one byte of the file. Tables reach 100.
const MAX_RATIO: u64 = 400;

/// Inflated bytes from which the ratio counts.
const SMALL: u64 = 1 << 24;

/// A compression of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Compression {
    /// The compression of a file that begins with these bytes.
    fn of(start: &[u8]) -> Option<Self> {
        match start {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Some(Self::Zstd),
            _ => None,
        }
    }

    /// The compression of this content coding (`Content-Encoding`).
    pub fn of_coding(coding: &str) -> Option<Self> {
        match coding {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// The bytes of `source`, inflated if they are a gzip or zstd file.
pub(super) fn inflated<'s>(source: &'s mut dyn BufRead) -> Result<Box<dyn BufRead + 's>> {
    let mut start = Vec::with_capacity(MAGIC_BYTES as usize);
    (&mut *source).take(MAGIC_BYTES).read_to_end(&mut start)?;
    let compression = Compression::of(&start);
    let whole = Cursor::new(start).chain(source);
    match compression {
        None => Ok(Box::new(whole)),
        Some(compression) => Ok(Box::new(BufReader::with_capacity(1 << 16, decoder(compression, whole)?))),
    }
}

/// Why a body cannot be inflated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InflateError {
    /// It has more bytes than allowed.
    #[error("expected fewer inflated bytes")]
    TooLarge,
    /// It is damaged, or inflates too far.
    #[error("{0}")]
    Invalid(String),
}

/// A body of this compression, inflated to at most `max_bytes`.
pub fn inflate(compression: Compression, body: &[u8], max_bytes: usize) -> std::result::Result<Vec<u8>, InflateError> {
    let mut inflated = Vec::new();
    let read = |decoder: Inflated<'_>| decoder.take(max_bytes as u64 + 1).read_to_end(&mut inflated);
    match decoder(compression, body).and_then(read) {
        Err(error) => Err(InflateError::Invalid(error.to_string())),
        Ok(read) if read > max_bytes => Err(InflateError::TooLarge),
        Ok(_) => Ok(inflated),
    }
}

fn decoder<'s>(compression: Compression, source: impl Read + 's) -> Result<Inflated<'s>> {
    let (failed, read) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(0)));
    let compressed = BufReader::new(Compressed { source, failed: Rc::clone(&failed), read: Rc::clone(&read) });
    let decoder: Box<dyn Read + 's> = match compression {
        Compression::Gzip => Box::new(MultiGzDecoder::new(compressed)),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(compressed)?;
            decoder.window_log_max(ZSTD_WINDOW)?;
            Box::new(decoder)
        }
    };
    Ok(Inflated { decoder, name: compression.name(), failed, read, bytes: 0 })
}

/// The compressed bytes, counted. An error of theirs is no fault of the file.
struct Compressed<R> {
    source: R,
    failed: Rc<Cell<bool>>,
    read: Rc<Cell<u64>>,
}

impl<R: Read> Read for Compressed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let read = self.source.read(buffer).inspect_err(|_| self.failed.set(true))?;
        self.read.set(self.read.get() + read as u64);
        Ok(read)
    }
}

/// The inflated bytes, within limits.
struct Inflated<'s> {
    decoder: Box<dyn Read + 's>,
    name: &'static str,
    failed: Rc<Cell<bool>>,
    read: Rc<Cell<u64>>,
    bytes: u64,
}

impl Read for Inflated<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let read = self.decoder.read(buffer).map_err(|error| match self.failed.get() {
            true => error,
            false => {
                let name = self.name;
                Refused::error(format!("expected a whole {name} file, received a damaged or truncated one"))
            }
        })?;
        self.bytes += read as u64;
        if self.bytes > MAX_BYTES {
            return Err(Refused::error(format!("expected at most {MAX_BYTES} inflated bytes, received more")));
        }
        if self.bytes > SMALL && self.bytes > self.read.get().saturating_mul(MAX_RATIO) {
            let detail = format!(
                "expected at most {MAX_RATIO} inflated bytes per byte of the {} file, received more",
                self.name
            );
            return Err(Refused::error(detail));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::read::{Format, ReadError, ReadOptions, TableLimits, inspect};
    use flate2::write::GzEncoder;
    use std::io::Write;

    const LIMITS: TableLimits = TableLimits { rows: 1_000_000_000, columns: 10, cell_bytes: 1000 };

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        zstd::encode_all(text, 19).unwrap()
    }

    fn refusal(file: &[u8]) -> String {
        match inspect(&mut &*file, Format::named("csv").unwrap(), &ReadOptions::default(), &LIMITS) {
            Err(ReadError::Invalid(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn members_of_any_format_are_inflated() {
        let csv = [gzip(b"a,b\n1,x\n"), gzip(b"2,y\n")].concat();
        let frames = [zstd(b"a,b\n1,x\n"), b"\x50\x2a\x4d\x18\x02\0\0\0??".to_vec(), zstd(b"2,y\n")].concat();
        let json = gzip(br#"[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]"#);
        for (file, format) in [(csv, "csv"), (frames, "csv"), (json, "json")] {
            let format = Format::named(format).unwrap();
            let pieces = BufReader::with_capacity(1, file.as_slice());
            let inspection = inspect(&mut { pieces }, format, &ReadOptions::default(), &LIMITS).unwrap();
            assert_eq!((inspection.rows, inspection.columns[0].distinct), (2, 2));
        }
    }

    #[test]
    fn damage_and_bombs_are_refused() {
        let file = gzip("a,b\n1,x\n".repeat(1000).as_bytes());
        assert!(refusal(&file[..file.len() - 4]).contains("truncated"));
        let mut damaged = file.clone();
        damaged[30] ^= 0x55;
        assert!(refusal(&damaged).contains("damaged"), "{}", refusal(&damaged));
        let bomb = gzip(&[b"a\n".as_slice(), &b"1\n".repeat(10 << 20)].concat());
        assert!(refusal(&bomb).contains("inflated bytes per byte"), "{}", refusal(&bomb));

        let file = zstd("a,b\n1,x\n".repeat(1000).as_bytes());
        assert!(refusal(&file[..file.len() - 2]).contains("truncated"), "{}", refusal(&file[..file.len() - 2]));
        let bomb = zstd(&[b"a\n".as_slice(), &b"1\n".repeat(10 << 20)].concat());
        assert!(refusal(&bomb).contains("inflated bytes per byte"), "{}", refusal(&bomb));
        // a window of 2 GB
        let window = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00];
        assert!(refusal(&window).contains("zstd file"), "{}", refusal(&window));
    }

    #[test]
    fn bodies_are_inflated_within_their_limit() {
        let body = br#"{"a": 1}"#;
        for (compression, compressed) in [(Compression::Gzip, gzip(body)), (Compression::Zstd, zstd(body))] {
            assert_eq!(inflate(compression, &compressed, body.len()).unwrap(), body);
            assert_eq!(inflate(compression, &compressed, body.len() - 1), Err(InflateError::TooLarge));
            for wrong in [&compressed[..compressed.len() - 1], body.as_slice()] {
                let error = inflate(compression, wrong, 100).unwrap_err().to_string();
                assert!(error.contains("damaged or truncated"), "{error}");
            }
        }
    }
}
