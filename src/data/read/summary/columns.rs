//! Columns of numbers, booleans and levels.

use super::{ColumnSummary, MAX_LISTED_INTEGERS, OutOfRange, TableFacts};
use crate::data::{
    read::{
        cell::{self, Token},
        distinct::Distinct,
        distribution::of_counted,
        error::ReadError,
        numeric::Numeric,
        spelling::Spelling,
        warning::DatasetWarning,
    },
    schema::{Column, ColumnType, ValueCount},
};
use serde_json::Value;
use std::collections::HashMap;

impl ColumnSummary {
    /// A category with its levels, of a table of so many rows.
    pub(super) fn category(self, name: String, rows: u64) -> Column {
        let column = Column::empty(name, ColumnType::Category, self.missing);
        match self.distinct {
            Distinct::Estimated(sketch) => {
                let distinct = sketch.estimate().min(rows.saturating_sub(self.missing));
                Column { distinct, distinct_estimated: true, ..column }
            }
            Distinct::Exact { levels, .. } => {
                let mut levels: Vec<_> = levels.into_iter().collect();
                levels.sort_unstable();
                let value = |(level, count): (Box<str>, u64)| ValueCount { value: Value::String(level.into()), count };
                Column {
                    distinct: levels.len() as u64,
                    values: Some(levels.into_iter().map(value).collect()),
                    ..column
                }
            }
        }
    }

    /// A column of true and false, or of 1 and 0 or such words as yes and no if the client says so.
    pub(super) fn boolean_column(self, name: String, warnings: &mut Vec<DatasetWarning>) -> Result<Column, ReadError> {
        let (mut falses, mut trues) = (self.falses, self.trues);
        if self.moments.count > 0 || self.out_of_range.is_some() {
            let Distinct::Exact { levels, .. } = &self.distinct else { return Err(no_boolean(&name)) };
            for (level, count) in levels {
                match cell::number_in(level) {
                    Some(0.0) => falses += count,
                    Some(1.0) => trues += count,
                    Some(_) => return Err(no_boolean(&name)),
                    None => {}
                }
            }
        }
        warnings.extend(self.placeholders(&name));
        let odd = self.texts.count;
        // Words of which one alone is known are other words, as M beside F.
        if odd > 0 && (falses == 0 || trues == 0) {
            return Err(ReadError::Invalid(format!(
                "column {name:?}: expected true and false, 1 and 0, or such words as yes and no in a boolean column; {}; give it the \
                 type category",
                self.texts.first(self.unit)
            )));
        }
        if odd > 0 {
            let detail =
                format!("{odd} cells are not true or false; {}: they are missing", self.texts.first(self.unit));
            warnings.push(self.texts.warning("not_a_boolean", &name, detail));
        }
        let values: Vec<_> = [(false, falses), (true, trues)]
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(value, count)| ValueCount { value: Value::Bool(value), count })
            .collect();
        Ok(Column {
            distinct: values.len() as u64,
            values: Some(values),
            ..Column::empty(name, ColumnType::Boolean, self.missing + self.placeholders.count + odd)
        })
    }

    /// The cells of a column of numbers or booleans that tools and people write for a missing value.
    fn placeholders(&self, name: &str) -> Option<DatasetWarning> {
        let count = self.placeholders.count;
        let first = || self.placeholders.first(self.unit);
        let detail = || format!("{count} cells are written for a missing value; {}: they are missing", first());
        (count > 0).then(|| self.placeholders.clone().warning("placeholder", name, detail()))
    }

    pub(super) fn number_column(
        self,
        name: String,
        facts: &TableFacts<'_>,
        warnings: &mut Vec<DatasetWarning>,
    ) -> Result<Column, ReadError> {
        if let Some(OutOfRange { place, spelling }) = self.out_of_range {
            let hint = match spelling.bytes().any(|byte| byte.is_ascii_digit()) {
                true => "scale the column, or make it a missing value",
                false => "make it a missing value: an empty cell, null, or its spelling in the option `missing`",
            };
            return Err(ReadError::Invalid(format!(
                "{place}, column {name:?}: expected a finite number within ±{:e}, received {spelling}; {hint}",
                f32::MAX
            )));
        }
        let numbers = self.moments.count;
        let odd = self.texts.count + self.trues + self.falses;
        warnings.extend(self.placeholders(&name));
        if self.texts.count > 0 {
            let all = numbers + self.texts.count;
            let detail = format!(
                "{numbers} of {all} cells are numbers; {}: what is no number is missing",
                self.texts.first(self.unit)
            );
            warnings.push(self.texts.warning("not_a_number", &name, detail));
        }
        if self.inexact.count > 0 {
            let detail = format!(
                "{} integers are past 2^53, and a model reads them with about 16 digits; if they are ids or codes, give the \
                 column the type category",
                self.inexact.count
            );
            warnings.push(self.inexact.clone().warning("inexact_integers", &name, detail));
        }
        let column = Column::empty(name, ColumnType::Number, self.missing + self.placeholders.count + odd);
        let mut distinct_estimated = false;
        let (distinct, values, distribution) = match self.distinct {
            Distinct::Estimated(sketch) => {
                let distribution = self.sample.distribution();
                // A sample of every value counts them, unless f64 merges some.
                let all = distribution.as_ref().filter(|it| it.sampled.is_none() && self.inexact.count == 0);
                distinct_estimated = all.is_none();
                let distinct = all.map_or_else(|| sketch.estimate().min(numbers), |all| all.distinct);
                (distinct, None, distribution)
            }
            Distinct::Exact { levels, .. } => {
                let numbers = by_value(&levels, facts.spelling);
                let listed = self.whole && !numbers.is_empty() && numbers.len() <= MAX_LISTED_INTEGERS;
                let values = listed.then(|| integers(&numbers)).flatten();
                let counted: Vec<_> = numbers.iter().map(|(number, count)| (number.value, *count)).collect();
                (numbers.len() as u64, values, of_counted(&counted))
            }
        };
        Ok(Column {
            distinct,
            distinct_estimated,
            values,
            sampled: distribution.as_ref().and_then(|it| it.sampled),
            quantiles: distribution.as_ref().map(|it| it.quantiles),
            histogram: distribution.map(|it| it.histogram),
            min: self.moments.min.map(|min| min.extreme()),
            max: self.moments.max.map(|max| max.extreme()),
            mean: (numbers > 0).then_some(self.moments.mean),
            std: self.moments.sample_std(),
            ..column
        })
    }
}

fn no_boolean(name: &str) -> ReadError {
    ReadError::Invalid(format!(
        "column {name:?}: expected true, false, 0 and 1 in a boolean column, received other numbers"
    ))
}

/// A category whose levels have the given order.
pub(super) fn ordinal(column: Column, order: &[String]) -> Result<Column, ReadError> {
    let name = &column.name;
    let Some(values) = &column.values else {
        return Err(ReadError::Invalid(format!(
            "column {name:?}: expected the levels of `order`, received about {} different values",
            column.distinct
        )));
    };
    let place = |value: &ValueCount| order.iter().position(|level| Some(level.as_str()) == value.value.as_str());
    if let Some(other) = values.iter().find(|value| place(value).is_none()) {
        return Err(ReadError::Invalid(format!(
            "column {name:?}: expected the levels of `order` ({}), received {}",
            order.join(", "),
            other.value
        )));
    }
    let count = |level: &String| {
        let found = values.iter().find(|value| value.value.as_str() == Some(level.as_str()));
        ValueCount { value: Value::String(level.clone()), count: found.map_or(0, |value| value.count) }
    };
    Ok(Column { kind: ColumnType::Ordinal, values: Some(order.iter().map(count).collect()), ..column })
}

/// Numbers in order with their counts: spellings of one value are one.
fn by_value(levels: &HashMap<Box<str>, u64>, spelling: &Spelling) -> Vec<(Numeric, u64)> {
    let mut numbers: Vec<(Numeric, u64)> = levels
        .iter()
        .filter_map(|(level, &count)| match cell::read(level, spelling) {
            // -0 becomes 0
            Token::Number(value) => Some((Numeric::spelled(level, value + 0.0), count)),
            _ => None,
        })
        .collect();
    numbers.sort_unstable_by(|a, b| a.0.compare(&b.0));
    numbers.dedup_by(|next, first| {
        let same = next.0.bits() == first.0.bits();
        if same {
            first.1 += next.1;
        }
        same
    });
    numbers
}

fn integers(numbers: &[(Numeric, u64)]) -> Option<Vec<ValueCount>> {
    let count = |&(number, count): &(Numeric, u64)| {
        let value = number.json();
        (!value.is_f64()).then_some(ValueCount { value, count })
    };
    numbers.iter().map(count).collect()
}
