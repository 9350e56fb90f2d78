//! Which line has the names of the columns, and whether the rows have names of their own.

use super::{sample::Sample, scanner::Scanner};
use crate::data::{
    date::{Candidates, DateForms},
    read::{cell, chunk::CellRef},
};
use std::collections::HashSet;

/// Whether the comment line `line` is the header of the table `rest`: it has as many cells, and the line behind it is data.
pub(super) fn is_header(line: &[u8], rest: Sample<'_>, separator: u8) -> bool {
    let line_alone = Sample { bytes: line, whole: true, quote: rest.quote };
    let first = line_alone.records(separator, 1);
    let rows = rest.records(separator, 2);
    let (Some(names), Some(row)) = (first.first(), rows.first()) else { return false };
    if names.len() < 2 || names.len() != row.len() {
        return false;
    }
    let has_number = |row: &Vec<&[u8]>| row.iter().any(|cell| is_number(cell));
    match rows.get(1) {
        _ if has_number(row) => true,
        Some(next) if has_number(next) => false,
        // Nothing but text: `#name` is a name, `# text` a comment.
        _ => line.starts_with(b"#") && !line.get(1).is_some_and(u8::is_ascii_whitespace),
    }
}

/// Whether the rows have a cell more than the header, and the first ones are names of rows: in quotes as R writes them, or numbers
/// in order.
pub(super) fn has_row_names(sample: Sample<'_>, separator: u8) -> bool {
    const ROWS: usize = 20;
    const MIN_NUMBERED: usize = 3;
    let mut scanner = Scanner::new(sample.bytes, separator, sample.quote, None);
    scanner.ended = true;
    let (mut names, mut are_quoted, mut has_last) = (0, true, false);
    let mut labels: Vec<&[u8]> = Vec::new();
    for row in 0..=ROWS {
        scanner.skip_blank_lines();
        let mut cells = Vec::new();
        if scanner.at == sample.bytes.len() || !matches!(scanner.record(|cell| cells.push(cell)), Ok(true)) {
            break;
        }
        if scanner.at == sample.bytes.len() && !sample.whole {
            break;
        }
        are_quoted &= matches!(cells.first(), Some(CellRef::Quoted(..) | CellRef::Escaped(..)));
        match (row, cells.first()) {
            (0, _) => names = cells.len(),
            (_, Some(first)) if cells.len() == names + 1 => {
                labels.push(sample.text(first));
                has_last |= cells.last().is_some_and(|last| !last.is_empty());
            }
            _ => return false,
        }
    }
    let number = |label: &&[u8]| std::str::from_utf8(label).ok()?.trim().parse::<u64>().ok();
    let numbers: Vec<u64> = labels.iter().map_while(number).collect();
    let are_numbered = names > 1
        && numbers.len() == labels.len()
        && labels.len() >= MIN_NUMBERED
        && numbers.first().is_some_and(|first| *first < 2)
        && numbers.windows(2).all(|pair| matches!(pair, [a, b] if a + 1 == *b));
    let different: HashSet<&[u8]> = labels.iter().copied().collect();
    has_last && different.len() == labels.len() && (are_quoted || are_numbered)
}

/// Whether the first record is a row: nearly all of its cells are values of their columns, dates above dates, or numbers above
/// numbers; or all are numbers in no order, with fractions. Years and places as names are whole, wavelengths and quantiles in order.
pub(super) fn is_row(sample: Sample<'_>, separator: u8) -> bool {
    const ROWS: usize = 1000;
    let records = sample.records(separator, ROWS);
    let Some((first, rows)) = records.split_first() else { return false };
    // a header may be repeated within the file
    let rows: Vec<&Vec<&[u8]>> = rows.iter().filter(|row| row.len() == first.len() && *row != first).collect();
    if first.len() < 2 || rows.is_empty() {
        return false;
    }
    let forms = DateForms::new(std::iter::empty());
    let (mut recurring, mut names) = (0, 0);
    let mut numbers: Vec<f64> = Vec::new();
    for (index, cell) in first.iter().enumerate() {
        let cell = cell.trim_ascii();
        if cell.is_empty() || is_missing(cell) {
            continue;
        }
        names += 1;
        let cells = rows.iter().filter_map(move |row| row.get(index)).map(|it| it.trim_ascii());
        let values: Vec<&[u8]> = cells.filter(|it| !it.is_empty()).collect();
        let below = values.iter().filter(|value| is_number(value)).count();
        let are_numbers = below > 0 && below * 10 >= values.len() * 9;
        if let Some(number) = number(cell) {
            numbers.extend(are_numbers.then_some(number));
        } else if are_numbers {
            // a name above numbers
            return false;
        } else {
            recurring += usize::from(values.contains(&cell) || is_date_above_dates(cell, &values, &forms));
        }
    }
    let ascends = numbers.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
    let descends = numbers.windows(2).all(|pair| matches!(pair, [a, b] if a > b));
    let has_fraction = numbers.iter().any(|number| number.fract() != 0.0);
    let are_measured = numbers.len() == first.len() && has_fraction && !ascends && !descends;
    let alike = recurring + numbers.len();
    are_measured || (recurring > 0 && alike > 1 && alike * 4 >= names * 3)
}

/// Whether a cell and the first of those below it are dates.
fn is_date_above_dates(cell: &[u8], values: &[&[u8]], forms: &DateForms) -> bool {
    const VALUES: usize = 20;
    let are_dates = |cells: &[&[u8]]| {
        let mut dates = Candidates::new(forms);
        cells.iter().all(|cell| std::str::from_utf8(cell).is_ok_and(|text| dates.add(cell::trim(text))))
    };
    !values.is_empty() && are_dates(&[cell]) && are_dates(values.get(..VALUES).unwrap_or(values))
}

/// Whether a cell is one that tools write for a missing value.
fn is_missing(cell: &[u8]) -> bool {
    cell == b"?" || std::str::from_utf8(cell).is_ok_and(cell::is_missing)
}

fn is_number(cell: &[u8]) -> bool {
    number(cell).is_some()
}

fn number(cell: &[u8]) -> Option<f64> {
    cell::number_in(cell::trim(std::str::from_utf8(cell).ok()?))
}
