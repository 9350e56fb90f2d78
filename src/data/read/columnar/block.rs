//! Cells of one column as bytes.

use crate::data::table::{Cells, MISSING};
use serde::{Deserialize, Serialize};

/// The type of stored cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Width {
    /// Whole numbers, codes or booleans of 8 bits; the largest is a missing one.
    U8,
    /// Of 16 bits; the largest is a missing one.
    U16,
    /// Of 32 bits; the largest is a missing one.
    U32,
    /// Numbers that are exact in 32 bits.
    F32,
    /// Any number.
    F64,
}

impl Width {
    /// Bytes of a cell.
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::U16 => 2,
            Self::U32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

/// The narrowest type of these cells, and their bytes.
pub(super) fn encode(cells: &Cells) -> (Width, Vec<u8>) {
    match cells {
        Cells::Number(values) | Cells::Datetime(values) => numbers(values),
        Cells::Category { codes, levels } => {
            let width = width_of(levels.len() as u64);
            (width, whole(width, codes.iter().map(|&code| (code != MISSING).then_some(code))))
        }
        Cells::Boolean(values) => (Width::U8, whole(Width::U8, values.iter().map(|value| value.map(u32::from)))),
    }
}

/// The width of whole numbers below `end`, with one to spare.
fn width_of(end: u64) -> Width {
    match end {
        0..=0xff => Width::U8,
        0x100..=0xffff => Width::U16,
        _ => Width::U32,
    }
}

fn numbers(values: &[f64]) -> (Width, Vec<u8>) {
    let (mut max, mut is_whole, mut is_single) = (0.0f64, true, true);
    for &value in values.iter().filter(|value| !value.is_nan()) {
        // -0 is not a whole number here: its sign would be lost
        is_whole &= value.to_bits() == f64::from(value as u32).to_bits();
        is_single &= f64::from(value as f32) == value;
        max = max.max(value);
        if !is_whole && !is_single {
            break;
        }
    }
    if is_whole && max < f64::from(u32::MAX) {
        let width = width_of(max as u64 + 1);
        return (width, whole(width, values.iter().map(|value| (!value.is_nan()).then_some(*value as u32))));
    }
    match is_single {
        true => (Width::F32, values.iter().flat_map(|value| (*value as f32).to_le_bytes()).collect()),
        false => (Width::F64, values.iter().flat_map(|value| value.to_le_bytes()).collect()),
    }
}

fn whole(width: Width, values: impl Iterator<Item = Option<u32>>) -> Vec<u8> {
    match width {
        Width::U8 => values.map(|value| value.map_or(u8::MAX, |value| value as u8)).collect(),
        Width::U16 => values.flat_map(|value| value.map_or(u16::MAX, |value| value as u16).to_le_bytes()).collect(),
        _ => values.flat_map(|value| value.unwrap_or(u32::MAX).to_le_bytes()).collect(),
    }
}

/// Appends the stored cells to a column; `None` where one is not a cell of the column.
pub(super) fn decode(width: Width, bytes: &[u8], cells: &mut Cells) -> Option<()> {
    match cells {
        Cells::Number(values) | Cells::Datetime(values) => match width {
            Width::F64 => values.extend(bytes.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes))),
            Width::F32 => values.extend(bytes.as_chunks().0.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes)))),
            width => each(width, bytes, |value| values.push(value.map_or(f64::NAN, f64::from))),
        },
        Cells::Category { codes, levels } => {
            let mut known = true;
            each(width, bytes, |value| {
                known &= value.is_none_or(|code| (code as usize) < levels.len());
                codes.push(value.unwrap_or(MISSING));
            });
            return (known && width.is_whole()).then_some(());
        }
        Cells::Boolean(values) => {
            let mut known = true;
            each(width, bytes, |value| {
                known &= value.is_none_or(|value| value < 2);
                values.push(value.map(|value| value == 1));
            });
            return (known && width == Width::U8).then_some(());
        }
    }
    Some(())
}

impl Width {
    fn is_whole(self) -> bool {
        matches!(self, Self::U8 | Self::U16 | Self::U32)
    }
}

#[inline]
fn each(width: Width, bytes: &[u8], mut take: impl FnMut(Option<u32>)) {
    match width {
        Width::U8 => bytes.iter().for_each(|&value| take((value != u8::MAX).then_some(value.into()))),
        Width::U16 => bytes.as_chunks().0.iter().for_each(|bytes| {
            let value = u16::from_le_bytes(*bytes);
            take((value != u16::MAX).then_some(value.into()));
        }),
        Width::U32 => bytes.as_chunks().0.iter().for_each(|bytes| {
            let value = u32::from_le_bytes(*bytes);
            take((value != u32::MAX).then_some(value));
        }),
        Width::F32 | Width::F64 => {}
    }
}
