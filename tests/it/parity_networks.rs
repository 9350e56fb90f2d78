//! Whole fits against those of the real Keras, which `tests/fixtures/keras/networks.py` wrote: from the same weights and
//! in the same order of rows, every epoch's logs, the last weights and the predictions are the same.

use epoca::engine::{
    field,
    fit::{EarlyStopping, EpochReport, EventSink, FitPlan, Fitted, OutputPlan, Progress, Samples, ValidationFreq, fit},
    network::{NamedTensor, Network},
    shape::Shape,
    spec::{Definition, Limits},
};
use ndarray::{Array2, ArrayView1};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeMap, ops::ControlFlow};

/// Keras computes in f32, too: both are off by a few roundings.
const RELATIVE: f64 = 1e-5;

#[derive(Deserialize)]
struct Fixture {
    networks: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    layers: Value,
    plan: Plan,
    x: Vec<f32>,
    y: Vec<f32>,
    rows: usize,
    weights: Option<Vec<f32>>,
    validation: Option<Rows>,
    first: Vec<Tensor>,
    logs: BTreeMap<String, Vec<f64>>,
    epochs: u32,
    best_epoch: Option<u32>,
    last: Vec<Tensor>,
    predictions: Vec<f32>,
}

#[derive(Deserialize)]
struct Plan {
    epochs: u32,
    batch_size: usize,
    optimizer: Value,
    loss: Value,
    metrics: Value,
    early_stopping: Option<EarlyStopping>,
}

#[derive(Deserialize)]
struct Rows {
    x: Vec<f32>,
    y: Vec<f32>,
    rows: usize,
    weights: Option<Vec<f32>>,
}

#[derive(Deserialize)]
struct Tensor {
    name: String,
    shape: Vec<usize>,
    values: Vec<f32>,
}

/// Keeps every epoch's report.
#[derive(Default)]
struct Kept(Vec<EpochReport>);

impl EventSink for Kept {
    fn step(&mut self, _progress: Progress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn epoch(&mut self, report: EpochReport) -> ControlFlow<()> {
        self.0.push(report);
        ControlFlow::Continue(())
    }
}

fn cases() -> Vec<Case> {
    serde_json::from_str::<Fixture>(include_str!("../fixtures/keras/networks.json")).unwrap().networks
}

fn table(values: &[f32], rows: usize) -> Array2<f32> {
    Array2::from_shape_vec((rows, values.len() / rows), values.to_vec()).unwrap()
}

fn run(case: &Case, threads: usize) -> (Network<f32>, Fitted, Vec<EpochReport>) {
    let definition = Definition::from_value(&json!({"layers": case.layers})).unwrap();
    let limits = Limits { layers: 100, parameters: 1_000_000, memory_bytes: 1 << 30 };
    let architecture = definition.resolve(&[Shape::vector(case.x.len() / case.rows)], &limits).unwrap();
    let tensors = case.first.iter().map(|tensor| NamedTensor {
        name: tensor.name.clone(),
        shape: Shape(tensor.shape.clone()),
        values: tensor.values.clone(),
    });
    let mut network = Network::with_tensors(architecture, tensors.collect()).unwrap();
    let plan = FitPlan {
        epochs: case.plan.epochs,
        batch_size: case.plan.batch_size,
        optimizer: field::parse(&case.plan.optimizer).unwrap(),
        outputs: vec![OutputPlan::single(
            field::parse(&case.plan.loss).unwrap(),
            field::parse(&case.plan.metrics).unwrap(),
        )],
        shuffle: false,
        seed: 0,
        early_stopping: case.plan.early_stopping.clone(),
        reduce_lr_on_plateau: None,
        terminate_on_nan: false,
        validation_freq: ValidationFreq::default(),
        steps_per_epoch: None,
        threads,
    };
    let (x, y) = (table(&case.x, case.rows), table(&case.y, case.rows));
    let weights = case.weights.as_deref().map(ArrayView1::from);
    let training = Samples { x: x.view(), y: y.view(), weights };
    let validation = case.validation.as_ref().map(|rows| (table(&rows.x, rows.rows), table(&rows.y, rows.rows), rows));
    let validation = validation.as_ref().map(|(x, y, rows)| Samples {
        x: x.view(),
        y: y.view(),
        weights: rows.weights.as_deref().map(ArrayView1::from),
    });
    let mut kept = Kept::default();
    let fitted = fit(&mut network, &plan, training, validation, &mut kept).unwrap();
    (network, fitted, kept.0)
}

/// Within [`RELATIVE`] of the expected, and of the tensor's size where a cell is small beside it.
fn assert_close(what: &str, received: &[f32], expected: &[f32]) {
    assert_eq!(received.len(), expected.len(), "{what}");
    let size = expected.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() / expected.len() as f64;
    for (index, (&received, &expected)) in received.iter().zip(expected).enumerate() {
        let (received, expected) = (f64::from(received), f64::from(expected));
        let bound = RELATIVE * expected.abs().max(size.sqrt());
        assert!((received - expected).abs() <= bound, "{what}, cell {index}: {received:e} but Keras has {expected:e}");
    }
}

#[test]
fn fits_equal_those_of_keras() {
    for case in cases() {
        let (network, fitted, reports) = run(&case, 2);
        let name = &case.name;
        assert_eq!(fitted.epochs, case.epochs, "{name}: epochs");
        if let Some(best) = case.best_epoch {
            assert_eq!(fitted.best_epoch, best, "{name}: best epoch");
            assert!(fitted.stopped_early, "{name}");
        }
        for (epoch, report) in reports.iter().enumerate() {
            assert_eq!(report.logs.len(), case.logs.len(), "{name}: {:?}", report.logs);
            for (key, received) in &report.logs {
                let expected = case.logs.get(key).unwrap_or_else(|| panic!("{name}: Keras has no {key}"))[epoch];
                let close = (received - expected).abs() <= RELATIVE * expected.abs();
                assert!(close, "{name}: {key} of epoch {}: {received} but Keras has {expected}", epoch + 1);
            }
        }
        for (tensor, expected) in network.tensors().iter().zip(&case.last) {
            assert_eq!(tensor.name, expected.name, "{name}");
            assert_close(&format!("{name}: {}", tensor.name), &tensor.values, &expected.values);
        }
        let predictions = network.predict(table(&case.x, case.rows).view());
        assert_close(&format!("{name}: predictions"), predictions.as_slice().unwrap(), &case.predictions);
    }
}

#[test]
fn fits_have_the_same_bits_at_any_number_of_threads() {
    for case in cases() {
        let bits = |threads| {
            let (network, _, reports) = run(&case, threads);
            let weights: Vec<u32> =
                network.tensors().iter().flat_map(|tensor| tensor.values.iter().map(|value| value.to_bits())).collect();
            (weights, reports)
        };
        let one = bits(1);
        assert!(one == bits(2) && one == bits(4), "{}", case.name);
    }
}
