//! Files that are compressed by gzip, in any format.

use super::error::Refused;
use flate2::bufread::MultiGzDecoder;
use std::{
    cell::Cell,
    io::{BufRead, BufReader, Chain, Cursor, Read, Result},
    rc::Rc,
};

/// The first bytes of a gzip member.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Maximum inflated bytes.
const MAX_BYTES: u64 = 1 << 33;

/// Maximum inflated bytes for one byte of the file. Tables reach 100.
const MAX_RATIO: u64 = 400;

/// Inflated bytes from which the ratio counts.
const SMALL: u64 = 1 << 24;

/// The bytes of `source`, inflated if they are a gzip file.
pub(super) fn inflated<'s>(source: &'s mut dyn BufRead) -> Result<Box<dyn BufRead + 's>> {
    let mut start = Vec::with_capacity(MAGIC.len());
    (&mut *source).take(MAGIC.len() as u64).read_to_end(&mut start)?;
    let is_gzip = start == MAGIC;
    let whole = Cursor::new(start).chain(source);
    if !is_gzip {
        return Ok(Box::new(whole));
    }
    let (failed, read) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(0)));
    let compressed = Compressed { source: whole, failed: Rc::clone(&failed), read: Rc::clone(&read) };
    let inflated = Inflated { decoder: MultiGzDecoder::new(BufReader::new(compressed)), failed, read, bytes: 0 };
    Ok(Box::new(BufReader::with_capacity(1 << 16, inflated)))
}

/// The compressed bytes, counted. An error of theirs is no fault of the file.
struct Compressed<'s> {
    source: Chain<Cursor<Vec<u8>>, &'s mut dyn BufRead>,
    failed: Rc<Cell<bool>>,
    read: Rc<Cell<u64>>,
}

impl Read for Compressed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let read = self.source.read(buffer).inspect_err(|_| self.failed.set(true))?;
        self.read.set(self.read.get() + read as u64);
        Ok(read)
    }
}

/// The inflated bytes, within limits.
struct Inflated<'s> {
    decoder: MultiGzDecoder<BufReader<Compressed<'s>>>,
    failed: Rc<Cell<bool>>,
    read: Rc<Cell<u64>>,
    bytes: u64,
}

impl Read for Inflated<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let read = self.decoder.read(buffer).map_err(|error| match self.failed.get() {
            true => error,
            false => {
                Refused::error(format!("expected a whole gzip file, received a damaged or truncated one: {error}"))
            }
        })?;
        self.bytes += read as u64;
        if self.bytes > MAX_BYTES {
            return Err(Refused::error(format!("expected at most {MAX_BYTES} inflated bytes, received more")));
        }
        if self.bytes > SMALL && self.bytes > self.read.get().saturating_mul(MAX_RATIO) {
            let detail =
                format!("expected at most {MAX_RATIO} inflated bytes per byte of the gzip file, received more");
            return Err(Refused::error(detail));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::read::{Format, ReadError, ReadOptions, TableLimits, inspect};
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    const LIMITS: TableLimits = TableLimits { rows: 1_000_000_000, columns: 10, cell_bytes: 1000 };

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
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
        let json = gzip(br#"[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]"#);
        for (file, format) in [(csv, "csv"), (json, "json")] {
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
    }
}
