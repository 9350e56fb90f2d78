use crate::data::{
    read::{Dialect, Format, ReadError, ReadOptions, TableLimits, inspect, load, rows},
    schema::ColumnType,
    table::{Cells, MISSING},
};
use rstest::rstest;
use serde_json::json;
use std::io::{BufReader, Read};

const LIMITS: TableLimits = TableLimits { rows: 1_000_000, columns: 1000, cell_bytes: 100_000 };

fn csv_format() -> Format {
    Format::named("csv").unwrap()
}

fn refusal(csv: &[u8]) -> String {
    match inspect(&mut &*csv, csv_format(), &ReadOptions::default(), &LIMITS) {
        Err(ReadError::Invalid(text)) => text,
        other => panic!("{other:?}"),
    }
}

fn preview(csv: &str) -> Vec<serde_json::Value> {
    let columns = inspect(&mut csv.as_bytes(), csv_format(), &ReadOptions::default(), &LIMITS).unwrap().columns;
    rows(
        &mut csv.as_bytes(),
        csv_format(),
        &Dialect::default(),
        &columns,
        crate::data::read::RowRange { first: 0, limit: 100, bytes: 1 << 20 },
    )
    .unwrap()
}

#[test]
fn quotes_line_ends_blanks_and_a_byte_order_mark() {
    let csv = "\u{feff}name, size ,\"a \"\"b\"\"\"\r\n\"x, y\", 1,\"two\nlines\"\r\n\r\n\"\"\"\",2 ,\n \"z,.5,NA";
    assert_eq!(
        preview(csv),
        [
            json!({"name": "x, y", "size": 1, "a \"b\"": "two\nlines"}),
            json!({"name": "\"", "size": 2, "a \"b\"": null}),
            json!({"name": "\"z", "size": 0.5, "a \"b\"": null}),
        ]
    );
}

#[rstest]
#[case("a;b\n1;x,y\n", json!({"a": 1, "b": "x,y"}))]
#[case("a\tb\n1\tx;y\n", json!({"a": 1, "b": "x;y"}))]
#[case("a,b;c\n1,x\n", json!({"a": 1, "b;c": "x"}))]
fn separators(#[case] csv: &str, #[case] record: serde_json::Value) {
    assert_eq!(preview(csv), [record]);
}

#[rstest]
#[case("a,b,\n1,x,\n,y,\n", json!([{"a": 1, "b": "x"}, {"a": null, "b": "y"}]))]
#[case("a,b\n1,x,\n,y, \n", json!([{"a": 1, "b": "x"}, {"a": null, "b": "y"}]))]
#[case("a;b;\n1;x\n2;y\n", json!([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]))]
#[case("a\tb\t\n1\tx\t\n2\t\t\n", json!([{"a": 1, "b": "x"}, {"a": 2, "b": null}]))]
#[case("a,b,,\n1,x,,\n2,y,,\n", json!([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]))]
#[case("a,b\n1,x,,\n,y,,\n", json!([{"a": 1, "b": "x"}, {"a": null, "b": "y"}]))]
#[case("a;b;;\n1;x\n2;y\n", json!([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]))]
fn a_separator_at_the_end_of_every_line_begins_no_cell(#[case] csv: &str, #[case] records: serde_json::Value) {
    assert_eq!(serde_json::Value::from(preview(csv)), records);
}

#[rstest]
#[case(b"", "expected a header line, received an empty file")]
#[case(b"\r\n\n", "expected a header line, received an empty file")]
#[case(b"a,b\n", "expected at least one row, received none")]
#[case(
    b"a,b1,2",
    "expected at least one row after the header, received one line; curl's `-d` removes line ends: use `--data-binary @file`"
)]
#[case(b"a,b\n1,2\n3\n", "line 3: expected 2 cells, received 1")]
#[case(
    b"a,b\n\"1\n\n\",2\n3,4,5\n",
    "line 5: expected 2 cells, received 3; a cell that contains the separator needs quotes"
)]
#[case(
    b"Data Source,Indicators,\n\na,b,y\n1,2,p\n",
    "line 3: expected 2 cells, received 3; if lines 1 to 2 are no part of the table, send the option `skip_rows=2`"
)]
#[case(
    b"a,b\n1,5,6\n",
    "line 2: expected 2 cells, received 3; if the first column has the names of rows, as R writes them, name it in line 1; if line 1 is no part of the table, send the option `skip_rows=1`"
)]
#[case(
    b"Report May, 2024\na;b;y\n1;2;p\n",
    "line 2: expected 1 cells, received 3; if line 1 is no part of the table, send the option `skip_rows=1`"
)]
#[case(b"a,b\n1,2,\n3,4\n", "line 3: expected 2 cells, received 2; the rows before end with a separator")]
#[case(b"a,b,\n1,2,\n3,4,x\n", "line 3: expected 2 cells, received 3; a cell that contains the separator needs quotes")]
#[case(
    b"a,b,,\n1,2,,\n3,4,,x\n",
    "line 3: expected 2 cells, received 4; a cell that contains the separator needs quotes"
)]
#[case(
    b"Sales,,\n,,\nregion,amount,n\nnorth,1,2\n",
    "line 1, column 2: expected a name, received an empty one; if line 1 is no part of the table, send the option `skip_rows=1`"
)]
#[case(
    b"Sales\n,,\nregion,amount,n\nnorth,1,2\n",
    "line 2: expected 1 cells, received 3; if line 1 is no part of the table, send the option `skip_rows=1`"
)]
#[case(b"a,b\n1,2\n3,\"x\n\n", "line 3, column \"b\": the quote that opens here is never closed")]
#[case(b"a,b\n\"1\"2,3\n", "line 2, column \"a\": expected the end of the cell after its closing quote, received '2'")]
#[case(
    b"a,b\n1,2\n3,caf\xe9\n",
    "line 3, column \"b\": expected UTF-8, received the byte 0xe9; if the file has another encoding, send the option `encoding`, such as `encoding=windows-1252`"
)]
#[case(
    b"a,\xff\n1,2\n",
    "line 1: expected UTF-8, received the byte 0xff; if the file has another encoding, send the option `encoding`, such as `encoding=windows-1252`"
)]
#[case(b"a,,c\n1,2,3\n", "line 1, column 2: expected a name, received an empty one")]
#[case(b"a,b,a\n1,2,3\n", "line 1, column 3: expected a unique name, received \"a\" again")]
#[case(
    b"a,b\n1,2\n3,1e308\n",
    "line 3, column \"b\": expected a finite number within ±3.4028235e38, received 1e308; scale the column, or make it a missing value"
)]
#[case(
    b"a\n1\n1e400\n",
    "line 3, column \"a\": expected a finite number within ±3.4028235e38, received 1e400; scale the column, or make it a missing value"
)]
#[case(
    b"a\n-inf\n1\n",
    "line 2, column \"a\": expected a finite number within ±3.4028235e38, received -inf; make it a missing value: an empty cell, null, or its spelling in the option `missing`"
)]
fn bad_files(#[case] csv: &[u8], #[case] text: &str) {
    assert_eq!(refusal(csv), text);
}

#[test]
fn too_many_columns() {
    let csv = format!("{}\n", vec!["x"; 1_000_000].join(","));
    assert_eq!(refusal(csv.as_bytes()), "expected at most 1000 columns, received 1000000");
}

#[rstest]
#[case("")]
#[case("\"")]
fn huge_cells_end_the_reading_early(#[case] quote: &str) {
    let mut taken = 0;
    let endless = format!("a,b\n1,2\n3,{quote}");
    let source = endless.as_bytes().chain(std::io::repeat(b'x')).take(1 << 30);
    let mut source = BufReader::new(CountingRead(source, &mut taken));
    let Err(ReadError::Invalid(text)) = inspect(&mut source, csv_format(), &ReadOptions::default(), &LIMITS) else {
        panic!("it is no table")
    };
    assert!(text.starts_with("line 3, column \"b\": expected a cell of at most 100000 bytes, received "), "{text}");
    assert_eq!(text.ends_with("is the quote that opens it ever closed?"), !quote.is_empty(), "{text}");
    assert!(taken < 2_000_000, "{taken} bytes were read");
}

struct CountingRead<'a, R>(R, &'a mut usize);

impl<R: Read> Read for CountingRead<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.0.read(buffer)?;
        *self.1 += read;
        Ok(read)
    }
}

#[test]
fn too_many_rows() {
    let limits = TableLimits { rows: 2, ..LIMITS };
    let error = inspect(&mut "a\n1\n2\n3\n".as_bytes(), csv_format(), &ReadOptions::default(), &limits).unwrap_err();
    assert_eq!(error.to_string(), "expected at most 2 rows, received more");
}

#[test]
fn types_levels_and_placeholders() {
    let csv = "number,class,yes,mixed,none\n1,+,True,5,\n?,-,?,x,\n3.0,,FALSE,05,\n1.0,-,true,true,\n";
    let columns = inspect(&mut csv.as_bytes(), csv_format(), &ReadOptions::default(), &LIMITS).unwrap().columns;
    let seen = |name: &str| {
        let column = columns.iter().find(|column| column.name == name).unwrap();
        let values = column.values.iter().flatten().map(|level| json!([level.value, level.count])).collect();
        (column.kind, column.missing, serde_json::Value::Array(values))
    };
    assert_eq!(seen("number"), (ColumnType::Number, 1, json!([[1, 2], [3, 1]])));
    assert_eq!(seen("class"), (ColumnType::Category, 1, json!([["+", 1], ["-", 2]])));
    assert_eq!(seen("yes"), (ColumnType::Boolean, 1, json!([[false, 1], [true, 2]])));
    assert_eq!(seen("mixed"), (ColumnType::Category, 0, json!([["05", 1], ["5", 1], ["true", 1], ["x", 1]])));
    assert_eq!(seen("none"), (ColumnType::Number, 4, json!([])));

    let selected = ["mixed", "number", "yes", "class"].map(str::to_owned);
    let table = load(&mut csv.as_bytes(), csv_format(), &Dialect::default(), &columns, &selected, 1).unwrap();
    let cells: Vec<_> = table.columns.into_iter().map(|column| column.cells).collect();
    let levels = |levels: &[&str]| levels.iter().map(|level| (*level).to_owned()).collect::<Vec<_>>();
    assert_eq!(cells[0], Cells::Category { codes: vec![1, 3, 0, 2], levels: levels(&["05", "5", "true", "x"]) });
    assert!(matches!(&cells[1], Cells::Number(values) if values[1].is_nan() && values[2] == 3.0));
    assert_eq!(cells[2], Cells::Boolean(vec![Some(true), None, Some(false), Some(true)]));
    assert_eq!(cells[3], Cells::Category { codes: vec![0, 1, MISSING, 1], levels: levels(&["+", "-"]) });
}

#[test]
fn rows_longer_than_a_block_and_cells_across_blocks() {
    let text = "é\"\n".repeat(20_000);
    let mut csv = "a,b\n".to_owned();
    for row in 0..40 {
        csv += &format!("{row},\"{}\"\n", text.replace('"', "\"\""));
    }
    let limits = TableLimits { cell_bytes: 1 << 20, ..LIMITS };
    let inspection = inspect(&mut csv.as_bytes(), csv_format(), &ReadOptions::default(), &limits).unwrap();
    assert_eq!(inspection.rows, 40);
    assert_eq!(inspection.columns[1].values.as_ref().unwrap()[0].value, json!(text.trim_end()));
    let pieces = BufReader::with_capacity(7, csv.as_bytes());
    let again = inspect(&mut { pieces }, csv_format(), &ReadOptions::default(), &limits).unwrap();
    assert_eq!(again, inspection);
}
