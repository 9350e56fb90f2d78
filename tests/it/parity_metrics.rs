//! Metrics against the numbers of the real Keras and of scikit-learn, which `tests/fixtures/keras/leaves.py` and
//! `metrics.py` wrote.

use crate::parity_ops::{assert_covered, read};
use epoca::engine::metric::{Measure, Metric};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Fixture {
    metrics: Vec<MetricCase>,
}

#[derive(Deserialize)]
struct MetricCase {
    definition: Value,
    width: usize,
    targets: Vec<f32>,
    output: Vec<f32>,
    result: f64,
}

fn cases() -> Vec<MetricCase> {
    let texts = [include_str!("../fixtures/keras/leaves.json"), include_str!("../fixtures/keras/metrics.json")];
    texts.iter().flat_map(|text| serde_json::from_str::<Fixture>(text).unwrap().metrics).collect()
}

#[test]
fn metrics_summed_over_batches_equal_keras_and_scikit_learn() {
    let cases = cases();
    let mut wrong = Vec::new();
    for case in &cases {
        let metric: Metric = read(&case.definition);
        metric.check().unwrap_or_else(|error| panic!("{}: {error}", case.definition));
        let rows = case.output.len() / case.width;
        let target_width = case.targets.len() / rows;
        // Sums of disjoint rows are added, as those of lanes are.
        let mut sums = vec![0.0; metric.sums(case.width)];
        for (targets, output) in case.targets.chunks(7 * target_width).zip(case.output.chunks(7 * case.width)) {
            let mut part = vec![0.0; sums.len()];
            metric.update(targets, output, case.width, &mut part);
            sums.iter_mut().zip(&part).for_each(|(sum, part)| *sum += part);
        }
        let result = metric.result(&sums);
        let close = (result - case.result).abs() <= 1e-5 * case.result.abs();
        if !close {
            wrong.push(format!("{}: {result} but expected {}", case.definition, case.result));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_covered("metrics", Measure::NAMES, cases.iter().map(|case| read::<Metric>(&case.definition).measure.kind()));
}
