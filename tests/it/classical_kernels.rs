//! The classical models that are not trees, against scikit-learn: tests/fixtures/classical/kernels.json, which
//! make_kernels.py writes.

use epoca::engine::classical::{
    ClassicalModel, Features, FitError, Fitted, Predictions, Run, Scores, Target, TrainingData,
};
use ndarray::Array2;
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::atomic::AtomicBool};

const TEST: usize = 12;

/// The generator of make_kernels.py.
struct Uniforms(u64);

impl Uniforms {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

struct Table {
    x: Array2<f64>,
    test: Array2<f64>,
    numbers: Vec<f64>,
    codes: Vec<u32>,
    n_classes: usize,
    weights: Vec<f64>,
}

/// The table of make_kernels.py.
fn table(name: &str) -> Table {
    let (rows, columns, seed) = match name {
        "binary" => (80, 4, 1),
        "three" => (90, 5, 2),
        "numbers" => (70, 4, 3),
        "wide" => (15, 22, 4),
        "collinear" => (40, 4, 5),
        "wide_binary" => (20, 30, 6),
        other => panic!("no table {other}"),
    };
    let mut draw = Uniforms(seed);
    let mut all = Array2::zeros((rows + TEST, columns));
    let (mut numbers, mut weights) = (Vec::new(), Vec::new());
    for i in 0..rows + TEST {
        for j in 0..columns {
            all[[i, j]] = (draw.next() + draw.next() + draw.next() - 1.5) * 2.0;
        }
        if name == "collinear" {
            all[[i, 3]] = 2.0 * all[[i, 0]] - all[[i, 1]];
        }
        let x = all.row(i);
        numbers.push(x[0] + 0.5 * x[1] - x[2] * x[3] + 0.6 * (draw.next() - 0.5));
        weights.push(if i % 11 == 0 { 0.0 } else { 0.25 * (1 + i % 7) as f64 });
    }
    numbers.truncate(rows);
    weights.truncate(rows);
    let (n_classes, limits): (usize, &[f64]) = match name {
        "binary" | "wide_binary" => (2, &[0.2]),
        "three" => (3, &[-0.5, 0.7]),
        _ => (0, &[]),
    };
    let codes = numbers.iter().map(|y| limits.iter().filter(|limit| y > limit).count() as u32).collect();
    let x = all.slice(ndarray::s![..rows, ..]).to_owned();
    Table { x, test: all.slice(ndarray::s![rows.., ..]).to_owned(), numbers, codes, n_classes, weights }
}

impl Table {
    fn target(&self) -> Target<'_> {
        match self.n_classes {
            0 => Target::Values(&self.numbers),
            n_classes => Target::Classes { codes: &self.codes, n_classes },
        }
    }
}

fn model(json: &Value) -> ClassicalModel {
    serde_json::from_value(json.clone()).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn fit(
    model: &ClassicalModel,
    x: &Array2<f64>,
    target: Target<'_>,
    weights: Option<&[f64]>,
) -> Result<Box<dyn Fitted>, FitError> {
    let data = TrainingData { features: Features::numbers(x), target, weights };
    let cancel = AtomicBool::new(false);
    model.fit(&data, &mut Run { seed: 0, cancel: &cancel, progress: &mut |_| (), validation: None })
}

fn predict(fitted: &dyn Fitted, x: &Array2<f64>) -> Predictions {
    fitted.predict(&Features::numbers(x), &AtomicBool::new(false)).unwrap()
}

/// Models and the largest differences that are allowed, by the tolerance of the solver.
fn allowed(model: &Value) -> f64 {
    let tight = model["tol"].as_f64().is_some_and(|tol| tol < 1e-6);
    match model["type"].as_str().unwrap() {
        "svm" if tight => 1e-5,
        "svm" => 1e-3,
        "gaussian_nb" => 1e-9,
        "k_neighbors" | "dummy" => 1e-9,
        _ if tight => 1e-6,
        "linear_regression" | "ridge" => 1e-6,
        _ => 2e-2,
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap()],
    }
}

fn compare(what: &str, received: &[f64], expected: &[f64], allowed: f64) -> Result<(), String> {
    if received.len() != expected.len() {
        return Err(format!("{what}: {} numbers, expected {}", received.len(), expected.len()));
    }
    for (at, (received, expected)) in received.iter().zip(expected).enumerate() {
        // `<=` is false for NaN.
        if !((received - expected).abs() <= allowed * expected.abs().max(1.0)) {
            return Err(format!("{what} {at}: {received}, expected {expected}"));
        }
    }
    Ok(())
}

/// Fits a case and compares it; answers how many numbers were compared.
fn check(case: &Value) -> Result<usize, String> {
    let table = table(case["data"].as_str().unwrap());
    let weights = case["weighted"].as_bool().unwrap().then_some(&table.weights[..]);
    let estimator = model(&case["model"]);
    let fitted = fit(&estimator, &table.x, table.target(), weights).map_err(|error| error.to_string())?;
    let predictions = predict(&*fitted, &table.test);
    let again = estimator.read(&fitted.arrays()).map_err(|error| error.to_string())?;
    if predict(&*again, &table.test) != predictions || again.summary() != fitted.summary() {
        return Err("the stored model predicts something else".into());
    }
    let (allowed, mut compared) = (allowed(&case["model"]), 0);
    for (name, expected) in case["expected"].as_object().unwrap() {
        let expected = numbers(expected);
        let scores: Vec<f64> = predictions.scores.iter().copied().collect();
        let received = match name.as_str() {
            "labels" => predictions.labels.iter().map(|&label| f64::from(label)).collect(),
            "values" => scores,
            "probabilities" => {
                assert_eq!(predictions.kind, Scores::Probabilities);
                scores
            }
            // scikit-learn has one score for two classes: that of the second.
            "decision" if table.n_classes == 2 => predictions.scores.column(1).to_vec(),
            "decision" => scores,
            "coef" => fitted.coefficients().ok_or("no coefficients")?.coefficients.iter().copied().collect(),
            "intercept" => fitted.coefficients().ok_or("no coefficients")?.intercepts,
            other => {
                let counts = &fitted.summary()[other];
                compare(name, &numbers(counts), &expected, 0.0)?;
                compared += 1;
                continue;
            }
        };
        compare(name, &received, &expected, allowed)?;
        compared += received.len();
    }
    Ok(compared)
}

fn fixture() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/classical/kernels.json");
    let fixture: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    fixture["cases"].as_array().unwrap().clone()
}

#[test]
fn models_agree_with_scikit_learn() {
    let (mut compared, mut wrong) = (BTreeMap::<String, usize>::new(), Vec::new());
    for case in fixture() {
        match check(&case) {
            Ok(count) => *compared.entry(case["model"]["type"].as_str().unwrap().into()).or_default() += count,
            Err(error) => {
                wrong.push(format!("{} on {} (weighted {}): {error}", case["model"], case["data"], case["weighted"]))
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared.values().all(|&count| count > 300), "{compared:?}");
}

/// Every setting of every model of this file has a case in which it is not the default.
#[test]
fn every_setting_has_a_case() {
    let mut cases = BTreeMap::<String, Vec<Value>>::new();
    for case in fixture() {
        let model = case["model"].clone();
        let combination = json!([model, case["data"], case["weighted"]]);
        let all = cases.entry(model["type"].as_str().unwrap().into()).or_default();
        if !all.contains(&combination) {
            all.push(combination);
        }
    }
    for name in MODELS {
        let cases = cases.get(name).map_or(&[][..], |cases| cases);
        assert!(cases.len() >= 30, "{name}: {} combinations", cases.len());
        let defaults = serde_json::to_value(model(&json!({ "type": name }))).unwrap();
        for setting in defaults.as_object().unwrap().keys().filter(|it| *it != "type") {
            let differs = |case: &&Value| case[0].get(setting).is_some_and(|value| *value != defaults[setting]);
            assert!(cases.iter().find(differs).is_some(), "{name}: no case for `{setting}`");
        }
    }
}

const MODELS: [&str; 10] = [
    "svm",
    "linear_svm",
    "k_neighbors",
    "gaussian_nb",
    "dummy",
    "linear_regression",
    "ridge",
    "lasso",
    "elastic_net",
    "logistic_regression",
];
