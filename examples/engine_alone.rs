//! The engine without the service: a definition, arrays and a seed in; a trained network out.
//!
//! `cargo run --release --example engine_alone`

use epoca::engine::{
    fit::{EpochReport, EventSink, FitPlan, OutputPlan, Progress, Samples, ValidationFreq, fit},
    network::Network,
    optimizer::Optimizer,
    spec::{Definition, Limits},
};
use ndarray::{Array2, ArrayView2, Axis};
use serde_json::{from_value, json};
use std::{error::Error, ops::ControlFlow};

/// Prints every tenth epoch; an answer of `Break` would end the fit.
struct Printer;

impl EventSink for Printer {
    fn step(&mut self, _: Progress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
    fn epoch(&mut self, report: EpochReport) -> ControlFlow<()> {
        if report.epoch.is_multiple_of(10) {
            let logs: Vec<String> = report.logs.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
            println!("epoch {:>3}: {}", report.epoch, logs.join(", "));
        }
        ControlFlow::Continue(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // Three flowers' petals and sepals in centimetres, each measured fifty times with its own scatter.
    let flowers = [[5.0f32, 3.4, 1.5, 0.2], [5.9, 2.8, 4.3, 1.3], [6.6, 3.0, 5.6, 2.0]];
    let scatter = |row: usize, column: usize| ((row * 7 + column * 13) as f32 * 1.3).sin() * 0.4;
    let x = Array2::from_shape_fn((150, 4), |(row, column)| flowers[row % 3][column] + scatter(row, column));
    let y = Array2::from_shape_fn((150, 1), |(row, _)| (row % 3) as f32);
    let ((train_x, test_x), (train_y, test_y)) = (x.view().split_at(Axis(0), 120), y.view().split_at(Axis(0), 120));

    let definition = Definition::from_value(&json!({"layers": [
        {"type": "dense", "units": 16, "activation": "relu"},
        {"type": "dropout", "rate": 0.1},
        {"type": "dense", "units": 3, "activation": "softmax"}
    ]}))
    .map_err(|errors| errors[0].clone())?;
    let architecture =
        definition.resolve(&definition.input_shapes(&[4])?, &Limits::default()).map_err(|errors| errors[0].clone())?;
    let mut network = Network::<f32>::initialize(architecture, 7);

    let plan = FitPlan {
        epochs: 60,
        batch_size: 16,
        optimizer: from_value::<Optimizer>(json!({"type": "adam", "learning_rate": 0.01}))?,
        outputs: vec![OutputPlan::single(
            from_value(json!("sparse_categorical_crossentropy"))?,
            vec![from_value(json!("accuracy"))?],
        )],
        shuffle: true,
        seed: 7,
        early_stopping: None,
        reduce_lr_on_plateau: None,
        terminate_on_nan: false,
        validation_freq: ValidationFreq::default(),
        steps_per_epoch: None,
        threads: 2,
    };
    let training = Samples { x: train_x, y: train_y, weights: None };
    let validation = Samples { x: test_x, y: test_y, weights: None };
    fit(&mut network, &plan, training, Some(validation), &mut Printer)?;

    let right = correct(network.predict(test_x).view(), test_y);
    println!("{right} of {} flowers that it never saw", test_y.nrows());
    Ok(())
}

/// Rows whose most probable class is the true one.
fn correct(probabilities: ArrayView2<'_, f32>, classes: ArrayView2<'_, f32>) -> usize {
    let best = |row: ndarray::ArrayView1<'_, f32>| (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b]));
    let rows = probabilities.rows().into_iter().zip(classes.column(0));
    rows.filter(|(row, class)| best(*row) == Some(**class as usize)).count()
}
