//! Activations against the numbers of the real Keras, which `tests/fixtures/keras/activations.py` wrote.

use epoca::engine::{activation::Activation, field};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Fixture {
    activations: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    definition: Value,
    width: usize,
    x: Vec<f32>,
    y: Vec<f32>,
    upstream: Vec<f32>,
    gradient: Vec<f32>,
}

/// Within `relative` of the expected, or within that of `scale` where the expected is smaller.
fn assert_close(what: &str, received: &[f32], expected: &[f32], relative: f64, scale: f64) {
    assert_eq!(received.len(), expected.len(), "{what}");
    for (index, (&received, &expected)) in received.iter().zip(expected).enumerate() {
        let (received, expected) = (f64::from(received), f64::from(expected));
        let bound = relative * expected.abs().max(scale);
        assert!((received - expected).abs() <= bound, "{what}, cell {index}: {received:e} but Keras has {expected:e}");
    }
}

#[test]
fn activations_and_their_gradients_equal_keras() {
    let cases =
        serde_json::from_str::<Fixture>(include_str!("../fixtures/keras/activations.json")).unwrap().activations;
    let mut kinds = Vec::new();
    for case in &cases {
        let what = case.definition.to_string();
        let activation: Activation = field::parse(&case.definition).unwrap();
        activation.check().unwrap();
        kinds.push(activation.kind());
        let mut y = case.x.clone();
        activation.forward(&mut y, case.width);
        // Keras's elu rounds exp(x) beside 1, and gelu's 1 + erf(x) and 1 + tanh(x) are rounded beside 1 far below zero,
        // where x and the slope multiply what was lost. What is a difference to x keeps the rounding of x.
        let (scale, gradient_scale) = match activation.kind() {
            "gelu" => (0.3, 1.0),
            "log_softmax" | "sparsemax" | "tanh_shrink" => (1.0, 1.0),
            _ => (1e-2, 0.2),
        };
        assert_close(&what, &y, &case.y, 2e-6, scale);
        let mut gradient = case.upstream.clone();
        let x: &[f32] = if activation.needs_input() { &case.x } else { &[] };
        activation.backward(x, &y, &mut gradient, case.width);
        // A derivative such as 1 - y^2 has the rounding error of y, which is relative to 1; Keras's tanh reaches 1 early.
        assert_close(&format!("{what} gradient"), &gradient, &case.gradient, 5e-6, gradient_scale);
    }
    let missing: Vec<_> = Activation::NAMES.iter().filter(|name| !kinds.contains(name)).collect();
    assert!(missing.is_empty(), "activations without a case in activations.py: {missing:?}");
}
