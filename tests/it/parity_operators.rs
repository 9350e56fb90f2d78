//! Operators of Keras 3 and of TensorFlow within functional models, which `tests/fixtures/keras/operators.py` wrote: imported
//! from Keras's JSON, with the weights that stand there, models give what Keras gives and train as they do there.

use epoca::{
    engine::{
        fit::{EpochReport, EventSink, FitPlan, OutputPlan, Progress, Samples, ValidationFreq, fit},
        loss::Loss,
        network::Network,
        shape::Shape,
        spec::Limits,
    },
    keras,
};
use ndarray::Array2;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{fs, ops::ControlFlow, path::Path};

#[derive(Deserialize)]
struct Fixture {
    keras_3: Vec<Case>,
    keras_2: Vec<Case>,
    refused: Vec<Refused>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    keras: Value,
    x: Vec<f32>,
    y: Vec<f32>,
    output: Vec<f32>,
    losses: Vec<f32>,
}

#[derive(Deserialize)]
struct Refused {
    name: String,
    keras: Value,
    /// What the message must name.
    word: String,
}

#[derive(Default)]
struct Losses(Vec<f32>);

impl EventSink for Losses {
    fn step(&mut self, _progress: Progress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn epoch(&mut self, report: EpochReport) -> ControlFlow<()> {
        self.0.extend(report.logs.iter().filter(|(name, _)| name == "loss").map(|(_, loss)| *loss as f32));
        ControlFlow::Continue(())
    }
}

fn fixture() -> Fixture {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/keras/operators.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// What differs from Keras, where anything does.
fn difference(case: &Case) -> Option<String> {
    let (definition, _) = match keras::import(&case.keras) {
        Ok(imported) => imported,
        Err(errors) => return Some(format!("refused: {errors:?}")),
    };
    let architecture = match definition.resolve(&[Shape(vec![4, 6])], &Limits::default()) {
        Ok(architecture) => architecture,
        Err(errors) => return Some(format!("unresolved: {errors:?}")),
    };
    let mut network: Network<f32> = Network::initialize(architecture, 0);
    let rows = case.y.len();
    let table = |values: &[f32]| Array2::from_shape_vec((rows, values.len() / rows), values.to_vec()).unwrap();
    let (x, y) = (table(&case.x), table(&case.y));
    let output = network.predict(x.view());
    let plan = FitPlan {
        epochs: case.losses.len() as u32,
        batch_size: rows,
        optimizer: serde_json::from_value(json!({"type": "sgd", "learning_rate": 0.02})).unwrap(),
        outputs: vec![OutputPlan::single(Loss::MeanSquaredError.into(), Vec::new())],
        shuffle: false,
        seed: 0,
        early_stopping: None,
        reduce_lr_on_plateau: None,
        terminate_on_nan: false,
        validation_freq: ValidationFreq::default(),
        steps_per_epoch: None,
        threads: 1,
    };
    let mut losses = Losses::default();
    let samples = Samples { x: x.view(), y: y.view(), weights: None };
    if let Err(error) = fit(&mut network, &plan, samples, None, &mut losses) {
        return Some(format!("not trained: {error}"));
    }
    let far = |received: &[f32], expected: &[f32]| {
        let size = expected.iter().map(|value| value.abs()).fold(1e-3, f32::max);
        received.len() != expected.len()
            || received.iter().zip(expected).any(|(received, expected)| (received - expected).abs() > 1e-5 * size)
    };
    if far(output.as_slice().unwrap(), &case.output) {
        return Some(format!("output {:?} but Keras has {:?}", output.as_slice().unwrap(), case.output));
    }
    far(&losses.0, &case.losses).then(|| format!("losses {:?} but Keras has {:?}", losses.0, case.losses))
}

fn assert_same(cases: &[Case]) {
    let differences = cases.iter().filter_map(|case| Some(format!("{}: {}", case.name, difference(case)?)));
    let differences: Vec<String> = differences.collect();
    assert!(differences.is_empty(), "{} of {}:\n{}", differences.len(), cases.len(), differences.join("\n"));
}

#[test]
fn operators_of_keras_3_give_and_train_what_they_do_there() {
    let cases = fixture().keras_3;
    assert!(cases.len() > 100);
    assert_same(&cases);
}

#[test]
fn operators_of_tensorflow_give_and_train_what_they_do_in_keras_2() {
    let cases = fixture().keras_2;
    assert!(cases.len() > 50);
    assert_same(&cases);
}

#[test]
fn other_operators_are_refused_by_name() {
    for case in fixture().refused {
        let errors = keras::import(&case.keras).expect_err(&case.name);
        let named = errors.iter().any(|error| error.detail.contains(&case.word));
        assert!(named, "{}: {errors:?}", case.name);
    }
}
