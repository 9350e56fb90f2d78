//! The cells of a column as numbers, times or places of levels, whatever type the column has in its file.

use super::levels::Levels;
use crate::{
    data::{
        date::DatePattern,
        read::number_in,
        table::{Cells, MISSING},
    },
    engine::cancel::until_cancelled,
};
use std::borrow::Cow;

/// Cells as numbers; NaN is a missing one.
pub(super) enum NumberCells<'a> {
    Numbers(Cow<'a, [f64]>),
    Booleans(&'a [Option<bool>]),
    /// By code.
    Coded {
        codes: &'a [u32],
        numbers: Vec<f64>,
    },
}

impl NumberCells<'_> {
    /// The number of a row.
    #[inline]
    pub fn get(&self, row: usize) -> f64 {
        let number = match self {
            Self::Numbers(numbers) => numbers.get(row).copied(),
            Self::Booleans(values) => values.get(row).copied().flatten().map(|value| f64::from(u8::from(value))),
            Self::Coded { codes, numbers } => codes.get(row).and_then(|code| numbers.get(*code as usize)).copied(),
        };
        number.unwrap_or(f64::NAN)
    }
}

/// Cells as numbers. Text that is no number is missing.
pub(super) fn numbers(cells: &Cells) -> NumberCells<'_> {
    match cells {
        Cells::Number(values) | Cells::Datetime(values) => NumberCells::Numbers(Cow::Borrowed(values)),
        Cells::Boolean(values) => NumberCells::Booleans(values),
        Cells::Category { codes, levels } => {
            let number = |level: &String| match level.as_str() {
                "true" => 1.0,
                "false" => 0.0,
                level => number_in(level).unwrap_or(f64::NAN),
            };
            NumberCells::Coded { codes, numbers: levels.iter().map(number).collect() }
        }
    }
}

/// Cells as times in seconds since 1970. What does not have the form is missing.
pub(super) fn times<'a>(cells: &'a Cells, format: &DatePattern) -> NumberCells<'a> {
    let read = |text: &str| format.read(text).map_or(f64::NAN, |instant| instant.seconds);
    match cells {
        Cells::Datetime(values) => NumberCells::Numbers(Cow::Borrowed(values)),
        Cells::Number(values) => {
            let times = until_cancelled(values.iter()).map(|&value| number_as_date(value, format));
            NumberCells::Numbers(times.collect::<Vec<_>>().into())
        }
        Cells::Category { codes, levels } => {
            let times = until_cancelled(levels.iter()).map(|level| read(level));
            NumberCells::Coded { codes, numbers: times.collect() }
        }
        Cells::Boolean(_) => NumberCells::Numbers(Cow::Borrowed(&[])),
    }
}

/// A number such as 20230115 as a time; NaN where it has not the form.
pub(super) fn number_as_date(value: f64, format: &DatePattern) -> f64 {
    if value.is_nan() {
        return value;
    }
    format.read(&value.to_string()).map_or(f64::NAN, |instant| instant.seconds)
}

/// Cells as places of levels.
pub(super) enum CodeCells<'a> {
    /// By code: the place, or `None` where the levels do not have it.
    Coded {
        codes: &'a [u32],
        places: Vec<Option<usize>>,
    },
    Numbers {
        values: &'a [f64],
        levels: &'a Levels,
    },
    Booleans {
        values: &'a [Option<bool>],
        places: [Option<usize>; 2],
    },
}

impl CodeCells<'_> {
    /// `None` for a missing cell, `Some(None)` for a level that the levels do not have.
    #[inline]
    pub fn get(&self, row: usize) -> Option<Option<usize>> {
        match self {
            Self::Coded { codes, places } => match codes.get(row) {
                None | Some(&MISSING) => None,
                Some(&code) => Some(places.get(code as usize).copied().flatten()),
            },
            Self::Numbers { values, levels } => {
                values.get(row).filter(|value| !value.is_nan()).map(|&value| levels.place_of_number(value))
            }
            Self::Booleans { values, places: [no, yes] } => {
                values.get(row).copied().flatten().map(|value| if value { *yes } else { *no })
            }
        }
    }
}

/// Cells as places of `levels`.
pub(super) fn codes<'a>(cells: &'a Cells, levels: &'a Levels) -> CodeCells<'a> {
    match cells {
        Cells::Category { codes, levels: names } => {
            CodeCells::Coded { codes, places: names.iter().map(|name| levels.place(name)).collect() }
        }
        Cells::Number(values) | Cells::Datetime(values) => CodeCells::Numbers { values, levels },
        Cells::Boolean(values) => {
            let place = |truth: &str, number: &str| levels.place(truth).or_else(|| levels.place(number));
            CodeCells::Booleans { values, places: [place("false", "0"), place("true", "1")] }
        }
    }
}

/// The levels of a category's cells; the numbers of a number column, each once.
pub(super) fn level_names(cells: &Cells) -> Vec<String> {
    match cells {
        Cells::Category { levels, .. } => levels.clone(),
        Cells::Boolean(_) => vec!["false".to_owned(), "true".to_owned()],
        Cells::Number(values) | Cells::Datetime(values) => {
            let mut numbers: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
            numbers.sort_unstable_by(f64::total_cmp);
            numbers.dedup();
            numbers.iter().map(f64::to_string).collect()
        }
    }
}
