//! Losses, metrics and initializers against the numbers of the real Keras, which
//! `tests/fixtures/keras/leaves.py` wrote.

use epoca::engine::{
    field,
    init::Initializer,
    loss::Loss,
    metric::{Measure, Metric},
    shape::Shape,
};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

#[derive(Deserialize)]
struct Fixture {
    losses: Vec<LossCase>,
    metrics: Vec<MetricCase>,
    initializers: Vec<InitializerCase>,
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

#[derive(Deserialize)]
struct MetricCase {
    definition: Value,
    width: usize,
    targets: Vec<f32>,
    output: Vec<f32>,
    result: f64,
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

fn read<T: DeserializeOwned>(definition: &Value) -> T {
    field::parse(definition).unwrap_or_else(|error| panic!("{definition}: {error}"))
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

/// Every name of a registry must have a case, so that a new member cannot go without.
fn assert_covered<'a>(family: &str, names: &[&str], kinds: impl Iterator<Item = &'a str>) {
    let kinds: Vec<&str> = kinds.collect();
    let missing: Vec<_> = names.iter().filter(|name| !kinds.contains(name)).collect();
    assert!(missing.is_empty(), "{family} without a case in leaves.py: {missing:?}");
}

#[test]
fn losses_and_their_gradients_equal_keras() {
    let cases = fixture().losses;
    for case in &cases {
        let loss: Loss = read(&case.definition);
        let what = format!("{}, logits {}, weights {}", case.definition, case.logits, case.weights.is_some());
        let mut gradient = vec![0.0f32; case.output.len()];
        let weights = case.weights.as_deref();
        let total = loss.evaluate(&case.targets, &case.output, case.width, case.logits, weights, 1.0, &mut gradient);
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
        loss.evaluate(&case.targets, &case.output, case.width, case.logits, weights, 0.5, &mut halved);
        let half: Vec<f32> = gradient.iter().map(|gradient| gradient * 0.5).collect();
        assert_close(&format!("{what} scaled gradient"), &halved, &half, 1e-6, 1e-6);
    }
    assert_covered("losses", Loss::NAMES, cases.iter().map(|case| read::<Loss>(&case.definition).kind()));
}

#[test]
fn metrics_summed_over_batches_equal_keras_and_scikit_learn() {
    let cases = fixture().metrics;
    for case in &cases {
        let metric: Metric = read(&case.definition);
        let rows = case.output.len() / case.width;
        let target_width = case.targets.len() / rows;
        // Sums of disjoint rows are added, as those of lanes are.
        let mut sums = vec![0.0; metric.cells(case.width)];
        for (targets, output) in case.targets.chunks(7 * target_width).zip(case.output.chunks(7 * case.width)) {
            let mut part = vec![0.0; sums.len()];
            metric.update(targets, output, case.width, &mut part);
            sums.iter_mut().zip(&part).for_each(|(sum, part)| *sum += part);
        }
        let result = metric.result(&sums);
        assert!(
            (result - case.result).abs() <= 1e-5 * case.result.abs(),
            "{}: {result} but expected {}",
            case.definition,
            case.result
        );
    }
    assert_covered("metrics", Measure::NAMES, cases.iter().map(|case| read::<Metric>(&case.definition).measure.kind()));
}

#[test]
fn initializers_draw_from_the_distributions_of_keras() {
    let cases = fixture().initializers;
    for (index, case) in cases.iter().enumerate() {
        let initializer: Initializer = read(&case.definition);
        let shape = Shape(case.shape.clone());
        initializer.check_shape(&shape).unwrap();
        let mut values = vec![0.0f64; shape.cells()];
        initializer.fill(&shape, &mut values, &mut ChaCha8Rng::seed_from_u64(index as u64));
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
            // The ends of an unbounded distribution vary from draw to draw; their density there is small.
            let tail = if (0.1..=0.9).contains(level) { 0.03 } else { 0.1 };
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
    assert_covered(
        "initializers",
        Initializer::NAMES,
        cases.iter().map(|case| read::<Initializer>(&case.definition).kind()),
    );
}
