//! What every reader has in common.

use super::{Dialect, Format, ReadOptions, RowRange, TableLimits, inspect, load, rows};
use crate::data::{
    schema::{Column, ColumnType},
    table::{Cells, MISSING, Table},
};
use proptest::prelude::*;
use serde_json::{Value, json};

const LIMITS: TableLimits = TableLimits { rows: 1_000_000, columns: 1000, cell_bytes: 100_000 };

fn csv_format() -> Format {
    Format::named("csv").unwrap()
}

fn json_format() -> Format {
    Format::named("json").unwrap()
}

fn ndjson_format() -> Format {
    Format::named("ndjson").unwrap()
}

fn inspected(csv: &str) -> Vec<Column> {
    inspect(&mut csv.as_bytes(), csv_format(), &ReadOptions::default(), &LIMITS).unwrap().columns
}

#[test]
fn iris_as_scikit_learn_and_pandas_describe_it() {
    let csv = include_str!("../../../examples/data/iris.csv");
    let inspection = inspect(&mut csv.as_bytes(), csv_format(), &ReadOptions::default(), &LIMITS).unwrap();
    assert_eq!(inspection.rows, 150);
    // polars 2.1 `describe()` and `n_unique()`
    for (name, min, max, mean, std, distinct) in [
        ("sepal_length", 4.3, 7.9, 5.843_333_333, 0.828_066_128, 35),
        ("sepal_width", 2.0, 4.4, 3.057_333_333, 0.435_866_285, 23),
        ("petal_length", 1.0, 6.9, 3.758, 1.765_298_233, 43),
        ("petal_width", 0.1, 2.5, 1.199_333_333, 0.762_237_669, 22),
    ] {
        let column = inspection.columns.iter().find(|column| column.name == name).unwrap();
        assert_eq!((column.minimum(), column.maximum(), column.distinct), (Some(min), Some(max), distinct), "{name}");
        assert!((column.mean.unwrap() - mean).abs() < 1e-8, "{name}: {:?}", column.mean);
        assert!((column.std.unwrap() - std).abs() < 1e-8, "{name}: {:?}", column.std);
        assert_eq!(column.values, None, "{name}");
    }
    let species = serde_json::to_value(&inspection.columns[4]).unwrap();
    assert_eq!(
        species,
        json!({"name": "species", "type": "category", "missing": 0, "distinct": 3, "values": [
            {"value": "setosa", "count": 50}, {"value": "versicolor", "count": 50}, {"value": "virginica", "count": 50}]})
    );
}

#[test]
fn deviations_survive_a_large_offset() {
    let rows: Vec<String> = (0..10_000).map(|row| format!("{}", 1e9 + f64::from(row % 2))).collect();
    let column = &inspected(&format!("x\n{}\n", rows.join("\n")))[0];
    assert_eq!(column.mean, Some(1e9 + 0.5));
    assert!((column.std.unwrap() - 0.5 * (10_000.0f64 / 9_999.0).sqrt()).abs() < 1e-9, "{:?}", column.std);
}

#[test]
fn a_category_with_too_many_levels_is_counted_but_not_listed() {
    let rows: Vec<String> = (0..20_000).map(|row| format!("customer {row},{}", row % 3)).collect();
    let csv = format!("id,x\n{}\n", rows.join("\n"));
    let columns = inspected(&csv);
    assert_eq!((columns[0].kind, &columns[0].values), (ColumnType::Category, &None));
    assert!((columns[0].distinct as f64 / 20_000.0 - 1.0).abs() < 0.02, "{}", columns[0].distinct);
    let error = load(&mut csv.as_bytes(), csv_format(), &Dialect::default(), &columns, &["id".into()], 1)
        .unwrap_err()
        .to_string();
    assert!(error.contains("too many to list"), "{error}");
}

#[test]
fn labels_stand_in_order() {
    let csv = "n,t\n10,b\n-2,B\n9,a\n9.0,\u{e9}\n0,Z\n-0,b\n";
    let columns = inspected(csv);
    let values = |column: &Column| column.values.iter().flatten().map(|level| level.value.clone()).collect::<Vec<_>>();
    assert_eq!(values(&columns[0]), [json!(-2), json!(0), json!(9), json!(10)]);
    assert_eq!(values(&columns[1]), [json!("B"), json!("Z"), json!("a"), json!("b"), json!("\u{e9}")]);
    assert_eq!(columns[0].distinct, 4);
}

#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Missing,
    Number(f64),
    Text(String),
    Boolean(bool),
}

impl Cell {
    fn csv(&self) -> String {
        match self {
            // an empty line would be no row
            Self::Missing => "\"\"".into(),
            Self::Number(value) => value.to_string(),
            Self::Text(text) => format!("\"{}\"", text.replace('"', "\"\"")),
            Self::Boolean(value) => value.to_string(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Missing => Value::Null,
            Self::Number(value) => json!(value),
            Self::Text(text) => json!(text),
            Self::Boolean(value) => json!(value),
        }
    }
}

fn column_of(table: &Table, index: usize) -> Vec<Cell> {
    match &table.columns[index].cells {
        Cells::Number(values) | Cells::Datetime(values) => {
            values.iter().map(|value| if value.is_nan() { Cell::Missing } else { Cell::Number(*value) }).collect()
        }
        Cells::Boolean(values) => values.iter().map(|value| value.map_or(Cell::Missing, Cell::Boolean)).collect(),
        Cells::Category { codes, levels } => codes
            .iter()
            .map(|&code| if code == MISSING { Cell::Missing } else { Cell::Text(levels[code as usize].clone()) })
            .collect(),
    }
}

/// Columns of one type each, none of them without a value.
fn tables() -> impl Strategy<Value = Vec<Vec<Cell>>> {
    let number =
        prop_oneof![any::<f64>().prop_filter("in range", |x| (*x as f32).is_finite()), (-50i8..50).prop_map(f64::from)];
    // a letter in front: it is no number, boolean or missing value
    let text = "x[ -~\u{e9}\u{4e2d}\n\r]{0,8}";
    // white space around a text is no content
    (1usize..40).prop_flat_map(move |rows| {
        let holes = |cell: BoxedStrategy<Cell>| {
            let rest = prop_oneof![1 => Just(Cell::Missing), 5 => cell.clone()];
            (cell, prop::collection::vec(rest, rows - 1)).prop_map(|(first, rest)| [vec![first], rest].concat())
        };
        let column = prop_oneof![
            holes(number.clone().prop_map(Cell::Number).boxed()),
            holes(text.prop_map(|text| Cell::Text(text.trim().to_owned())).boxed()),
            holes(any::<bool>().prop_map(Cell::Boolean).boxed()),
        ];
        prop::collection::vec(column, 1..6)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_was_written_is_read(table in tables()) {
        // a lone column whose every cell had one comma would be lines in quotes
        let comma = if table.len() > 1 { "," } else { "" };
        let names: Vec<String> = (0..table.len()).map(|index| format!("column{comma} \"{index}\"")).collect();
        let rows_of = |row: usize| table.iter().map(move |column| &column[row]);
        let header: Vec<String> = names.iter().map(|name| Cell::Text(name.clone()).csv()).collect();
        let mut csv = header.join(",");
        let mut ndjson = String::new();
        let count = table[0].len();
        for row in 0..count {
            csv += "\r\n";
            csv += &rows_of(row).map(Cell::csv).collect::<Vec<_>>().join(",");
            let record: serde_json::Map<_, _> = names.iter().cloned().zip(rows_of(row).map(Cell::json)).collect();
            ndjson += &format!("{}\n", Value::Object(record));
        }
        for (format, text) in [(csv_format(), &csv), (ndjson_format(), &ndjson)] {
            let inspection = inspect(&mut text.as_bytes(), format, &ReadOptions::default(), &LIMITS).unwrap();
            prop_assert_eq!(inspection.rows, count as u64);
            let found: Vec<&String> = inspection.columns.iter().map(|column| &column.name).collect();
            prop_assert_eq!(found, names.iter().collect::<Vec<_>>());
            let loaded = load(&mut text.as_bytes(), format, &inspection.dialect, &inspection.columns, &names, 1).unwrap();
            for (index, column) in table.iter().enumerate() {
                prop_assert_eq!(&column_of(&loaded, index), column, "column {}", index);
                let missing = column.iter().filter(|cell| **cell == Cell::Missing).count() as u64;
                prop_assert_eq!(inspection.columns[index].missing, missing);
            }
            let preview = rows(&mut text.as_bytes(), format, &inspection.dialect, &inspection.columns, RowRange { first: 0, limit: 3, bytes: 1 << 20 }).unwrap();
            prop_assert_eq!(preview.len(), count.min(3));
        }
    }

    #[test]
    fn no_input_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), structure in "[\\[\\]{}:,\"a1e\\-\n]{0,60}") {
        for format in [csv_format(), json_format(), ndjson_format()] {
            let _ = inspect(&mut bytes.as_slice(), format, &ReadOptions::default(), &LIMITS);
            let _ = inspect(&mut structure.as_bytes(), format, &ReadOptions::default(), &LIMITS);
        }
    }
}
