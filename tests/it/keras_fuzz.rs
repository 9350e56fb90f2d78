//! Random networks of real Kerases (`tests/fixtures/keras_fuzz/make.py` made them): each gives Keras's outputs and losses, or is
//! refused with the reason.

use epoca::{
    engine::{
        field,
        fit::{EpochReport, EventSink, FitPlan, OutputPlan, Progress, Role, Samples, ValidationFreq, fit},
        network::{NamedTensor, Network},
        spec::{Definition, Limits},
    },
    keras,
};
use ndarray::{Array2, Axis, concatenate};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, ops::ControlFlow};

const BATCH: usize = 8;
const ROWS: usize = 3;
const WORDS: u32 = 7;
/// Of the largest output.
const OF_OUTPUTS: f64 = 2e-5;
/// Of a loss: differences in the last place grow from step to step.
const OF_LOSSES: f64 = 1e-4;

#[derive(Deserialize)]
struct Fixture {
    table: Vec<Value>,
    models: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    seed: u32,
    model: Value,
    /// By output: `"numbers"`, `"binary"`, how many classes, or how many one-hot ones as a negative number.
    targets: Vec<Value>,
    outputs: Vec<f64>,
    loss: Vec<f64>,
}

#[derive(Default)]
struct Losses(Vec<f64>);

impl EventSink for Losses {
    fn step(&mut self, _progress: Progress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn epoch(&mut self, report: EpochReport) -> ControlFlow<()> {
        self.0.extend(report.logs.iter().find(|(name, _)| *name == "loss").map(|(_, value)| *value));
        ControlFlow::Continue(())
    }
}

/// The whole numbers that `hashed` of the script makes.
fn whole(name: &str, count: usize) -> Vec<u32> {
    let start = name.bytes().fold(2_166_136_261u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(16_777_619));
    let each = |index: u32| {
        let mut x = index.wrapping_mul(2_654_435_761).wrapping_add(start);
        x ^= x >> 15;
        x = x.wrapping_mul(2_246_822_519);
        x ^ (x >> 13)
    };
    (0..count as u32).map(each).collect()
}

fn hashed(name: &str, count: usize) -> Vec<f64> {
    whole(name, count).into_iter().map(|x| f64::from(x) / 4_294_967_296.0 - 0.5).collect()
}

fn weight(name: &str, count: usize) -> Vec<f32> {
    let tail = name.rsplit('/').next().unwrap_or_default();
    let of = |value: f64| match tail {
        "gamma" | "scale" => 1.0 + value / 2.0,
        tail if tail.contains("variance") => 1.0 + value.abs(),
        _ => value,
    };
    hashed(name, count).into_iter().map(|value| of(value) as f32).collect()
}

/// The value with every `{"$": n}` replaced by what stands in the table.
fn expanded(value: &Value, table: &[Value]) -> Value {
    match value {
        Value::Object(fields) => match fields.get("$").and_then(Value::as_u64) {
            Some(index) => expanded(&table[index as usize], table),
            None => fields.iter().map(|(name, value)| (name.clone(), expanded(value, table))).collect(),
        },
        Value::Array(items) => items.iter().map(|item| expanded(item, table)).collect(),
        other => other.clone(),
    }
}

fn table(values: Vec<f32>) -> Array2<f32> {
    Array2::from_shape_vec((BATCH, values.len() / BATCH), values).unwrap()
}

fn input(name: &str, cells: usize) -> Array2<f32> {
    table(match name.starts_with("words") {
        true => whole(name, BATCH * cells).into_iter().map(|x| ((x >> 8) % WORDS) as f32).collect(),
        false => hashed(name, BATCH * cells).into_iter().map(|x| (x * 3.0) as f32).collect(),
    })
}

fn target(index: usize, kind: &Value, cells: usize) -> Array2<f32> {
    let name = format!("target {index}");
    let classes = |count: u32| whole(&name, BATCH).into_iter().map(|x| (x >> 8) % count).collect::<Vec<u32>>();
    table(match (kind.as_str(), kind.as_i64()) {
        (Some("numbers"), _) => hashed(&name, BATCH * cells).into_iter().map(|x| x as f32).collect(),
        (Some(_), _) => classes(2).into_iter().map(|class| class as f32).collect(),
        (None, Some(count)) if count > 0 => classes(count as u32).into_iter().map(|class| class as f32).collect(),
        (None, count) => {
            let count = count.unwrap().unsigned_abs() as u32;
            let cells = |class: u32| (0..count).map(move |cell| if cell == class { 1.0 } else { 0.0 });
            classes(count).into_iter().flat_map(cells).collect()
        }
    })
}

fn side_by_side(tables: &[Array2<f32>]) -> Array2<f32> {
    let views: Vec<_> = tables.iter().map(|table| table.view()).collect();
    concatenate(Axis(1), &views).unwrap()
}

fn read<T: DeserializeOwned>(value: &Value) -> T {
    field::parse(value).unwrap_or_else(|error| panic!("{value}: {error}"))
}

fn plan(definition: &Definition, training: &Map<String, Value>) -> FitPlan {
    let names = definition.output_names();
    let of_output = |setting: &str, name: &str| {
        let value = training.get(setting)?;
        value.get(name).or_else(|| (!value.is_object() || value.get("type").is_some()).then_some(value))
    };
    let outputs = names.iter().map(|name| OutputPlan {
        name: if names.len() > 1 { (*name).to_owned() } else { String::new() },
        loss: read(of_output("loss", name).unwrap()),
        role: Role::Trained,
        loss_weight: of_output("loss_weights", name).and_then(Value::as_f64).unwrap_or(1.0),
        metrics: Vec::new(),
        rescale: Vec::new(),
    });
    FitPlan {
        epochs: 3,
        batch_size: BATCH,
        optimizer: read(&training["optimizer"]),
        outputs: outputs.collect(),
        shuffle: false,
        seed: 0,
        early_stopping: None,
        reduce_lr_on_plateau: None,
        terminate_on_nan: false,
        validation_freq: ValidationFreq::default(),
        steps_per_epoch: None,
        threads: 1,
    }
}

/// The name of a model's input, where there is one alone.
fn only_input(document: &Value) -> String {
    let layers = document["config"]["layers"].as_array().unwrap();
    let input = layers.iter().find(|layer| layer["class_name"] == "InputLayer").unwrap();
    input["config"]["name"].as_str().unwrap().to_owned()
}

/// What became of a network.
enum Outcome {
    Same,
    /// The first reason.
    Refused(String),
    /// How it differs.
    Differs(String),
}

fn outcome(case: &Case, table: &[Value]) -> Outcome {
    let refused = |errors: Vec<field::FieldError>| {
        assert!(!errors.is_empty() && errors.iter().all(|error| error.detail.len() > 10), "{errors:?}");
        Outcome::Refused(errors.into_iter().map(|error| error.detail).next().unwrap_or_default())
    };
    let document = expanded(&case.model, table);
    let (definition, compiled) = match keras::import(&document) {
        Ok(imported) => imported,
        Err(errors) => return refused(errors),
    };
    let shapes = definition.known_input_shapes().unwrap();
    let architecture = match definition.resolve(&shapes, &Limits::default()) {
        Ok(architecture) => architecture,
        Err(errors) => return refused(errors),
    };
    let names: Vec<String> = match definition.inputs.as_slice() {
        [] => vec![only_input(&document)],
        inputs => inputs.iter().map(|input| input.name.clone()).collect(),
    };
    let x: Vec<_> = names.iter().zip(&shapes).map(|(name, shape)| input(name, shape.elements())).collect();
    let widths: Vec<usize> = architecture.output_shapes().map(|shape| shape.elements()).collect();
    let y: Vec<_> = case.targets.iter().zip(&widths).enumerate().map(|(i, (kind, &it))| target(i, kind, it)).collect();
    let (x, y) = (side_by_side(&x), side_by_side(&y));
    let tensors = architecture.parameters().iter().map(|parameter| NamedTensor {
        name: parameter.name.clone(),
        shape: parameter.shape.clone(),
        values: weight(&parameter.name, parameter.shape.elements()),
    });
    let tensors = tensors.collect();
    let mut network = Network::with_tensors(architecture, tensors).unwrap();

    let given = network.predict(x.view());
    let mut received = Vec::new();
    let mut first = 0;
    for width in widths {
        received.extend(given.slice(ndarray::s![..ROWS, first..first + width]).iter().map(|&cell| f64::from(cell)));
        first += width;
    }
    let largest = case.outputs.iter().fold(0.0f64, |largest, cell| largest.max(cell.abs()));
    let apart = |(received, expected): (&f64, &f64)| (received - expected).abs() > OF_OUTPUTS * largest;
    if received.len() != case.outputs.len() || received.iter().zip(&case.outputs).any(apart) {
        return Outcome::Differs(format!("outputs {received:?}, Keras {:?}", case.outputs));
    }
    let mut losses = Losses::default();
    let plan = plan(&definition, &compiled.training);
    let samples = Samples { x: x.view(), y: y.view(), weights: None };
    if let Err(error) = fit(&mut network, &plan, samples, None, &mut losses) {
        return Outcome::Differs(format!("the fit fails: {error:?}"));
    }
    let apart = |(received, expected): (&f64, &f64)| (received - expected).abs() > OF_LOSSES * expected.abs().max(0.01);
    if losses.0.len() != case.loss.len() || losses.0.iter().zip(&case.loss).any(apart) {
        return Outcome::Differs(format!("losses {:?}, Keras {:?}", losses.0, case.loss));
    }
    Outcome::Same
}

/// Every network of a file; fails where one differs, or where fewer than `floor` are accepted. Layers are large beside the
/// stack of a test's thread where nothing is optimized.
fn check(file: &'static str, floor: usize) {
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(move || check_each(file, floor)).unwrap();
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

fn check_each(file: &str, floor: usize) {
    let fixture: Fixture = serde_json::from_str(file).unwrap();
    assert_eq!(fixture.models.len(), 200);
    let (mut same, mut refused, mut differing) = (0, BTreeMap::<String, usize>::new(), Vec::new());
    for case in &fixture.models {
        match outcome(case, &fixture.table) {
            Outcome::Same => same += 1,
            Outcome::Refused(reason) => *refused.entry(reason).or_default() += 1,
            Outcome::Differs(how) => differing.push(format!("{}: {how}", case.seed)),
        }
    }
    println!("{same} of 200 as in Keras, refused: {refused:#?}");
    let (count, differing) = (differing.len(), differing.join("\n"));
    assert!(count == 0, "{count} differ:\n{differing}\nrefused: {refused:#?}\n{same} as in Keras");
    assert!(same >= floor, "{same} of 200 as in Keras, refused: {refused:#?}");
}

#[test]
fn random_networks_of_keras_3() {
    check(include_str!("../fixtures/keras_fuzz/keras.json"), 195);
}

#[test]
fn random_networks_of_keras_2() {
    check(include_str!("../fixtures/keras_fuzz/tf_keras.json"), 195);
}
