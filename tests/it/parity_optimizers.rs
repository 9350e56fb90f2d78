//! Optimizers, what they have in common, and learning rates against the numbers of the real Keras, which
//! `tests/fixtures/keras/optimizers.py` wrote.

use epoca::engine::{
    field,
    kernel::Team,
    optimizer::{Optimizer, Updater},
    schedule::{LearningRate, Schedule},
    shape::Shape,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::ops::Range;

#[derive(Deserialize)]
struct Fixture {
    tensors: Vec<Tensor>,
    gradients: Vec<Vec<f32>>,
    optimizers: Vec<Case>,
    options: Vec<Case>,
    schedules: Vec<ScheduleCase>,
}

#[derive(Deserialize)]
struct Tensor {
    name: String,
    shape: Shape,
    first: Vec<f32>,
}

#[derive(Deserialize)]
struct Case {
    definition: Value,
    /// After each step.
    weights: Vec<Vec<f32>>,
    /// After the last step and what follows the end.
    finished: Vec<f32>,
}

#[derive(Deserialize)]
struct ScheduleCase {
    definition: Value,
    steps: Vec<u64>,
    rates: Vec<f64>,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../fixtures/keras/optimizers.json")).unwrap()
}

fn read<T: DeserializeOwned>(definition: &Value) -> T {
    field::parse(definition).unwrap_or_else(|error| panic!("{definition}: {error}"))
}

/// Cells that are moved at a time.
const BLOCK: usize = 7;

/// The weights after each step, and at the end.
fn steps(optimizer: &Optimizer, tensors: &[Tensor], gradients: &[Vec<f32>], threads: usize) -> Vec<Vec<f32>> {
    let mut weights: Vec<f32> = tensors.iter().flat_map(|tensor| tensor.first.clone()).collect();
    let named = tensors.iter().map(|tensor| (tensor.name.as_str(), &tensor.shape));
    // Blocks that do not end where tensors do.
    let starts = (0..weights.len()).step_by(BLOCK);
    let blocks: Vec<Range<usize>> = starts.map(|start| start..weights.len().min(start + BLOCK)).collect();
    // With room for all of a gradient, as every optimizer can work; those that can without are tried so, too.
    let whole = threads == 1 || optimizer.needs_whole_gradient();
    let mut room = vec![0.0; if whole { weights.len() } else { 0 }];
    let mut updater = Updater::new(optimizer, named, blocks.clone(), threads, whole);
    let team = Team::new(threads);
    let mut after = Vec::new();
    for gradient in gradients {
        let rate = updater.learning_rate();
        updater.step(&team, rate, &mut weights, &mut room, |block, _, cells| {
            cells.copy_from_slice(&gradient[blocks[block].clone()]);
        });
        after.push(weights.clone());
    }
    updater.finish(&mut weights);
    after.push(weights);
    after
}

fn assert_steps(cases: &[Case], fixture: &Fixture) {
    for case in cases {
        let optimizer: Optimizer = read(&case.definition);
        optimizer.check().unwrap();
        let received = steps(&optimizer, &fixture.tensors, &fixture.gradients, 1);
        let expected = case.weights.iter().chain([&case.finished]);
        assert_eq!(received.len(), case.weights.len() + 1);
        for (step, (received, expected)) in received.iter().zip(expected).enumerate() {
            for (cell, (received, expected)) in received.iter().zip(expected).enumerate() {
                let bound = 1e-5 * expected.abs().max(0.05);
                assert!(
                    (received - expected).abs() <= bound,
                    "{} step {}, cell {cell}: {received:e} but Keras has {expected:e}",
                    case.definition,
                    step + 1
                );
            }
        }
    }
}

#[test]
fn seven_steps_of_every_optimizer_equal_keras() {
    let fixture = fixture();
    assert_steps(&fixture.optimizers, &fixture);
    let kinds: Vec<_> = fixture.optimizers.iter().map(|case| read::<Optimizer>(&case.definition).kind()).collect();
    let missing: Vec<_> = Optimizer::NAMES.iter().filter(|name| !kinds.contains(name)).collect();
    assert!(missing.is_empty(), "optimizers without a case in optimizers.py: {missing:?}");
}

#[test]
fn clipping_decay_averages_and_accumulation_equal_keras() {
    let fixture = fixture();
    assert_steps(&fixture.options, &fixture);
    let printed = serde_json::to_value(read::<Optimizer>(&json!({
        "type": "sgd", "learning_rate": 0.1, "use_ema": true, "ema_momentum": 0.5, "ema_overwrite_frequency": 2,
        "gradient_accumulation_steps": 2, "clipnorm": 1.0, "global_clipnorm": 1.0, "clipvalue": 1.0, "weight_decay": 0.1,
    })));
    for option in printed.unwrap().as_object().unwrap().keys() {
        let mut all = fixture.optimizers.iter().chain(&fixture.options);
        let covered =
            option == "type" || option == "learning_rate" || all.any(|case| case.definition.get(option).is_some());
        assert!(covered, "no case in optimizers.py has the option {option}");
    }
}

#[test]
fn bits_do_not_depend_on_threads() {
    let tensors: Vec<Tensor> = [("a/kernel", vec![150, 160]), ("a/bias", vec![160]), ("b/kernel", vec![160, 30])]
        .into_iter()
        .map(|(name, axes)| {
            let shape = Shape(axes);
            let first = (0..shape.elements()).map(|cell| (cell as f32 * 0.37).sin()).collect();
            Tensor { name: name.into(), shape, first }
        })
        .collect();
    let cells: usize = tensors.iter().map(|tensor| tensor.first.len()).sum();
    let gradients: Vec<Vec<f32>> =
        (1..=3).map(|step| (0..cells).map(|cell| (cell as f32 * 0.11 * step as f32).cos()).collect()).collect();
    for clip in ["clipnorm", "global_clipnorm", "clipvalue"] {
        for name in Optimizer::NAMES {
            let optimizer: Optimizer = read(&json!({"type": name, clip: 0.5, "use_ema": true}));
            let bits = |threads| -> Vec<u32> {
                let after = steps(&optimizer, &tensors, &gradients, threads);
                after.iter().flatten().map(|weight| weight.to_bits()).collect()
            };
            let one = bits(1);
            assert!(one == bits(2) && one == bits(3), "{name} with {clip}");
        }
    }
}

#[test]
fn learning_rates_equal_keras() {
    let cases = fixture().schedules;
    for case in &cases {
        let rate: LearningRate = read(&case.definition);
        rate.check().unwrap();
        for (&step, &expected) in case.steps.iter().zip(&case.rates) {
            let received: f64 = rate.at(step);
            // Keras counts in f32; where the rate falls to nothing, it keeps that precision beside the first rate.
            let bound = 2e-6 * expected.abs().max(0.1);
            assert!(
                (received - expected).abs() <= bound,
                "{} step {step}: {received:e} but Keras has {expected:e}",
                case.definition
            );
        }
    }
    let kinds: Vec<_> = cases.iter().map(|case| read::<Schedule>(&case.definition).kind()).collect();
    let missing: Vec<_> = Schedule::NAMES.iter().filter(|name| !kinds.contains(name)).collect();
    assert!(missing.is_empty(), "schedules without a case in optimizers.py: {missing:?}");
}
