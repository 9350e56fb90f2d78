//! The gradients of every layer's parameters and inputs against those of the real Keras, which the scripts in
//! `tests/fixtures/keras/layers/` wrote: those of the loss of a training step, as a fit takes it.

use super::{DataLayout, Trainer};
use crate::engine::{
    fit::{FitPlan, Samples, tests::plan},
    kernel::Team,
    layer::AnyLayer,
    network::{NamedTensor, Network, Tape},
    shape::Shape,
    spec::{Architecture, Definition, Limits},
};
use ndarray::Array2;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{fs, path::Path};

/// Both compute in f32: a part of the largest number of a tensor, whose elements are sums of numbers of about its size.
/// The cases are small, so that no sum is long.
const RELATIVE: f64 = 1e-5;

/// A part of a case's largest gradient below which there are roundings and nothing else: the gradient of a bias that a
/// softmax or a normalization takes out again is zero.
const ROUNDINGS: f64 = 1e-6;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    /// The layer that is tried has the name `layer`.
    definition: Value,
    inputs: Vec<Vec<usize>>,
    rows: usize,
    x: Vec<f32>,
    weights: Vec<Tensor>,
    y: Option<Vec<f32>>,
    /// None where training is random.
    gradients: Option<Gradients>,
}

#[derive(Deserialize)]
struct Tensor {
    name: String,
    shape: Vec<usize>,
    values: Vec<f32>,
}

/// Of the mean squared error and the penalties.
#[derive(Deserialize)]
struct Gradients {
    loss: f64,
    /// Elements of every input one after the other, as in `x`; None where they are indices.
    x: Option<Vec<f32>>,
    /// Of every trainable weight.
    weights: Vec<Gradient>,
}

#[derive(Deserialize)]
struct Gradient {
    name: String,
    values: Vec<f32>,
}

/// The cases of every file that the scripts wrote.
fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/keras/layers");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|it| it == "json")).collect();
    files.sort();
    let read = |path| serde_json::from_str::<Fixture>(&fs::read_to_string(path).unwrap()).unwrap().cases;
    files.into_iter().flat_map(read).collect()
}

impl Case {
    fn network(&self) -> Network<f32> {
        let shapes: Vec<Shape> = self.inputs.iter().cloned().map(Shape).collect();
        let architecture = Definition::from_value(&self.definition).unwrap().resolve(&shapes, &Limits::default());
        let tensors = self.weights.iter().map(|tensor| NamedTensor {
            name: tensor.name.clone(),
            shape: Shape(tensor.shape.clone()),
            values: tensor.values.clone(),
        });
        Network::with_tensors(architecture.unwrap(), tensors.collect()).unwrap()
    }

    fn table(&self, values: &[f32]) -> Array2<f32> {
        Array2::from_shape_vec((self.rows, values.len() / self.rows), values.to_vec()).unwrap()
    }

    /// `largest` is the gradient of the case that is farthest from zero.
    fn assert_close(&self, what: &str, received: &[f32], expected: &[f32], largest: f64) {
        let name = &self.name;
        assert_eq!(received.len(), expected.len(), "{name}: gradient of {what}");
        let (own, roundings) = (size(expected), ROUNDINGS * largest);
        let bound = if own <= roundings { roundings } else { RELATIVE * own };
        for (index, (&received, &expected)) in received.iter().zip(expected).enumerate() {
            let close = (f64::from(received) - f64::from(expected)).abs() <= bound;
            assert!(close, "{name}: gradient of {what}, element {index}: {received:e} but Keras has {expected:e}");
        }
    }
}

impl Gradients {
    fn largest(&self) -> f64 {
        let tensors = self.weights.iter().map(|weight| &weight.values).chain(&self.x);
        tensors.map(|tensor| size(tensor)).fold(0.0, f64::max)
    }
}

/// How far from zero the farthest number is.
fn size(values: &[f32]) -> f64 {
    values.iter().fold(0.0, |size, value| size.max(f64::from(value.abs())))
}

/// A tape with a gradient of every value, those of the inputs too, which no fit needs.
fn tape(architecture: &Architecture, rows: usize) -> Tape<f32> {
    Tape::new(architecture, rows, vec![true; architecture.values()], true)
}

/// The gradient of each input, side by side in rows as x is.
fn of_inputs(tape: &Tape<f32>, inputs: &[Vec<usize>], rows: usize) -> Vec<f32> {
    let row = |row: usize| {
        inputs.iter().enumerate().flat_map(move |(input, shape)| {
            let elements = shape.iter().product::<usize>();
            &tape.gradients[input][row * elements..(row + 1) * elements]
        })
    };
    (0..rows).flat_map(row).copied().collect()
}

#[test]
fn gradients_equal_those_of_keras() {
    for case in cases() {
        let (Some(expected), Some(y)) = (&case.gradients, &case.y) else { continue };
        let (x, y) = (case.table(&case.x), case.table(y));
        // A step over all rows that moves nothing.
        let still = json!({"type": "sgd", "learning_rate": 0.0});
        let plan = FitPlan { shuffle: false, ..plan(1, case.rows, still, "mean_squared_error") };
        let mut network = case.network();
        network.adapt(x.view());
        let layout = DataLayout::new(network.architecture(), &plan);
        let samples = Samples { x: x.view(), y: y.view(), weights: None };
        let order: Vec<usize> = (0..case.rows).collect();
        let (loss, gradient, of_x) = {
            let mut trainer = Trainer::new(&Team::ALONE, &mut network, &plan, &layout, case.rows, false);
            assert_eq!(trainer.lanes.len(), 1, "{}: so few rows are one lane", case.name);
            trainer.lanes[0].tape = tape(trainer.architecture, case.rows);
            let loss = trainer.step(samples, &order, 0.0);
            let lane = &trainer.lanes[0];
            (loss, lane.gradient.to_vec(), of_inputs(&lane.tape, &case.inputs, case.rows))
        };
        assert!((loss - expected.loss).abs() <= RELATIVE * expected.loss, "{}: loss {loss}", case.name);
        let largest = expected.largest();
        let trained = network.architecture().parameters().iter().filter(|parameter| parameter.spec.trainable);
        let trained: Vec<_> = trained.collect();
        assert_eq!(trained.len(), expected.weights.len(), "{}: trainable weights", case.name);
        for (parameter, expected) in trained.into_iter().zip(&expected.weights) {
            assert_eq!(parameter.name, expected.name, "{}", case.name);
            case.assert_close(&parameter.name, &gradient[parameter.range.clone()], &expected.values, largest);
        }
        if let Some(expected) = &expected.x {
            case.assert_close("the inputs", &of_x, expected, largest);
        }
    }
}

#[test]
fn every_layer_has_gradients() {
    let cases = cases();
    let with_gradients = cases.iter().filter(|case| case.gradients.is_some());
    let layers = with_gradients.flat_map(|case| case.definition["layers"].as_array().unwrap());
    let tried: Vec<&Value> = layers.filter(|layer| layer["name"] == "layer").map(|layer| &layer["type"]).collect();
    for kind in AnyLayer::kinds() {
        assert!(tried.contains(&&json!(kind)), "no case compares the gradients of `{kind}` with Keras's");
    }
}
