use super::{
    EpochReport, EventSink, FitError, FitPlan, FitState, OutputPlan, Progress, Samples, ValidationFreq, fit,
    partition::Partition,
};
use crate::engine::{
    network::{NamedTensor, Network},
    real::Real,
    spec::{Architecture, Definition, Limits},
};
use ndarray::{Array1, Array2};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::ops::ControlFlow;

mod continued;
mod epochs;
mod one_hot;

#[derive(Default)]
pub(super) struct Record {
    steps: Vec<Progress>,
    epochs: Vec<EpochReport>,
    /// Cancel after this many calls.
    cancel_after: Option<usize>,
    /// End after this epoch.
    last_epoch: Option<u32>,
    /// With the best weights.
    wants_best: bool,
    /// The state after this epoch is kept.
    kept_epoch: Option<u32>,
    state: Vec<u8>,
}

impl Record {
    fn answer(&self) -> ControlFlow<()> {
        match self.cancel_after {
            Some(calls) if self.steps.len() + self.epochs.len() >= calls => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}

impl EventSink for Record {
    fn step(&mut self, progress: Progress) -> ControlFlow<()> {
        self.steps.push(progress);
        self.answer()
    }
    fn epoch(&mut self, report: EpochReport) -> ControlFlow<()> {
        self.epochs.push(report);
        self.answer()
    }
    fn state(&mut self, epoch: u32, state: &mut dyn FitState) {
        if self.kept_epoch == Some(epoch) {
            state.write(&mut self.state).unwrap();
        }
    }
    fn ends_after(&self, epoch: u32) -> bool {
        self.last_epoch.is_some_and(|last| epoch >= last)
    }
    fn wants_best(&self) -> bool {
        self.wants_best
    }
}

pub(super) fn from<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

pub(super) fn architecture(features: usize, layers: Value) -> Architecture {
    let definition = Definition::from_value(&json!({"layers": layers})).unwrap();
    definition.resolve(&definition.input_shapes(&[features]).unwrap(), &Limits::default()).unwrap()
}

pub(super) fn plan(epochs: u32, batch_size: usize, optimizer: Value, loss: &str) -> FitPlan {
    FitPlan {
        epochs,
        batch_size,
        optimizer: from(optimizer),
        outputs: vec![OutputPlan::single(from(json!(loss)), Vec::new())],
        shuffle: true,
        seed: 3,
        early_stopping: None,
        reduce_lr_on_plateau: None,
        terminate_on_nan: false,
        validation_freq: ValidationFreq::default(),
        steps_per_epoch: None,
        threads: 1,
    }
}

/// Rows whose class (0 or 1) follows from their elements.
pub(super) fn data<F: Real>(rows: usize, columns: usize) -> (Array2<F>, Array2<F>) {
    let element = |row: usize, column: usize| ((row * 31 + column * 17 + row * column) as f64 * 0.7).sin();
    let class = |row: usize| f64::from((0..columns).map(|column| element(row, column)).sum::<f64>() > 0.0);
    let x = Array2::from_shape_fn((rows, columns), |(row, column)| F::of(element(row, column)));
    (x, Array2::from_shape_fn((rows, 1), |(row, _)| F::of(class(row))))
}

pub(super) fn samples<'a, F>(x: &'a Array2<F>, y: &'a Array2<F>) -> Samples<'a, F> {
    Samples { x: x.view(), y: y.view(), weights: None }
}

fn log(logs: &[(String, f64)], name: &str) -> f64 {
    logs.iter().find(|(log, _)| log == name).unwrap().1
}

fn bits(tensors: &[NamedTensor<f32>]) -> Vec<u32> {
    tensors.iter().flat_map(|tensor| &tensor.values).map(|value| value.to_bits()).collect()
}

#[test]
fn bits_do_not_depend_on_threads() {
    let plain = json!([
        {"type": "dense", "units": 64, "activation": "relu", "kernel_regularizer": "l2"},
        {"type": "dropout", "rate": 0.3},
        {"type": "dense", "units": 64, "activation": "tanh"},
        {"type": "dense", "units": 1, "activation": "sigmoid"}
    ]);
    let reduced = json!([
        {"type": "dense", "units": 64},
        {"type": "batch_normalization"},
        {"type": "activation", "activation": "relu"},
        {"type": "dropout", "rate": 0.3},
        {"type": "dense", "units": 64, "activation": "tanh"},
        {"type": "batch_normalization", "center": false},
        {"type": "dense", "units": 1, "activation": "sigmoid"}
    ]);
    let (x, y) = data::<f32>(1500, 30);
    let cases = [(&plain, "binary_crossentropy"), (&reduced, "binary_crossentropy"), (&plain, "dice")];
    for (layers, loss) in cases {
        let architecture = architecture(30, layers.clone());
        let mut plan = plan(3, 600, json!("adam"), loss);
        assert_eq!(Partition::new(&architecture, plan.batch_size, []).lanes, 4, "a test of several lanes has several");
        plan.outputs[0].metrics = vec![from(json!("accuracy")), from(json!("auc"))];
        let mut runs = [1, 2, 4].map(|threads| {
            let mut network = Network::initialize(architecture.clone(), 1);
            let plan = FitPlan { threads, ..plan.clone() };
            let mut record = Record::default();
            fit(&mut network, &plan, samples(&x, &y), Some(samples(&x, &y)), &mut record).unwrap();
            (bits(&network.tensors()), record.epochs)
        });
        let expected = std::mem::take(&mut runs[0]);
        assert_ne!(expected.0, bits(&Network::initialize(architecture, 1).tensors()), "something was learned");
        assert!(runs[1..].iter().all(|run| *run == expected));
    }
}

/// The loss of the first step at these weights.
fn loss_at(
    architecture: &Architecture,
    tensors: &[NamedTensor<f64>],
    plan: &FitPlan,
    x: &Array2<f64>,
    y: &Array2<f64>,
) -> f64 {
    let mut network = Network::with_tensors(architecture.clone(), tensors.to_vec()).unwrap();
    let fitted = fit(&mut network, plan, samples(x, y), None, &mut Record::default()).unwrap();
    log(&fitted.logs, "loss")
}

#[test]
fn a_step_of_gradient_descent_follows_the_slope_of_the_loss() {
    let losses = [
        ("binary_crossentropy", json!({"type": "dense", "units": 1, "activation": "sigmoid"})),
        ("sparse_categorical_crossentropy", json!({"type": "dense", "units": 2, "activation": "softmax"})),
        ("mse", json!({"type": "dense", "units": 1, "activation": "sigmoid"})),
        ("huber", json!({"type": "dense", "units": 1})),
        ("tversky", json!({"type": "dense", "units": 1, "activation": "sigmoid"})),
    ];
    let (x, y) = data::<f64>(300, 6);
    for (loss, last) in losses {
        let architecture = architecture(
            6,
            json!([
                {"type": "dense", "units": 200, "activation": "tanh", "kernel_regularizer": {"type": "l2", "l2": 0.01}},
                {"type": "batch_normalization"},
                {"type": "dropout", "rate": 0.2},
                {"type": "dense", "units": 40, "activation": "gelu"},
                last
            ]),
        );
        assert!(Partition::new(&architecture, 300, []).lanes > 1);
        let plan = FitPlan { shuffle: false, ..plan(1, 300, json!({"type": "sgd", "learning_rate": 1.0}), loss) };
        let mut network = Network::<f64>::initialize(architecture.clone(), 2);
        let before = network.tensors();
        fit(&mut network, &plan, samples(&x, &y), None, &mut Record::default()).unwrap();
        let after = network.tensors();
        for (index, tensor) in before.iter().enumerate().filter(|(_, tensor)| !tensor.name.contains("moving")) {
            for element in (0..tensor.values.len()).step_by(tensor.values.len().div_ceil(4)) {
                let gradient = tensor.values[element] - after[index].values[element];
                let slope: f64 = [1e-5, -1e-5]
                    .iter()
                    .map(|step| {
                        let mut moved = before.clone();
                        moved[index].values[element] += step;
                        loss_at(&architecture, &moved, &plan, &x, &y) / (2.0 * step)
                    })
                    .sum();
                assert!(
                    (gradient - slope).abs() < 1e-8,
                    "{loss}, {}[{element}]: {gradient} against {slope}",
                    tensor.name
                );
            }
        }
    }
}

#[test]
fn the_last_batch_may_be_smaller_and_the_loss_is_the_mean_over_rows() {
    let architecture = architecture(5, json!([{"type": "dense", "units": 1}]));
    let (x, y) = data::<f64>(10, 5);
    let mean = |batch_size| {
        // So slow that the weights stay as they are.
        let plan = plan(1, batch_size, json!({"type": "sgd", "learning_rate": 1e-12}), "mse");
        let mut record = Record::default();
        let mut network = Network::<f64>::initialize(architecture.clone(), 1);
        fit(&mut network, &plan, samples(&x, &y), None, &mut record).unwrap();
        (log(&record.epochs[0].logs, "loss"), record.steps.len() + 1)
    };
    let (expected, _) = mean(10);
    for (batch_size, steps) in [(1, 10), (3, 4), (4, 3), (9, 2), (10, 1), (64, 1)] {
        let (loss, counted) = mean(batch_size);
        assert!((loss - expected).abs() < 1e-9, "batch size {batch_size}: {loss} against {expected}");
        assert_eq!(counted, steps, "batch size {batch_size}");
    }
}

#[test]
fn a_network_of_frozen_layers_is_measured_and_stays_as_it_is() {
    let (x, y) = data::<f64>(10, 5);
    for layers in [json!([{"type": "dense", "units": 1, "trainable": false}]), json!([{"type": "identity"}])] {
        let network = Network::<f64>::initialize(architecture(5, layers), 1);
        let outputs = network.predict(x.view());
        let y = y.broadcast(outputs.dim()).unwrap().to_owned();
        let loss = (&outputs - &y).mapv(|error| error * error).mean().unwrap();
        for optimizer in ["sgd", "adam", "lamb", "muon"] {
            let mut trained = network.clone();
            let plan = plan(2, 4, json!(optimizer), "mse");
            let fitted = fit(&mut trained, &plan, samples(&x, &y), None, &mut Record::default()).unwrap();
            assert!((log(&fitted.logs, "loss") - loss).abs() < 1e-12, "{optimizer}");
            assert_eq!(trained.tensors(), network.tensors(), "{optimizer}");
        }
    }
}

#[test]
fn validation_measures_what_predict_gives() {
    let layers = json!([
        {"type": "dense", "units": 8, "activation": "relu", "kernel_regularizer": {"type": "l2", "l2": 0.1}},
        {"type": "batch_normalization"},
        {"type": "dropout", "rate": 0.5},
        {"type": "dense", "units": 1}
    ]);
    let mut network = Network::<f64>::initialize(architecture(5, layers), 1);
    let (x, y) = data::<f64>(50, 5);
    let (validation_x, validation_y) = data::<f64>(333, 5);
    let mut plan = plan(3, 16, json!("adam"), "mse");
    plan.outputs[0].metrics = vec![from(json!("mae"))];
    let validation = Some(samples(&validation_x, &validation_y));
    let fitted = fit(&mut network, &plan, samples(&x, &y), validation, &mut Record::default()).unwrap();
    let errors = network.predict(validation_x.view()) - &validation_y;
    let kernel = &network.tensors()[0];
    let penalty = 0.1 * kernel.values.iter().map(|w| w * w).sum::<f64>();
    let names: Vec<&str> = fitted.logs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["loss", "mae", "val_loss", "val_mae"]);
    assert!((log(&fitted.logs, "val_loss") - errors.mapv(|e| e * e).mean().unwrap() - penalty).abs() < 1e-6);
    assert!((log(&fitted.logs, "val_mae") - errors.mapv(f64::abs).mean().unwrap()).abs() < 1e-9);
}

#[test]
fn weights_of_rows_scale_their_losses() {
    let architecture = architecture(5, json!([{"type": "dense", "units": 1}]));
    let (x, y) = data::<f64>(40, 5);
    let weights = Array1::from_shape_fn(40, |row| (row % 3) as f64);
    let mut network = Network::<f64>::initialize(architecture, 1);
    let errors = network.predict(x.view()) - &y;
    let expected = errors.column(0).iter().zip(&weights).map(|(e, w)| w * e * e).sum::<f64>() / 40.0;
    let plan = plan(1, 40, json!("sgd"), "mse");
    let weighted = Samples { weights: Some(weights.view()), ..samples(&x, &y) };
    let fitted = fit(&mut network, &plan, weighted, None, &mut Record::default()).unwrap();
    assert!((log(&fitted.logs, "loss") - expected).abs() < 1e-12);
}

#[test]
fn a_loss_that_is_not_finite_names_epoch_and_learning_rate() {
    let (x, y) = data::<f32>(60, 5);
    let mut network = Network::initialize(architecture(5, json!([{"type": "dense", "units": 1}])), 1);
    let plan = plan(50, 60, json!({"type": "sgd", "learning_rate": 1e6}), "mse");
    let mut record = Record::default();
    match fit(&mut network, &plan, samples(&x, &y), None, &mut record).unwrap_err() {
        FitError::Diverged { epoch, learning_rate, loss } => {
            assert_eq!(epoch as usize, record.epochs.len() + 1);
            assert!(epoch > 1 && learning_rate == 1e6 && !loss.is_finite());
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_sink_can_cancel_within_an_epoch() {
    let (x, y) = data::<f32>(60, 5);
    let mut network = Network::initialize(architecture(5, json!([{"type": "dense", "units": 1}])), 1);
    let mut record = Record { cancel_after: Some(4), ..Record::default() };
    let error = fit(&mut network, &plan(9, 10, json!("sgd"), "mse"), samples(&x, &y), None, &mut record).unwrap_err();
    assert_eq!(error, FitError::Stopped);
    assert_eq!((record.steps.len(), record.epochs.len()), (4, 0));
}

#[test]
fn another_seed_gives_another_order_and_other_noise() {
    let (x, y) = data::<f32>(60, 5);
    for layers in [
        json!([{"type": "dense", "units": 1}]),
        json!([{"type": "dropout", "rate": 0.5}, {"type": "dense", "units": 1}]),
    ] {
        let run = |seed, shuffle| {
            let mut network = Network::initialize(architecture(5, layers.clone()), 1);
            let plan = FitPlan { seed, shuffle, ..plan(1, 7, json!("sgd"), "mse") };
            fit(&mut network, &plan, samples(&x, &y), None, &mut Record::default()).unwrap();
            bits(&network.tensors())
        };
        assert_eq!(run(1, true), run(1, true));
        assert_ne!(run(1, true), run(2, true));
        assert_eq!(run(1, false) == run(2, false), layers[0]["type"] == "dense", "only dropout still needs the seed");
    }
}
