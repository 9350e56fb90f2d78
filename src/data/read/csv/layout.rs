//! Detection of the layout of a file from its first bytes: skipped lines, separator, header.

use super::{
    header::{has_row_names, is_header, is_row},
    sample::Sample,
};
use crate::data::read::{error::ReadError, kind, options::ReadOptions, text_kind};

/// Separators that are detected. Of several that cut every line into equally many cells the first one is taken: commas occur
/// within cells (`1,5`), the others hardly do.
const SEPARATORS: [u8; 4] = [b'\t', b';', b'|', b','];

/// Bytes that separate the cells of some files, and are not detected: they occur within cells.
const OTHER_SEPARATORS: [u8; 6] = [b'^', b'~', b':', 0x01, 0x1f, 0x1e];

/// Where the table begins, and how its lines are cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Layout {
    pub separator: u8,
    pub quote: u8,
    pub header: bool,
    /// Whether there is no header since the first record is a row.
    pub first_is_row: bool,
    /// Whether rows have one cell more than the header in front: the names of the rows.
    pub row_names: bool,
    /// Lines before the first row.
    pub skip_rows: u64,
    /// The first byte of the first row.
    pub start: usize,
}

/// The layout of the file that begins with `bytes`; `ended` says that these are all its bytes.
///
/// `announced` is the separator that the format has where the options have none; a file without it that another one cuts is
/// refused.
pub(super) fn detect(
    bytes: &[u8],
    ended: bool,
    announced: Option<u8>,
    options: &ReadOptions,
) -> Result<Layout, ReadError> {
    let sample = Sample::new(bytes, ended, options.quote.unwrap_or(b'"'));
    // A client that names the separator or the first line knows the file.
    let other_than_cells = || text_kind::other_than_cells(sample.bytes).filter(|_| options.separator.is_none());
    if options.skip_rows.is_none()
        && let Some(received) =
            kind::other_than_text(sample.bytes).or_else(other_than_cells).or_else(|| kind::json(sample.bytes))
    {
        return Err(ReadError::Invalid(format!("expected a text table, received {received}")));
    }
    let preamble = match options.skip_rows {
        Some(rows) => skipped(bytes, rows),
        None => preamble(sample.bytes, options.comment),
    };
    let rest = Sample { bytes: sample.bytes.get(preamble.end..).unwrap_or_default(), ..sample };
    let separator = match (options.separator.or(preamble.separator), announced) {
        (Some(separator), _) => separator,
        (None, None) => separator(rest)?,
        (None, Some(announced)) => {
            let first = rest.records(announced, 1).first().map_or(0, Vec::len);
            let found = separator(rest)?;
            if first < 2 && found != announced && rest.records(found, 1).first().is_some_and(|cells| cells.len() > 1) {
                let (found, announced) = (char::from(found), char::from(announced));
                return Err(ReadError::Invalid(format!(
                    "expected cells separated by {announced:?}, received lines that {found:?} cuts; send the file with Content-Type \
                     text/csv, or the option `separator`"
                )));
            }
            announced
        }
    };
    let mut layout = Layout {
        separator,
        quote: sample.quote,
        header: options.header.unwrap_or(true),
        first_is_row: false,
        row_names: false,
        skip_rows: preamble.lines,
        start: preamble.end,
    };
    if let Some(comment) = preamble.last_comment
        && is_header(sample.bytes.get(comment..preamble.end).unwrap_or_default(), rest, separator)
    {
        layout.skip_rows -=
            sample.bytes.get(comment..preamble.end).unwrap_or_default().iter().filter(|&&byte| byte == b'\n').count()
                as u64;
        layout.start = comment;
    } else {
        // A client that gives types by these names says that they are names.
        let has_types = |cell: &[u8]| std::str::from_utf8(cell).is_ok_and(|it| options.types.contains_key(it.trim()));
        let is_named = || rest.records(separator, 1).iter().flatten().any(|cell| has_types(cell));
        layout.first_is_row = options.header.is_none() && is_row(rest, separator) && !is_named();
        layout.header &= !layout.first_is_row;
    }
    let table = Sample { bytes: sample.bytes.get(layout.start..).unwrap_or_default(), ..sample };
    layout.row_names = layout.header && has_row_names(table, separator);
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

/// Blank lines, a line `sep=;` as spreadsheets write it, and comment lines.
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
            (text, _) if comment.is_none() && is_comment(text) && line.ends_with(b"\n") => {
                found.last_comment = Some(found.end);
            }
            _ => break,
        }
        found.end += line.len();
        found.lines += 1;
    }
    found
}

/// Whether a line in front of the table begins as tools and people begin comments.
fn is_comment(text: &[u8]) -> bool {
    const STARTS: [&[u8]; 8] = [b"#", b"\"#", b"//", b"--", b"%", b"!", b"; ", b"/*"];
    STARTS.into_iter().any(|start| text.starts_with(start))
}

/// `sep=` and one character.
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
    if !is_quoted && let Some(other) = OTHER_SEPARATORS.into_iter().find(|&other| equal(&|cell| cut(cell, other))) {
        let shown = other.escape_ascii();
        return Err(ReadError::Invalid(format!(
            "{known}, received lines that `{shown}` cuts into equally many cells; send the option `separator={shown}` if it separates \
             them, and `separator=,` if each line is one cell"
        )));
    }
    let is_padded = |cell: &&[u8]| cell.windows(2).any(|pair| pair == b"  ");
    if !is_quoted && cells.len() > 2 && cells.iter().all(is_padded) {
        return Err(ReadError::Invalid(format!(
            "{known}, received lines in which blanks align columns; write the cells with a separator"
        )));
    }
    let words = |cell: &[u8]| cell.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).count();
    if !is_quoted && equal(&words) {
        return Err(ReadError::Invalid(format!(
            "{known}, received lines of words separated by blanks; send the option `separator=%20` if blanks separate the cells, and \
             `separator=,` if each line is one cell"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::sample::SAMPLE_BYTES, *};
    use rstest::rstest;

    fn detected(text: &str) -> (char, u64, String) {
        let layout = detect(text.as_bytes(), true, None, &ReadOptions::default()).unwrap();
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
    #[case("% made by, x\na,b\n1,2\n3,4\n", ',', 1, "a,b")]
    #[case("-- made by, x\n-- again, y\na,b\n1,2\n", ',', 2, "a,b")]
    #[case("// made by, x\na,b\n1,2\n", ',', 1, "a,b")]
    #[case("! made by, x\na,b\n1,2\n", ',', 1, "a,b")]
    #[case("\"# exported by, me\"\na,b\n1,2\n", ',', 1, "a,b")]
    #[case("%change,x\n1,2\n", ',', 0, "%change,x")]
    #[case("time\n10:30\n11:30\n", ',', 0, "time")]
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
    #[case("a^b\n1^2\n3^4\n", "separator=^")]
    #[case("a:b\n1:2\n", "separator=:")]
    #[case("a\u{1}b\n1\u{1}2\n", "separator=\\x01")]
    #[case("name        age\nJohn Smith   30\nMadonna      60\n", "blanks align columns")]
    #[case("\"a,b\"\n\"1,2\"\n", "quoted as a whole")]
    #[case("a b c\n1 2 3\n4 5 6\n", "separated by blanks")]
    #[case("<!DOCTYPE html>\n<html>", "HTML")]
    #[case("[{\"a\":1}]", "JSON")]
    #[case("{\"a\":1}\n{\"a\":2}\n", "JSON")]
    #[case("PK\u{3}\u{4}zip", "ZIP archive")]
    #[case("@relation x\n@attribute a numeric\n@data\n1,2\n", "ARFF")]
    fn refused(#[case] text: &str, #[case] reason: &str) {
        let error = detect(text.as_bytes(), true, None, &ReadOptions::default()).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }

    #[rstest]
    #[case("red,small\nblue,large\nred,large\nblue,small\n", false)]
    #[case("39,Private,Bachelors,<=50K\n50,Private,HS,>50K\n38,Gov,Bachelors,<=50K\n", false)]
    #[case("?,Private,x\n50,Private,y\n38,Gov,x\n", false)]
    #[case("setosa,5.1\nsetosa,4.1\nvirginica,3\n", false)]
    #[case("p,x,p\ne,x,p\np,y,e\n", false)]
    #[case("2024-01-01,5\n2024-01-02,6\n2024-01-03,7\n", false)]
    #[case("13/01/2024 10:00,north,5\n14/01/2024 11:00,south,6\n15/01/2024 10:00,north,5\n", false)]
    #[case("6,148,72,35,0,33.6\n1,85,66,29,0,26.6\n", false)]
    #[case("400.5,401.5,402.5\n1,2,3\n", true)]
    #[case("0.9,0.5,0.1\n1,2,3\n", true)]
    #[case(",0.5,0.25,0.75\n0,1,2,3\n", true)]
    #[case("6,148,72\n1,85,66\n", true)]
    #[case("store,2024-01-01\nA,5\n", true)]
    #[case("2024-01-01,2024-01-02\n5,6\n", true)]
    #[case("2024-01-01,2024-01-02\n5,\n", true)]
    #[case("colour,size\nblue,large\nred,large\n", true)]
    #[case("colour,size\nblue,large\ncolour,size\nred,large\n", true)]
    #[case("name,sex\nsex,3\nname,4\n", true)]
    #[case("country,2019,2020\nSpain,1,2\nItaly,3,4\n", true)]
    #[case("1,2\n1,3\n", true)]
    #[case("red\nred\nblue\n", true)]
    fn headers(#[case] text: &str, #[case] expected: bool) {
        let layout = detect(text.as_bytes(), true, None, &ReadOptions::default()).unwrap();
        assert_eq!((layout.header, layout.first_is_row), (expected, !expected));
        let given = ReadOptions { header: Some(true), ..ReadOptions::default() };
        assert!(detect(text.as_bytes(), true, None, &given).unwrap().header);
    }

    #[rstest]
    #[case("\"a\",\"b\"\n\"x\",5,3\n\"y\",6,4\n", true)]
    #[case("a,b\n1,5,3\n2,6,4\n3,6,4\n", true)]
    #[case("a,b\n1,5,3\n3,6,4\n4,6,4\n", false)]
    #[case("a,b\n1,x,\n2,y,\n3,z,\n", false)]
    #[case("\"a\",\"b\"\n\"x\",5,3\n\"x\",6,4\n", false)]
    #[case("\"a\",\"b\"\n\"x\",5\n\"y\",6,4\n", false)]
    #[case("a,b\nx,5,3\ny,6,4\nz,6,4\n", false)]
    #[case("a\n1,5\n2,6\n3,6\n", false)]
    fn row_names(#[case] text: &str, #[case] expected: bool) {
        let layout = detect(text.as_bytes(), true, None, &ReadOptions::default()).unwrap();
        assert_eq!(layout.row_names, expected);
    }

    #[rstest]
    #[case("a\tb\n1,5\t2\n", true)]
    #[case("a\n1\n2\n", true)]
    #[case("a,b\n1,2\n3,4\n", false)]
    #[case("a;b\n1;2\n", false)]
    fn an_announced_separator(#[case] text: &str, #[case] expected: bool) {
        let layout = detect(text.as_bytes(), true, Some(b'\t'), &ReadOptions::default());
        assert_eq!(layout.is_ok_and(|layout| layout.separator == b'\t'), expected);
    }

    #[test]
    fn a_sample_may_end_anywhere() {
        let row = "1;\"two, three\";4\n";
        let text = format!("a;b, c;d\n{}", row.repeat(8000));
        for cut in SAMPLE_BYTES - 20..SAMPLE_BYTES + 20 {
            assert_eq!(detect(&text.as_bytes()[..cut], false, None, &ReadOptions::default()).unwrap().separator, b';');
        }
    }
}
