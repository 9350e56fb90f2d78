//! Cells of a column by its type.

use super::decode::{damaged, decode};
use crate::data::read::{chunk::CellRef, error::ReadError};
use jiff::{SignedDuration, civil};
use parquet::{
    basic::{ConvertedType, LogicalType, TimeUnit, Type},
    column::reader::{ColumnReader, ColumnReaderImpl},
    data_type::{ByteArray, DataType, FixedLenByteArray, Int96},
    errors::ParquetError,
    schema::types::ColumnDescriptor,
};
use std::ops::Range;

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Boolean,
    Number,
    Unsigned,
    /// Integers over a power of ten.
    Decimal(u32),
    Half,
    Text,
    Uuid,
    Date,
    /// Units of a second since midnight.
    Time(i64),
    /// Units of a second since 1970, and whether it is UTC rather than local time.
    Timestamp(i64, bool),
    /// Nanoseconds of a day and the Julian day.
    JulianDay,
}

impl Kind {
    /// Fails for a column within another, and for types without a meaning in a table.
    pub fn of(column: &ColumnDescriptor) -> Result<Self, ReadError> {
        let path = column.path().string();
        let refuse = |received: &str| {
            Err(ReadError::Invalid(format!(
                "column {path:?}: expected numbers, booleans, text, dates or times, received {received}"
            )))
        };
        if column.path().parts().len() > 1 || column.max_rep_level() > 0 {
            return refuse("nested values; write a column for each");
        }
        let units = |unit: &TimeUnit| match unit {
            TimeUnit::MILLIS => 1_000,
            TimeUnit::MICROS => 1_000_000,
            TimeUnit::NANOS => 1_000_000_000,
        };
        let scale = u32::try_from(column.type_scale()).unwrap_or_default();
        let (physical, logical) = (column.physical_type(), column.logical_type_ref());
        let integer = matches!(physical, Type::INT32 | Type::INT64);
        let bytes = matches!(physical, Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY);
        let kind = match (logical, column.converted_type()) {
            (Some(LogicalType::Decimal(_)), _) | (None, ConvertedType::DECIMAL) if integer || bytes => {
                Self::Decimal(scale)
            }
            (Some(LogicalType::Date), _) | (None, ConvertedType::DATE) if physical == Type::INT32 => Self::Date,
            (Some(LogicalType::Time(time)), _) if integer => Self::Time(units(&time.unit)),
            (None, ConvertedType::TIME_MILLIS) if integer => Self::Time(1_000),
            (None, ConvertedType::TIME_MICROS) if integer => Self::Time(1_000_000),
            (Some(LogicalType::Timestamp(time)), _) if physical == Type::INT64 => {
                Self::Timestamp(units(&time.unit), time.is_adjusted_to_u_t_c)
            }
            (None, ConvertedType::TIMESTAMP_MILLIS) if physical == Type::INT64 => Self::Timestamp(1_000, true),
            (None, ConvertedType::TIMESTAMP_MICROS) if physical == Type::INT64 => Self::Timestamp(1_000_000, true),
            (Some(LogicalType::Integer(integer)), _) if !integer.is_signed => Self::Unsigned,
            (
                None,
                ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64,
            ) if integer => Self::Unsigned,
            (Some(LogicalType::Float16), _) if physical == Type::FIXED_LEN_BYTE_ARRAY => Self::Half,
            (Some(LogicalType::Uuid), _) if physical == Type::FIXED_LEN_BYTE_ARRAY => Self::Uuid,
            (Some(LogicalType::Integer(_) | LogicalType::Unknown) | None, _) if !bytes => match physical {
                Type::BOOLEAN => Self::Boolean,
                Type::INT96 => Self::JulianDay,
                _ => Self::Number,
            },
            (
                Some(LogicalType::String | LogicalType::Enum | LogicalType::Json) | None,
                ConvertedType::NONE | ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON,
            ) if physical == Type::BYTE_ARRAY => Self::Text,
            _ => return refuse(&format!("{physical} values of another kind")),
        };
        Ok(kind)
    }
}

/// A column of a row group, decoded some rows at a time.
pub(super) struct Column {
    reader: ColumnReader,
    kind: Kind,
    place: String,
    cell_bytes: usize,
    /// By row of the batch: whether there is a value; empty where every row has one.
    levels: Vec<i16>,
    has_levels: bool,
    values: Values,
    /// Values before the next row.
    next: usize,
    first_row: u64,
}

enum Values {
    Boolean(Vec<bool>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Int96(Vec<Int96>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Bytes(Vec<ByteArray>),
    Fixed(Vec<FixedLenByteArray>),
}

impl Column {
    pub fn new(reader: ColumnReader, kind: Kind, place: String, cell_bytes: usize) -> Self {
        let values = match &reader {
            ColumnReader::BoolColumnReader(_) => Values::Boolean(Vec::new()),
            ColumnReader::Int32ColumnReader(_) => Values::Int32(Vec::new()),
            ColumnReader::Int64ColumnReader(_) => Values::Int64(Vec::new()),
            ColumnReader::Int96ColumnReader(_) => Values::Int96(Vec::new()),
            ColumnReader::FloatColumnReader(_) => Values::Float(Vec::new()),
            ColumnReader::DoubleColumnReader(_) => Values::Double(Vec::new()),
            ColumnReader::ByteArrayColumnReader(_) => Values::Bytes(Vec::new()),
            ColumnReader::FixedLenByteArrayColumnReader(_) => Values::Fixed(Vec::new()),
        };
        let (levels, has_levels) = (Vec::new(), false);
        Self { reader, kind, place, cell_bytes, levels, has_levels, values, next: 0, first_row: 0 }
    }

    /// Decodes the next `rows` rows, of which `rows_before` are before in the file.
    pub fn decode(&mut self, rows: usize, rows_before: u64) -> Result<(), ReadError> {
        self.levels.clear();
        (self.next, self.first_row) = (0, rows_before + 1);
        let Self { reader, levels, values, place, .. } = self;
        let (records, count) = decode(place, || match (reader, &mut *values) {
            (ColumnReader::BoolColumnReader(reader), Values::Boolean(values)) => next(reader, rows, levels, values),
            (ColumnReader::Int32ColumnReader(reader), Values::Int32(values)) => next(reader, rows, levels, values),
            (ColumnReader::Int64ColumnReader(reader), Values::Int64(values)) => next(reader, rows, levels, values),
            (ColumnReader::Int96ColumnReader(reader), Values::Int96(values)) => next(reader, rows, levels, values),
            (ColumnReader::FloatColumnReader(reader), Values::Float(values)) => next(reader, rows, levels, values),
            (ColumnReader::DoubleColumnReader(reader), Values::Double(values)) => next(reader, rows, levels, values),
            (ColumnReader::ByteArrayColumnReader(reader), Values::Bytes(values)) => next(reader, rows, levels, values),
            (ColumnReader::FixedLenByteArrayColumnReader(reader), Values::Fixed(values)) => {
                next(reader, rows, levels, values)
            }
            _ => Err(ParquetError::General("a column changed its type".to_owned())),
        })?;
        self.has_levels = !self.levels.is_empty();
        let present = self.levels.iter().filter(|level| **level > 0).count();
        if records != rows || (self.has_levels && (self.levels.len() != rows || present != count)) {
            return Err(damaged(&self.place));
        }
        Ok(())
    }

    /// Whether [`Self::cells`] writes text.
    pub fn has_text(&self) -> bool {
        matches!(self.values, Values::Bytes(_) | Values::Fixed(_) | Values::Int96(_))
            || matches!(self.kind, Kind::Date | Kind::Time(_) | Kind::Timestamp(..))
    }

    /// Adds the bytes of the texts of the decoded rows to `bytes`, by row.
    pub fn add_text_bytes(&self, bytes: &mut [usize]) {
        if !matches!(self.values, Values::Bytes(_)) {
            return;
        }
        let mut next = 0;
        for (row, bytes) in bytes.iter_mut().enumerate() {
            if !self.has_levels || self.levels.get(row).is_some_and(|level| *level > 0) {
                *bytes = bytes.saturating_add(self.values.text_bytes(next));
                next += 1;
            }
        }
    }

    /// The cells of some rows of the batch, which follow the last ones.
    pub fn cells(&mut self, rows: Range<usize>, text: &mut String, cells: &mut Vec<CellRef>) -> Result<(), ReadError> {
        if !self.has_levels && self.values.add_numbers(self.next..self.next + rows.len(), self.kind, cells) {
            self.next += rows.len();
            return Ok(());
        }
        for row in rows {
            if self.has_levels && self.levels.get(row).is_none_or(|level| *level == 0) {
                cells.push(CellRef::Missing);
                continue;
            }
            let cell = self.values.cell(self.next, self.kind, self.cell_bytes, text);
            self.next += 1;
            cells.push(cell.map_err(|detail| {
                let row = self.first_row + row as u64;
                ReadError::Invalid(format!("{}, row {row}: {detail}", self.place))
            })?);
        }
        Ok(())
    }
}

/// Appends the next records; returns how many, and the number of values.
fn next<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
    levels: &mut Vec<i16>,
    values: &mut Vec<T::T>,
) -> Result<(usize, usize), ParquetError> {
    values.clear();
    let mut records = 0;
    while records < rows {
        let (read, _, _) = reader.read_records(rows - records, Some(&mut *levels), None, values)?;
        if read == 0 {
            break;
        }
        records += read;
    }
    Ok((records, values.len()))
}

impl Values {
    fn text_bytes(&self, index: usize) -> usize {
        match self {
            Self::Bytes(values) => values.get(index).map_or(0, ByteArray::len),
            _ => 0,
        }
    }

    /// Adds all of these values at once, where they are numbers without a unit; whether it did.
    fn add_numbers(&self, range: Range<usize>, kind: Kind, cells: &mut Vec<CellRef>) -> bool {
        fn add<T: Copy>(
            values: &[T],
            range: Range<usize>,
            cells: &mut Vec<CellRef>,
            of: impl Fn(T) -> CellRef,
        ) -> bool {
            let values = values.get(range);
            cells.extend(values.into_iter().flatten().map(|value| of(*value)));
            values.is_some()
        }
        match (self, kind) {
            (Self::Float(values), _) => add(values, range, cells, |value| float(f64::from(value))),
            (Self::Double(values), _) => add(values, range, cells, float),
            (Self::Int32(values), Kind::Number) => add(values, range, cells, |value| whole(i64::from(value))),
            (Self::Int64(values), Kind::Number) => add(values, range, cells, whole),
            _ => false,
        }
    }

    fn cell(&self, index: usize, kind: Kind, cell_bytes: usize, text: &mut String) -> Result<CellRef, String> {
        let missing = || "expected a value, received none".to_owned();
        match self {
            Self::Boolean(values) => values.get(index).map(|value| CellRef::Boolean(*value)).ok_or_else(missing),
            Self::Int32(values) => {
                let value = *values.get(index).ok_or_else(missing)?;
                match kind {
                    Kind::Unsigned => Ok(CellRef::Number(f64::from(value as u32))),
                    kind => integer(i64::from(value), kind, text),
                }
            }
            Self::Int64(values) => integer(*values.get(index).ok_or_else(missing)?, kind, text),
            Self::Int96(values) => {
                let value = values.get(index).ok_or_else(missing)?;
                let [low, high, day] = *value.data() else { return Err(missing()) };
                let nanoseconds = (i64::from(high) << 32) | i64::from(low);
                let seconds = (i64::from(day) - JULIAN_DAY_OF_1970) * DAY;
                moment(seconds.saturating_add(nanoseconds / SECOND), nanoseconds % SECOND, false, text)
            }
            Self::Float(values) => values.get(index).map(|value| float(f64::from(*value))).ok_or_else(missing),
            Self::Double(values) => values.get(index).map(|value| float(*value)).ok_or_else(missing),
            Self::Bytes(values) => bytes(values.get(index).ok_or_else(missing)?.data(), kind, cell_bytes, text),
            Self::Fixed(values) => bytes(values.get(index).ok_or_else(missing)?.data(), kind, cell_bytes, text),
        }
    }
}

const JULIAN_DAY_OF_1970: i64 = 2_440_588;
/// Seconds of a day.
const DAY: i64 = 86_400;
/// Nanoseconds of a second.
const SECOND: i64 = 1_000_000_000;
/// Integers up to here are exact in `f64`.
const EXACT: i64 = 1 << 53;

/// NaN is a missing value, as pandas writes it.
fn float(value: f64) -> CellRef {
    if value.is_nan() { CellRef::Missing } else { CellRef::Number(value) }
}

fn integer(value: i64, kind: Kind, text: &mut String) -> Result<CellRef, String> {
    match kind {
        Kind::Decimal(scale) => Ok(decimal(i128::from(value), scale)),
        Kind::Date => {
            let days = SignedDuration::from_hours(value.saturating_mul(24));
            let date = civil::date(1970, 1, 1).checked_add(days).map_err(|_| out_of_range("days since 1970", value))?;
            Ok(written(&date.to_string(), text))
        }
        Kind::Time(units) => {
            let nanoseconds = value.saturating_mul(SECOND / units);
            let time = civil::Time::midnight().checked_add(SignedDuration::from_nanos(nanoseconds));
            let time = time.map_err(|_| out_of_range("time of a day", value))?;
            Ok(written(&time.to_string(), text))
        }
        Kind::Timestamp(units, utc) => {
            let fraction = value.rem_euclid(units) * (SECOND / units);
            moment(value.div_euclid(units), fraction, utc, text)
        }
        Kind::Unsigned if value < 0 => Ok(CellRef::Unsigned(value as u64)),
        _ => Ok(whole(value)),
    }
}

fn whole(value: i64) -> CellRef {
    if value.unsigned_abs() < EXACT as u64 { CellRef::Number(value as f64) } else { CellRef::Integer(value) }
}

/// `utc` is written with a Z; local time without.
fn moment(seconds: i64, nanoseconds: i64, utc: bool, text: &mut String) -> Result<CellRef, String> {
    let nanoseconds = i32::try_from(nanoseconds).unwrap_or_default();
    let moment = civil::date(1970, 1, 1).at(0, 0, 0, 0).checked_add(SignedDuration::new(seconds, nanoseconds));
    let moment = moment.map_err(|_| out_of_range("seconds since 1970", seconds))?;
    let spelled = if utc { format!("{moment}Z") } else { moment.to_string() };
    Ok(written(&spelled, text))
}

fn out_of_range(unit: &str, value: i64) -> String {
    format!("expected a {unit} within the years -9999 to 9999, received {value}")
}

fn written(spelled: &str, text: &mut String) -> CellRef {
    let start = text.len() as u32;
    text.push_str(spelled);
    CellRef::Written(start, text.len() as u32)
}

fn decimal(value: i128, scale: u32) -> CellRef {
    match i64::try_from(value) {
        Ok(value) if scale == 0 && value.unsigned_abs() >= EXACT as u64 => CellRef::Integer(value),
        // the division of two exact numbers is the nearest number
        _ => CellRef::Number(value as f64 / 10f64.powi(scale.min(300) as i32)),
    }
}

fn bytes(value: &[u8], kind: Kind, cell_bytes: usize, text: &mut String) -> Result<CellRef, String> {
    match kind {
        Kind::Decimal(scale) => {
            if value.len() > 16 || value.is_empty() {
                return Err(format!("expected a decimal of 1 to 16 bytes, received {}", value.len()));
            }
            let sign = if value.first().is_some_and(|first| first & 0x80 != 0) { -1 } else { 0 };
            Ok(decimal(value.iter().fold(sign, |sum: i128, byte| (sum << 8) | i128::from(*byte)), scale))
        }
        Kind::Half => match value {
            [low, high] => Ok(float(half(u16::from_le_bytes([*low, *high])))),
            _ => Err(format!("expected a number of 2 bytes, received {}", value.len())),
        },
        Kind::Uuid => match value.try_into() {
            Ok(bytes) => Ok(as_text(&uuid::Uuid::from_bytes(bytes).to_string(), text)),
            Err(_) => Err(format!("expected a UUID of 16 bytes, received {}", value.len())),
        },
        _ if value.len() > cell_bytes => {
            Err(format!("expected a cell of at most {cell_bytes} bytes, received {}", value.len()))
        }
        _ => match std::str::from_utf8(value) {
            Ok(value) => Ok(as_text(value, text)),
            Err(_) => Err("expected UTF-8 text, received other bytes".to_owned()),
        },
    }
}

fn as_text(value: &str, text: &mut String) -> CellRef {
    let start = text.len() as u32;
    text.push_str(value);
    CellRef::Text(start, text.len() as u32)
}

/// The number of IEEE 754's binary16.
fn half(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves() {
        for (bits, value) in
            [(0x3c00, 1.0), (0xc000, -2.0), (0x3555, 0.333_251_953_125), (1, 2f64.powi(-24)), (0x7bff, 65504.0)]
        {
            assert_eq!(half(bits), value, "{bits:x}");
        }
        assert!(half(0x7e00).is_nan() && half(0xfc00) == f64::NEG_INFINITY);
    }
}
