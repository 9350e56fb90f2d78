//! What a text is that is no table of separated cells, by its first lines: output of database clients, SQL, YAML and others.

/// Lines that are looked at.
const MAX_LINES: usize = 64;
/// Bytes of a sample whose last line may be cut.
const SAMPLE_BYTES: usize = 1 << 16;

/// What the text is, if its lines have no separated cells; with what to send.
pub(super) fn other_than_cells(bytes: &[u8]) -> Option<&'static str> {
    let mut lines: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).collect();
    if bytes.len() >= SAMPLE_BYTES {
        lines.pop();
    }
    lines.retain(|line| !line.is_empty());
    lines.truncate(MAX_LINES);
    drawn(&lines).or_else(|| program(&lines)).or_else(|| named_values(&lines)).or_else(|| blanks(&lines))
}

/// A table that is drawn with lines.
fn drawn(lines: &[&[u8]]) -> Option<&'static str> {
    const BOX: [&str; 5] = ["┌", "╭", "╔", "│", "┏"];
    const CLIENTS: &str = "a table drawn with lines, as database clients print it; print it with `mysql --batch` (Content-Type \
                           text/tab-separated-values) or `psql --csv`";
    let first = lines.first()?;
    let second = lines.get(1).copied().unwrap_or_default();
    let is_border = first.len() > 2
        && first.first() == Some(&b'+')
        && first.last() == Some(&b'+')
        && first.iter().all(|byte| b"+-=".contains(byte));
    if is_border || lines.iter().take(2).any(|line| BOX.into_iter().any(|start| line.starts_with(start.as_bytes()))) {
        return Some(CLIENTS);
    }
    if !is_rule(second) {
        return None;
    }
    Some(match (second.contains(&b'+'), second.contains(&b'|')) {
        (true, _) => CLIENTS,
        (false, true) => "a Markdown table; write it as CSV, without the line of dashes",
        (false, false) => {
            "a table whose header is underlined, as database clients print it; write it as CSV, without the line of dashes"
        }
    })
}

/// Whether a line has nothing but dashes below each cell of a header, three and more at least once.
fn is_rule(line: &[u8]) -> bool {
    let is_dash = |byte: &u8| matches!(byte, b'-' | b'=');
    let cells = || line.split(|byte| b"+|,;\t ".contains(byte)).filter(|cell| !cell.is_empty());
    let dashes = |cell: &[u8]| {
        let cell = cell.strip_prefix(b":").unwrap_or(cell);
        let cell = cell.strip_suffix(b":").unwrap_or(cell);
        if cell.iter().all(is_dash) { cell.len() } else { 0 }
    };
    cells().all(|cell| dashes(cell) > 0) && cells().any(|cell| dashes(cell) > 2)
}

/// Statements of SQL, literals of Python, rows of LaTeX.
fn program(lines: &[&[u8]]) -> Option<&'static str> {
    const TABLES: [&str; 6] =
        ["insert into ", "insert ignore into ", "replace into ", "create table ", "drop table ", "copy public."];
    const OTHERS: [&str; 9] =
        ["set ", "use ", "begin", "start transaction", "pragma ", "lock tables", "alter ", "create ", "select "];
    const PYTHON: [&str; 6] = ["{'", "[{'", "[('", "[['", "('", "defaultdict("];
    let first = lines.first()?;
    let starts = |line: &[u8], words: &[&str]| {
        words.iter().any(|word| line.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes())))
    };
    let is_comment =
        |line: &[u8]| [b"--", b"/*"].into_iter().any(|start| line.starts_with(start)) || line.starts_with(b"#");
    let statement = lines.iter().find(|line| !is_comment(line));
    let is_sql = statement.is_some_and(|line| {
        let has_tables = || lines.iter().any(|line| starts(line, &TABLES));
        starts(line, &TABLES) || (line.ends_with(b";") && starts(line, &OTHERS) && has_tables())
    });
    let is_latex =
        || first.starts_with(b"\\begin{") || lines.iter().all(|line| line.contains(&b'&') && line.ends_with(b"\\\\"));
    if is_sql {
        Some("SQL; export the table as CSV, such as by `mysql --batch` or `COPY … TO … WITH (FORMAT csv, HEADER)`")
    } else if starts(first, &PYTHON) {
        Some("text as Python prints it; write JSON (`json.dumps`) or CSV")
    } else if is_latex() {
        Some("a LaTeX table; write it as CSV")
    } else {
        None
    }
}

/// Lines with a name and a value: YAML, TOML, INI, properties.
fn named_values(lines: &[&[u8]]) -> Option<&'static str> {
    const YAML: &str = "YAML; write it as JSON, or as CSV";
    let mut own = lines.iter().copied().filter(|line| !line.starts_with(b"#"));
    let (first, second) = (own.next()?, own.next()?);
    let inner = first.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
    let is_section = inner.is_some_and(|inner| {
        inner.iter().any(u8::is_ascii_alphabetic)
            && inner.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.- []".contains(byte))
    });
    if is_section && (second.starts_with(b"[") || second.contains(&b'=')) {
        return Some("a TOML or INI file; write it as JSON, or as CSV");
    }
    let is_item = |line: &[u8]| line.starts_with(b"- ");
    let has_key = |line: &[u8]| line.ends_with(b":") || line.windows(2).any(|pair| pair == b": ");
    // the name at the front of a line, and what follows it
    let name = |line: &[u8]| {
        let end = line.iter().position(|byte| !(byte.is_ascii_alphanumeric() || b"_-. ".contains(byte)));
        let starts_as_name = line.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_');
        starts_as_name.then(|| line.split_at(end.unwrap_or(line.len()))).map(|(_, rest)| rest.to_vec())
    };
    let is_nested = name(first).is_some_and(|rest| rest == b":") && (has_key(second) || is_item(second));
    let is_document = first.starts_with(b"%YAML") || (first == b"---" && (has_key(second) || is_item(second)));
    let is_list =
        is_item(first) && (has_key(first) || first.starts_with(b"- [")) && (has_key(second) || is_item(second));
    if is_document || is_list || is_nested {
        return Some(YAML);
    }
    let all = |is_value: &dyn Fn(&[u8]) -> bool| {
        let mut own = lines.iter().copied().filter(|line| !line.starts_with(b"#"));
        own.all(|line| name(line).is_some_and(|rest| is_value(&rest)))
    };
    if all(&|rest| rest == b":" || rest.starts_with(b": ")) {
        Some("lines of `name: value`, as in YAML; write a table with a column for each name")
    } else if all(&|rest| rest.starts_with(b"=")) {
        Some("lines of `name=value`; write a table with a column for each name")
    } else {
        None
    }
}

/// Cells that blanks separate: LIBSVM, and `write.table` of R.
fn blanks(lines: &[&[u8]]) -> Option<&'static str> {
    let is_number = |text: &[u8]| std::str::from_utf8(text).is_ok_and(|text| text.parse::<f64>().is_ok());
    let is_pair = |word: &[u8]| {
        let at = word.iter().position(|&byte| byte == b':');
        at.and_then(|at| word.split_at_checked(at)).is_some_and(|(index, value)| {
            let is_index = !index.is_empty() && index.iter().all(u8::is_ascii_digit);
            (is_index || index == b"qid") && value.get(1..).is_some_and(is_number)
        })
    };
    let is_example = |line: &&[u8]| {
        let line = line.split(|&byte| byte == b'#').next().unwrap_or_default();
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let is_label = words.next().is_some_and(|label| label.split(|&byte| byte == b',').all(is_number));
        is_label && words.all(is_pair)
    };
    let has_pair = |line: &&[u8]| line.split(u8::is_ascii_whitespace).any(is_pair);
    let first = lines.first()?;
    // `10:30` is a time of the day
    let is_time =
        |word: &[u8]| matches!(word, [.., b':', b'0'..=b'5', last] if word.len() < 6 && last.is_ascii_digit());
    let has_times = |line: &&[u8]| line.split(u8::is_ascii_whitespace).all(|word| !is_pair(word) || is_time(word));
    let are_times = lines.iter().all(has_times);
    let pairs = lines.iter().filter(|line| has_pair(line)).count();
    if !are_times && lines.iter().all(is_example) && pairs * 2 >= lines.len() {
        return Some("a file of LIBSVM (svmlight), in which values have their index; write a column for each index");
    }
    // tabs separate cells
    (!first.contains(&b'\t') && are_quoted_words(first)).then_some(
        "cells that blanks separate, as write.table of R writes them; use write.csv(x, row.names = FALSE), or send the option \
         `separator=%20`",
    )
}

/// Whether a line is two and more words in quotes with blanks between them.
fn are_quoted_words(line: &[u8]) -> bool {
    let (mut rest, mut words) = (line, 0);
    while let Some(open) = rest.strip_prefix(b"\"") {
        let Some((_, after)) = open.iter().position(|&byte| byte == b'"').and_then(|end| open.split_at_checked(end))
        else {
            return false;
        };
        let after = after.get(1..).unwrap_or_default();
        rest = after.trim_ascii_start();
        words += 1;
        if rest.len() == after.len() && !rest.is_empty() {
            return false;
        }
    }
    rest.is_empty() && words > 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("+----+\n| id |\n+----+\n|  1 |\n+----+\n", "mysql --batch")]
    #[case(" id | name\n----+------\n  1 | bob\n(1 row)\n", "psql --csv")]
    #[case("id\n----\n1\n(1 row)\n", "underlined")]
    #[case("id,name\n--,-----\n1,bob\n", "underlined")]
    #[case("shape: (2, 1)\n┌───┐\n│ a │\n", "drawn")]
    #[case("| a | b |\n|---|:-:|\n| 1 | 2 |\n", "Markdown")]
    #[case("a | b\n--- | ---\n1 | 2\n", "Markdown")]
    #[case("INSERT INTO t (a,b) VALUES (1,2);\n", "SQL")]
    #[case("-- dump\n/*!1 SET x */;\nSET a = 1;\nCREATE TABLE `t` (\n", "SQL")]
    #[case("{'a': 1, 'b': 2}\n{'a': 3, 'b': 4}\n", "Python")]
    #[case("a & b \\\\\n1 & 2 \\\\\n", "LaTeX")]
    #[case("[[rows]]\na = 1\n", "TOML")]
    #[case("# x\n[server]\nhost = x\n", "TOML")]
    #[case("---\na: 1\n", "YAML")]
    #[case("- {a: 1, b: 2}\n- {a: 3, b: 4}\n", "YAML")]
    #[case("- a: 1\n  b: 2\n", "YAML")]
    #[case("rows:\n  a: 1, 2\n", "YAML")]
    #[case("rows:\n  - a: 1\n    b: x\n", "YAML")]
    #[case("name: John, age: 3\nname: Ann, age: 4\n", "name: value")]
    #[case("host=x,y\nport=3,4\n", "name=value")]
    #[case("1 1:0.5 2:3\n-1 1:0.7 3:2\n", "LIBSVM")]
    #[case("2 qid:1 1:0.5 # x\n1 qid:1 2:0.1\n", "LIBSVM")]
    #[case("1\t1:0.5\t2:3\n-1\t1:0.7\t3:2\n", "LIBSVM")]
    #[case("\"a\" \"b\"\n\"1\" 5 3\n", "write.table")]
    fn refused(#[case] text: &str, #[case] word: &str) {
        let found = other_than_cells(text.as_bytes()).unwrap_or_default();
        assert!(found.contains(word), "{text}: {found}");
    }

    #[rstest]
    #[case("a,b\n1,2\n")]
    #[case("a,b\n-,-\n1,2\n")]
    #[case("a|b\n--|--\n1|2\n")]
    #[case("x\n-1\n-2\n")]
    #[case("begin;end;\n1;2;\n")]
    #[case("query,n\n\"SELECT 1;\",2\n")]
    #[case("time\n10:30\n11:30\n")]
    #[case("1 2\n3 4\n")]
    #[case("\"a\"\t\"b\"\n\"1\"\t\"2\"\n")]
    #[case("1\t10:30\n2\t11:45\n")]
    #[case("1\t9:30\t10:45\n2\t9:45\t11:00\n")]
    #[case("\"a b\"\n\"c d\"\n")]
    #[case("\"a\",\"b\"\n\"1\",\"2\"\n")]
    #[case("# made by: me\na,b\n1,2\n")]
    #[case("note\nWarning: hot\n")]
    #[case("1\n2\n3\n")]
    #[case("")]
    fn tables(#[case] text: &str) {
        assert_eq!(other_than_cells(text.as_bytes()), None, "{text}");
    }
}
