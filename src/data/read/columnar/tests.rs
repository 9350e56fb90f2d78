use super::*;
use crate::data::{
    read::{Format, ReadOptions, TableLimits, inspect, load},
    schema::Column,
    table::{Cells, Table},
};
use serde_json::json;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{Seek, Write},
};

const LIMITS: TableLimits = TableLimits { rows: 1_000_000, columns: 100, cell_bytes: 1000 };

/// 150,000 rows, so more than one group.
fn csv() -> String {
    let mut csv = "small,wide,single,double,neg,flag,kind,id,empty,day,size\n".to_owned();
    for n in 0..150_000u32 {
        let missing = n % 17 == 3;
        let cell = |text: String| if missing { String::new() } else { text };
        csv += &format!(
            "{},{},{},{},{},{},{},x{n},,{},{}\n",
            cell((n % 200).to_string()),
            cell((n * 1000).to_string()),
            cell(f64::from(n % 64).mul_add(0.25, 0.5).to_string()),
            cell((f64::from(n) / 3.0).to_string()),
            cell(format!("-{}", n % 3)),
            cell((n % 2 == 0).to_string()),
            cell(format!("k{}", n % 700)),
            cell(format!("2024-{:02}-{:02}T{:02}:00:00.5Z", n % 12 + 1, n % 28 + 1, n % 24)),
            cell(["small", "large"][n as usize % 2].to_owned()),
        );
    }
    csv
}

fn options() -> ReadOptions {
    let size = json!({"type": "ordinal", "order": ["small", "medium", "large"]});
    let types = BTreeMap::from([("size".to_owned(), serde_json::from_value(size).unwrap())]);
    ReadOptions { types, ..ReadOptions::default() }
}

fn stored(csv: &str, options: &ReadOptions) -> (Vec<Column>, u64, Vec<u8>) {
    let format = Format::named("csv").unwrap();
    let inspection = inspect(&mut csv.as_bytes(), format, options, &LIMITS).unwrap();
    let mut file = Vec::new();
    write_columns(&mut csv.as_bytes(), format, &inspection.dialect, &inspection.columns, "abc", &mut file).unwrap();
    (inspection.columns, inspection.rows, file)
}

fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

/// The bits of a table: NaN is equal to NaN, and -0 is not 0.
fn bits(table: &Table) -> Vec<Vec<u64>> {
    let of = |cells: &Cells| match cells {
        Cells::Number(values) | Cells::Datetime(values) => values.iter().map(|value| value.to_bits()).collect(),
        Cells::Category { codes, .. } => codes.iter().map(|code| u64::from(*code)).collect(),
        Cells::Boolean(values) => values.iter().map(|value| value.map_or(2, u64::from)).collect(),
    };
    table.columns.iter().map(|column| of(&column.cells)).collect()
}

#[test]
fn loaded_columns_are_those_of_the_file() {
    let csv = csv();
    let (columns, rows, file) = stored(&csv, &options());
    let format = Format::named("csv").unwrap();
    let dialect = inspect(&mut csv.as_bytes(), format, &options(), &LIMITS).unwrap().dialect;
    let names: Vec<String> = ["kind", "double", "small", "wide", "single", "neg", "flag", "empty", "day", "size"]
        .map(str::to_owned)
        .to_vec();
    let expected = load(&mut csv.as_bytes(), format, &dialect, &columns, &names, rows).unwrap();
    let never = || false;
    let loaded = load_columns(&file_of(&file), "abc", &columns, &names, rows, &never).unwrap().unwrap();
    assert_eq!(bits(&loaded), bits(&expected));
    assert_eq!((loaded.rows, &loaded.columns[0].name), (150_000, &names[0]));
    assert!(file.len() < csv.len(), "{} bytes for {}", file.len(), csv.len());
    let load = |sha256: &str, names: &[&str], rows| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        load_columns(&file_of(&file), sha256, &columns, &names, rows, &never).unwrap()
    };
    assert!(load("abc", &["small"], rows).is_some());
    assert!(load("abd", &["small"], rows).is_none(), "of another file");
    assert!(load("abc", &["small"], rows - 1).is_none());
    assert!(load("abc", &["id"], rows).is_none(), "too many levels to list");
    let stopped = load_columns(&file_of(&file), "abc", &columns, &names, rows, &|| true).unwrap();
    assert!(stopped.is_none());
}

#[test]
fn damage_is_noticed() {
    let csv: String = (0..50).map(|n| format!("{},k{}\n", f64::from(n) / 7.0, n % 5)).collect();
    let (columns, rows, file) = stored(&format!("a,b\n{csv}"), &ReadOptions::default());
    let names = ["a".to_owned(), "b".to_owned()];
    let load = |file: &[u8]| load_columns(&file_of(file), "abc", &columns, &names, rows, &|| false);
    assert!(load(&file).unwrap().is_some());
    for at in 0..file.len() {
        let mut damaged = file.clone();
        damaged[at] ^= 0x10;
        assert!(load(&damaged).map_or(true, |table| table.is_none()), "the byte {at}");
        assert!(load(&file[..at]).map_or(true, |table| table.is_none()), "{at} bytes");
    }
}
