use crate::data::{
    read::{Format, ReadError, ReadOptions, TableLimits, inspect, load, rows},
    schema::ColumnType,
    table::Cells,
};
use rstest::rstest;
use serde_json::json;
use std::io::{BufReader, Read};

const LIMITS: TableLimits = TableLimits { rows: 1_000_000, columns: 4, cell_bytes: 1000 };

fn json_format() -> Format {
    Format::named("json").unwrap()
}

fn ndjson_format() -> Format {
    Format::named("ndjson").unwrap()
}

fn refusal(text: &str, format: Format) -> String {
    match inspect(&mut text.as_bytes(), format, &ReadOptions::default(), &LIMITS) {
        Err(ReadError::Invalid(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case(json_format(), r#"[{"a": 1, "b": "5"}, {"b": null, "c": true}, {"c": false, "a": 2.5}]"#)]
#[case(
    json_format(),
    r#"{"columns": ["a", "b", "c"], "data": [[1, "5", null], [null, null, true], [2.5, null, false]]}"#
)]
#[case(
    json_format(),
    r#"{"index": [0, 1, 2], "data": [[1, "5", null], [null, null, true], [2.5, null, false]], "columns": ["a", "b", "c"]}"#
)]
#[case(json_format(), r#"{"a": [1, null, 2.5], "b": ["5", null, null], "c": [null, true, false]}"#)]
#[case(
    json_format(),
    r#"{"a": {"0": 1, "1": null, "2": 2.5}, "b": {"0": "5", "1": null, "2": null}, "c": {"0": null, "1": true, "2": false}}"#
)]
#[case(
    json_format(),
    r#"{"0": {"a": 1, "b": "5", "c": null}, "1": {"a": null, "b": null, "c": true}, "2": {"a": 2.5, "b": null, "c": false}}"#
)]
#[case(json_format(), r#"{"data": [{"a": 1, "b": "5"}, {"b": null, "c": true}, {"c": false, "a": 2.5}]}"#)]
#[case(
    json_format(),
    r#"{"schema": {"fields": []}, "data": [{"a": 1, "b": "5"}, {"b": null, "c": true}, {"c": false, "a": 2.5}]}"#
)]
#[case(json_format(), "\u{feff}[{\"a\": 1, \"b\": \"5\"}, {\"b\": null, \"c\": true}, {\"c\": false, \"a\": 2.5}]")]
#[case(ndjson_format(), "{\"a\": 1, \"b\": \"5\"}\n\n{\"b\": null, \"c\": true}\r\n{\"c\": false, \"a\": 2.5}")]
fn every_form_is_the_same_table(#[case] format: Format, #[case] text: &str) {
    let inspection = inspect(&mut text.as_bytes(), format, &ReadOptions::default(), &LIMITS).unwrap();
    assert_eq!(inspection.rows, 3);
    let kinds: Vec<_> =
        inspection.columns.iter().map(|column| (column.name.as_str(), column.kind, column.missing)).collect();
    assert_eq!(kinds, [("a", ColumnType::Number, 1), ("b", ColumnType::Category, 2), ("c", ColumnType::Boolean, 1)]);
    assert_eq!(
        rows(
            &mut text.as_bytes(),
            format,
            &inspection.dialect,
            &inspection.columns,
            crate::data::read::RowRange { first: 0, limit: 2, bytes: 1 << 20 }
        )
        .unwrap(),
        [json!({"a": 1, "b": "5", "c": null}), json!({"a": null, "b": null, "c": true})]
    );
    let table =
        load(&mut text.as_bytes(), format, &inspection.dialect, &inspection.columns, &["c".into(), "b".into()], 1)
            .unwrap();
    assert_eq!(table.columns[0].cells, Cells::Boolean(vec![None, Some(true), Some(false)]));
}

#[rstest]
#[case("", "expected a JSON table: line 1, column 1: expected a value, received the end of the text")]
#[case("[]", "expected at least one row, received none")]
#[case("[{}]", "expected at least one column, received none")]
#[case(
    "7",
    "expected a JSON table: line 1, column 1: expected an array of records, or an object with `columns` and `data`, or an object of columns, received 7"
)]
#[case(
    "[[1]]",
    "expected a JSON table: line 1, column 2: expected a record (an object of cells by column name), received an array; rows without names are sent as {\"columns\": [...], \"data\": [[...]]}"
)]
#[case(
    "[{\"a\": 1},\n {\"a\": [2]}]",
    "expected a JSON table: line 2, column 9: expected a number, text, true, false or null in column \"a\", received an array; write a column for each element, or text"
)]
#[case(
    "[{\"a\": 1}, {\"a\"",
    "expected a JSON table: line 1, column 15: expected `}` at the end of the object, received the end of the text"
)]
#[case(
    "[{\"a\": NaN}]",
    "expected a JSON table: line 1, column 8: expected a number, received NaN, which JSON does not have; send null"
)]
#[case("[{\"a\": 1e400}]", "expected a JSON table: line 1, column 13: expected a number of at most 1.8e308 in size")]
#[case(
    "[{\"a\": 1}, {\"a\": 1e308}]",
    "record 2, column \"a\": expected a finite number within ±3.4028235e38, received 1e308; scale the column, or make it a missing value"
)]
#[case(
    "{\"a\": [1, 2], \"b\": [1]}",
    "record 1: expected 2 cells in the column \"b\" as in the longest one, received 1"
)]
#[case(
    "{\"a\": {\"0\": 1, \"1\": 2}, \"b\": {\"0\": 1, \"2\": 2}}",
    "record 1: expected the row \"1\" as in the first column, received \"2\""
)]
#[case("{\"a\": [1], \"a\": [2]}", "record 1: expected each column once, received \"a\" twice")]
#[case("[{\"a\": 1, \"a\": 2}]", "record 1: expected each column once, received \"a\" twice")]
#[case("[{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1}]", "record 1: expected at most 4 columns, received more")]
#[case("[{\"\": 1}]", "the first record, column 1: expected a name, received an empty one")]
#[case(
    "{\"columns\": [\"a\", \"a\"], \"data\": [[1, 2]]}",
    "the first record, column 2: expected a unique name, received \"a\" again"
)]
#[case("{\"columns\": [\"a\", \"b\"], \"data\": [[1, 2], [3]]}", "record 2: expected 2 cells, received 1")]
#[case("{\"columns\": [\"a\"], \"data\": [[1, 2]]}", "record 1: expected 1 cells, received 2")]
#[case(
    "{\"data\": [[1, 2]], \"columns\": [\"a\"]}",
    "expected a JSON table: line 1, column 36: expected 1 cells a row as in `columns`, received 2"
)]
#[case(
    "{\"a\": [1, -Infinity]}",
    "expected a JSON table: line 1, column 12: expected a number, received Infinity, which JSON does not have; send null"
)]
#[case(
    "{\"columns\": [\"a\"], \"rows\": [[1]]}",
    "expected a JSON table: line 1, column 26: expected `columns`, `data`, `index` and `schema` alone, received \"rows\" beside them"
)]
#[case(
    "{\"columns\": [\"a\"]}",
    "expected a JSON table: line 1, column 18: expected `data` beside `columns`, received none"
)]
#[case("{}", "expected a JSON table: line 1, column 2: expected columns with their cells, received an empty object")]
#[case(
    "\u{feff}a,y\n1,p\n2,q\n",
    "expected a JSON table, received text that is no JSON; if it is CSV, send it with Content-Type text/csv"
)]
#[case(
    "<!DOCTYPE html><html></html>",
    "expected a JSON table, received an HTML or XML document; write the table as CSV"
)]
#[case(
    "[{\"a\": 1,}]",
    "expected a JSON table: line 1, column 10: expected no comma at the end of a list or an object"
)]
fn bad_files(#[case] json: &str, #[case] text: &str) {
    assert_eq!(refusal(json, json_format()), text);
}

#[rstest]
#[case(
    "{\"a\": 1}\n{\"a\": 1} 2",
    "expected a JSON record per line: line 2, column 10: expected the end after the JSON value, received more"
)]
#[case(
    "{\"a\": 1}\n\n[2]",
    "expected a JSON record per line: line 3, column 1: expected a record (an object of cells by column name), received an array; an array of records has Content-Type application/json"
)]
#[case(
    "{\"a\": 1}\n{\"a\": -1e39}",
    "line 2, column \"a\": expected a finite number within ±3.4028235e38, received -1e39; scale the column, or make it a missing value"
)]
#[case(
    "{\"a\": 1}\n{\"a\": NaN}",
    "expected a JSON record per line: line 2, column 7: expected a number, received NaN, which JSON does not have; send null"
)]
#[case(
    "{\n  \"a\": 1\n}",
    "expected a JSON record per line: line 1, column 1: expected `}` at the end of the object, received the end of the text; a record ends in the line in which it begins, or the file has Content-Type application/json"
)]
#[case(
    "a,y\n1,p\n",
    "expected a JSON record per line, received text that is no JSON; if it is CSV, send it with Content-Type text/csv"
)]
fn bad_lines(#[case] json: &str, #[case] text: &str) {
    assert_eq!(refusal(json, ndjson_format()), text);
}

#[rstest]
#[case(json_format(), "[")]
#[case(json_format(), "[{\"a\":")]
#[case(ndjson_format(), "{\"a\":")]
fn deep_nesting_is_refused(#[case] format: Format, #[case] level: &str) {
    let text = refusal(&level.repeat(100_000), format);
    assert!(text.contains("expected a"), "{text}");
}

#[test]
fn an_endless_string_takes_no_memory() {
    let source = b"[{\"a\": 1},\n{\"a\": \"".chain(std::io::repeat(b'x')).take(1 << 30);
    let error = inspect(&mut BufReader::new(source), json_format(), &ReadOptions::default(), &LIMITS).unwrap_err();
    assert_eq!(error.to_string(), "line 2: expected a cell of at most 1000 bytes, received more");
}

#[test]
fn numbers_in_a_text_column_are_levels() {
    let text = r#"[{"a": 5}, {"a": "x"}, {"a": 5.0}, {"a": true}, {"a": 0.5}]"#;
    let column =
        inspect(&mut text.as_bytes(), json_format(), &ReadOptions::default(), &LIMITS).unwrap().columns.remove(0);
    assert_eq!(column.levels().unwrap(), ["0.5", "5", "true", "x"]);
}

#[test]
fn many_rows_take_many_chunks() {
    let records: Vec<_> = (0..200_000).map(|row| format!("{{\"a\":{row},\"b\":{}}}", row % 7)).collect();
    let text = format!("[{}]", records.join(","));
    let inspection = inspect(&mut text.as_bytes(), json_format(), &ReadOptions::default(), &LIMITS).unwrap();
    let [a, b] = inspection.columns.as_slice() else { panic!("two columns") };
    assert_eq!((inspection.rows, a.maximum(), b.distinct), (200_000, Some(199_999.0), 7));
    assert!((a.distinct as f64 / 200_000.0 - 1.0).abs() < 0.02, "{}", a.distinct);
    let lines = inspect(&mut records.join("\n").as_bytes(), ndjson_format(), &ReadOptions::default(), &LIMITS).unwrap();
    assert_eq!(lines, inspection);
}

#[test]
fn records_of_few_keys_take_no_cell_for_each_column() {
    const KEYS: usize = 900;
    let limits = TableLimits { columns: 1000, ..LIMITS };
    let key = |row: usize| row * 7919 % KEYS;
    let text: String = (0..20_000).map(|row| format!("{{\"k{}\":{row}}}\n", key(row))).collect();
    let (mut cells, mut rows) = (0, 0);
    let mut source = text.as_bytes();
    let options = ReadOptions::default();
    crate::data::read::stream::read(&mut source, ndjson_format(), &options, &limits, &mut |chunk| {
        cells += chunk.columns.iter().map(Vec::len).sum::<usize>();
        rows += chunk.rows;
        Ok(std::ops::ControlFlow::Continue(()))
    })
    .unwrap();
    assert!(rows == 20_000 && cells < 20_000 * KEYS / 2, "{cells} cells");
    let inspection = inspect(&mut text.as_bytes(), ndjson_format(), &options, &limits).unwrap();
    let names = ["k0".to_owned(), "k899".to_owned()];
    let (dialect, columns) = (&inspection.dialect, &inspection.columns);
    let table = load(&mut text.as_bytes(), ndjson_format(), dialect, columns, &names, 20_000).unwrap();
    for (name, loaded) in names.iter().zip(&table.columns) {
        let Cells::Number(values) = &loaded.cells else { panic!("{loaded:?}") };
        let expected = |row: usize| (format!("k{}", key(row)) == *name).then_some(row as f64);
        let received = values.iter().map(|value| (!value.is_nan()).then_some(*value));
        assert!(received.eq((0..20_000).map(expected)), "{name}");
        let column = inspection.columns.iter().find(|column| column.name == *name).unwrap();
        assert_eq!(column.missing, values.iter().filter(|value| value.is_nan()).count() as u64, "{name}");
    }
}
