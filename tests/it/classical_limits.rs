//! Odd rows for the tree models: what they learn from them, and how soon a fit ends.

use crate::support::classical_rows::{model, rows};
use epoca::engine::classical::{Column, Features, FitError, Fitted, Run, Size, Target, Task, TrainingData};
use ndarray::{Array1, Array2};
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

const MODELS: [&str; 4] = ["decision_tree", "random_forest", "extra_trees", "gradient_boosting"];

fn fit(kind: &str, settings: &Value, data: &TrainingData<'_>) -> Result<Box<dyn Fitted>, FitError> {
    let cancel = AtomicBool::new(false);
    let mut run =
        Run { seed: 1, cancel: &cancel, finish: &AtomicBool::new(false), progress: &mut |_| {}, validation: None };
    model(kind, settings).fit(data, &mut run)
}

fn predict(fitted: &dyn Fitted, features: &Features<'_>) -> Array2<f64> {
    fitted.predict(features, &AtomicBool::new(false)).unwrap().scores
}

#[test]
fn constant_and_missing_columns_predict_the_mean() {
    let mut features = Array2::from_elem((40, 3), 2.5);
    features.column_mut(1).fill(f64::NAN);
    let values: Vec<f64> = (0..40).map(f64::from).collect();
    for kind in MODELS {
        let data = TrainingData {
            features: Features::numbers(&features),
            target: Target::Values(&values),
            weights: None,
            class_weights: None,
        };
        let settings = if kind.ends_with("forest") { json!({"bootstrap": false}) } else { json!({}) };
        let fitted = fit(kind, &settings, &data).unwrap();
        assert!(predict(&*fitted, &data.features).iter().all(|value| (value - 19.5).abs() < 1e-9), "{kind}");
        assert_eq!(fitted.importances().unwrap(), [0.0; 3], "{kind}");
    }
}

#[test]
fn one_row_and_one_class_are_learned_or_refused() {
    let features = Array2::from_elem((1, 2), 1.0);
    for kind in MODELS {
        let data = TrainingData {
            features: Features::numbers(&features),
            target: Target::Values(&[3.0]),
            weights: None,
            class_weights: None,
        };
        let fitted = fit(kind, &json!({}), &data).unwrap();
        assert_eq!(predict(&*fitted, &data.features)[[0, 0]], 3.0, "{kind}");
        let target = Target::Classes { codes: &[0], n_classes: 1 };
        let data = TrainingData { features: Features::numbers(&features), target, weights: None, class_weights: None };
        match fit(kind, &json!({}), &data) {
            Ok(fitted) => assert_eq!(predict(&*fitted, &data.features)[[0, 0]], 1.0, "{kind}"),
            Err(error) => assert!(error.to_string().contains("at least 2 classes"), "{kind}: {error}"),
        }
        // A class without rows has the probability 0.
        let target = Target::Classes { codes: &[2], n_classes: 4 };
        let data = TrainingData { features: Features::numbers(&features), target, weights: None, class_weights: None };
        let scores = predict(&*fit(kind, &json!({}), &data).unwrap(), &data.features);
        assert!(scores[[0, 2]] > 0.999 && scores[[0, 1]] < 1e-3, "{kind}: {scores}");
    }
}

#[test]
fn unseen_categories_are_missing_and_too_many_are_refused() {
    let cells = Array1::from_shape_fn(400, |row| (row % 3) as f64);
    let values: Vec<f64> = cells.iter().map(|code| code * 10.0).collect();
    let column = |values| Column { values, levels: Some(5) };
    let features = Features::new(400, vec![column(cells.view())]).unwrap();
    let data = TrainingData { features, target: Target::Values(&values), weights: None, class_weights: None };
    let fitted = fit("gradient_boosting", &json!({"max_iter": 200}), &data).unwrap();
    let unseen = Array1::from_vec(vec![4.0, f64::NAN, 99.0, 2.0]);
    let features = Features::new(4, vec![column(unseen.view())]).unwrap();
    let predicted = predict(&*fitted, &features);
    assert_eq!(predicted[[0, 0]], predicted[[1, 0]]);
    assert_eq!(predicted[[0, 0]], predicted[[2, 0]]);
    assert!((predicted[[3, 0]] - 20.0).abs() < 1e-3);
    let cells = Array1::from_shape_fn(100_000, |row| row as f64);
    let values = vec![1.0; 100_000];
    let features = Features::new(100_000, vec![Column { values: cells.view(), levels: Some(100_000) }]).unwrap();
    let data = TrainingData { features, target: Target::Values(&values), weights: None, class_weights: None };
    let error = fit("gradient_boosting", &json!({}), &data).err().unwrap().to_string();
    assert!(error.contains("100000") && error.contains("255"), "{error}");
}

#[test]
fn a_chain_of_rows_grows_a_deep_tree_within_the_memory_that_was_said() {
    let rows = 100_000;
    let features = Array2::from_shape_fn((rows, 1), |(row, _)| row as f64);
    // Every split cuts off the largest row, so that the tree is as deep as it may be.
    let values: Vec<f64> = (0..rows).map(|row| if row < 600 { 4f64.powi(row as i32 % 500) } else { 0.0 }).collect();
    let data = TrainingData {
        features: Features::numbers(&features),
        target: Target::Values(&values),
        weights: None,
        class_weights: None,
    };
    let fitted = fit("decision_tree", &json!({}), &data).unwrap();
    assert!(fitted.summary()["max_depth"].as_u64().unwrap() > 100, "{}", fitted.summary());
    let size = Size { rows, columns: 1, task: Task::Regression, threads: 2, impurity: 1.0 };
    assert!(model("decision_tree", &json!({})).memory_bytes(size) < 64 << 20);
    let forest = model("random_forest", &json!({"n_estimators": 1_000_000}));
    assert!(forest.memory_bytes(size) > 1 << 40);
}

#[test]
fn a_long_fit_ends_soon_after_it_is_cancelled() {
    let rows = rows("two", 150_000);
    for (kind, settings) in [
        ("decision_tree", json!({})),
        ("decision_tree", json!({"criterion": "entropy", "class_weight": "balanced"})),
        ("random_forest", json!({})),
        ("extra_trees", json!({})),
        ("gradient_boosting", json!({"max_iter": 100_000})),
    ] {
        let cancel = AtomicBool::new(false);
        let mut run =
            Run { seed: 1, cancel: &cancel, finish: &AtomicBool::new(false), progress: &mut |_| {}, validation: None };
        let ended = std::thread::scope(|scope| {
            let watch = scope.spawn(|| {
                // Every fit takes longer.
                std::thread::sleep(Duration::from_millis(10));
                cancel.store(true, Ordering::Relaxed);
                Instant::now()
            });
            let result = model(kind, &settings).fit(&rows.data(false), &mut run);
            let ended = Instant::now();
            (result.err(), ended.saturating_duration_since(watch.join().unwrap()))
        });
        assert_eq!(ended.0, Some(FitError::Cancelled), "{kind}");
        // The promise is 100 ms of an optimized program on an idle machine.
        assert!(ended.1 < Duration::from_secs(2), "{kind}: {:?}", ended.1);
    }
}
