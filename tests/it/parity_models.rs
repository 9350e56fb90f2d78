//! Whole models against those of the real Keras, which the scripts in `tests/fixtures/keras/models/` trained: read from
//! Keras's JSON, from the same weights, every step's loss is the same, and so are the last weights and the predictions.

use epoca::{
    engine::{
        field,
        fit::{EpochReport, EventSink, FitPlan, OutputPlan, Progress, Role, Samples, ValidationFreq, fit},
        metric::Metric,
        network::{NamedTensor, Network},
        spec::{Definition, Limits},
    },
    keras,
};
use ndarray::{Array2, ArrayView1, Axis, Slice};
use rstest::rstest;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, fs, ops::ControlFlow, path::Path};

/// Of a step's loss. Both compute in f32, and a difference in the last place grows from step to step.
const OF_LOSSES: f64 = 1e-4;
/// Of weights and predictions after twenty steps, beside the size of their tensor.
const OF_CELLS: f64 = 1e-3;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    /// The model as Keras prints it.
    keras: Value,
    rows: usize,
    batch_size: usize,
    /// Passes over the rows that make twenty steps.
    epochs: u32,
    /// Of the first rows how many validate.
    validated: usize,
    x: Vec<f32>,
    y: Vec<f32>,
    weights: Option<Vec<f32>>,
    first: Vec<Tensor>,
    /// Logs of each step.
    steps: BTreeMap<String, Vec<f64>>,
    /// Logs of each epoch.
    history: BTreeMap<String, Vec<f64>>,
    last: Vec<Tensor>,
    /// Tensors whose gradient is nothing but roundings.
    free: Vec<String>,
    predicted: usize,
    predictions: Vec<f32>,
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

/// How the twenty steps are taken.
#[derive(Clone, Copy)]
enum Course {
    /// Each as an epoch of its own.
    Steps,
    /// Passes over all rows, each with validation.
    Epochs,
}

fn case(name: &str) -> Case {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/keras/models");
    let read = |family| {
        let text = fs::read_to_string(folder.join(family)).unwrap();
        serde_json::from_str::<Fixture>(&text).unwrap().cases
    };
    let mut cases = ["tables.json", "images.json", "sequences.json", "reductions.json", "applications.json"]
        .into_iter()
        .flat_map(read);
    cases.find(|case| case.name == name).unwrap()
}

fn read<T: DeserializeOwned>(value: &Value) -> T {
    field::parse(value).unwrap_or_else(|error| panic!("{value}: {error}"))
}

/// What `compile_config` says of one output: its own where there are several, else the only one.
fn of_output<'v>(training: &'v Map<String, Value>, setting: &str, output: &str) -> Option<&'v Value> {
    let value = training.get(setting)?;
    value.get(output).or(Some(value))
}

impl Case {
    fn table(&self, values: &[f32]) -> Array2<f32> {
        Array2::from_shape_vec((self.rows, values.len() / self.rows), values.to_vec()).unwrap()
    }

    fn plan(&self, definition: &Definition, training: &Map<String, Value>, course: Course, threads: usize) -> FitPlan {
        let names = definition.output_names();
        let several = names.len() > 1;
        let outputs = names.iter().map(|name| OutputPlan {
            name: if several { (*name).to_owned() } else { String::new() },
            loss: read(of_output(training, "loss", name).unwrap()),
            role: Role::Trained,
            loss_weight: match of_output(training, "loss_weights", name) {
                Some(weight) => weight.as_f64().unwrap(),
                None => 1.0,
            },
            metrics: read::<Vec<Metric>>(of_output(training, "metrics", name).unwrap()),
            rescale: Vec::new(),
        });
        let (epochs, steps_per_epoch) = match course {
            Course::Steps => (20, Some(1)),
            Course::Epochs => (self.epochs, None),
        };
        FitPlan {
            epochs,
            batch_size: self.batch_size,
            optimizer: read(&training["optimizer"]),
            outputs: outputs.collect(),
            shuffle: false,
            seed: 0,
            early_stopping: None,
            reduce_lr_on_plateau: None,
            terminate_on_nan: false,
            validation_freq: ValidationFreq::default(),
            steps_per_epoch,
            threads,
        }
    }

    fn run(&self, course: Course, threads: usize) -> (Network<f32>, Vec<EpochReport>) {
        let (definition, compiled) =
            keras::import(&self.keras).unwrap_or_else(|errors| panic!("{}: {errors:#?}", self.name));
        let shapes = definition.known_input_shapes().unwrap();
        let architecture = definition.resolve(&shapes, &Limits::default()).unwrap();
        let tensors = self.first.iter().map(|tensor| NamedTensor {
            name: tensor.name.clone(),
            shape: epoca::engine::shape::Shape(tensor.shape.clone()),
            values: tensor.values.clone(),
        });
        let by_name: BTreeMap<String, NamedTensor<f32>> = tensors.map(|tensor| (tensor.name.clone(), tensor)).collect();
        let in_order = architecture.parameters().iter().map(|parameter| {
            let tensor = by_name.get(&parameter.name);
            tensor.unwrap_or_else(|| panic!("{}: Keras has no {}", self.name, parameter.name)).clone()
        });
        let in_order: Vec<_> = in_order.collect();
        assert_eq!(in_order.len(), self.first.len(), "{}: tensors", self.name);
        let mut network = Network::with_tensors(architecture, in_order).unwrap();
        let (x, y) = (self.table(&self.x), self.table(&self.y));
        let weights = self.weights.as_deref().map(ArrayView1::from);
        let training = Samples { x: x.view(), y: y.view(), weights };
        let first_rows = Slice::from(..self.validated);
        let validation = match course {
            Course::Steps => None,
            Course::Epochs => {
                let (x, y) = (x.slice_axis(Axis(0), first_rows), y.slice_axis(Axis(0), first_rows));
                Some(Samples { x, y, weights: None })
            }
        };
        let plan = self.plan(&definition, &compiled.training, course, threads);
        let mut kept = Kept::default();
        fit(&mut network, &plan, training, validation, &mut kept).unwrap();
        (network, kept.0)
    }

    /// Every log of every epoch, which are steps where each has one.
    fn assert_logs(&self, reports: &[EpochReport], expected: &BTreeMap<String, Vec<f64>>) {
        let name = &self.name;
        for (epoch, report) in reports.iter().enumerate() {
            assert_eq!(report.logs.len(), expected.len(), "{name}: {:?} but Keras logs {expected:?}", report.logs);
            for (key, received) in &report.logs {
                let expected = expected.get(key).unwrap_or_else(|| panic!("{name}: Keras has no {key}"))[epoch];
                let close = (received - expected).abs() <= OF_LOSSES * expected.abs();
                assert!(close, "{name}: {key} of epoch {}: {received} but Keras has {expected}", epoch + 1);
            }
        }
    }

    fn assert_close(&self, what: &str, received: &[f32], expected: &[f32]) {
        let name = &self.name;
        assert_eq!(received.len(), expected.len(), "{name}: {what}");
        let size = expected.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() / expected.len() as f64;
        for (index, (&received, &expected)) in received.iter().zip(expected).enumerate() {
            let (received, expected) = (f64::from(received), f64::from(expected));
            let close = (received - expected).abs() <= OF_CELLS * expected.abs().max(size.sqrt());
            assert!(close, "{name}: {what}, cell {index}: {received:e} but Keras has {expected:e}");
        }
    }
}

fn bits(network: &Network<f32>) -> Vec<u32> {
    network.tensors().iter().flat_map(|tensor| tensor.values.iter().map(|value| value.to_bits())).collect()
}

#[rstest]
fn models_train_as_in_keras(
    #[values(
        "perceptron",
        "convolutions",
        "residual",
        "memory",
        "both directions",
        "transformer",
        "autoencoder",
        "two branches",
        "words",
        "regression",
        "translation",
        "film",
        "summed",
        "summed of two",
        "weighed",
        "weighed but one",
        "summed steps",
        "weighed steps",
        "summed overlap",
        "weighed overlap",
        "convnext",
        "inception resnet"
    )]
    name: &str,
) {
    let case = case(name);
    let (network, steps) = case.run(Course::Steps, 2);
    assert_eq!(steps.len(), 20, "{name}");
    case.assert_logs(&steps, &case.steps);
    let last: BTreeMap<&str, &Tensor> = case.last.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    for tensor in network.tensors().iter().filter(|tensor| !case.free.contains(&tensor.name)) {
        case.assert_close(&tensor.name, &tensor.values, &last[tensor.name.as_str()].values);
    }
    let table = case.table(&case.x);
    let predictions = network.predict(table.slice_axis(Axis(0), Slice::from(..case.predicted)));
    case.assert_close("predictions", predictions.as_slice().unwrap(), &case.predictions);

    let (by_epochs, epochs) = case.run(Course::Epochs, 2);
    case.assert_logs(&epochs, &case.history);
    assert!(bits(&by_epochs) == bits(&network), "{name}: the same steps give the same weights");
    for threads in [1, 4] {
        let (again, reports) = case.run(Course::Steps, threads);
        assert!(bits(&again) == bits(&network) && reports == steps, "{name}: at {threads} threads");
    }
}
