//! The recipe without the service: 1,000,000 rows of 28 columns fitted and encoded, and one record of 30 columns at prediction.
//!
//! `cargo bench --bench recipe`

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench that cannot start should say where")]

use epoca::{
    data::{
        read::{Format, ReadOptions, TableLimits, inspect, load},
        recipe::{OutputTargets, Recipe, RecipeProfile, Scale, Task},
        schema::{Column, ColumnType},
        table::{Cells, Table, TableColumn},
    },
    engine::shape::Shape,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, from_value, json};
use std::{hint::black_box, time::Instant};

const ROWS: usize = 1_000_000;
const COLUMNS: usize = 28;
const ROUNDS: usize = 7;

fn main() {
    preparation();
    record();
}

/// A recipe for all columns but the last, which is the target of a regression.
fn fit(table: &Table, columns: &[Column], training: &[usize]) -> Recipe {
    let standardize: Scale = from_value(json!("standardize")).unwrap();
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let (target, features) = names.split_last().unwrap();
    let preparations: Vec<_> =
        columns.iter().take(features.len()).map(|it| RecipeProfile::Network.preparation(it, &standardize)).collect();
    let outputs = [OutputTargets {
        name: "",
        task: Task::Regression,
        columns: std::slice::from_ref(target),
        logits: None,
        shape: &Shape(vec![1]),
        ignore_class: None,
        scale: &Scale::none(),
    }];
    Recipe::fit(table, columns, features, &outputs, &preparations, training).unwrap().recipe
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_unstable_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

fn preparation() {
    let mut random = StdRng::seed_from_u64(5);
    let names: Vec<String> = (0..=COLUMNS).map(|column| format!("c{column}")).collect();
    let columns: Vec<Column> = names.iter().map(|name| Column::empty(name.clone(), ColumnType::Number, 1)).collect();
    let mut cells = || (0..ROWS).map(|row| if row == 7 { f64::NAN } else { random.random::<f64>() }).collect();
    let of_column = |name: &String| TableColumn { name: name.clone(), cells: Cells::Number(cells()) };
    let table = Table { columns: names.iter().map(of_column).collect(), rows: ROWS };
    let rows: Vec<usize> = (0..ROWS).collect();
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let (mut fitting, mut encoding) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let started = Instant::now();
            let recipe = pool.install(|| fit(&table, &columns, &rows));
            fitting.push(started.elapsed().as_secs_f64());
            let started = Instant::now();
            black_box(pool.install(|| recipe.inputs::<f32>(&table, &rows)));
            encoding.push(started.elapsed().as_secs_f64());
        }
        println!(
            "{ROWS} rows of {COLUMNS} columns, {threads} threads: fit {:.3} s, encode {:.3} s",
            median(fitting),
            median(encoding)
        );
    }
}

/// 20 numbers, 6 categories, 2 booleans and 2 dates.
fn record() {
    let record = |row: usize| {
        let numbers = (0..20).map(|column| (format!("n{column}"), json!((row * (column + 3) % 101) as f64 / 7.0)));
        let levels = (0..6).map(|column| (format!("k{column}"), json!(format!("level {}", row % (column + 5)))));
        let flags = (0..2).map(|column| (format!("f{column}"), json!(row % (column + 2) == 0)));
        let dates =
            (0..2).map(|column| (format!("d{column}"), json!(format!("2024-{:02}-{:02}", row % 12 + 1, column + 3))));
        let target = std::iter::once(("y".to_owned(), json!(row as f64 / 3.0)));
        Value::Object(numbers.chain(levels).chain(flags).chain(dates).chain(target).collect())
    };
    let file = Value::Array((0..500).map(record).collect()).to_string();
    let (format, limits) = (Format::named("json").unwrap(), TableLimits { rows: 1000, columns: 100, cell_bytes: 1000 });
    let read = inspect(&mut file.as_bytes(), format, &ReadOptions::default(), &limits).unwrap();
    let names: Vec<String> = read.columns.iter().map(|column| column.name.clone()).collect();
    let table = load(&mut file.as_bytes(), format, &read.dialect, &read.columns, &names, read.rows).unwrap();
    let rows: Vec<usize> = (0..table.rows).collect();
    let recipe = fit(&table, &read.columns, &rows);
    let mut instance = record(77);
    instance.as_object_mut().unwrap().remove("y");
    assert_eq!(instance.as_object().unwrap().len(), 30);
    let width = recipe.input_columns().map(|column| column.width()).sum();
    let shapes = [Shape(vec![width])];
    let encode = || {
        let mut encoder = recipe.encoder::<f32>(&shapes, 1);
        encoder.push(&instance);
        let encoded = encoder.finish().unwrap();
        assert!(encoded.warnings.is_empty());
        encoded
    };
    const TIMES: u32 = 100_000;
    let seconds = (0..ROUNDS).map(|_| {
        let started = Instant::now();
        (0..TIMES).for_each(|_| drop(black_box(encode())));
        started.elapsed().as_secs_f64() / f64::from(TIMES)
    });
    println!("one record of 30 columns: {:.2} µs in the recipe", median(seconds.collect()) * 1e6);
}
