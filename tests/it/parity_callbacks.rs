//! Callbacks against those of the real Keras, which `tests/fixtures/keras/callbacks.py` fed with given sequences of values.

use crate::parity_ops::{assert_covered, read};
use epoca::engine::{
    fit::{
        EarlyStopping, EpochReport, EventSink, FitError, FitPlan, Fitted, OutputPlan, Progress, ReduceLrOnPlateau,
        Samples, ValidationFreq, fit,
    },
    metric::{Goal, Measure, Metric},
    network::{NamedTensor, Network},
    shape::Shape,
    spec::{Definition, Limits},
};
use ndarray::Array2;
use serde::Deserialize;
use serde_json::{Value, json};
use std::ops::ControlFlow;

#[derive(Deserialize)]
struct Fixture {
    early_stopping: Vec<Stopping>,
    reduce_lr_on_plateau: Vec<Reduction>,
    directions: Vec<Direction>,
}

#[derive(Deserialize)]
struct Stopping {
    name: String,
    settings: EarlyStopping,
    values: Vec<f32>,
    /// Of each epoch that ran.
    monitored: Vec<f64>,
    best_epoch: u32,
    weight: f32,
}

#[derive(Deserialize)]
struct Reduction {
    name: String,
    settings: ReduceLrOnPlateau,
    values: Vec<f32>,
    learning_rate: f64,
    monitored: Vec<f64>,
    rates: Vec<f64>,
}

#[derive(Deserialize)]
struct Direction {
    metric: String,
    direction: Option<String>,
}

/// Keeps every epoch's report.
#[derive(Debug, Default)]
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

impl Kept {
    fn monitored(&self, monitor: &str) -> Vec<f64> {
        let values = self.0.iter().flat_map(|report| report.logs.iter().filter(|(name, _)| name == monitor));
        values.map(|(_, value)| *value).collect()
    }
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../fixtures/keras/callbacks.json")).unwrap()
}

fn column(values: &[f32]) -> Array2<f32> {
    Array2::from_shape_vec((values.len(), 1), values.to_vec()).unwrap()
}

/// One weight without a bias, 0 at first, which takes one step with each of `values` as its target and `x` before it.
fn run(plan: FitPlan, x: f32, values: &[f32], validated: bool) -> Result<(Network<f32>, Fitted, Kept), FitError> {
    let definition = json!({"layers": [{"type": "dense", "units": 1, "use_bias": false, "name": "only"}]});
    let definition = Definition::from_value(&definition).unwrap();
    let architecture = definition.resolve(&[Shape::vector(1)], &Limits::default()).unwrap();
    let weight = NamedTensor { name: "only/kernel".to_owned(), shape: Shape(vec![1, 1]), values: vec![0.0] };
    let mut network = Network::with_tensors(architecture, vec![weight]).unwrap();
    let (x, y) = (column(&vec![x; values.len()]), column(values));
    let (one, zero) = (column(&[1.0]), column(&[0.0]));
    let validation = validated.then(|| Samples { x: one.view(), y: zero.view(), weights: None });
    let mut kept = Kept::default();
    let training = Samples { x: x.view(), y: y.view(), weights: None };
    let fitted = fit(&mut network, &plan, training, validation, &mut kept)?;
    Ok((network, fitted, kept))
}

fn plan(epochs: usize, learning_rate: f64, loss: &Value) -> FitPlan {
    FitPlan {
        epochs: epochs as u32,
        batch_size: 1,
        optimizer: read(&json!({"type": "sgd", "learning_rate": learning_rate})),
        outputs: vec![OutputPlan::single(read(loss), read(&json!(["mean_absolute_error"])))],
        shuffle: false,
        seed: 0,
        early_stopping: None,
        reduce_lr_on_plateau: None,
        terminate_on_nan: false,
        validation_freq: ValidationFreq::default(),
        steps_per_epoch: Some(1),
        threads: 1,
    }
}

fn assert_equal(what: &str, received: &[f64], expected: &[f64]) {
    assert_eq!(received.len(), expected.len(), "{what}: epochs, {received:?}");
    for (epoch, (received, expected)) in received.iter().zip(expected).enumerate() {
        let close = (received - expected).abs() <= 1e-6 * expected.abs();
        assert!(close, "{what}, epoch {}: {received} but Keras has {expected}", epoch + 1);
    }
}

#[test]
fn early_stopping_is_that_of_keras() {
    for Stopping { name, settings, values, monitored, best_epoch, weight } in fixture().early_stopping {
        let plan =
            FitPlan { early_stopping: Some(settings.clone()), ..plan(values.len(), 0.5, &json!("mean_squared_error")) };
        let (network, fitted, kept) = run(plan, 1.0, &values, true).unwrap();
        assert_equal(&name, &kept.monitored(&settings.monitor), &monitored);
        assert_eq!(fitted.stopped_early, monitored.len() < values.len(), "{name}");
        assert_eq!(fitted.best_epoch, best_epoch, "{name}: best epoch");
        assert_eq!(network.tensors()[0].values, [weight], "{name}: the epoch whose weight it is");
    }
}

#[test]
fn smaller_steps_on_a_plateau_are_those_of_keras() {
    for Reduction { name, settings, values, learning_rate, monitored, rates } in fixture().reduce_lr_on_plateau {
        let plan = FitPlan {
            reduce_lr_on_plateau: Some(settings.clone()),
            ..plan(values.len(), learning_rate, &json!("mean_absolute_error"))
        };
        let (_, _, kept) = run(plan, 0.0, &values, false).unwrap();
        assert_equal(&name, &kept.monitored(&settings.monitor), &monitored);
        let received: Vec<f64> = kept.0.iter().map(|report| report.learning_rate).collect();
        assert_equal(&format!("{name}: learning rates"), &received, &rates);
    }
}

#[test]
fn the_better_values_of_a_metric_are_those_of_keras() {
    let directions = fixture().directions;
    for Direction { metric, direction } in &directions {
        let expected = direction.as_deref().map(|direction| match direction {
            "down" => Goal::Minimize,
            "up" => Goal::Maximize,
            other => panic!("{metric}: {other}"),
        });
        assert_eq!(read::<Metric>(&json!(metric)).goal(), expected, "{metric}");
    }
    // Which are scikit-learn's.
    let others = ["matthews_corrcoef", "cohen_kappa"];
    let names: Vec<&str> = Measure::NAMES.iter().copied().filter(|name| !others.contains(name)).collect();
    assert_covered("metrics", &names, directions.iter().map(|case| case.metric.as_str()));
}

#[test]
fn what_is_neither_better_nor_worse_is_not_monitored_without_a_mode() {
    let outputs = vec![OutputPlan::single(read(&json!("binary_crossentropy")), read(&json!(["true_positives"])))];
    let plan = FitPlan { outputs, ..plan(3, 0.5, &json!("mean_squared_error")) };
    let watched = |mode: &str| {
        let stopping = read(&json!({"monitor": "true_positives", "mode": mode}));
        run(FitPlan { early_stopping: Some(stopping), ..plan.clone() }, 1.0, &[1.0, 0.0, 1.0], false)
    };
    let undirected = FitError::UndirectedMonitor { monitor: "true_positives".to_owned() };
    assert_eq!(watched("auto").unwrap_err(), undirected);
    watched("max").unwrap();
}
