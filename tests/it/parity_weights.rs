//! Regularizers, constraints and initializers without random numbers, against the numbers of the
//! real Keras, which `tests/fixtures/keras/weights.py` wrote.

use super::parity_ops::{assert_close, assert_covered, read};
use epoca::engine::{constraint::Constraint, init::Initializer, regularizer::Regularizer, shape::Shape};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Fixture {
    regularizers: Vec<Penalized>,
    constraints: Vec<Constrained>,
    initializers: Vec<Filled>,
}

#[derive(Deserialize)]
struct Penalized {
    definition: Value,
    shape: Vec<usize>,
    weights: Vec<f32>,
    penalty: f32,
    gradient: Vec<f32>,
}

#[derive(Deserialize)]
struct Constrained {
    definition: Value,
    shape: Vec<usize>,
    weights: Vec<f32>,
    constrained: Vec<f32>,
}

#[derive(Deserialize)]
struct Filled {
    definition: Value,
    shape: Vec<usize>,
    values: Vec<f32>,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../fixtures/keras/weights.json")).unwrap()
}

#[test]
fn regularizers_equal_those_of_keras() {
    let cases = fixture().regularizers;
    for case in &cases {
        let (regularizer, shape): (Regularizer, _) = (read(&case.definition), Shape(case.shape.clone()));
        regularizer.check().and_then(|()| regularizer.check_shape(&shape)).unwrap();
        let what = format!("{} of {shape}", case.definition);
        let mut room = vec![0.0; regularizer.scratch_elements(&shape)];
        let penalty = regularizer.penalty(&case.weights, &shape, &mut room) as f32;
        assert_close(&what, &[penalty], &[case.penalty], 1e-5, 0.0);
        let mut gradient = vec![0.0; case.weights.len()];
        regularizer.add_gradient(&case.weights, &shape, &mut room, &mut gradient);
        assert_close(&format!("gradient of {what}"), &gradient, &case.gradient, 1e-5, 0.1);
    }
    let kinds = cases.iter().map(|case| read::<Regularizer>(&case.definition).kind());
    assert_covered("regularizers", Regularizer::NAMES, kinds);
}

#[test]
fn constraints_equal_those_of_keras() {
    let cases = fixture().constraints;
    for case in &cases {
        let (constraint, shape): (Constraint, _) = (read(&case.definition), Shape(case.shape.clone()));
        constraint.check().and_then(|()| constraint.check_shape(&shape)).unwrap();
        let mut weights = case.weights.clone();
        constraint.apply(&mut weights, &shape);
        assert_close(&format!("{} of {shape}", case.definition), &weights, &case.constrained, 1e-6, 0.1);
    }
    assert_covered(
        "constraints",
        Constraint::NAMES,
        cases.iter().map(|case| read::<Constraint>(&case.definition).kind()),
    );
}

#[test]
fn initializers_without_chance_equal_those_of_keras() {
    for case in &fixture().initializers {
        let (initializer, shape): (Initializer, _) = (read(&case.definition), Shape(case.shape.clone()));
        initializer.check().and_then(|()| initializer.check_shape(&shape)).unwrap();
        let mut values = vec![f32::NAN; shape.elements()];
        initializer.fill(&shape, &mut values, &mut ChaCha8Rng::seed_from_u64(1), &|| false);
        // Keras takes cosines of rounded angles.
        assert_close(&format!("{} of {shape}", case.definition), &values, &case.values, 2e-6, 1.0);
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let refused = |definition: Value, shape: &[usize]| {
        let initializer: Initializer = read(&definition);
        initializer.check_shape(&Shape(shape.to_vec())).unwrap_err().to_string()
    };
    let stft = serde_json::json!({"type": "stft"});
    for shape in [&[5, 4][..], &[5, 2, 4], &[5, 1, 1]] {
        assert!(refused(stft.clone(), shape).contains("expects a shape of"), "{shape:?}");
    }
    let numbers = serde_json::json!({"type": "stft", "window": [1.0, 2.0]});
    assert!(refused(numbers, &[5, 1, 4]).contains("expected 5 numbers, one per tap, received 2"));
    let penalty: Regularizer = read(&serde_json::json!("OrthogonalRegularizer"));
    for shape in [vec![3], vec![1, 3], vec![2, 2, 2]] {
        assert!(penalty.check_shape(&Shape(shape)).unwrap_err().detail.contains("two axes with at least 2 rows"));
    }
}
