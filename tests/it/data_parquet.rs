//! A Parquet file of several row groups, with several pages of every column, is the table that its CSV is.

use crate::support::{
    client,
    tables::{Tables, column},
};
use parquet::{
    basic::Compression,
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type},
    file::{
        metadata::KeyValue,
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::{parser::parse_message_type, types::ColumnPath},
};
use serde_json::{Value, json};
use std::sync::Arc;

const GROUPS: usize = 3;
const ROWS: usize = 36_000;
const PAGE_ROWS: usize = 1000;
/// Columns of numbers.
const NUMBERS: usize = 8;
/// The one of them with missing cells.
const SPARSE: usize = 3;

fn number(row: usize, column: usize) -> Option<f64> {
    let is_missing = column == SPARSE && row.is_multiple_of(7);
    (!is_missing).then(|| ((row * 7919 + column * 104_729) % 100_003) as f64 / 64.0)
}

fn id(row: usize) -> i64 {
    row as i64 * 1_000_003
}

fn word(row: usize) -> Option<String> {
    (!row.is_multiple_of(11)).then(|| ["ash", "beech", "birch", "elm", "fir", "oak", "pine"][row * 31 % 7].to_owned())
}

fn flag(row: usize) -> bool {
    row.is_multiple_of(3)
}

fn y(row: usize) -> f64 {
    let numbers = [number(row, 0), number(row, 5)].map(Option::unwrap_or_default);
    2.0 * numbers[0] - 3.0 * numbers[1] + 1.0
}

fn csv() -> String {
    let names: Vec<String> = (0..NUMBERS).map(|column| format!("n{column}")).collect();
    let row = |row: usize| {
        let numbers =
            (0..NUMBERS).map(|column| number(row, column).map_or_else(String::new, |number| number.to_string()));
        let numbers: Vec<String> = numbers.collect();
        format!("{},{},{},{},{}\n", numbers.join(","), id(row), word(row).unwrap_or_default(), flag(row), y(row))
    };
    format!("{},id,word,flag,y\n{}", names.join(","), (0..ROWS).map(row).collect::<String>())
}

fn write<T: DataType>(group: &mut SerializedRowGroupWriter<'_, Vec<u8>>, values: &[T::T], levels: Option<&[i16]>) {
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<T>().write_batch(values, levels, None).unwrap();
    column.close().unwrap();
}

/// Writes cells of which some are missing.
fn write_sparse<T: DataType>(group: &mut SerializedRowGroupWriter<'_, Vec<u8>>, cells: Vec<Option<T::T>>) {
    let levels: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
    let values: Vec<T::T> = cells.into_iter().flatten().collect();
    write::<T>(group, &values, Some(&levels));
}

fn parquet(pandas: Option<&str>) -> Vec<u8> {
    let of_number = |column: usize| {
        let repetition = if column == SPARSE { "OPTIONAL" } else { "REQUIRED" };
        format!("{repetition} DOUBLE n{column}; ")
    };
    let schema = format!(
        "message table {{ {}REQUIRED INT64 id; OPTIONAL BYTE_ARRAY word (UTF8); REQUIRED BOOLEAN flag; REQUIRED DOUBLE y; }}",
        (0..NUMBERS).map(of_number).collect::<String>()
    );
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(false)
        .set_column_dictionary_enabled(ColumnPath::from("word"), true)
        .set_write_batch_size(PAGE_ROWS)
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_key_value_metadata(Some(vec![KeyValue::new("pandas".to_owned(), pandas.map(str::to_owned))]))
        .build();
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    for group in 0..GROUPS {
        let rows = group * ROWS / GROUPS..(group + 1) * ROWS / GROUPS;
        let mut group = writer.next_row_group().unwrap();
        for column in 0..NUMBERS {
            let cells: Vec<Option<f64>> = rows.clone().map(|row| number(row, column)).collect();
            match column {
                SPARSE => write_sparse::<DoubleType>(&mut group, cells),
                _ => write::<DoubleType>(&mut group, &cells.into_iter().flatten().collect::<Vec<_>>(), None),
            }
        }
        write::<Int64Type>(&mut group, &rows.clone().map(id).collect::<Vec<_>>(), None);
        let words = rows.clone().map(|row| word(row).map(|word| ByteArray::from(word.as_str())));
        write_sparse::<ByteArrayType>(&mut group, words.collect());
        write::<BoolType>(&mut group, &rows.clone().map(flag).collect::<Vec<_>>(), None);
        write::<DoubleType>(&mut group, &rows.map(y).collect::<Vec<_>>(), None);
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

/// Trains on some of the columns, and predicts.
async fn learned(tables: &Tables, name: &str) -> Value {
    let url = tables.server.url();
    let model = json!({"name": name, "definition": {"layers": [{"type": "dense", "units": 1}]}});
    assert_eq!(tables.client.post(format!("{url}/v1/models")).json(&model).send().await.unwrap().status(), 201);
    let training = json!({"epochs": 2, "batch_size": 1000, "seed": 1});
    let job =
        json!({"model": name, "dataset": name, "target": "y", "features": ["n5", "n3", "word"], "training": training});
    let job: Value =
        tables.client.post(format!("{url}/v1/jobs")).json(&job).send().await.unwrap().json().await.unwrap();
    let job = client::wait_for_end(url, job["id"].as_str().unwrap_or_else(|| panic!("{job:#}"))).await;
    assert_eq!(job["status"], "succeeded", "{job:#}");
    tables.predict(name, json!([[1.5, null, "elm"], [700.25, 12, null]])).await
}

#[tokio::test]
async fn row_groups_of_many_pages_are_the_table_of_the_csv() {
    let tables = Tables::start().await;
    let from_csv = tables.csv("csv", &csv()).await;
    let (status, dataset) = tables.send("parquet", "", "application/vnd.apache.parquet", parquet(None)).await;
    assert_eq!((status, &dataset["rows"], &dataset["warnings"]), (201, &json!(ROWS), &json!([])), "{dataset:#}");
    let mut compared = 0;
    for expected in from_csv["columns"].as_array().unwrap() {
        let name = expected["name"].as_str().unwrap();
        let read = column(&dataset, name);
        for field in ["type", "missing", "min", "max"] {
            assert_eq!(read[field], expected[field], "{name}, {field}");
            compared += 1;
        }
        for field in ["mean", "std"] {
            let numbers = read[field].as_f64().zip(expected[field].as_f64());
            assert_eq!(numbers.is_some(), expected["type"] == "number", "{name}, {field}: {read:#}");
            assert!(numbers.is_none_or(|(a, b)| (a - b).abs() <= b.abs() * 1e-9), "{name}, {field}: {numbers:?}");
        }
    }
    assert_eq!(compared, (NUMBERS + 4) * 4);
    assert_eq!(column(&dataset, "word")["values"], column(&from_csv, "word")["values"]);

    let group = ROWS / GROUPS;
    for after in [0, PAGE_ROWS - 5, group - 5, 2 * group - 5, ROWS - 10] {
        let mut read = Vec::new();
        for name in ["csv", "parquet"] {
            let url = format!("{}/v1/datasets/{name}/rows?limit=10&after={after}", tables.server.url());
            let rows: Value = crate::support::get(url).await.unwrap().json().await.unwrap();
            read.push(rows["data"].clone());
        }
        assert_eq!((read[1].as_array().map(Vec::len), &read[0]), (Some(10), &read[1]), "after row {after}");
        assert_eq!(read[1][0]["id"], id(after), "after row {after}");
    }
    let (of_csv, of_parquet) = (learned(&tables, "csv").await, learned(&tables, "parquet").await);
    assert_eq!(of_csv, of_parquet);
}

#[tokio::test]
async fn the_index_of_pandas_is_no_feature_unless_it_has_a_type() {
    let tables = Tables::start().await;
    let media_type = "application/vnd.apache.parquet";
    let file = parquet(Some(r#"{"index_columns": ["id"], "columns": []}"#));
    let (status, dataset) = tables.send("t", "", media_type, file.clone()).await;
    assert_eq!((status, &column(&dataset, "id")["type"]), (201, &json!("ignored")), "{dataset:#}");
    let warnings = dataset["warnings"].as_array().unwrap();
    assert!(warnings.iter().any(|it| it["code"] == "row_labels" && it["column"] == "id"), "{warnings:#?}");
    let (status, dataset) = tables.send("u", "&types=%7B%22id%22%3A%22number%22%7D", media_type, file).await;
    assert_eq!((status, &column(&dataset, "id")["type"]), (201, &json!("number")), "{dataset:#}");
    // An index of numbers in order is no column.
    let range = r#"{"index_columns": [{"kind": "range", "start": 0, "stop": 9, "step": 1}]}"#;
    let (_, dataset) = tables.send("v", "", media_type, parquet(Some(range))).await;
    assert_eq!(column(&dataset, "id")["type"], "number", "{dataset:#}");
    let durations =
        r#"{"index_columns": [], "columns": [{"name": "id", "field_name": "id", "numpy_type": "timedelta64[ns]"}]}"#;
    let (_, dataset) = tables.send("d", "", media_type, parquet(Some(durations))).await;
    let warnings = dataset["warnings"].as_array().unwrap();
    assert!(warnings.iter().any(|it| it["code"] == "durations" && it["column"] == "id"), "{warnings:#?}");
    let table = json!({"schema": {"fields": [{"name": "index", "type": "integer"}], "primaryKey": ["index"], "pandas_version": "1.4.0"},
        "data": (0..20).map(|row| json!({"index": row * 7 % 20, "x": row, "y": row * 2})).collect::<Vec<_>>()});
    let (status, dataset) = tables.send("w", "", "application/json", table.to_string()).await;
    assert_eq!((status, &column(&dataset, "index")["type"]), (201, &json!("ignored")), "{dataset:#}");
    // A column may be called `schema`.
    for table in [r#"{"schema": [1, 2], "a": [3, 4]}"#, r#"{"schema": {"0": 1, "1": 2}, "a": {"0": 3, "1": 4}}"#] {
        let (status, dataset) = tables.send(&format!("s{}", table.len()), "", "application/json", table).await;
        assert_eq!((status, &column(&dataset, "schema")["type"]), (201, &json!("number")), "{dataset:#}");
    }
}
