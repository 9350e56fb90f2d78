//! Times fits of a classical model on a file of little-endian doubles, column by column, the class last: the side of epoca in
//! `bench/classical.py`.

use epoca::engine::classical::{ClassicalModel, Column, Features, Run, Target, TrainingData};
use std::{error::Error, sync::atomic::AtomicBool, time::Instant};

const USAGE: &str = "usage: classical_fit <file> <rows> <columns> <rows to predict> <model as JSON>";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, rows, columns, queries, model] = arguments.as_slice() else { return Err(USAGE.into()) };
    let (rows, columns, queries): (usize, usize, usize) = (rows.parse()?, columns.parse()?, queries.parse()?);
    let bytes = std::fs::read(file)?;
    let numbers: Vec<f64> = bytes.as_chunks::<8>().0.iter().map(|word| f64::from_le_bytes(*word)).collect();
    if numbers.len() != rows * (columns + 1) {
        return Err(format!("expected {} numbers, received {}", rows * (columns + 1), numbers.len()).into());
    }
    let (cells, classes) = numbers.split_at(rows * columns);
    let codes: Vec<u32> = classes.iter().map(|class| *class as u32).collect();
    let n_classes = codes.iter().max().map_or(0, |code| *code as usize + 1);
    let column = |cells| Column { values: ndarray::ArrayView1::from(cells), levels: None };
    let features = Features::new(rows, cells.chunks_exact(rows).map(column).collect())?;
    let data = TrainingData {
        features: features.clone(),
        target: Target::Classes { codes: &codes, n_classes },
        weights: None,
        class_weights: None,
    };
    let model: ClassicalModel = serde_json::from_str(model)?;
    let cancel = AtomicBool::new(false);
    let start = Instant::now();
    let fitted = model
        .fit(&data, &mut Run { seed: 0, cancel: &cancel, finish: &cancel, progress: &mut |_| {}, validation: None })?;
    let fit = start.elapsed().as_secs_f64();
    let start = Instant::now();
    if queries > 0 {
        let first = |cells| Column { values: ndarray::ArrayView1::from(cells), levels: None };
        let columns = cells.chunks_exact(rows).map(|column| first(&column[..queries.min(rows)])).collect();
        fitted.predict(&Features::new(queries.min(rows), columns)?, &cancel)?;
    }
    println!("{}", serde_json::json!({"fit": fit, "predict": start.elapsed().as_secs_f64()}));
    Ok(())
}
