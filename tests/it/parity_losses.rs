//! Losses against the numbers of the real Keras, which `tests/fixtures/keras/leaves.py` and `losses.py` wrote.

use crate::parity_ops::{assert_close, assert_covered, read};
use epoca::engine::{activation::Activation, loss::Loss};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Fixture {
    losses: Vec<LossCase>,
}

#[derive(Deserialize)]
struct LossCase {
    definition: Value,
    logits: bool,
    width: usize,
    targets: Vec<f32>,
    output: Vec<f32>,
    weights: Option<Vec<f32>>,
    loss: f64,
    gradient: Vec<f32>,
}

fn cases() -> Vec<LossCase> {
    let texts = [include_str!("../fixtures/keras/leaves.json"), include_str!("../fixtures/keras/losses.json")];
    texts.iter().flat_map(|text| serde_json::from_str::<Fixture>(text).unwrap().losses).collect()
}

#[test]
fn losses_and_their_gradients_equal_keras() {
    let cases = cases();
    for case in &cases {
        let loss: Loss = read(&case.definition);
        loss.check().unwrap_or_else(|error| panic!("{}: {error}", case.definition));
        let what = format!("{}, logits {}, weights {}", case.definition, case.logits, case.weights.is_some());
        let mut gradient = vec![0.0f32; case.output.len()];
        let weights = case.weights.as_deref();
        let last = if loss.kind().starts_with("binary") { Activation::Sigmoid } else { Activation::Softmax };
        let fused = case.logits.then_some(last);
        let total = loss.evaluate(&case.targets, &case.output, case.width, fused, weights, 1.0, &mut gradient);
        assert!((total - case.loss).abs() <= 3e-6 * case.loss.abs(), "{what}: {total} but Keras has {}", case.loss);
        // From probabilities a gradient is the difference of numbers around 1, whose rounding error it keeps.
        assert_close(
            &format!("{what} gradient"),
            &gradient,
            &case.gradient,
            5e-6,
            if case.logits { 1e-2 } else { 0.2 },
        );
        let mut halved = vec![0.0f32; case.output.len()];
        loss.evaluate(&case.targets, &case.output, case.width, fused, weights, 0.5, &mut halved);
        let half: Vec<f32> = gradient.iter().map(|gradient| gradient * 0.5).collect();
        assert_close(&format!("{what} scaled gradient"), &halved, &half, 1e-6, 1e-6);
    }
    assert_covered("losses", Loss::NAMES, cases.iter().map(|case| read::<Loss>(&case.definition).kind()));
}
