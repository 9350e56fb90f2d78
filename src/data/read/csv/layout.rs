//! Detection of the layout of a file from its first bytes: skipped lines, separator, header.

use super::scanner::Scanner;
use crate::data::read::{cell, chunk::CellRef, error::ReadError, options::ReadOptions, spelling::Spelling};

/// Bytes that are looked at.
const SAMPLE_BYTES: usize = 1 << 16;

/// Separators that are detected. Of several that cut every line into equally many cells the first one is taken: commas occur
/// within cells (`1,5`), the others hardly do.
const SEPARATORS: [u8; 4] = [b'\t', b';', b'|', b','];

/// Where the table begins, and how its lines are cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Layout {
    pub separator: u8,
    pub quote: u8,
    pub header: bool,
    /// Lines before the first row.
    pub skip_rows: u64,
    /// The first byte of the first row.
    pub start: usize,
}

/// The layout of the file that begins with `bytes`; `ended` says that these are all its bytes.
pub(super) fn detect(bytes: &[u8], ended: bool, options: &ReadOptions) -> Result<Layout, ReadError> {
    let whole = ended && bytes.len() <= SAMPLE_BYTES;
    let sample =
        Sample { bytes: bytes.get(..SAMPLE_BYTES).unwrap_or(bytes), whole, quote: options.quote.unwrap_or(b'"') };
    if options.skip_rows.is_none() {
        check_kind(sample.bytes)?;
    }
    let preamble = match options.skip_rows {
        Some(rows) => skipped(bytes, rows),
        None => preamble(sample.bytes, options.comment),
    };
    let rest = Sample { bytes: sample.bytes.get(preamble.end..).unwrap_or_default(), ..sample };
    let separator = match options.separator.or(preamble.separator) {
        Some(separator) => separator,
        None => separator(rest)?,
    };
    let mut layout = Layout {
        separator,
        quote: sample.quote,
        header: options.header.unwrap_or(true),
        skip_rows: preamble.lines,
        start: preamble.end,
    };
    if let Some(comment) = preamble.last_comment
        && sample.is_header(sample.bytes.get(comment..preamble.end).unwrap_or_default(), rest, separator)
    {
        layout.skip_rows -=
            sample.bytes.get(comment..preamble.end).unwrap_or_default().iter().filter(|&&byte| byte == b'\n').count()
                as u64;
        layout.start = comment;
    }
    Ok(layout)
}

/// Lines before the table.
#[derive(Debug, Clone, Copy, Default)]
struct Preamble {
    lines: u64,
    end: usize,
    /// Named by a line `sep=;`.
    separator: Option<u8>,
    /// Where the last comment line begins, which may be the header.
    last_comment: Option<usize>,
}

/// Blank lines, a line `sep=;` as spreadsheets write it, and lines that begin with `#`.
fn preamble(bytes: &[u8], comment: Option<u8>) -> Preamble {
    let mut found = Preamble::default();
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let text = line.trim_ascii();
        let lower = text.to_ascii_lowercase();
        match (text, lower.as_slice()) {
            ([], _) => {}
            (_, [b's', b'e', b'p', b'=', ..]) if found.separator.is_none() && is_separator_line(line) => {
                found.separator = line.get("sep=".len()).copied();
            }
            ([first, ..], _) if comment.is_some_and(|comment| comment == *first) => {}
            ([b'#', ..], _) if comment.is_none() && line.ends_with(b"\n") => found.last_comment = Some(found.end),
            _ => break,
        }
        found.end += line.len();
        found.lines += 1;
    }
    found
}

/// `sep=` and one character, quoted or not.
fn is_separator_line(line: &[u8]) -> bool {
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    text.strip_suffix(b"\r").unwrap_or(text).len() == "sep=;".len()
}

fn skipped(bytes: &[u8], rows: u64) -> Preamble {
    let mut found = Preamble::default();
    for line in bytes.split_inclusive(|&byte| byte == b'\n').take(usize::try_from(rows).unwrap_or(usize::MAX)) {
        found.end += line.len();
        found.lines += 1;
    }
    found
}

/// The first bytes of a file.
#[derive(Debug, Clone, Copy)]
struct Sample<'a> {
    bytes: &'a [u8],
    /// Whether these are all bytes of the file.
    whole: bool,
    quote: u8,
}

impl<'a> Sample<'a> {
    /// The records, each as its cells' texts; a record that is not cut as CSV ends them with an empty one.
    fn records(self, separator: u8, limit: usize) -> Vec<Vec<&'a [u8]>> {
        let mut scanner = Scanner::new(self.bytes, separator, self.quote, None);
        scanner.ended = true;
        let mut records = Vec::new();
        while records.len() < limit {
            scanner.skip_blank_lines();
            if scanner.at == self.bytes.len() {
                break;
            }
            let mut cells = Vec::new();
            if !matches!(scanner.record(|cell| cells.push(cell)), Ok(true)) {
                // A quote that is open at the end of the sample may be closed behind it.
                if self.whole || records.is_empty() {
                    records.push(Vec::new());
                }
                return records;
            }
            let at_end = scanner.at == self.bytes.len();
            if at_end && !self.whole && !records.is_empty() {
                break;
            }
            let text = |cell: &CellRef| match *cell {
                CellRef::Written(start, end) | CellRef::Quoted(start, end) | CellRef::Escaped(start, end) => {
                    self.bytes.get(start as usize..end as usize).unwrap_or_default()
                }
                _ => &[],
            };
            records.push(cells.iter().map(text).collect());
        }
        records
    }

    /// Whether the comment line `line` is the header of the table `rest`: it has as many cells, and the line behind it is data.
    fn is_header(self, line: &[u8], rest: Self, separator: u8) -> bool {
        let line_alone = Sample { bytes: line, whole: true, quote: self.quote };
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
            _ => !line.get(1).is_some_and(u8::is_ascii_whitespace),
        }
    }
}

fn is_number(cell: &[u8]) -> bool {
    std::str::from_utf8(cell).is_ok_and(|text| cell::number_in(cell::trim(text)).is_some())
}

/// The separator that cuts the lines into equally many cells.
fn separator(sample: Sample<'_>) -> Result<u8, ReadError> {
    let mut best: Option<(u8, f64)> = None;
    for separator in SEPARATORS {
        let counts: Vec<usize> = sample.records(separator, usize::MAX).iter().map(Vec::len).collect();
        let usual = most_frequent(&counts);
        if usual < 2 {
            continue;
        }
        let equal = counts.iter().filter(|count| **count == usual).count() as f64 / counts.len() as f64;
        if best.is_none_or(|(_, known)| equal > known) {
            best = Some((separator, equal));
        }
    }
    match best {
        Some((separator, _)) => Ok(separator),
        None => one_column(sample).map(|()| b','),
    }
}

fn most_frequent(counts: &[usize]) -> usize {
    let occurrences = |count: &usize| counts.iter().filter(|other| *other == count).count();
    let mut different: Vec<usize> = counts.to_vec();
    different.sort_unstable();
    different.dedup();
    different.into_iter().max_by_key(occurrences).unwrap_or_default()
}

/// Refuses lines without a separator that are no column of a table.
fn one_column(sample: Sample<'_>) -> Result<(), ReadError> {
    let records = sample.records(b',', usize::MAX);
    let cells: Vec<&[u8]> = records.iter().filter_map(|record| record.first().copied()).collect();
    let known = "expected cells separated by commas, semicolons, tabs or `|`";
    if records.len() < 2 {
        return Ok(());
    }
    let is_quoted = sample.bytes.trim_ascii_start().first() == Some(&sample.quote);
    let cut = |cell: &[u8], separator: u8| cell.split(|&byte| byte == separator).count();
    let equal = |count: &dyn Fn(&[u8]) -> usize| {
        let first = cells.first().map_or(0, |cell| count(cell));
        first >= 2 && cells.iter().all(|cell| count(cell) == first)
    };
    if is_quoted && SEPARATORS.into_iter().any(|separator| equal(&|cell| cut(cell, separator))) {
        return Err(ReadError::Invalid(format!(
            "{known}, received lines that are quoted as a whole; remove the quotes around the lines"
        )));
    }
    let words = |cell: &[u8]| cell.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).count();
    if !is_quoted && equal(&words) {
        return Err(ReadError::Invalid(format!(
            "{known}, received lines of words separated by blanks; send the option `separator` if blanks separate the cells"
        )));
    }
    Ok(())
}

/// Refuses files that are no text tables, by what they are.
fn check_kind(bytes: &[u8]) -> Result<(), ReadError> {
    let text = bytes.trim_ascii_start();
    let lower: Vec<u8> = text.iter().take(32).map(u8::to_ascii_lowercase).collect();
    let second = || text.get(1..).unwrap_or_default().trim_ascii_start().first().copied();
    let received = if bytes.starts_with(b"PK\x03\x04") {
        "a ZIP archive, such as an .xlsx workbook; save the sheet as CSV"
    } else if bytes.starts_with(b"\xd0\xcf\x11\xe0") {
        "an .xls workbook; save the sheet as CSV"
    } else if bytes.starts_with(b"PAR1") {
        "a Parquet file; send it with Content-Type application/vnd.apache.parquet, or the option `format=parquet`"
    } else if bytes.starts_with(b"%PDF") {
        "a PDF document"
    } else if bytes.starts_with(b"\x1f\x8b") || bytes.starts_with(b"\x28\xb5\x2f\xfd") {
        "a file that is compressed twice"
    } else if bytes.starts_with(b"ARROW1") {
        "an Arrow file; write CSV or Parquet"
    } else if bytes.starts_with(b"\x93NUMPY") {
        "a NumPy file; write CSV or Parquet"
    } else if bytes.starts_with(b"\x89HDF") {
        "an HDF5 file; write CSV or Parquet"
    } else if bytes.starts_with(b"SQLite format 3") {
        "an SQLite database; write CSV or Parquet"
    } else if bytes.starts_with(b"BZh") || bytes.starts_with(b"\xfd7zXZ") {
        "a bzip2 or xz file; compress it by gzip or zstd"
    } else if matches!(bytes, [0x80, 2..=5, ..]) {
        "a pickle; write CSV or Parquet"
    } else if bytes.get(1..64).is_some_and(|bytes| bytes.iter().filter(|byte| **byte == 0).count() > 16) {
        "UTF-16 or UTF-32 without a byte order mark, or no text; send the option `encoding`, such as `encoding=utf-16le`"
    } else if [b"<!doctype".as_slice(), b"<html", b"<head", b"<body", b"<table", b"<?xml", b"<!--"]
        .into_iter()
        .any(|start| lower.starts_with(start))
    {
        "an HTML or XML document"
    } else if lower.starts_with(b"@relation") {
        "an ARFF file; send the lines after @data with a header line"
    } else if (text.starts_with(b"{") && matches!(second(), Some(b'"' | b'}')))
        || (text.starts_with(b"[") && matches!(second(), Some(b'{' | b'[' | b'"' | b']')))
    {
        "JSON; send it with Content-Type application/json or application/x-ndjson"
    } else {
        return Ok(());
    };
    Err(ReadError::Invalid(format!("expected a text table, received {received}")))
}

/// How the rows that begin with `bytes` spell numbers and missing values.
pub(super) fn spelling(bytes: &[u8], ended: bool, layout: Layout, options: &ReadOptions) -> Spelling {
    let sample = Sample {
        bytes: bytes.get(..SAMPLE_BYTES).unwrap_or(bytes),
        whole: ended && bytes.len() <= SAMPLE_BYTES,
        quote: layout.quote,
    };
    let (decimal, thousands) = match (options.decimal, options.thousands) {
        (Some(decimal), Some(thousands)) => (decimal, thousands),
        (given, thousands) => {
            let (point, comma) = marks(&sample.records(layout.separator, usize::MAX));
            // A comma between digits separates groups where it separates cells.
            let is_comma = comma.decimals > 0 && point.decimals == 0 && layout.separator != b',';
            let decimal = given.unwrap_or(if is_comma { b',' } else { b'.' });
            let (own, other, mark) = if decimal == b',' { (comma, point, b'.') } else { (point, comma, b',') };
            let is_certain = other.decimals == 0 && (own.decimals > 0 || layout.separator == b',');
            (decimal, thousands.unwrap_or((is_certain && other.groups > 0).then_some(mark)))
        }
    };
    Spelling { decimal, thousands, missing: options.missing.clone() }
}

/// Cells in which a mark is between digits.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    /// As a decimal mark can be alone: `1,5`.
    decimals: u64,
    /// As it is in front of three digits: `1,234`.
    groups: u64,
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
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn detected(text: &str) -> (char, u64, String) {
        let layout = detect(text.as_bytes(), true, &ReadOptions::default()).unwrap();
        let first = text[layout.start..].lines().next().unwrap_or_default().to_owned();
        (layout.separator.into(), layout.skip_rows, first)
    }

    #[rstest]
    #[case("Name\tCost per 1,000\nA\t10,5\nB\t20,7\n", '\t', 0, "Name\tCost per 1,000")]
    #[case("Preis, EUR;Menge\n0,0;0\n1,1;1\n", ';', 0, "Preis, EUR;Menge")]
    #[case("\"Weight, kg\";\"Height, cm\";sex\n60;160;m\n", ';', 0, "\"Weight, kg\";\"Height, cm\";sex")]
    #[case("\n \na;b\n1;2\n", ';', 2, "a;b")]
    #[case("a|b\n1|2\n", '|', 0, "a|b")]
    #[case("sep=;\na;b\n1;2\n", ';', 1, "a;b")]
    #[case("SEP=,\r\na,b\r\n1,2\r\n", ',', 1, "a,b")]
    #[case("# made by, X\na,b\n1,2\n3,4\n", ',', 1, "a,b")]
    #[case("# exported 2024\n# by me\n\na,b\n1,2\n", ',', 3, "a,b")]
    #[case("## meta\n#chrom\tstart\nchr1\t100\n", '\t', 1, "#chrom\tstart")]
    #[case("#id,name\nA1,foo\n", ',', 0, "#id,name")]
    #[case("a,b;c\n1,x\n", ',', 0, "a,b;c")]
    #[case("a,b\n1,2\n3\n", ',', 0, "a,b")]
    #[case("temp;speed\n\u{b0}C;m/s\n1,5;3,25\n", ';', 0, "temp;speed")]
    #[case("note,x\n\"a;b\",1\n\"c;d\",2\n", ',', 0, "note,x")]
    #[case("x\n1\n2\n", ',', 0, "x")]
    #[case("name\nJohn Smith\nMadonna\n", ',', 0, "name")]
    fn layouts(#[case] text: &str, #[case] separator: char, #[case] skip_rows: u64, #[case] first: &str) {
        assert_eq!(detected(text), (separator, skip_rows, first.to_owned()));
    }

    #[rstest]
    #[case("\"a,b\"\n\"1,2\"\n", "quoted as a whole")]
    #[case("a b c\n1 2 3\n4 5 6\n", "separated by blanks")]
    #[case("<!DOCTYPE html>\n<html>", "HTML")]
    #[case("[{\"a\":1}]", "JSON")]
    #[case("{\"a\":1}\n{\"a\":2}\n", "JSON")]
    #[case("PK\u{3}\u{4}zip", "ZIP archive")]
    #[case("@relation x\n@attribute a numeric\n@data\n1,2\n", "ARFF")]
    fn refused(#[case] text: &str, #[case] reason: &str) {
        let error = detect(text.as_bytes(), true, &ReadOptions::default()).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }

    #[rstest]
    #[case("a;b\n1,5;2\n", ',', None)]
    #[case("a;b\n1.234,5;2\n", ',', Some('.'))]
    #[case("a;b\n1,234;2\n", '.', None)]
    #[case("a;b\n1.5;2,5\n", '.', None)]
    #[case("a,b\n\"1,000\",0.5\n", '.', Some(','))]
    #[case("a,b\n1.234,0.5\n", '.', None)]
    #[case("a;b\n1,234.5;x\n", '.', Some(','))]
    #[case("d;b\n01.02.2024;1\n", '.', None)]
    fn spellings(#[case] text: &str, #[case] decimal: char, #[case] thousands: Option<char>) {
        let options = ReadOptions::default();
        let layout = detect(text.as_bytes(), true, &options).unwrap();
        let found = spelling(text.as_bytes(), true, layout, &options);
        assert_eq!((char::from(found.decimal), found.thousands.map(char::from)), (decimal, thousands));
    }

    #[test]
    fn a_sample_may_end_anywhere() {
        let row = "1;\"two, three\";4\n";
        let text = format!("a;b, c;d\n{}", row.repeat(8000));
        for cut in SAMPLE_BYTES - 20..SAMPLE_BYTES + 20 {
            assert_eq!(detect(&text.as_bytes()[..cut], false, &ReadOptions::default()).unwrap().separator, b';');
        }
    }
}
