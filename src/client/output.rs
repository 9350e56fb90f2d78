//! Data on stdout, words on stderr.

use super::failure::{Failure, of_stdout};
use serde_json::Value;
use std::io::{IsTerminal, Write};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Writes text to stdout as it is.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| of_stdout(&error))
}

/// Writes an object of the API to stdout: indented for people, one line for programs.
pub fn print_json(value: &Value) -> Result<(), Failure> {
    if std::io::stdout().is_terminal() { print(&format!("{value:#}\n")) } else { print_line(value) }
}

/// Writes an object of the API to stdout as one line of NDJSON.
pub fn print_line(value: &Value) -> Result<(), Failure> {
    print(&format!("{value}\n"))
}

/// Text of users without the characters that a terminal obeys: controls, and those that turn the direction of writing.
pub fn clean(text: &str) -> String {
    let is_obeyed = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.chars().any(is_obeyed) {
        return text.to_owned();
    }
    let escape = |c: char| if is_obeyed(c) { c.escape_default().collect() } else { c.to_string() };
    text.chars().map(escape).collect()
}

/// Text in at most `width` columns of a terminal, with `…` for what does not fit.
pub fn shortened(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= width
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

/// A value as a table shows it.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => clean(text),
        Value::Number(number) if number.is_f64() => number.as_f64().map(short).unwrap_or_default(),
        other => clean(&other.to_string()),
    }
}

/// A measured number with four digits.
pub fn short(number: f64) -> String {
    let size = number.abs();
    if number == 0.0 || (1e-3..1e5).contains(&size) {
        let decimals = if size >= 1000.0 {
            1
        } else if size >= 10.0 {
            2
        } else {
            4
        };
        format!("{number:.decimals$}")
    } else {
        format!("{number:.3e}")
    }
}

/// A time for people, with three digits: 180 µs, 12.5 ms, 3.20 s, 4 min 10 s, 2 h 5 min, 3 d 4 h.
pub fn duration(seconds: f64) -> String {
    let three_digits = |value: f64, unit: &str| {
        let decimals = if value >= 99.95 {
            0
        } else if value >= 9.995 {
            1
        } else {
            2
        };
        format!("{value:.decimals$} {unit}")
    };
    if !seconds.is_finite() {
        return "-".to_owned();
    }
    let size = seconds.max(0.0);
    // What is rounded up to a unit is written in it.
    if size == 0.0 {
        return "0 s".to_owned();
    } else if size < 999.5e-6 {
        return three_digits(size * 1e6, "µs");
    } else if size < 999.5e-3 {
        return three_digits(size * 1e3, "ms");
    } else if size < 59.95 {
        return three_digits(size, "s");
    }
    let (seconds, minutes) = (size.round() as u64, (size / 60.0).round() as u64);
    match (seconds, minutes) {
        (..3600, _) => format!("{} min {} s", seconds / 60, seconds % 60),
        (_, ..1440) => format!("{} h {} min", minutes / 60, minutes % 60),
        _ => format!("{} d {} h", minutes / 1440, minutes % 1440 / 60),
    }
}

/// Rows below a heading, in columns as wide as their widest cell on a terminal. Columns whose cells are all numbers are set to the right.
pub fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    let is_number = |cell: &str| cell == "-" || cell.trim_end_matches(['*', '%']).parse::<f64>().is_ok();
    let columns: Vec<(usize, bool)> = heading
        .iter()
        .enumerate()
        .map(|(column, name)| {
            let cells = || rows.iter().filter_map(|row| row.get(column));
            let width = cells().map(|cell| cell.width()).chain([name.width()]).max().unwrap_or(0);
            (width, cells().all(|cell| is_number(cell)) && cells().any(|cell| cell != "-"))
        })
        .collect();
    let heading: Vec<String> = heading.iter().map(ToString::to_string).collect();
    let mut text = String::new();
    for row in std::iter::once(&heading).chain(rows) {
        let mut line = String::new();
        for (cell, (width, is_right)) in row.iter().zip(&columns) {
            let space = " ".repeat(width.saturating_sub(cell.width()));
            line += &if *is_right { format!("{space}{cell}  ") } else { format!("{cell}{space}  ") };
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// Names with values, one pair a line.
pub fn pairs(rows: &[(String, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.width()).max().unwrap_or(0);
    let line = |(name, value): &(String, String)| {
        let space = " ".repeat(width - name.width());
        format!("{name}{space}  {value}").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// Bytes for people.
pub fn bytes(count: u64) -> String {
    indicatif::HumanBytes(count).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits() {
        let written: Vec<String> =
            [0.0, 0.41234, -1.5, 12.345, 1234.5, 123_456.0, 0.000_123].into_iter().map(short).collect();
        assert_eq!(written, ["0.0000", "0.4123", "-1.5000", "12.35", "1234.5", "1.235e5", "1.230e-4"]);
    }

    #[test]
    fn times_have_the_unit_that_suits_them() {
        let written: Vec<String> = [
            0.0, 1.8e-4, 9.996e-6, 9.9951e-4, 0.0125, 0.25, 0.9996, 3.2, 59.94, 59.96, 250.0, 3599.6, 7500.0, 86_399.0,
            273_600.0,
        ]
        .map(duration)
        .into();
        let expected = [
            "0 s",
            "180 µs",
            "10.0 µs",
            "1.00 ms",
            "12.5 ms",
            "250 ms",
            "1.00 s",
            "3.20 s",
            "59.9 s",
            "1 min 0 s",
            "4 min 10 s",
            "1 h 0 min",
            "2 h 5 min",
            "1 d 0 h",
            "3 d 4 h",
        ];
        assert_eq!(written, expected);
        assert_eq!((duration(f64::NAN), duration(-1.0)), ("-".to_owned(), "0 s".to_owned()));
    }

    #[test]
    fn tables_align() {
        let rows = vec![vec!["a".into(), "1.5".into()], vec!["long".into(), "-".into()]];
        assert_eq!(table(&["name", "loss"], &rows), "name  loss\na      1.5\nlong     -\n");
        assert_eq!(pairs(&[("a".into(), "1".into()), ("bcd".into(), String::new())]), "a    1\nbcd\n");
    }

    #[test]
    fn wide_characters_take_two_columns() {
        let rows =
            vec![vec!["品種".into(), "a".into()], vec!["e\u{301}".into(), "b".into()], vec!["🦀".into(), "c".into()]];
        assert_eq!(table(&["n", "x"], &rows), "n     x\n品種  a\ne\u{301}     b\n🦀    c\n");
        assert_eq!(pairs(&[("品種".into(), "1".into()), ("abc".into(), "2".into())]), "品種  1\nabc   2\n");
    }

    #[test]
    fn a_terminal_is_not_given_escape_codes_of_users() {
        assert_eq!(clean("a\u{1b}[31mb\u{9b}ç\n"), "a\\u{1b}[31mb\\u{9b}ç\\n");
        assert_eq!(text_of(&serde_json::json!("a\tb")), "a\\tb");
        assert_eq!(clean("a\u{202e}b"), "a\\u{202e}b");
    }

    #[test]
    fn long_text_is_cut_where_its_columns_end() {
        assert_eq!((shortened("abcde", 5), shortened("abcdef", 5)), ("abcde".to_owned(), "abcd…".to_owned()));
        assert_eq!((shortened("品種品", 6), shortened("品種品種", 6)), ("品種品".to_owned(), "品種…".to_owned()));
    }
}
