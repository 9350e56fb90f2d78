//! Whether the header of a text table is probably a row, or is repeated within the file.

use super::{
    cell::{self, Token},
    options::Dialect,
    spelling::Spelling,
    warning::{DatasetWarning, MAX_EXAMPLES},
};
use crate::data::schema::{Column, ColumnType};

/// Different values from which on a name that is once among those of its column says nothing: `word` in a list of words.
const MANY_VALUES: u64 = 20;

/// What speaks against the header that the names of the columns are from.
pub(super) fn header_doubts(columns: &[Column], dialect: &Dialect, spelling: &Spelling) -> Vec<DatasetWarning> {
    let number = header_of_numbers(columns, dialect, spelling);
    // one warning about one line
    let values = header_of_values(columns, dialect).filter(|it| number.is_none() || it.code == "repeated_header");
    number.into_iter().chain(values).collect()
}

/// Names that are values of their own columns: the header is probably a row, or it is repeated where other columns have names
/// that are none.
fn header_of_values(columns: &[Column], dialect: &Dialect) -> Option<DatasetWarning> {
    let is_number = |text: &str| cell::number_in(text).is_some();
    let is_value = |column: &&Column| match column.kind {
        ColumnType::Category | ColumnType::Ordinal => own_name(column).is_some(),
        ColumnType::Datetime => column.format.as_ref().is_some_and(|format| format.read(&column.name).is_some()),
        ColumnType::Boolean => ["true", "false"].into_iter().any(|word| column.name.eq_ignore_ascii_case(word)),
        ColumnType::Number | ColumnType::Ignored => false,
    };
    let has_name = |column: &Column| match column.kind {
        ColumnType::Number => column.mean.is_some() && !is_number(&column.name),
        ColumnType::Datetime | ColumnType::Boolean => !is_value(&column),
        // numbers, and the name of their column
        ColumnType::Category => column.levels().is_some_and(|levels| {
            let mut others = levels.iter().filter(|level| **level != column.name).peekable();
            others.peek().is_some() && others.all(|level| is_number(level)) && !is_number(&column.name)
        }),
        ColumnType::Ordinal | ColumnType::Ignored => false,
    };
    let found: Vec<&Column> = columns.iter().filter(is_value).collect();
    let names: Vec<String> = found.iter().take(MAX_EXAMPLES).map(|column| column.name.clone()).collect();
    let has_words = |column: &&Column| !matches!(column.kind, ColumnType::Number | ColumnType::Ignored);
    let others = columns.iter().filter(has_words).count();
    let by_chance = |column: &&Column| own_name(column) == Some(1) && column.distinct > MANY_VALUES;
    if found.is_empty() || (found.len() < others && found.iter().all(by_chance)) {
        return None;
    }
    let listed = names.join(", ");
    let repeated = found.iter().filter_map(|column| own_name(column)).max().unwrap_or_default();
    if columns.iter().any(has_name) {
        return (repeated > 0).then(|| DatasetWarning {
            code: "repeated_header".to_owned(),
            column: None,
            lines: Vec::new(),
            count: repeated,
            detail: format!(
                "names of columns are values in them, too ({listed}), in up to {repeated} rows; if the header is repeated within the file, \
                 remove those lines"
            ),
            examples: names,
        });
    }
    Some(DatasetWarning {
        code: "header_of_values".to_owned(),
        column: None,
        lines: vec![dialect.skip_rows.unwrap_or_default() + 1],
        count: found.len() as u64,
        detail: format!(
            "names of columns are values as those below them ({listed}); if the file has no header line, send the option `header=false`"
        ),
        examples: names,
    })
}

/// Rows whose value is the name of the column.
fn own_name(column: &Column) -> Option<u64> {
    let values = column.values.as_ref()?;
    values
        .iter()
        .find(|level| level.value.as_str() == Some(column.name.as_str()))
        .map(|level| level.count)
        .filter(|it| *it > 0)
}

/// A header whose names are numbers above every number column is probably a row.
fn header_of_numbers(columns: &[Column], dialect: &Dialect, spelling: &Spelling) -> Option<DatasetWarning> {
    let number_in = |text: &str| match cell::read(text, spelling) {
        Token::Number(number) => Some(number),
        _ => None,
    };
    let numbers = || columns.iter().filter(|column| column.kind == ColumnType::Number);
    let is_number = |column: &Column| number_in(&column.name).is_some();
    let is_fraction = |column: &Column| number_in(&column.name).is_some_and(|value| value.fract() != 0.0);
    // years or places as names ascend
    let values: Vec<f64> = numbers().filter_map(|column| number_in(&column.name)).collect();
    let ascends = match values.as_slice() {
        [only] => [0.0, 1.0].contains(only),
        values => values.windows(2).all(|pair| matches!(pair, [a, b] if a < b)),
    };
    let is_suspect = numbers().all(is_number) && (numbers().any(is_fraction) || !ascends);
    is_suspect.then(|| {
        let names: Vec<String> = columns.iter().take(5).map(|column| column.name.clone()).collect();
        DatasetWarning {
            code: "header_of_numbers".to_owned(),
            column: None,
            lines: vec![dialect.skip_rows.unwrap_or_default() + 1],
            count: columns.iter().filter(|column| is_number(column)).count() as u64,
            detail: format!(
                "the names of the number columns are numbers ({}); if the file has no header line, send the option \
                 `header=false`",
                names.join(", ")
            ),
            examples: names,
        }
    })
}
