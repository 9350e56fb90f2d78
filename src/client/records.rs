//! The rows of a file for prediction: read a batch at a time, as records of the features that a model knows.

use super::{
    decoded::{self, Decoded},
    failure::Failure,
    json_rows,
    rows::{Batches, Expected, Format, Part},
    table_rows,
};
use encoding_rs::UTF_8;
use std::io::{BufReader, Cursor, Read};

/// How much is read to recognize a format.
const PEEK_BYTES: u64 = 1 << 16;

/// What programs of Windows put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How files begin that are no text, and what they are.
const OTHER_FILES: &[(&[u8], &str)] = &[
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"\x93NUMPY", "a NumPy file"),
    (b"PK\x03\x04", "a zip file or a workbook"),
    (b"\xd0\xcf\x11\xe0", "a workbook"),
];

/// Reads `source`, which may be compressed with gzip or zstd, and passes its parts to `sink`, which returns false to stop.
pub fn read(
    source: impl Read,
    format: Option<Format>,
    expected: &Expected,
    sink: &mut dyn FnMut(Part) -> bool,
) -> Result<(), Failure> {
    let (start, source) = peeked(source)?;
    match start.as_slice() {
        [0x1f, 0x8b, ..] => read_text(flate2::read::MultiGzDecoder::new(source), format, expected, sink),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let decoder = zstd::stream::read::Decoder::new(source).map_err(|error| unreadable(&error))?;
            read_text(decoder, format, expected, sink)
        }
        _ => read_text(source, format, expected, sink),
    }
}

/// The first bytes of `source`, and all of it.
fn peeked<R: Read>(mut source: R) -> Result<(Vec<u8>, impl Read), Failure> {
    let mut start = Vec::new();
    source.by_ref().take(PEEK_BYTES).read_to_end(&mut start).map_err(|error| unreadable(&error))?;
    Ok((start.clone(), Cursor::new(start).chain(source)))
}

fn unreadable(error: &std::io::Error) -> Failure {
    Failure::Error(format!("cannot read the rows: {error}"))
}

fn read_text(
    source: impl Read,
    format: Option<Format>,
    expected: &Expected,
    sink: &mut dyn FnMut(Part) -> bool,
) -> Result<(), Failure> {
    let (start, source) = peeked(source)?;
    if let Some((_, kind)) = OTHER_FILES.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Err(Failure::Error(format!("expected CSV, TSV, JSON or NDJSON, received {kind}")));
    }
    let encoding = decoded::encoding(&start, &expected.read);
    if encoding == UTF_8 {
        return read_utf8(source, format, expected, sink);
    }
    read_utf8(Decoded::new(source, encoding), format, expected, sink)
}

fn read_utf8(
    source: impl Read,
    format: Option<Format>,
    expected: &Expected,
    sink: &mut dyn FnMut(Part) -> bool,
) -> Result<(), Failure> {
    let (start, mut source) = peeked(source)?;
    if start.starts_with(BYTE_ORDER_MARK) {
        source.read_exact(&mut [0; BYTE_ORDER_MARK.len()]).map_err(|error| unreadable(&error))?;
    }
    if start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&start).trim_ascii().is_empty() {
        return Err(Failure::Error("expected rows to predict, received an empty file".to_owned()));
    }
    let source = BufReader::new(source);
    let format = format.unwrap_or_else(|| Format::of_start(&start));
    let mut batches = Batches::new(sink);
    match format {
        Format::Csv | Format::Tsv => {
            let separator = if format == Format::Tsv { b'\t' } else { table_rows::separator(&start, expected) };
            table_rows::read(source, separator, expected, &mut batches)?;
        }
        Format::Ndjson => json_rows::read_lines(source, expected, &mut batches)?,
        Format::Json => json_rows::read(source, expected, &mut batches)?,
    }
    batches.flush();
    if batches.read == 0 {
        return Err(Failure::Error("expected rows to predict, received none".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::io::Write;

    fn expected() -> Expected {
        let features = [("a", "number"), ("b", "category"), ("c", "boolean")];
        let features = features.map(|(name, kind)| (name.to_owned(), kind.to_owned()));
        Expected { features: features.into(), read: json!({"separator": ",", "missing": ["", "NA"]}) }
    }

    fn instances(text: &str, expected: &Expected) -> Result<Vec<Value>, Failure> {
        let mut found = Vec::new();
        read(text.as_bytes(), None, expected, &mut |part| {
            if let Part::Rows { rows, .. } = part {
                found.extend(rows.into_iter().map(|row| row.instance));
            }
            true
        })?;
        Ok(found)
    }

    #[test]
    fn every_format_gives_the_same_records() {
        let records = vec![json!({"a": 1.5, "b": "x, y", "c": true}), json!({"a": null, "b": "NB", "c": "maybe"})];
        for text in [
            "a,b,c,other\n1.5,\"x, y\",TRUE,9\nNA,NB,maybe,\n",
            "\u{feff}a;b;c\r\n1.5;x, y;true\r\n;NB;maybe\r\n",
            "c\ta\tb\ntrue\t1.5\tx, y\nmaybe\t\tNB",
        ] {
            assert_eq!(instances(text, &expected()).unwrap(), records, "{text:?}");
        }
        let line = |record: &Value| record.to_string();
        let texts: Vec<String> = records.iter().map(line).collect();
        for text in
            [texts.join("\n"), format!("[{}]", texts.join(",")), format!("{{\"instances\": [{}]}}", texts.join(","))]
        {
            assert_eq!(instances(&text, &expected()).unwrap(), records, "{text}");
        }
        let with_more = "[{\"a\": 1, \"other\": 2}]";
        assert_eq!(instances(with_more, &expected()).unwrap(), [json!({"a": 1})]);
        assert_eq!(instances("[[1, \"x\", true]]", &expected()).unwrap(), [json!([1, "x", true])]);
    }

    #[test]
    fn json_has_the_forms_of_a_dataset() {
        let records = [json!({"a": 1, "b": "x"}), json!({"a": 2, "b": "y"})];
        for document in [
            json!({"a": [1, 2], "b": ["x", "y"], "other": [3, 4]}),
            json!({"a": {"r0": 1, "r1": 2}, "b": {"r0": "x", "r1": "y"}}),
            json!({"columns": ["a", "b"], "index": [0, 1], "data": [[1, "x"], [2, "y"]]}),
            json!({"data": records}),
            json!({"instances": records, "signature_name": "serving_default"}),
        ] {
            for text in [document.to_string(), format!("\u{feff}{document:#}\n")] {
                assert_eq!(instances(&text, &expected()).unwrap(), records, "{text}");
            }
        }
        // A record alone, and one whose feature is called as a form is.
        assert_eq!(instances("{\"a\": 1}", &expected()).unwrap(), [json!({"a": 1})]);
        let data = Expected { features: vec![("data".to_owned(), "number".to_owned())], read: Value::Null };
        assert_eq!(instances("{\"data\": 5}", &data).unwrap(), [json!({"data": 5})]);
    }

    #[test]
    fn rows_are_in_utf8_or_in_the_encoding_of_the_dataset() {
        let western = Expected { read: json!({"separator": ";", "encoding": "windows-1252"}), ..expected() };
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let unmarked = Expected { read: json!({"separator": ";", "encoding": "utf-16le"}), ..expected() };
        for (bytes, expected) in [
            (b"a;b\n1.5;K\xf6ln\n".to_vec(), &western),
            ("a;b\n1.5;Köln\n".as_bytes().to_vec(), &western),
            (wide("\u{feff}a;b\n1.5;Köln\n"), &expected()),
            (wide("a;b\n1.5;Köln\n"), &unmarked),
        ] {
            let mut found = Vec::new();
            read(bytes.as_slice(), None, expected, &mut |part| {
                if let Part::Rows { rows, .. } = part {
                    found.extend(rows.into_iter().map(|row| row.instance));
                }
                true
            })
            .unwrap();
            assert_eq!(found, [json!({"a": 1.5, "b": "Köln"})], "{bytes:?}");
        }
        let wrong = read(&b"a;b\n1.5;K\xf6ln\n"[..], None, &expected(), &mut |_| true).unwrap_err().to_string();
        assert_eq!(wrong, "line 2: expected UTF-8");
        let japanese = Expected { read: json!({"separator": ";", "encoding": "shift_jis"}), ..expected() };
        let wrong = read(&b"a;b\n1.5;\xff\xff\n"[..], None, &japanese, &mut |_| true).unwrap_err().to_string();
        assert!(wrong.contains("they are not in Shift_JIS"), "{wrong}");
    }

    #[test]
    fn compressed_rows_are_read() {
        let text = "a,b\n1.5,x\n";
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        for packed in [gzip.finish().unwrap(), zstd::stream::encode_all(text.as_bytes(), 0).unwrap()] {
            let mut found = Vec::new();
            read(packed.as_slice(), None, &expected(), &mut |part| {
                if let Part::Rows { rows, .. } = part {
                    found.extend(rows.into_iter().map(|row| row.instance));
                }
                true
            })
            .unwrap();
            assert_eq!(found, [json!({"a": 1.5, "b": "x"})]);
        }
    }

    #[test]
    fn numbers_are_read_as_those_of_the_dataset() {
        let read = json!({"separator": ";", "decimal": ",", "thousands": ".", "missing": ["-"]});
        let expected = Expected { read, ..expected() };
        let found = instances("a;b\n1.234,5;x\n-;y\nabc;z\n", &expected).unwrap();
        assert_eq!(
            found,
            [json!({"a": 1234.5, "b": "x"}), json!({"a": null, "b": "y"}), json!({"a": "abc", "b": "z"})]
        );
    }

    #[test]
    fn a_cell_means_in_a_prediction_what_it_means_in_its_dataset() {
        let german =
            json!({"decimal": ",", "thousands": ".", "missing": ["", "NA", "N/A", "#N/A", "<NA>", "NaN", "null"]});
        for (read, cell, value) in [
            (&german, "1.234.567", json!(1_234_567.0)),
            (&german, "-1.234,5e2", json!(-123_450.0)),
            (&german, "1.5", json!("1.5")),
            (&german, "1.2345", json!("1.2345")),
            (&json!({"decimal": ","}), "1.5", json!("1.5")),
            (&json!({"decimal": "."}), "1.5", json!(1.5)),
            (&german, "nan", json!(null)),
            (&german, "?", json!(null)),
            (&json!({"missing": ["", "x"]}), "?", json!("?")),
            (&json!({"missing": ["", "x"]}), "X", json!("X")),
        ] {
            let expected = Expected { read: read.clone(), ..expected() };
            let found = instances(&format!("a;b\n{cell};?\n"), &expected).unwrap();
            assert_eq!(found, [json!({"a": value, "b": "?"})], "{read} {cell}");
        }
    }

    #[test]
    fn quotes_and_comments_are_those_of_the_dataset() {
        let expected = Expected { read: json!({"quote": "'", "comment": "#"}), ..expected() };
        let found = instances("# by me\na,b\n1,'x, y'\n# the end\n", &expected).unwrap();
        assert_eq!(found, [json!({"a": 1.0, "b": "x, y"})]);
    }

    #[test]
    fn rows_without_names_have_the_columns_of_the_dataset_or_its_features() {
        let features = [("column_2", "number"), ("column_4", "number")];
        let features = features.map(|(name, kind)| (name.to_owned(), kind.to_owned()));
        let read = json!({"separator": ";", "decimal": ",", "header": false});
        let expected = Expected { features: features.into(), read };
        for text in ["x;1,5;y;2,5\n", "1,5;2,5\n"] {
            assert_eq!(instances(text, &expected).unwrap(), [json!({"column_2": 1.5, "column_4": 2.5})], "{text}");
        }
    }

    #[test]
    fn what_is_wrong_has_a_line() {
        for (text, says) in [
            ("a,b\n1,x\n2\n", "line 3: expected 2 cells as in the header, received 1"),
            ("x,y\n1,2\n", "no column is a feature"),
            ("{\"a\":1}\n{\"a\":\n", "line 2: expected a record"),
            ("[{\"a\":1}", "expected an array"),
            ("a,b\n", "received none"),
            ("", "received an empty file"),
            ("\u{feff} \n", "received an empty file"),
            ("[]", "received none"),
            ("{}", "no field is a feature"),
            ("[{\"x\": 1}]", "no field is a feature of the model\n  fields:   x\n  features:  a, b, c"),
            ("{\"x\": 1}\n{\"a\": 1}\n", "no field is a feature"),
            ("a,b,a\n1,x,2\n", "expected the column \"a\" once"),
            ("PAR1\u{15}", "received a Parquet file"),
            ("PK\u{3}\u{4}", "received a zip file or a workbook"),
            ("{\"a\": [1, 2], \"b\": [\"x\"]}", "\"b\" has 1 values, the first column 2"),
            ("{\"columns\": [\"a\", \"b\"], \"data\": [[1]]}", "expected 2 values as in columns, received 1"),
        ] {
            let error = instances(text, &expected()).unwrap_err().to_string();
            assert!(error.contains(says), "{text:?}: {error}");
        }
    }

    #[test]
    fn long_files_come_in_batches() {
        let text = format!("a\n{}", "1\n".repeat(2500));
        let mut firsts = Vec::new();
        read(text.as_bytes(), None, &expected(), &mut |part| {
            if let Part::Rows { first, rows } = part {
                firsts.push((first, rows.len()));
            }
            firsts.len() < 2
        })
        .unwrap();
        assert_eq!(firsts, [(1, 1000), (1001, 1000)], "the third batch is not wanted");
    }
}
