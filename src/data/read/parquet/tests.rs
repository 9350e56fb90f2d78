use crate::data::read::{Format, ReadError, ReadOptions, RowRange, TableLimits, inspect, load, rows};
use rstest::rstest;
use serde_json::{Value, json};
use std::path::Path;

const LIMITS: TableLimits = TableLimits { rows: 100_000, columns: 100, cell_bytes: 1000 };

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/parquet").join(name)).unwrap()
}

fn format() -> Format {
    Format::named("parquet").unwrap()
}

fn refusal(file: &[u8]) -> String {
    match inspect(&mut &*file, format(), &ReadOptions::default(), &LIMITS) {
        Err(ReadError::Invalid(text)) => text,
        other => panic!("{other:?}"),
    }
}

/// Every kind of column as pyarrow reads it, in several compressions, page versions and numbers of row groups.
#[rstest]
#[case("kinds_snappy.parquet")]
#[case("kinds_zstd_v2.parquet")]
#[case("kinds_gzip_groups.parquet")]
#[case("kinds_int96.parquet")]
fn values_are_those_of_pyarrow(#[case] name: &str) {
    let file = fixture(name);
    let inspection = inspect(&mut &*file, format(), &ReadOptions::default(), &LIMITS).unwrap();
    let read = rows(
        &mut &*file,
        format(),
        &inspection.dialect,
        &inspection.columns,
        RowRange { first: 0, limit: 100, bytes: 1 << 20 },
    )
    .unwrap();
    let mut expected: Vec<Value> = serde_json::from_slice(&fixture("kinds.json")).unwrap();
    for row in &mut expected {
        // empty text is a missing value in every format
        if row["text"] == "" {
            row["text"] = Value::Null;
        }
        if name.contains("int96") && row["utc"].is_string() {
            row["utc"] = json!(row["utc"].as_str().unwrap().trim_end_matches('Z'));
        }
    }
    assert_eq!(read.len(), expected.len());
    for (read, expected) in read.iter().zip(&expected) {
        for (column, expected) in expected.as_object().unwrap() {
            let close = read[column].as_f64().zip(expected.as_f64()).is_some_and(|(a, b)| a == b && !expected.is_i64());
            assert!(close || &read[column] == expected, "{name}, {column}: {} is not {expected}", read[column]);
        }
    }
}

#[rstest]
#[case("delta.parquet")]
#[case("lz4.parquet")]
fn encodings_and_compressions(#[case] name: &str) {
    let file = fixture(name);
    let inspection = inspect(&mut &*file, format(), &ReadOptions::default(), &LIMITS).unwrap();
    assert_eq!((inspection.rows, inspection.columns[0].distinct, inspection.columns[1].distinct), (1000, 1000, 7));
    let names = ["s".to_owned(), "n".to_owned()];
    let table = load(&mut &*file, format(), &inspection.dialect, &inspection.columns, &names, 1000).unwrap();
    let crate::data::table::Cells::Number(numbers) = &table.columns[1].cells else { panic!("{table:?}") };
    assert!(numbers.iter().enumerate().all(|(row, number)| *number == 3.0 * row as f64));
}

#[test]
fn what_is_no_table_is_refused() {
    assert!(
        refusal(&fixture("nested.parquet")).contains("column \"tags.list.element\": "),
        "{}",
        refusal(&fixture("nested.parquet"))
    );
    assert!(
        refusal(b"a,b\n1,2\n").contains("received something else; if it is CSV, send it with Content-Type text/csv")
    );
    assert!(refusal(b"PK\x03\x04zip of a sheet").contains("received a ZIP archive"));
    assert!(refusal(b"[{\"a\": 1}]").contains("received JSON; send it with Content-Type application/json"));
    let whole = fixture("kinds_snappy.parquet");
    assert!(refusal(&whole[..whole.len() - 9]).contains("truncated"));
    let mut cut = whole.clone();
    cut.drain(10..200);
    assert!(refusal(&cut).contains("damaged"), "{}", refusal(&cut));
    let wide = TableLimits { columns: 3, ..LIMITS };
    let error = inspect(&mut &*whole, format(), &ReadOptions::default(), &wide).unwrap_err().to_string();
    assert_eq!(error, "expected at most 3 columns, received 17");
    let long = TableLimits { rows: 2, ..LIMITS };
    let error = inspect(&mut &*whole, format(), &ReadOptions::default(), &long).unwrap_err().to_string();
    assert_eq!(error, "expected at most 2 rows, received 3");
    let options = ReadOptions { separator: Some(b';'), ..ReadOptions::default() };
    let error = inspect(&mut &*whole, format(), &options, &LIMITS).unwrap_err().to_string();
    assert!(error.contains("separator"), "{error}");
}

/// The first page header of a file says that its page has 1 GiB.
#[test]
fn forged_sizes_are_refused_before_they_are_allocated() {
    let whole = fixture("lz4.parquet");
    // PageHeader: i32 type, i32 inflated size, i32 compressed size
    assert_eq!(whole[4], 0x15, "the header of the first page");
    let gigabyte = [0x80, 0x80, 0x80, 0x80, 0x08];
    let mut forged = whole.clone();
    let old = 7..7 + whole[7..].iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    forged.splice(old, gigabyte);
    let detail = refusal(&forged);
    assert!(detail.contains("row group 0, column \"n\"") && detail.contains("at most 67108864 bytes"), "{detail}");
}

/// 2^40 as a varint of thrift.
const MANY: [u8; 6] = [0x80, 0x80, 0x80, 0x80, 0x80, 0x40];

/// Numbers of rows and values in the footer, each alone and all together, that no page has.
#[test]
fn forged_counts_are_refused_before_anything_is_allocated() {
    let whole = fixture("lz4.parquet");
    let length = u32::from_le_bytes(whole[whole.len() - 8..whole.len() - 4].try_into().unwrap()) as usize;
    let (pages, footer) = whole[..whole.len() - 8].split_at(whole.len() - 8 - length);
    // an i64 of thrift that is 1000: rows of the file, rows of the group, values of a column
    let thousand = [0x16, 0xd0, 0x0f];
    let places: Vec<usize> = (0..footer.len() - 3).filter(|&at| footer[at..at + 3] == thousand).collect();
    assert!(places.len() >= 4, "{places:?}");
    let forge = |places: &[usize]| {
        let mut forged = footer.to_vec();
        places.iter().rev().for_each(|&at| drop(forged.splice(at + 1..at + 3, MANY)));
        let length = (forged.len() as u32).to_le_bytes();
        [pages, forged.as_slice(), length.as_slice(), b"PAR1"].concat()
    };
    let none = TableLimits { rows: u64::MAX, ..LIMITS };
    for places in places.iter().map(std::slice::from_ref).chain([places.as_slice()]) {
        match inspect(&mut forge(places).as_slice(), format(), &ReadOptions::default(), &none) {
            Err(ReadError::Invalid(text)) => assert!(text.contains("expected"), "{text}"),
            // the footer's own count of rows is not what is read
            Ok(inspection) => assert_eq!((inspection.rows, places.len()), (1000, 1)),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_forged_dictionary_is_refused_before_it_is_allocated() {
    let whole = fixture("lz4.parquet");
    // DictionaryPageHeader: i32 number of values
    let at = 4 + whole[4..60].windows(2).position(|bytes| bytes == [0x4c, 0x15]).unwrap() + 2;
    let end = at + whole[at..].iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    let mut forged = whole.clone();
    forged.splice(at..end, [0x80, 0x80, 0x80, 0x80, 0x08]);
    let detail = refusal(&forged);
    assert!(detail.contains("row group 0") && detail.contains("expected"), "{detail}");
}
