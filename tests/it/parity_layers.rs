//! Every layer against that of the real Keras, which the scripts in `tests/fixtures/keras/layers/` wrote: read from Keras's
//! JSON it is the same definition, and from the same weights its outputs, losses and trained weights are the same.

use epoca::{
    engine::{
        fit::{EpochReport, EventSink, FitPlan, OutputPlan, Progress, Samples, ValidationFreq, fit},
        layer::AnyLayer,
        loss::Loss,
        network::{NamedTensor, Network},
        shape::Shape,
        spec::{Definition, Limits},
    },
    keras,
};
use ndarray::Array2;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, ops::ControlFlow, path::Path, sync::LazyLock};

/// Keras computes in f32, too: both are off by a few roundings.
const RELATIVE: f64 = 1e-5;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    /// The model in our form; the layer that is tried has the name `layer`.
    definition: Value,
    /// The same model as Keras prints it.
    keras: Option<Value>,
    inputs: Vec<Vec<usize>>,
    rows: usize,
    /// Cells of every input one after the other.
    x: Vec<f32>,
    weights: Vec<Tensor>,
    output: Vec<f32>,
    /// Targets; none where training is random.
    y: Option<Vec<f32>>,
    /// None where nothing is trained, too.
    training: Option<Training>,
    /// Relative, where sums are long.
    tolerance: Option<f64>,
}

#[derive(Deserialize)]
struct Training {
    learning_rate: f64,
    /// Of each step, one epoch each.
    losses: Vec<f64>,
    /// After the last step.
    weights: Vec<Tensor>,
}

#[derive(Deserialize)]
struct Tensor {
    name: String,
    shape: Vec<usize>,
    values: Vec<f32>,
}

/// Keeps every epoch's loss.
#[derive(Default)]
struct Losses(Vec<f64>);

impl EventSink for Losses {
    fn step(&mut self, _progress: Progress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn epoch(&mut self, report: EpochReport) -> ControlFlow<()> {
        self.0.extend(report.logs.iter().filter(|(name, _)| name == "loss").map(|(_, loss)| loss));
        ControlFlow::Continue(())
    }
}

/// Every case of every file.
static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/keras/layers");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|it| it == "json")).collect();
    files.sort();
    let read = |path| serde_json::from_str::<Fixture>(&fs::read_to_string(path).unwrap()).unwrap().cases;
    files.into_iter().flat_map(read).collect()
});

/// The types of the layers that the cases which pass `keep` try.
fn tried(keep: impl Fn(&Case) -> bool) -> BTreeSet<&'static str> {
    let layers = CASES.iter().filter(|case| keep(case)).flat_map(|case| case.definition["layers"].as_array().unwrap());
    layers.filter(|layer| layer["name"] == "layer").map(|layer| layer["type"].as_str().unwrap()).collect()
}

impl Case {
    fn definition(&self) -> Definition {
        Definition::from_value(&self.definition).unwrap_or_else(|errors| panic!("{}: {errors:?}", self.name))
    }

    fn network(&self) -> Network<f32> {
        let shapes: Vec<Shape> = self.inputs.iter().cloned().map(Shape).collect();
        let architecture = self.definition().resolve(&shapes, &Limits::default());
        let architecture = architecture.unwrap_or_else(|errors| panic!("{}: {errors:?}", self.name));
        let tensors = self.weights.iter().map(|tensor| NamedTensor {
            name: tensor.name.clone(),
            shape: Shape(tensor.shape.clone()),
            values: tensor.values.clone(),
        });
        Network::with_tensors(architecture, tensors.collect()).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    fn table(&self, values: &[f32]) -> Array2<f32> {
        Array2::from_shape_vec((self.rows, values.len() / self.rows), values.to_vec()).unwrap()
    }

    /// Within the tolerance of the expected, and of the tensor's size where a cell is small beside it.
    fn assert_close(&self, what: &str, received: &[f32], expected: &[f32]) {
        let name = &self.name;
        assert_eq!(received.len(), expected.len(), "{name}: {what}");
        let size = expected.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() / expected.len() as f64;
        for (index, (&received, &expected)) in received.iter().zip(expected).enumerate() {
            let (received, expected) = (f64::from(received), f64::from(expected));
            let bound = self.tolerance.unwrap_or(RELATIVE) * expected.abs().max(size.sqrt());
            let close = (received - expected).abs() <= bound;
            assert!(close, "{name}: {what}, cell {index}: {received:e} but Keras has {expected:e}");
        }
    }
}

/// Every number as an `f32`, which is how Keras keeps some of its options.
fn rounded(value: Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map_or(Value::Null, |number| json!(number as f32)),
        Value::Array(items) => items.into_iter().map(rounded).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, field)| (name, rounded(field))).collect(),
        other => other,
    }
}

#[test]
fn parity_has_a_case_of_every_layer() {
    let tried = tried(|_| true);
    for kind in AnyLayer::kinds() {
        assert!(tried.contains(kind), "no case compares `{kind}` with Keras's");
    }
}

/// Layers that Keras does not have as such: its models have a function of `keras.ops` there, or KerasHub has the layer.
const WITHOUT_KERAS_JSON: usize = 79;
/// Layers whose training is random, or whose output has no gradient.
const NEVER_TRAINED: usize = 5;

#[test]
fn most_layers_are_imported_and_trained() {
    let (imported, trained) = (tried(|case| case.keras.is_some()), tried(|case| case.training.is_some()));
    let without =
        |known: &BTreeSet<&str>| AnyLayer::kinds().into_iter().filter(|kind| !known.contains(kind)).collect::<Vec<_>>();
    assert_eq!(without(&imported).len(), WITHOUT_KERAS_JSON, "without Keras's JSON: {:?}", without(&imported));
    assert_eq!(without(&trained).len(), NEVER_TRAINED, "never trained: {:?}", without(&trained));
}

#[test]
fn definitions_are_those_that_keras_prints() {
    for case in CASES.iter() {
        let Some(document) = &case.keras else { continue };
        let (imported, _) = keras::import(document).unwrap_or_else(|errors| panic!("{}: {errors:?}", case.name));
        // Keras prints a graph's layers by their depth, which says no more than what reads what.
        let by_name = |definition: Value| {
            let mut definition = rounded(definition);
            // Keras's JSON does not say whether a Normalization without numbers has adapted.
            for layer in definition["layers"].as_array_mut().unwrap() {
                layer.as_object_mut().unwrap().remove("adapt");
            }
            if definition.get("inputs").is_some() {
                let layers = definition["layers"].as_array_mut().unwrap();
                layers.sort_by_key(|layer| layer["name"].as_str().unwrap().to_owned());
            }
            definition
        };
        assert_eq!(by_name(imported.to_value()), by_name(case.definition().to_value()), "{}", case.name);
    }
}

#[test]
fn outputs_equal_those_of_keras() {
    for case in CASES.iter() {
        let output = case.network().predict(case.table(&case.x).view());
        case.assert_close("output", output.as_slice().unwrap(), &case.output);
    }
}

#[test]
fn training_equals_that_of_keras() {
    for case in CASES.iter() {
        let (Some(training), Some(y), mut network) = (&case.training, &case.y, case.network()) else { continue };
        let plan = FitPlan {
            epochs: training.losses.len() as u32,
            batch_size: case.rows,
            optimizer: serde_json::from_value(json!({"type": "sgd", "learning_rate": training.learning_rate})).unwrap(),
            outputs: vec![OutputPlan::single(Loss::MeanSquaredError.into(), Vec::new())],
            shuffle: false,
            seed: 0,
            early_stopping: None,
            reduce_lr_on_plateau: None,
            terminate_on_nan: false,
            validation_freq: ValidationFreq::default(),
            steps_per_epoch: None,
            threads: 2,
        };
        let (x, y) = (case.table(&case.x), case.table(y));
        let mut losses = Losses::default();
        let samples = Samples { x: x.view(), y: y.view(), weights: None };
        fit(&mut network, &plan, samples, None, &mut losses).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let received: Vec<f32> = losses.0.iter().map(|&loss| loss as f32).collect();
        let expected: Vec<f32> = training.losses.iter().map(|&loss| loss as f32).collect();
        case.assert_close("losses", &received, &expected);
        let tensors = network.tensors();
        assert_eq!(tensors.len(), training.weights.len(), "{}", case.name);
        for (tensor, expected) in tensors.iter().zip(&training.weights) {
            assert_eq!(tensor.name, expected.name, "{}", case.name);
            case.assert_close(&tensor.name, &tensor.values, &expected.values);
        }
    }
}
