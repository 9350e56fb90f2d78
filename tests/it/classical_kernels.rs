//! The classical models that are not trees, against scikit-learn: tests/fixtures/classical/kernels.json, which
//! make_kernels.py writes.

use epoca::engine::classical::{
    ClassicalModel, Features, FitError, Fitted, Predictions, Run, Scores, Size, Target, Task, TrainingData,
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

pub struct Table {
    pub x: Array2<f64>,
    pub test: Array2<f64>,
    pub numbers: Vec<f64>,
    pub codes: Vec<u32>,
    pub n_classes: usize,
    pub weights: Vec<f64>,
}

/// The table of make_kernels.py.
pub fn table(name: &str) -> Table {
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
    pub fn target(&self) -> Target<'_> {
        match self.n_classes {
            0 => Target::Values(&self.numbers),
            n_classes => Target::Classes { codes: &self.codes, n_classes },
        }
    }
}

pub fn model(json: &Value) -> ClassicalModel {
    serde_json::from_value(json.clone()).unwrap_or_else(|error| panic!("{json}: {error}"))
}

pub fn fit(
    model: &ClassicalModel,
    x: &Array2<f64>,
    target: Target<'_>,
    weights: Option<&[f64]>,
) -> Result<Box<dyn Fitted>, FitError> {
    let data = TrainingData { features: Features::numbers(x), target, weights, class_weights: None };
    let cancel = AtomicBool::new(false);
    model.fit(
        &data,
        &mut Run { seed: 0, cancel: &cancel, finish: &AtomicBool::new(false), progress: &mut |_| (), validation: None },
    )
}

pub fn predict(fitted: &dyn Fitted, x: &Array2<f64>) -> Predictions {
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
        let error = (received - expected).abs();
        if error.is_nan() || error > allowed * expected.abs().max(1.0) {
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

pub const MODELS: [&str; 10] = [
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

/// A class of one row, a class without rows, a constant and a repeated column: every model has an answer of finite numbers.
#[test]
fn odd_tables_are_fitted() {
    let rows = 30;
    let mut draw = Uniforms(9);
    let mut x = Array2::from_shape_fn((rows, 4), |_| draw.next());
    for row in 0..rows {
        x[[row, 1]] = 3.0;
        x[[row, 2]] = x[[row, 0]];
    }
    // Class 1 of 4 has no rows, class 3 has one.
    let codes: Vec<u32> = (0..rows).map(|row| if row == 4 { 3 } else { row as u32 % 2 * 2 }).collect();
    let values: Vec<f64> = (0..rows).map(|row| x[[row, 0]] * 2.0 + row as f64 * 0.1).collect();
    let mut fitted_models = 0;
    for kind in MODELS {
        let model = model(&json!({ "type": kind }));
        for target in [Target::Classes { codes: &codes, n_classes: 4 }, Target::Values(&values)] {
            let classifies = matches!(target, Target::Classes { .. });
            if (classifies && !model.traits().classifies) || (!classifies && !model.traits().regresses) {
                continue;
            }
            // A constant column has no variance in a class; the smoothing is what is left.
            let fitted = fit(&model, &x, target, None).unwrap_or_else(|error| panic!("{kind}: {error}"));
            let predictions = predict(&*fitted, &x);
            assert!(predictions.scores.iter().all(|score| score.is_finite()), "{kind}: {}", predictions.scores);
            assert!(predictions.labels.iter().all(|label| *label != 1), "{kind}: {:?}", predictions.labels);
            assert_eq!(predictions.scores.dim(), (rows, if classifies { 4 } else { 1 }), "{kind}");
            fitted_models += 1;
        }
    }
    assert_eq!(fitted_models, 14);
}

/// A table that is large enough for every model to divide it.
pub fn large(rows: usize, columns: usize) -> (Array2<f64>, Vec<u32>, Vec<f64>) {
    let mut draw = Uniforms(11);
    let x = Array2::from_shape_fn((rows, columns), |_| draw.next() + draw.next() - 1.0);
    let values: Vec<f64> = x.rows().into_iter().map(|row| row[0] - row[1] * row[2] + 0.3 * draw.next()).collect();
    let codes = values.iter().map(|value| u32::from(*value > 0.0) + u32::from(*value > 0.5)).collect();
    (x, codes, values)
}

#[test]
fn any_number_of_threads_has_the_same_bits() {
    let (x, codes, values) = large(1500, 17);
    let mut compared = 0;
    for kind in MODELS {
        let model = model(&json!({ "type": kind }));
        let target = match model.traits().classifies {
            true => Target::Classes { codes: &codes, n_classes: 3 },
            false => Target::Values(&values),
        };
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let fitted = fit(&model, &x, target, None).unwrap();
                (fitted.arrays(), predict(&*fitted, &x))
            })
        };
        let (alone, together) = (on(1), on(3));
        assert!(alone == together, "{kind}");
        compared += 1;
    }
    assert_eq!(compared, MODELS.len());
}

/// Neighbours by products of matrices, and by trees, are those of a search through all rows.
#[test]
fn neighbours_are_the_nearest_rows() {
    let (mut x, _, _) = large(2100, 5);
    // Repeated rows are at the same distance: the first is the nearer.
    for row in 1000..1050 {
        let copy = x.row(row - 900).to_owned();
        x.row_mut(row).assign(&copy);
    }
    let numbers: Vec<f64> = (0..2100).map(|row| (row * row % 977) as f64).collect();
    let queries = x.slice(ndarray::s![90..170, ..]).to_owned();
    for shift in [0.0, 1e6] {
        let (x, queries) = (&x + shift, &queries + shift);
        let expected: Vec<f64> = queries
            .rows()
            .into_iter()
            .map(|query| {
                let mut all: Vec<(f64, usize)> = x
                    .rows()
                    .into_iter()
                    .enumerate()
                    .map(|(at, row)| (row.iter().zip(query).fold(0.0, |sum, (a, b)| sum + (b - a) * (b - a)), at))
                    .collect();
                all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                all[..7].iter().map(|(_, at)| numbers[*at]).sum::<f64>() / 7.0
            })
            .collect();
        for algorithm in ["brute", "kd_tree", "ball_tree"] {
            let model = model(&json!({"type": "k_neighbors", "n_neighbors": 7, "algorithm": algorithm}));
            let fitted = fit(&model, &x, Target::Values(&numbers), None).unwrap();
            let received = predict(&*fitted, &queries).scores;
            compare(algorithm, received.as_slice().unwrap(), &expected, 1e-12).unwrap();
        }
    }
}

/// Above 640 parameters the solver never has the matrix of second derivatives.
#[test]
fn many_parameters_reach_the_same_kind_of_minimum() {
    let (x, codes, _) = large(300, 220);
    let tight = json!({"type": "logistic_regression", "tol": 1e-9});
    let fitted = fit(&model(&tight), &x, Target::Classes { codes: &codes, n_classes: 3 }, None).unwrap();
    assert_eq!(fitted.summary()["converged"], true);
    let predictions = predict(&*fitted, &x);
    let coefficients = fitted.coefficients().unwrap();
    // The gradient: Σ x (p - y) + w / C for the coefficients, Σ (p - y) for the intercepts.
    for class in 0..3 {
        let residuals: Vec<f64> = (0..300)
            .map(|row| predictions.scores[[row, class]] - f64::from(u8::from(codes[row] == class as u32)))
            .collect();
        assert!(residuals.iter().sum::<f64>().abs() < 1e-6);
        for column in 0..220 {
            let along: f64 = x.column(column).iter().zip(&residuals).map(|(x, residual)| x * residual).sum();
            assert!(
                (along + coefficients.coefficients[[class, column]]).abs() < 1e-6,
                "class {class}, column {column}"
            );
        }
    }
}

#[test]
fn a_fit_and_a_prediction_end_when_they_are_cancelled() {
    let (x, codes, values) = large(400, 6);
    let cancel = AtomicBool::new(true);
    for kind in MODELS.into_iter().filter(|kind| *kind != "dummy") {
        let model = model(&json!({ "type": kind }));
        let target = match model.traits().classifies {
            true => Target::Classes { codes: &codes, n_classes: 3 },
            false => Target::Values(&values),
        };
        let data = TrainingData { features: Features::numbers(&x), target, weights: None, class_weights: None };
        let ended = model.fit(
            &data,
            &mut Run {
                seed: 0,
                cancel: &cancel,
                finish: &AtomicBool::new(false),
                progress: &mut |_| (),
                validation: None,
            },
        );
        assert_eq!(ended.err(), Some(FitError::Cancelled), "{kind}");
        let fitted = fit(&model, &x, target, None).unwrap();
        assert_eq!(fitted.predict(&Features::numbers(&x), &cancel).err(), Some(FitError::Cancelled), "{kind}");
    }
}

/// Every array with another length, type or number, and every field left out, is an error, not a panic.
#[test]
fn corrupt_state_is_an_error() {
    let (x, codes, values) = large(60, 4);
    let mut damaged = 0;
    for kind in MODELS {
        let model = model(&json!({ "type": kind }));
        let target = match model.traits().classifies {
            true => Target::Classes { codes: &codes, n_classes: 3 },
            false => Target::Values(&values),
        };
        let good = fit(&model, &x, target, None).unwrap().arrays();
        assert!(model.read(&good).is_ok());
        for name in good.tensors.keys() {
            let mut missing = good.clone();
            missing.tensors.remove(name);
            assert!(model.read(&missing).is_err(), "{kind} without {name}");
            let mut other = good.clone();
            other.insert_list::<f32>(name, vec![1.0; 3]);
            assert!(model.read(&other).is_err(), "{kind} with another {name}");
            if let Ok(list) = good.list::<f64>(name, None) {
                let mut bad = good.clone();
                bad.insert_list::<f64>(name, list.iter().map(|_| f64::NAN).collect());
                assert!(model.read(&bad).is_err(), "{kind} with NaN in {name}");
            }
            damaged += 1;
        }
        for field in good.metadata.keys() {
            for value in [None, Some(json!("x")), Some(json!([9, 9, 9, 9]))] {
                let mut other = good.clone();
                match value {
                    None => other.metadata.shift_remove(field),
                    Some(value) => other.metadata.insert(field.clone(), value),
                };
                if let Ok(fitted) = model.read(&other) {
                    // What is read must predict.
                    let _ = fitted.predict(&Features::numbers(&x), &AtomicBool::new(false));
                }
            }
        }
    }
    assert!(damaged > 15, "{damaged}");
}

/// A kernel cache and matrices are in the memory that is told before a fit.
#[test]
fn memory_is_known_before() {
    let size =
        |rows, columns| Size { rows, columns, task: Task::Classification { n_classes: 2 }, threads: 2, impurity: 0.5 };
    let svm = model(&json!({"type": "svm", "cache_size": 1000.0}));
    let (small, large) = (svm.memory_bytes(size(1000, 10)), svm.memory_bytes(size(100_000, 10)));
    // All of the kernel matrix of 1000 rows fits; of 100,000 rows the cache.
    assert!((4_000_000..7_000_000).contains(&small), "{small}");
    assert!((1000 << 20..1200 << 20).contains(&large), "{large}");
    for kind in MODELS {
        let model = model(&json!({ "type": kind }));
        assert!(model.memory_bytes(size(2000, 40)) >= model.memory_bytes(size(1000, 20)), "{kind}");
    }
}

#[test]
fn a_regressor_without_support_vectors_predicts_a_constant() {
    let (x, _, values) = large(40, 3);
    let fitted = fit(&model(&json!({"type": "svm", "epsilon": 100.0})), &x, Target::Values(&values), None).unwrap();
    assert_eq!(fitted.summary()["support_vectors"], 0);
    let scores = predict(&*fitted, &x).scores;
    assert!(scores.iter().all(|score| *score == scores[[0, 0]] && score.is_finite()), "{scores}");
    assert!(model(&json!({"type": "svm"})).read(&fitted.arrays()).is_ok());
}
