//! The pages of a column chunk, checked before they are decoded. The decoder allocates what a page header says.

use super::compact::{Compact, I32, STRUCT};
use crate::data::read::{error::ReadError, kind};
use parquet::{
    basic::{Encoding, Type},
    column::page::{Page, PageMetadata, PageReader},
    errors::ParquetError,
    file::metadata::ColumnChunkMetaData,
    schema::types::ColumnDescriptor,
};
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

/// Maximum bytes of a page, inflated.
const MAX_PAGE_BYTES: u64 = 1 << 26;
/// Maximum values of a dictionary, which take up to 32 bytes each.
const MAX_DICTIONARY_VALUES: i64 = 1 << 23;
/// Maximum bytes of a page header; statistics within it may be long.
const MAX_HEADER_BYTES: u64 = 1 << 20;
/// Bytes of a header that are read first.
const FIRST_HEADER_BYTES: u64 = 1 << 10;
/// Maximum inflated bytes of a file.
const MAX_INFLATED_BYTES: u64 = 1 << 33;
/// Maximum inflated bytes for one byte of the file.
const MAX_RATIO: u64 = 400;
/// Inflated bytes from which the ratio counts.
const SMALL: u64 = 1 << 26;

/// Why a page is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refused(pub String);

impl Refused {
    pub fn at(self, place: &str) -> ReadError {
        ReadError::Invalid(format!("{place}: {self}"))
    }

    fn damaged() -> Self {
        Self("expected Parquet pages, received damaged ones".to_owned())
    }
}

/// Fails where the file does not begin and end as a Parquet file does.
pub(super) fn check_ends(mut file: &File, magic: &[u8]) -> Result<(), ReadError> {
    let length = file.metadata()?.len();
    let mut ends = [[0; 4]; 2];
    if length >= 12 {
        file.rewind()?;
        file.read_exact(&mut ends[0])?;
        file.seek(SeekFrom::End(-4))?;
        file.read_exact(&mut ends[1])?;
    }
    match ends.iter().map(|end| end == magic).collect::<Vec<_>>()[..] {
        [true, true] => Ok(()),
        [true, _] => Err(ReadError::Invalid("expected a whole Parquet file, received a truncated one".into())),
        _ if &ends[0] == b"PARE" => Err(ReadError::Invalid(
            "expected a Parquet file, received an encrypted one; write it without encryption".into(),
        )),
        _ => {
            let mut start = Vec::new();
            file.rewind()?;
            file.take(kind::SAMPLE_BYTES).read_to_end(&mut start)?;
            let received = kind::other_than_text(&start).or_else(|| kind::json(&start));
            let received = received.unwrap_or("something else; if it is CSV, send it with Content-Type text/csv");
            Err(ReadError::Invalid(format!("expected a Parquet file, received {received}")))
        }
    }
}

/// Walks the page headers of column chunks.
pub(super) struct Pages<'f> {
    file: &'f File,
    length: u64,
    /// Inflated bytes of all pages so far.
    inflated: u64,
}

impl<'f> Pages<'f> {
    pub fn new(file: &'f File) -> Result<Self, ReadError> {
        Ok(Self { file, length: file.metadata()?.len(), inflated: 0 })
    }

    /// Checks every page of a chunk of `rows` rows. Returns the bytes that are in memory while it is decoded.
    pub fn check(&mut self, chunk: &ColumnChunkMetaData, rows: u64) -> Result<u64, Refused> {
        if chunk.num_values() != i64::try_from(rows).unwrap_or(-1) {
            return Err(Refused::damaged());
        }
        let start = chunk.dictionary_page_offset().unwrap_or_else(|| chunk.data_page_offset());
        let range = u64::try_from(start).ok().zip(u64::try_from(chunk.compressed_size()).ok());
        let (start, length) = range.ok_or_else(Refused::damaged)?;
        let end = start.checked_add(length).filter(|end| *end <= self.length).ok_or_else(Refused::damaged)?;
        let mut at = start;
        let (mut dictionary, mut largest, mut values) = (0, 0, 0u64);
        while at < end && values < rows {
            let (header, header_bytes) = self.header(at, end)?;
            let inflated = u64::try_from(header.inflated).map_err(|_| Refused::damaged())?;
            let compressed = u64::try_from(header.compressed).map_err(|_| Refused::damaged())?;
            if inflated > MAX_PAGE_BYTES {
                return Err(Refused(format!(
                    "expected pages of at most {MAX_PAGE_BYTES} bytes, received one of {inflated}; write the file with smaller pages"
                )));
            }
            let count = header.values.unwrap_or(0);
            if header.kind == DICTIONARY {
                if !(0..=MAX_DICTIONARY_VALUES).contains(&count) {
                    return Err(Refused(format!(
                        "expected a dictionary of at most {MAX_DICTIONARY_VALUES} values, received {count}"
                    )));
                }
                // the decoded values refer to the page
                dictionary = inflated.saturating_add(count as u64 * 32);
            } else {
                largest = largest.max(inflated);
                values = values.saturating_add(u64::try_from(count).map_err(|_| Refused::damaged())?);
            }
            self.inflated = self.inflated.saturating_add(inflated);
            at = at.checked_add(header_bytes).and_then(|at| at.checked_add(compressed)).ok_or_else(Refused::damaged)?;
            if at > end {
                return Err(Refused::damaged());
            }
        }
        if values != rows {
            return Err(Refused::damaged());
        }
        if self.inflated > MAX_INFLATED_BYTES
            || (self.inflated > SMALL && self.inflated > self.length.saturating_mul(MAX_RATIO))
        {
            return Err(Refused(format!(
                "expected at most {MAX_INFLATED_BYTES} inflated bytes, and {MAX_RATIO} per byte of the file, received more"
            )));
        }
        Ok(largest.saturating_add(dictionary))
    }

    fn header(&mut self, at: u64, end: u64) -> Result<(Header, u64), Refused> {
        let mut bytes = Vec::new();
        let mut size = FIRST_HEADER_BYTES;
        loop {
            let size_here = size.min(end - at);
            bytes.clear();
            let mut file = self.file;
            let read = file.seek(SeekFrom::Start(at)).and_then(|_| file.take(size_here).read_to_end(&mut bytes));
            read.map_err(|_| Refused::damaged())?;
            let mut compact = Compact { bytes: &bytes, at: 0 };
            if let Some(header) = Header::read(&mut compact) {
                return Ok((header, compact.at as u64));
            }
            if size_here < size || size >= MAX_HEADER_BYTES {
                return Err(Refused::damaged());
            }
            size = (size * 16).min(MAX_HEADER_BYTES);
        }
    }
}

/// What a page header says of sizes.
#[derive(Debug, Default)]
struct Header {
    kind: i64,
    inflated: i64,
    compressed: i64,
    /// Values of a data page, or of a dictionary.
    values: Option<i64>,
}

/// The type of a dictionary page.
const DICTIONARY: i64 = 2;

impl Header {
    fn read(compact: &mut Compact<'_>) -> Option<Self> {
        let mut header = Self { kind: -1, inflated: -1, compressed: -1, values: None };
        let mut field = 0;
        while let Some(kind) = compact.field(&mut field)? {
            match (field, kind) {
                (1, I32) => header.kind = compact.zigzag()?,
                (2, I32) => header.inflated = compact.zigzag()?,
                (3, I32) => header.compressed = compact.zigzag()?,
                // the headers of data pages, dictionaries and data pages of version 2 begin with the number of values
                (5 | 7 | 8, STRUCT) => {
                    let mut inner = 0;
                    while let Some(kind) = compact.field(&mut inner)? {
                        match (inner, kind) {
                            (1, I32) => header.values = Some(compact.zigzag()?),
                            _ => compact.skip(kind, 1)?,
                        }
                    }
                }
                _ => compact.skip(kind, 0)?,
            }
        }
        Some(header)
    }
}

/// Pages whose inflated content says how much the decoder allocates, checked.
pub(super) struct CheckedPages {
    pages: Box<dyn PageReader>,
    /// Minimum bytes of a value.
    value_bytes: usize,
    has_levels: bool,
}

impl CheckedPages {
    pub fn new(pages: Box<dyn PageReader>, column: &ColumnDescriptor) -> Self {
        let value_bytes = match column.physical_type() {
            Type::BOOLEAN => 1,
            Type::INT32 | Type::FLOAT | Type::BYTE_ARRAY => 4,
            Type::INT64 | Type::DOUBLE => 8,
            Type::INT96 => 12,
            Type::FIXED_LEN_BYTE_ARRAY => usize::try_from(column.type_length()).unwrap_or(1).max(1),
        };
        Self { pages, value_bytes, has_levels: column.max_def_level() > 0 }
    }

    fn check(&self, page: &Page) -> Result<(), ParquetError> {
        let refuse = |text: &str| Err(ParquetError::External(Box::new(Refused(text.to_owned()))));
        let (bytes, values, encoding, values_at) = match page {
            Page::DictionaryPage { buf, num_values, .. } => {
                let fits = (*num_values as usize).checked_mul(self.value_bytes).is_some_and(|size| size <= buf.len());
                return if fits { Ok(()) } else { refuse("expected a whole dictionary, received a damaged one") };
            }
            Page::DataPage { buf, num_values, encoding, .. } => {
                let levels = match buf.first_chunk::<4>() {
                    Some(length) if self.has_levels => (u32::from_le_bytes(*length) as usize).saturating_add(4),
                    _ => 0,
                };
                (buf, *num_values, *encoding, levels)
            }
            Page::DataPageV2 { buf, num_values, encoding, def_levels_byte_len, rep_levels_byte_len, .. } => {
                let levels = (*def_levels_byte_len as usize).saturating_add(*rep_levels_byte_len as usize);
                (buf, *num_values, *encoding, levels)
            }
        };
        match encoding {
            Encoding::DELTA_BYTE_ARRAY => {
                refuse("expected text without the encoding DELTA_BYTE_ARRAY, received it; write the file with another")
            }
            Encoding::DELTA_BINARY_PACKED | Encoding::DELTA_LENGTH_BYTE_ARRAY => {
                // block size, miniblocks of a block, values; nothing where every value is null
                if values_at >= bytes.len() {
                    return Ok(());
                }
                let mut header = Compact { bytes: bytes.get(values_at..).unwrap_or_default(), at: 0 };
                let counts = header.varint().zip(header.varint()).zip(header.varint());
                let fits = counts.is_some_and(|((block, miniblocks), count)| {
                    block <= 1 << 20 && (1..=block.max(1)).contains(&miniblocks) && count <= u64::from(values)
                });
                if fits { Ok(()) } else { refuse("expected whole pages, received a damaged one") }
            }
            _ => Ok(()),
        }
    }
}

impl Iterator for CheckedPages {
    type Item = Result<Page, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for CheckedPages {
    fn get_next_page(&mut self) -> Result<Option<Page>, ParquetError> {
        let page = self.pages.get_next_page()?;
        page.as_ref().map_or(Ok(()), |page| self.check(page))?;
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>, ParquetError> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<(), ParquetError> {
        self.pages.skip_next_page()
    }
}
