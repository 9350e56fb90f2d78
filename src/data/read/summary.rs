//! One column's type and summary, found in one pass in bounded memory.

mod dates;

use super::{
    cell::{self, Cell, Token},
    chunk::{CellRef, Chunk},
    codes::Codes,
    distinct::{Counting, Distinct},
    distribution::{Sample, of_counted},
    error::ReadError,
    numeric::Numeric,
    spelling::Spelling,
    warning::{DatasetWarning, Examples},
};
use crate::data::{
    date::{Candidates, DateForms},
    schema::{Column, ColumnType, GivenType, ValueCount},
};
use serde_json::Value;
use std::{borrow::Cow, collections::HashMap};

/// Maximum integers that a number column lists. More of them are an amount, not class labels.
pub const MAX_LISTED_INTEGERS: usize = 1000;

/// A column with at least so many numbers for one other text is a number column; the other texts are missing.
const NUMBERS_PER_TEXT: u64 = 99;

/// Running summary of a column.
#[derive(Debug, Clone)]
pub(super) struct ColumnSummary {
    missing: u64,
    placeholders: Examples,
    trues: u64,
    falses: u64,
    texts: Examples,
    /// Texts that would be numbers without currency signs, percent signs, blanks and groups.
    amounts: Examples,
    /// Forms of dates that the texts may have; nothing before the first text.
    dates: Option<Box<Candidates>>,
    odd_dates: Examples,
    moments: Moments,
    sample: Sample,
    whole: bool,
    out_of_range: Option<OutOfRange>,
    /// Integers whose digits `f64` does not keep.
    inexact: Examples,
    codes: Codes,
    pub distinct: Distinct,
    unit: &'static str,
}

/// A number that `f32` cannot hold: an error if the column is a number column.
#[derive(Debug, Clone)]
struct OutOfRange {
    place: String,
    spelling: String,
}

/// What is known of the whole table when a column is finished.
#[derive(Debug, Clone, Copy)]
pub(super) struct TableFacts<'a> {
    /// Columns with numbers that are not in quotes.
    pub columns_of_bare_numbers: usize,
    /// The type that the client gives.
    pub given: Option<&'a GivenType>,
    pub spelling: &'a Spelling,
}

impl ColumnSummary {
    /// A column that the first `rows` rows do not have, of a table of so many columns.
    pub fn after(rows: u64, columns: usize) -> Self {
        Self {
            missing: rows,
            placeholders: Examples::default(),
            trues: 0,
            falses: 0,
            texts: Examples::default(),
            amounts: Examples::default(),
            dates: None,
            odd_dates: Examples::default(),
            moments: Moments::default(),
            sample: Sample::new(columns),
            whole: true,
            out_of_range: None,
            inexact: Examples::default(),
            codes: Codes::default(),
            distinct: Distinct::default(),
            unit: "line",
        }
    }

    /// Whether every value so far is a number.
    pub fn is_numeric(&self) -> bool {
        self.moments.count > 0 && self.texts.count == 0
    }

    /// Whether a number so far is not in quotes.
    pub fn has_bare_numbers(&self) -> bool {
        self.codes.bare > 0
    }

    /// Adds this column's cells of a chunk.
    pub fn add(&mut self, chunk: &Chunk<'_>, cells: &[CellRef], counting: &Counting<'_>, forms: &DateForms) {
        self.unit = chunk.unit;
        for (row, &cell) in cells.iter().enumerate() {
            match chunk.cell(cell) {
                Cell::Missing => self.missing += 1,
                Cell::Text("") => self.missing += 1,
                Cell::Text(text) => {
                    self.text(text, || chunk.number(row), chunk.spelling, forms);
                    self.distinct.add(None, || Cow::Borrowed(text), counting);
                }
                Cell::Boolean(value) => {
                    self.boolean(value);
                    self.distinct.add(None, || Cow::Borrowed(if value { "true" } else { "false" }), counting);
                }
                Cell::Number(number) => {
                    self.number(number, row, chunk, || format!("{:e}", number.value));
                    if forms.has_numeric() {
                        self.date(&number.text(), || chunk.number(row), forms);
                    }
                    self.distinct.add(Some(number), || Cow::Owned(number.text()), counting);
                }
                Cell::Written { text, quoted } => match cell::read(&text, chunk.spelling) {
                    Token::Number(value) => {
                        let number = Numeric::spelled(&text, value);
                        self.number(number, row, chunk, || text.to_string());
                        self.codes.add(&text, quoted);
                        if forms.has_numeric() {
                            self.date(&text, || chunk.number(row), forms);
                        }
                        self.distinct.add(Some(number), || text, counting);
                    }
                    Token::Missing => self.missing += 1,
                    token => {
                        match token {
                            Token::Placeholder => self.placeholders.add(|| chunk.number(row), &text),
                            Token::Boolean(value) => self.boolean(value),
                            _ => self.text(&text, || chunk.number(row), chunk.spelling, forms),
                        }
                        self.distinct.add(None, || text, counting);
                    }
                },
            }
        }
    }

    fn date(&mut self, text: &str, line: impl Fn() -> u64, forms: &DateForms) {
        let dates = self.dates.get_or_insert_with(|| Box::new(Candidates::new(forms)));
        if dates.is_alive() && !dates.add(text) {
            self.odd_dates.add(line, text);
        }
    }

    fn text(&mut self, text: &str, line: impl Fn() -> u64, spelling: &Spelling, forms: &DateForms) {
        self.texts.add(&line, text);
        self.date(text, &line, forms);
        // Only a column of such texts is warned of: after some that are none it is no longer looked at.
        if self.amounts.count * 2 >= self.texts.count.saturating_sub(10) && is_amount(text, spelling) {
            self.amounts.add(&line, text);
        }
    }

    fn boolean(&mut self, value: bool) {
        if value {
            self.trues += 1;
        } else {
            self.falses += 1;
        }
    }

    #[inline]
    fn number(&mut self, number: Numeric, row: usize, chunk: &Chunk<'_>, text: impl Fn() -> String) {
        let value = number.value;
        if (value as f32).is_finite() {
            self.whole &= value == value.trunc();
            self.moments.add(number);
            self.sample.add(value);
            if number.is_inexact() {
                self.inexact.add(|| chunk.number(row), &number.text());
            }
        } else if self.out_of_range.is_none() {
            self.out_of_range = Some(OutOfRange { place: chunk.place(row), spelling: text() });
        }
    }

    /// The column, once every row has been seen, with what is to be said of it.
    pub fn finish(mut self, name: String, facts: &TableFacts<'_>) -> Result<(Column, Vec<DatasetWarning>), ReadError> {
        let booleans = self.trues + self.falses;
        let numbers = self.moments.count + u64::from(self.out_of_range.is_some());
        let texts = self.texts.count;
        let mut warnings = Vec::new();
        let given = facts.given.map(|given| given.kind);
        let form = facts.given.and_then(|given| given.format.as_ref());
        let dates = self.dates.as_ref().and_then(|dates| dates.finish(form));
        let are_dates = texts > 0 && numbers == 0 && booleans == 0;
        let (kind, reason) = match given {
            Some(kind) => (kind, Some("the option `types`".to_owned())),
            None if are_dates && dates.as_ref().is_some_and(|dates| dates.others.is_empty()) => {
                (ColumnType::Datetime, None)
            }
            None if booleans > 0 && numbers == 0 && texts == 0 => (ColumnType::Boolean, None),
            None if booleans > 0 => (ColumnType::Category, None),
            None if numbers == 0 && texts + self.placeholders.count > 0 => (ColumnType::Category, None),
            None if numbers < texts.saturating_mul(NUMBERS_PER_TEXT) => (ColumnType::Category, None),
            None => match self.codes.reason(&self.distinct, facts.columns_of_bare_numbers) {
                Some(reason) => (ColumnType::Category, Some(reason)),
                None => (ColumnType::Number, None),
            },
        };
        if kind == ColumnType::Category && given.is_none() {
            let mut odd = self.texts.clone();
            if numbers > 0 && numbers >= texts && booleans == 0 && texts > 0 {
                let detail = format!(
                    "{numbers} of {} cells are numbers, too few for a number column; {}: the column is a category",
                    numbers + texts,
                    odd.first(self.unit)
                );
                warnings.push(std::mem::take(&mut odd).warning("mixed_column", &name, detail));
            } else if texts > 0 && numbers == 0 && self.amounts.count * 10 >= texts * 9 {
                let detail = format!(
                    "{} of {texts} texts are numbers with a sign, a unit or groups of digits; {}: the column is a category",
                    self.amounts.count,
                    self.amounts.first(self.unit)
                );
                warnings.push(std::mem::take(&mut self.amounts).warning("numbers_as_text", &name, detail));
            }
        }
        let ambiguous = dates.as_ref().filter(|dates| are_dates && given.is_none() && !dates.others.is_empty());
        let date_formats: Vec<_> = ambiguous
            .map(|dates| std::iter::once(&dates.pattern).chain(&dates.others).cloned().collect())
            .unwrap_or_default();
        if let Some(dates) = ambiguous {
            warnings.push(self.ambiguous_dates(&name, dates));
        }
        let column = match kind {
            ColumnType::Category => Column { date_formats, ..self.category(name) },
            ColumnType::Ordinal => {
                let order = facts.given.map(|given| given.order.as_slice()).unwrap_or_default();
                ordinal(self.category(name), order)?
            }
            ColumnType::Datetime => self.datetime_column(name, dates, &mut warnings)?,
            ColumnType::Ignored => Column::empty(name, kind, self.missing),
            ColumnType::Boolean => self.boolean_column(name, &mut warnings)?,
            ColumnType::Number => self.number_column(name, facts, &mut warnings)?,
        };
        Ok((Column { reason, ..column }, warnings))
    }

    fn category(self, name: String) -> Column {
        let column = Column::empty(name, ColumnType::Category, self.missing);
        match self.distinct {
            Distinct::Estimated(sketch) => Column { distinct: sketch.estimate(), ..column },
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

    /// A column of true and false, or of 1 and 0 if the client says so.
    fn boolean_column(self, name: String, warnings: &mut Vec<DatasetWarning>) -> Result<Column, ReadError> {
        let (mut falses, mut trues) = (self.falses, self.trues);
        if self.moments.count > 0 {
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
        let odd = self.texts.count;
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

    fn number_column(
        self,
        name: String,
        facts: &TableFacts<'_>,
        warnings: &mut Vec<DatasetWarning>,
    ) -> Result<Column, ReadError> {
        if let Some(OutOfRange { place, spelling }) = self.out_of_range {
            return Err(ReadError::Invalid(format!(
                "{place}, column {name:?}: expected a finite number within ±{:e}, received {spelling}",
                f32::MAX
            )));
        }
        let numbers = self.moments.count;
        let odd = self.texts.count + self.trues + self.falses;
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
            warnings.push(self.inexact.warning("inexact_integers", &name, detail));
        }
        let column = Column::empty(name, ColumnType::Number, self.missing + self.placeholders.count + odd);
        let (distinct, values, distribution) = match self.distinct {
            Distinct::Estimated(sketch) => (sketch.estimate(), None, self.sample.distribution()),
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
fn ordinal(column: Column, order: &[String]) -> Result<Column, ReadError> {
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

/// Whether a text is a number with a currency sign, a percent sign, blanks or groups of digits.
fn is_amount(text: &str, spelling: &Spelling) -> bool {
    if !text.bytes().any(|byte| byte.is_ascii_digit()) || text.len() > 40 {
        return false;
    }
    let is_sign =
        |character: char| matches!(character, '$' | '€' | '£' | '¥' | '%' | ' ' | '\u{a0}' | '\u{202f}' | '\'');
    let bare: String = text.chars().filter(|character| !is_sign(*character)).collect();
    let groups = |mark: u8, decimal: u8| Spelling { decimal, thousands: Some(mark), missing: None };
    let is_number = |spelling: &Spelling| matches!(cell::read(&bare, spelling), Token::Number(_));
    is_number(spelling) || is_number(&groups(b',', b'.')) || is_number(&groups(b'.', b','))
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

/// Welford's running mean and sum of squared deviations: exact enough where the mean is large beside the deviation.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    count: u64,
    mean: f64,
    squares: f64,
    min: Option<Numeric>,
    max: Option<Numeric>,
}

impl Moments {
    #[inline]
    fn add(&mut self, number: Numeric) {
        let value = number.value;
        self.count += 1;
        let before = value - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (value - self.mean);
        if self.min.is_none_or(|min| number.is_less(&min)) {
            self.min = Some(number);
        }
        if self.max.is_none_or(|max| max.is_less(&number)) {
            self.max = Some(number);
        }
    }

    fn sample_std(&self) -> Option<f64> {
        (self.count > 1).then(|| (self.squares / (self.count - 1) as f64).sqrt())
    }
}
