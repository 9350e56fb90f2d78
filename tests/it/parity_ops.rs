//! Initializers against the numbers of the real Keras, which `tests/fixtures/keras/leaves.py` wrote.

use epoca::engine::{field, init::Initializer, shape::Shape};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

#[derive(Deserialize)]
struct Fixture {
    initializers: Vec<InitializerCase>,
}

#[derive(Deserialize)]
struct InitializerCase {
    definition: Value,
    shape: Vec<usize>,
    deviation: f64,
    levels: Vec<f64>,
    quantiles: Vec<f64>,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../fixtures/keras/leaves.json")).unwrap()
}

pub(crate) fn read<T: DeserializeOwned>(definition: &Value) -> T {
    field::parse(definition).unwrap_or_else(|error| panic!("{definition}: {error}"))
}

/// Within `relative` of the expected, or within that of `scale` where the expected is smaller.
pub(crate) fn assert_close(what: &str, received: &[f32], expected: &[f32], relative: f64, scale: f64) {
    assert_eq!(received.len(), expected.len(), "{what}");
    for (index, (&received, &expected)) in received.iter().zip(expected).enumerate() {
        let (received, expected) = (f64::from(received), f64::from(expected));
        let bound = relative * expected.abs().max(scale);
        assert!((received - expected).abs() <= bound, "{what}, cell {index}: {received:e} but Keras has {expected:e}");
    }
}

/// Every name of a registry must have a case, so that a new member cannot go without.
pub(crate) fn assert_covered<'a>(family: &str, names: &[&str], kinds: impl Iterator<Item = &'a str>) {
    let kinds: Vec<&str> = kinds.collect();
    let missing: Vec<_> = names.iter().filter(|name| !kinds.contains(name)).collect();
    assert!(missing.is_empty(), "{family} without a case in tests/fixtures/keras: {missing:?}");
}

#[test]
fn initializers_draw_from_the_distributions_of_keras() {
    let cases = fixture().initializers;
    for (index, case) in cases.iter().enumerate() {
        let initializer: Initializer = read(&case.definition);
        let shape = Shape(case.shape.clone());
        initializer.check_shape(&shape).unwrap();
        let mut values = vec![0.0f64; shape.elements()];
        initializer.fill(&shape, &mut values, &mut ChaCha8Rng::seed_from_u64(index as u64), &|| false);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt();
        let what = format!("{} of {shape}", case.definition);
        assert!(
            (deviation - case.deviation).abs() <= 0.02 * case.deviation,
            "{what}: {deviation} but {}",
            case.deviation
        );
        values.sort_by(f64::total_cmp);
        for (level, expected) in case.levels.iter().zip(&case.quantiles) {
            let quantile = values[(level * (values.len() - 1) as f64).round() as usize];
            // Both are draws of some 30000 numbers: four standard errors of their difference, which grow towards the ends,
            // where the density is small.
            let tail = if (0.1..=0.9).contains(level) { 0.05 } else { 0.15 };
            let unbounded = ["random_normal", "untruncated_normal", "orthogonal"];
            let text = case.definition.to_string();
            if (*level == 0.0 || *level == 1.0) && unbounded.iter().any(|name| text.contains(name)) {
                continue;
            }
            assert!(
                (quantile - expected).abs() <= tail * case.deviation,
                "{what} at {level}: {quantile} but {expected}"
            );
        }
    }
    // Keras has the one within its LSTM alone; the other is not drawn, and among the `weights`.
    let apart = ["unit_forget_bias", "stft"];
    let names: Vec<&str> = Initializer::NAMES.iter().copied().filter(|name| !apart.contains(name)).collect();
    assert_covered("initializers", &names, cases.iter().map(|case| read::<Initializer>(&case.definition).kind()));
}
