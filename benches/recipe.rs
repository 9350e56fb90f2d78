//! Preparation without the service: 1,000,000 rows of 28 columns loaded, fitted and encoded, and one record of 30 columns at prediction.
//!
//! `cargo bench --bench recipe`

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench that cannot start should say where")]

use epoca::{
    data::{
        read::{
            Format, ReadOptions, TableLimits,
            columnar::{load_columns, write_columns},
            inspect, load,
        },
        recipe::{OutputTargets, Recipe, RecipeProfile, Scale, Task},
        schema::Column,
        table::Table,
    },
    engine::shape::Shape,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, from_value, json};
use std::{
    fmt::Write as _,
    hint::black_box,
    io::{BufWriter, Write},
    time::Instant,
};

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
        probabilities: false,
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
    let mut csv = names.join(",");
    for _ in 0..ROWS {
        csv.push('\n');
        for column in 0..=COLUMNS {
            let separator = if column == 0 { "" } else { "," };
            write!(csv, "{separator}{:.5}", random.random::<f64>() * 2.0 - 1.0).unwrap();
        }
    }
    let format = Format::named("csv").unwrap();
    let limits = TableLimits { rows: ROWS as u64, columns: 100, cell_bytes: 1000 };
    let read = inspect(&mut csv.as_bytes(), format, &ReadOptions::default(), &limits).unwrap();
    let mut stored = tempfile::tempfile().unwrap();
    let mut out = BufWriter::new(&mut stored);
    write_columns(&mut csv.as_bytes(), format, &read.dialect, &read.columns, "of the bench", &mut out).unwrap();
    out.flush().unwrap();
    drop(out);
    let rows: Vec<usize> = (0..ROWS).collect();
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let started = Instant::now();
        pool.install(|| load(&mut csv.as_bytes(), format, &read.dialect, &read.columns, &names, read.rows)).unwrap();
        let text = started.elapsed().as_secs_f64();
        let load = || load_columns(&stored, "of the bench", &read.columns, &names, read.rows, &|| false);
        let (mut loading, mut fitting, mut encoding) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let started = Instant::now();
            let table = pool.install(load).unwrap().unwrap();
            loading.push(started.elapsed().as_secs_f64());
            let started = Instant::now();
            let recipe = pool.install(|| fit(&table, &read.columns, &rows));
            fitting.push(started.elapsed().as_secs_f64());
            let started = Instant::now();
            black_box(pool.install(|| recipe.inputs::<f32>(&table, &rows)));
            encoding.push(started.elapsed().as_secs_f64());
        }
        let (loading, fitting, encoding) = (median(loading), median(fitting), median(encoding));
        println!(
            "{ROWS} rows of {COLUMNS} columns, threads: {threads}. From text {text:.3} s; from stored columns {loading:.3} s, fit \
             {fitting:.3} s, encode {encoding:.3} s, together {:.3} s",
            loading + fitting + encoding
        );
    }
}

/// 20 numbers, 6 categories, 2 booleans and 2 dates.
fn record() {
    let record = |row: usize| {
        let numbers = (0..20).map(|column| (format!("n{column}"), json!((row * (column + 3) % 101) as f64 / 7.0)));
        let levels = (0..6).map(|column| (format!("k{column}"), json!(format!("level {}", row % (column + 5)))));
        let flags = (0..2).map(|column| (format!("f{column}"), json!(row.is_multiple_of(column + 2))));
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
