//! Gradient boosting against scikit-learn's, which `tests/fixtures/classical/make_boosting.py` fitted.

use crate::support::classical_rows::{fit, model, predictions, rows, weighted_sum};
use epoca::engine::classical::{Arrays, FitError, Run, Tensor};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
};

const KIND: &str = "gradient_boosting";

fn cases() -> Vec<Value> {
    let fixture: Value = serde_json::from_str(include_str!("../fixtures/classical/boosting.json")).unwrap();
    fixture[KIND].as_array().unwrap().clone()
}

fn assert_close(what: &str, received: f64, expected: &Value) {
    let expected = expected.as_f64().unwrap();
    let close = (received - expected).abs() <= 1e-6 * expected.abs().max(1.0);
    assert!(close, "{what}: {received} but scikit-learn has {expected}");
}

#[test]
fn predictions_equal_those_of_scikit_learn() {
    let cases = cases();
    assert!(cases.len() >= 70, "only {} cases", cases.len());
    let mut kinds = BTreeSet::new();
    for case in &cases {
        let name =
            format!("{} rows of {} with {}, weights {}", case["n"], case["rows"], case["settings"], case["weights"]);
        let kind = case["rows"].as_str().unwrap();
        kinds.insert((kind, case["n"].as_u64()));
        let rows_of = |count: &Value| rows(kind, count.as_u64().unwrap() as usize);
        let training = rows_of(&case["n"]);
        let validation = (!case["validation"].is_null()).then(|| rows_of(&case["validation"]));
        let model = model(KIND, &case["settings"]);
        let fitted = fit(&model, &training, case["weights"] == true, validation.as_ref());
        let again = model.read(&fitted.arrays()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(again.arrays(), fitted.arrays(), "{name}");
        let summary = again.summary();
        assert_eq!(summary["n_iter"], case["n_iter"], "{name}: rounds");
        for (index, nodes) in case["nodes"].as_array().unwrap().iter().enumerate() {
            assert_eq!(again.tree(index).unwrap().nodes.len() as u64, *nodes, "{name}: nodes of tree {index}");
        }
        let predicted = predictions(&*again, &training);
        let shown = case["shown"].as_array().unwrap();
        assert!(!shown.is_empty());
        for (at, (received, expected)) in predicted.iter().zip(shown).enumerate() {
            assert_close(&format!("{name}: prediction {at}"), *received, expected);
        }
        assert_close(&format!("{name}: predictions"), weighted_sum(predicted), &case["predictions"]);
        for score in ["train_score", "validation_score"] {
            let received = summary[score].as_array().unwrap();
            let expected = case[score].as_array().unwrap();
            for (received, expected) in received.iter().rev().zip(expected.iter().rev()) {
                assert_close(&format!("{name}: {score}"), received.as_f64().unwrap(), expected);
            }
            if !expected.is_empty() {
                assert!(received.len() >= 2, "{name}: {score}");
            }
        }
    }
    assert!(kinds.len() >= 10, "only {} data sets", kinds.len());
}

#[test]
fn every_option_has_a_fixture() {
    let default = serde_json::to_value(model(KIND, &json!({}))).unwrap();
    let options: BTreeSet<String> = default.as_object().unwrap().keys().cloned().collect();
    let mut covered = BTreeSet::from(["type".to_owned()]);
    let mut combinations = BTreeSet::new();
    for case in cases() {
        let settings = case["settings"].as_object().unwrap();
        covered.extend(settings.keys().cloned());
        combinations.insert(case["settings"].to_string());
    }
    assert_eq!(options, covered, "options, and those of the fixtures");
    assert!(combinations.len() >= 30, "only {} combinations", combinations.len());
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let mut compared = 0;
    for (kind, n) in [("two_missing", 140_000), ("many_category", 3_000)] {
        let rows = rows(kind, n);
        let model = model(KIND, &json!({"max_iter": 3}));
        let fitted = [1, 2, 4].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| fit(&model, &rows, true, None).arrays())
        });
        assert_eq!(fitted[0], fitted[1]);
        assert_eq!(fitted[0], fitted[2]);
        compared += 1;
    }
    assert_eq!(compared, 2);
}

#[test]
fn a_fit_reports_every_round_and_ends_when_it_is_cancelled() {
    let cancel = AtomicBool::new(false);
    let mut rounds = Vec::new();
    let mut progress = |progress: epoca::engine::classical::Progress| {
        rounds.push((progress.done, progress.validation.is_some()));
        cancel.store(progress.done == 3, Ordering::Relaxed);
    };
    let (training, validation) = (rows("two", 400), rows("two", 100));
    let validation = Some(validation.data(false));
    let mut run =
        Run { seed: 0, cancel: &cancel, finish: &AtomicBool::new(false), progress: &mut progress, validation };
    let result = model(KIND, &json!({})).fit(&training.data(false), &mut run);
    assert_eq!(result.err(), Some(FitError::Cancelled));
    assert_eq!(rounds, [(1, true), (2, true), (3, true)]);
}

#[test]
fn corrupt_arrays_are_errors() {
    let model = model(KIND, &json!({"max_iter": 2}));
    let arrays = fit(&model, &rows("two_category", 300), false, None).arrays();
    let mut corrupt: Vec<(&str, Arrays)> = Vec::new();
    for name in arrays.tensors.keys() {
        let mut changed = arrays.clone();
        changed.tensors.remove(name);
        corrupt.push((name, changed));
        let mut changed = arrays.clone();
        changed.tensors.insert(name.clone(), Tensor::F32(ndarray::arr1(&[0.0]).into_dyn()));
        corrupt.push((name, changed));
    }
    for (name, at, value) in [
        ("children_left", 0, 0),
        ("children_left", 1, 0),
        ("children_right", 0, 1),
        ("children_right", 0, 99_999),
        ("feature", 0, 6),
        ("category", 0, 100),
        ("category", 0, -2),
        ("codes", 0, -1),
        ("codes", 1, 0),
    ] {
        let mut changed = arrays.clone();
        let Some(Tensor::I32(array)) = changed.tensors.get_mut(name) else { panic!("{name}") };
        array[[at]] = value;
        corrupt.push((name, changed));
    }
    for name in ["node_count", "category_count", "code_count"] {
        let mut changed = arrays.clone();
        let Some(Tensor::I64(array)) = changed.tensors.get_mut(name) else { panic!("{name}") };
        array[[1]] = i64::MAX;
        corrupt.push((name, changed));
    }
    for (name, value) in [("task", json!("regression")), ("loss", json!("gamma")), ("n_features_in", json!(0))] {
        let mut changed = arrays.clone();
        changed.metadata.insert(name.to_owned(), value);
        corrupt.push((name, changed));
    }
    for (name, corrupt) in &corrupt {
        assert!(model.read(corrupt).is_err(), "`{name}` was read");
    }
    assert_eq!(corrupt.len(), 2 * arrays.tensors.len() + 15);
    assert_eq!(model.read(&arrays).unwrap().trees(), 2);
}

#[test]
fn options_and_data_that_cannot_be_used_are_named() {
    let settings = json!([
        ["two", {"learning_rate": 0}, "/learning_rate"],
        ["two", {"max_iter": 0}, "/max_iter"],
        ["two", {"max_leaf_nodes": 1}, "/max_leaf_nodes"],
        ["two", {"max_depth": 0}, "/max_depth"],
        ["two", {"min_samples_leaf": 0}, "/min_samples_leaf"],
        ["two", {"l2_regularization": -1}, "/l2_regularization"],
        ["two", {"max_features": 1.5}, "/max_features"],
        ["two", {"max_bins": 256}, "/max_bins"],
        ["two", {"max_bins": 1}, "/max_bins"],
        ["two", {"validation_fraction": 1.0}, "/validation_fraction"],
        ["two", {"n_iter_no_change": 0}, "/n_iter_no_change"],
        ["two", {"tol": -1}, "/tol"],
        ["two", {"loss": "gamma"}, "/loss"],
        ["value", {"loss": "log_loss"}, "/loss"],
        ["value", {"loss": "quantile"}, "/quantile"],
        ["value", {"loss": "quantile", "quantile": 1}, "/quantile"],
        ["value", {"quantile": 0.5}, "/quantile"],
        ["value", {"class_weight": "balanced"}, "/class_weight"],
        ["value", {"monotonic_cst": [1]}, "/monotonic_cst"],
        ["many", {"monotonic_cst": [1, 0, 0, 0, 0, 0]}, "/monotonic_cst"],
        ["value_category", {"monotonic_cst": [0, 1, 0, 0, 0, 0]}, "/monotonic_cst/1"],
        ["value", {"interaction_cst": [[0], [1, 6]]}, "/interaction_cst/1/1"],
        ["value_category", {"max_bins": 8}, "/max_bins"]
    ]);
    for case in settings.as_array().unwrap() {
        let rows = rows(case[0].as_str().unwrap(), 200);
        let cancel = AtomicBool::new(false);
        let mut run =
            Run { seed: 0, cancel: &cancel, finish: &AtomicBool::new(false), progress: &mut |_| {}, validation: None };
        match model(KIND, &case[1]).fit(&rows.data(false), &mut run).err() {
            Some(FitError::Setting(error)) => assert_eq!(error.pointer, case[2], "{case}"),
            other => panic!("{case}: {other:?}"),
        }
    }
    let data = json!([
        ["value", {"loss": "gamma"}],
        ["value", {"loss": "poisson"}],
        ["two", {"early_stopping": true, "validation_fraction": 200}],
        ["many", {"early_stopping": true, "validation_fraction": 2}]
    ]);
    for case in data.as_array().unwrap() {
        let rows = rows(case[0].as_str().unwrap(), 200);
        let cancel = AtomicBool::new(false);
        let mut run =
            Run { seed: 0, cancel: &cancel, finish: &AtomicBool::new(false), progress: &mut |_| {}, validation: None };
        let result = model(KIND, &case[1]).fit(&rows.data(false), &mut run);
        assert!(matches!(result.err(), Some(FitError::Data(_))), "{case}");
    }
    for unknown in [json!({"warm_start": true}), json!({"verbose": 1}), json!({"scoring": "accuracy"})] {
        let mut settings = unknown.clone();
        settings["type"] = json!(KIND);
        assert!(serde_json::from_value::<epoca::engine::classical::ClassicalModel>(settings).is_err(), "{unknown}");
    }
}
