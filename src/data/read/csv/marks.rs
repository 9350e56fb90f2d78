//! Decimal marks and groups of digits in the numbers of a file.

use super::{layout::Layout, sample::Sample};
use crate::data::read::{options::ReadOptions, spelling::Spelling, warning::DatasetWarning};

/// How the rows that begin with `bytes` spell numbers and missing values, with a warning where that cannot be told.
pub(super) fn spelling(
    bytes: &[u8],
    ended: bool,
    layout: Layout,
    options: &ReadOptions,
) -> (Spelling, Option<DatasetWarning>) {
    let sample = Sample::new(bytes, ended, layout.quote);
    let mut warning = None;
    let (decimal, thousands) = match (options.decimal, options.thousands) {
        (Some(decimal), Some(thousands)) => (decimal, thousands),
        (given, thousands) => {
            let (point, comma) = marks(&sample.records(layout.separator, usize::MAX));
            // A comma between digits separates groups where it separates cells.
            let is_comma =
                (comma.decimals > 0 || point.is_grouping()) && point.decimals == 0 && layout.separator != b',';
            let decimal = given.unwrap_or(if is_comma { b',' } else { b'.' });
            let (own, other, mark) = if decimal == b',' { (comma, point, b'.') } else { (point, comma, b',') };
            let is_certain =
                other.decimals == 0 && (own.decimals > 0 || layout.separator == b',' || other.is_grouping());
            let is_open = given.is_none() && thousands.is_none() && layout.separator == b';';
            if is_open && comma == Mark::default() && point.decimals == 0 && point.groups > 0 && !point.is_grouping() {
                warning = Some(ambiguous(point.groups, &sample.records(layout.separator, usize::MAX)));
            }
            (decimal, thousands.unwrap_or((is_certain && other.groups > 0).then_some(mark)))
        }
    };
    (Spelling { decimal, thousands, missing: options.missing.clone() }, warning)
}

/// The warning about points that can be decimal marks and separate groups.
fn ambiguous(count: u64, records: &[Vec<&[u8]>]) -> DatasetWarning {
    let is_number =
        |cell: &&&[u8]| cell.contains(&b'.') && cell.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    let first = records.iter().flatten().find(is_number).map(|cell| String::from_utf8_lossy(cell).into_owned());
    let first = first.unwrap_or_default();
    DatasetWarning {
        code: "ambiguous_numbers".to_owned(),
        column: None,
        lines: Vec::new(),
        count,
        detail: format!(
            "numbers such as {first} can have decimals or groups of three digits, and are read with decimals; give the option \
             `thousands=.` for groups, or `decimal=.`"
        ),
        examples: vec![first],
    }
}

/// Cells in which a mark is between digits.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Mark {
    /// As a decimal mark can be alone: `1,5`.
    decimals: u64,
    /// As it is in front of three digits: `1,234`.
    groups: u64,
    /// Twice and more, in front of three digits each: `1,234,567`.
    several: u64,
    /// Twice and more, otherwise: dates, addresses.
    others: u64,
}

impl Mark {
    /// Whether it separates groups for certain.
    fn is_grouping(&self) -> bool {
        self.several > 0 && self.others == 0
    }
}

/// How often the point and the comma are between digits.
fn marks(records: &[Vec<&[u8]>]) -> (Mark, Mark) {
    let (mut point, mut comma) = (Mark::default(), Mark::default());
    for cell in records.iter().flatten() {
        let cell = cell.trim_ascii();
        let cell = cell.strip_prefix(b"-").or_else(|| cell.strip_prefix(b"+")).unwrap_or(cell);
        let is_number = cell.first().is_some_and(u8::is_ascii_digit)
            && cell.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','));
        if !is_number {
            continue;
        }
        count_mark(cell, b'.', b',', &mut point, &mut comma);
        count_mark(cell, b',', b'.', &mut comma, &mut point);
    }
    (point, comma)
}

/// Counts `mark` in a number: in groups of three behind it, or once as its decimal mark. `1,234` can be either and counts as a
/// group; `1.234,5` says that the last one is the decimal mark.
fn count_mark(cell: &[u8], mark: u8, other: u8, own: &mut Mark, others: &mut Mark) {
    let mut parts = cell.split(|&byte| byte == mark);
    let (Some(first), rest) = (parts.next(), parts.collect::<Vec<_>>()) else { return };
    match rest.as_slice() {
        [] => {}
        [fraction] if fraction.iter().all(u8::is_ascii_digit) => {
            let groups: Vec<&[u8]> = first.split(|&byte| byte == other).collect();
            if groups.len() > 1 {
                // `1,234.5`
                own.decimals += 1;
                others.groups += u64::from(groups.iter().skip(1).all(|group| group.len() == 3));
            } else if fraction.len() == 3 && (1..=3).contains(&first.len()) && first != b"0" {
                own.groups += 1;
            } else {
                own.decimals += 1;
            }
        }
        groups
            if (1..=3).contains(&first.len())
                && groups.iter().all(|group| group.len() == 3 && group.iter().all(u8::is_ascii_digit)) =>
        {
            own.groups += 1;
            own.several += 1;
        }
        _ => own.others += 1,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::layout::detect, *};
    use rstest::rstest;

    #[rstest]
    #[case("a;b\n1,5;2\n", ',', None)]
    #[case("a;b\n1.234,5;2\n", ',', Some('.'))]
    #[case("a;b\n1,234;2\n", '.', None)]
    #[case("a;b\n1.5;2,5\n", '.', None)]
    #[case("a,b\n\"1,000\",0.5\n", '.', Some(','))]
    #[case("a,b\n1.234,0.5\n", '.', None)]
    #[case("a;b\n1,234.5;x\n", '.', Some(','))]
    #[case("d;b\n01.02.2024;1\n", '.', None)]
    #[case("a;b\n1.234.567;2\n12.000;3\n", ',', Some('.'))]
    #[case("a;b\n1,234,567;2\n12,000;3\n", '.', Some(','))]
    #[case("ip;b\n192.168.100.200;2\n10.0.0.1;3\n", '.', None)]
    fn spellings(#[case] text: &str, #[case] decimal: char, #[case] thousands: Option<char>) {
        let options = ReadOptions::default();
        let layout = detect(text.as_bytes(), true, None, &options).unwrap();
        let (found, _) = spelling(text.as_bytes(), true, layout, &options);
        assert_eq!((char::from(found.decimal), found.thousands.map(char::from)), (decimal, thousands));
    }

    #[rstest]
    #[case("a;b\n1.234;x\n2.000;y\n", true)]
    #[case("a;b\n1.234;x\n0.5;y\n", false)]
    #[case("a;b\n1.234,5;x\n2.000,5;y\n", false)]
    #[case("a,b\n1.234,x\n2.000,y\n", false)]
    fn ambiguity(#[case] text: &str, #[case] expected: bool) {
        let options = ReadOptions::default();
        let layout = detect(text.as_bytes(), true, None, &options).unwrap();
        let (_, warning) = spelling(text.as_bytes(), true, layout, &options);
        assert_eq!(warning.map(|warning| warning.examples), expected.then(|| vec!["1.234".to_owned()]));
        let given = ReadOptions { decimal: Some(b'.'), ..options };
        assert_eq!(spelling(text.as_bytes(), true, layout, &given).1, None);
    }
}
