//! One column's type and summary, found in one pass in bounded memory.

mod columns;
mod dates;
mod moments;
mod texts;

use super::{
    amount,
    cell::{self, Cell, Token},
    chunk::{CellRef, Chunk},
    codes::Codes,
    distinct::{Counting, Distinct},
    distribution::Sample,
    error::ReadError,
    numeric::Numeric,
    spelling::Spelling,
    warning::{DatasetWarning, Examples},
};
use crate::data::{
    date::{Candidates, DateForms},
    schema::{Column, ColumnType, GIVEN, GivenType},
};
use columns::ordinal;
use moments::Moments;
use std::borrow::Cow;

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
    /// Texts that people read as numbers.
    amounts: Examples,
    /// Their unit.
    unit_of_amounts: Option<Box<str>>,
    /// Texts that are spelled as numbers, and are text in the file.
    text_numbers: u64,
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
    /// Whether text that is always text is read as written text: the client says that the column has numbers.
    reads_text: bool,
    /// Whether words such as yes and no are true and false: the client says that the column has booleans.
    is_boolean: bool,
}

/// A number that `f32` cannot hold: an error if the column is a number column.
#[derive(Debug, Clone)]
struct OutOfRange {
    place: String,
    spelling: String,
}

/// What a cell is read with.
#[derive(Clone, Copy)]
struct Context<'a> {
    chunk: &'a Chunk<'a>,
    counting: &'a Counting<'a>,
    forms: &'a DateForms,
}

/// What is known of the whole table when a column is finished.
#[derive(Debug, Clone, Copy)]
pub(super) struct TableFacts<'a> {
    /// Columns with numbers that are not in quotes.
    pub columns_of_bare_numbers: usize,
    /// Rows.
    pub rows: u64,
    /// The type that the client gives.
    pub given: Option<&'a GivenType>,
    pub spelling: &'a Spelling,
}

impl ColumnSummary {
    /// A column that the first `rows` rows do not have, of a table of so many columns; `given` is the type that the client gives.
    pub fn after(rows: u64, columns: usize, given: Option<ColumnType>) -> Self {
        Self {
            missing: rows,
            placeholders: Examples::default(),
            trues: 0,
            falses: 0,
            texts: Examples::default(),
            amounts: Examples::default(),
            unit_of_amounts: None,
            text_numbers: 0,
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
            reads_text: given.is_some_and(reads_text),
            is_boolean: given == Some(ColumnType::Boolean),
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
        let context = Context { chunk, counting, forms };
        let is_usual = chunk.spelling.is_usual();
        self.missing += chunk.rows.saturating_sub(cells.len()) as u64;
        for (row, &cell) in cells.iter().enumerate() {
            // most cells of most tables: passing them on as a `Cell` would take longer than reading them
            if let (CellRef::Written(start, end), true) = (cell, is_usual)
                && let text = chunk.text(start, end)
                && let Some(value) = cell::digits(text)
            {
                self.written_number(text, value, (false, row), context);
                continue;
            }
            if let CellRef::Number(value) = cell {
                self.typed_number(Numeric::new(value), row, context);
                continue;
            }
            match chunk.cell(cell).read_as(self.reads_text) {
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
                Cell::Number(number) => self.typed_number(number, row, context),
                Cell::Written { text, quoted } => match cell::read(&text, chunk.spelling) {
                    Token::Number(value) => {
                        self.written_number(&text, value, (quoted, row), context);
                    }
                    Token::Missing => self.missing += 1,
                    token => {
                        match token {
                            Token::Placeholder => self.placeholders.add(|| chunk.number(row), &text),
                            Token::Boolean(value) => self.boolean(value),
                            _ => match self.is_boolean.then(|| cell::boolean_in(&text)).flatten() {
                                Some(value) => self.boolean(value),
                                None => self.text(&text, || chunk.number(row), chunk.spelling, forms),
                            },
                        }
                        self.distinct.add(None, || text, counting);
                    }
                },
            }
        }
    }

    /// A number that is spelled in text.
    #[inline]
    fn written_number(&mut self, text: &str, value: f64, (quoted, row): (bool, usize), context: Context<'_>) {
        let Context { chunk, counting, forms } = context;
        let number = Numeric::spelled(text, value);
        self.number(number, row, chunk, || text.to_owned());
        self.codes.add(text, quoted);
        if forms.has_numeric() {
            self.date(text, || chunk.number(row), forms);
        }
        self.distinct.add(Some(number), || Cow::Borrowed(text), counting);
    }

    /// A number that the format has as such.
    #[inline]
    fn typed_number(&mut self, number: Numeric, row: usize, context: Context<'_>) {
        let Context { chunk, counting, forms } = context;
        self.number(number, row, chunk, || format!("{:e}", number.value));
        if forms.has_numeric() {
            self.date(&number.text(), || chunk.number(row), forms);
        }
        self.distinct.add(Some(number), || Cow::Owned(number.text()), counting);
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
        if self.amounts.count * 2 >= self.texts.count.saturating_sub(10)
            && let Some(unit) = amount::unit(text, spelling)
        {
            // numbers with letters of many kinds behind them are codes
            if unit.is_empty() || &**self.unit_of_amounts.get_or_insert_with(|| unit.into()) == unit {
                self.amounts.add(&line, text);
            }
            self.text_numbers += u64::from(matches!(cell::read(text, spelling), Token::Number(_)));
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
            // rounding is a call, and one fraction is enough
            self.whole = self.whole && value == value.trunc();
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
            Some(kind) => (kind, Some(GIVEN.to_owned())),
            None if are_dates && dates.as_ref().is_some_and(|dates| dates.others.is_empty()) => {
                (ColumnType::Datetime, None)
            }
            None if booleans > 0 && numbers == 0 && texts == 0 => (ColumnType::Boolean, None),
            None if booleans > 0 => (ColumnType::Category, None),
            None if numbers == 0 && texts + self.placeholders.count > 0 => (ColumnType::Category, None),
            None if numbers == 0 && texts == 0 => (ColumnType::Number, Some("no cell has a value".to_owned())),
            None if numbers < texts => {
                (ColumnType::Category, Some(format!("{numbers} numbers and {texts} other texts")))
            }
            None if numbers < texts.saturating_mul(NUMBERS_PER_TEXT) => (ColumnType::Category, None),
            None => match self.codes.reason(&self.distinct, facts.columns_of_bare_numbers) {
                Some(reason) => (ColumnType::Category, Some(reason)),
                None => (ColumnType::Number, None),
            },
        };
        if kind == ColumnType::Category && given.is_none() {
            let mut odd = self.texts.clone();
            if booleans > 0 {
                let all = numbers + texts + booleans + self.placeholders.count;
                let other = if texts > 0 { odd.first(self.unit) } else { format!("{numbers} are numbers") };
                let detail = format!("{booleans} of {all} cells are true or false; {other}: the column is a category");
                let count = all - booleans;
                let warning = std::mem::take(&mut odd).warning("mixed_column", &name, detail);
                warnings.push(DatasetWarning { count, ..warning });
            } else if numbers > 0 && numbers >= texts && texts > 0 {
                let detail = format!(
                    "{numbers} of {} cells are numbers, too few for a number column; {}: the column is a category",
                    numbers + texts,
                    odd.first(self.unit)
                );
                warnings.push(std::mem::take(&mut odd).warning("mixed_column", &name, detail));
            } else if texts > 0 && numbers == 0 && self.amounts.count * 10 >= texts * 9 {
                let (count, first) = (self.amounts.count, self.amounts.first(self.unit));
                let detail = match self.text_numbers == count {
                    true => format!(
                        "{count} of {texts} texts are spelled as numbers; {first}: the column is a category; if they are numbers, give \
                         the option `types` {{{name:?}: \"number\"}}"
                    ),
                    false => format!(
                        "{count} of {texts} texts are numbers with a sign, a unit or groups of digits; {first}: the column is a \
                         category; write plain numbers, such as 1004.5"
                    ),
                };
                warnings.push(std::mem::take(&mut self.amounts).warning("numbers_as_text", &name, detail));
            } else if texts > 0 && numbers == 0 {
                warnings.extend(self.other_than_levels(&name));
            }
        }
        let half = self.dates.as_ref().filter(|_| are_dates && given.is_none() && dates.is_none());
        if let Some(pattern) = half.and_then(|dates| dates.half()) {
            let first = if self.odd_dates.count > 0 { &self.odd_dates } else { &self.texts };
            let detail = format!(
                "many texts are dates of the form {}, and others are not; {}: the column is a category",
                pattern.as_str(),
                first.first(self.unit)
            );
            warnings.push(first.clone().warning("mixed_column", &name, detail));
        }
        let ambiguous = dates.as_ref().filter(|dates| are_dates && given.is_none() && !dates.others.is_empty());
        let date_formats: Vec<_> = ambiguous
            .map(|dates| std::iter::once(&dates.pattern).chain(&dates.others).cloned().collect())
            .unwrap_or_default();
        if let Some(dates) = ambiguous {
            warnings.push(self.ambiguous_dates(&name, dates));
        }
        let column = match kind {
            ColumnType::Category => Column { date_formats, ..self.category(name, facts.rows) },
            ColumnType::Ordinal => {
                let order = facts.given.map(|given| given.order.as_slice()).unwrap_or_default();
                ordinal(self.category(name, facts.rows), order)?
            }
            ColumnType::Datetime => self.datetime_column(name, dates, facts.rows, &mut warnings)?,
            ColumnType::Ignored => Column::empty(name, kind, self.missing),
            ColumnType::Boolean => self.boolean_column(name, &mut warnings)?,
            ColumnType::Number => self.number_column(name, facts, &mut warnings)?,
        };
        Ok((Column { reason, ..column }, warnings))
    }
}

/// Whether text that is always text, such as a JSON string, is read as written text in a column that the client gives this type.
pub fn reads_text(given: ColumnType) -> bool {
    matches!(given, ColumnType::Number | ColumnType::Boolean)
}
