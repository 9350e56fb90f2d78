//! Trees and forests against those of scikit-learn, which `tests/fixtures/classical/make_trees.py` grew.

use crate::support::classical_rows::{assert_number, fit, model, predictions, rows, weighted_sum};
use epoca::engine::classical::{Arrays, ClassicalModel, FitError, Run, Tensor, TreeView};
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
};

const MODELS: [&str; 3] = ["decision_tree", "random_forest", "extra_trees"];

fn fixture() -> Value {
    serde_json::from_str(include_str!("../fixtures/classical/trees.json")).unwrap()
}

#[test]
fn trees_equal_those_of_scikit_learn_node_for_node() {
    let fixture = fixture();
    for (kind, least) in MODELS.into_iter().zip([60, 50, 38]) {
        let cases = fixture[kind].as_array().unwrap();
        assert!(cases.len() >= least, "only {} cases of {kind}", cases.len());
        for case in cases {
            let name = format!("{kind} of {} with {}, weights {}", case["rows"], case["settings"], case["weights"]);
            let rows = rows(case["rows"].as_str().unwrap(), case["n"].as_u64().unwrap() as usize);
            let model = model(kind, &case["settings"]);
            let fitted = fit(&model, &rows, case["weights"] == true, None);
            let again = model.read(&fitted.arrays()).unwrap();
            for (index, count) in case["nodes"].as_array().unwrap().iter().enumerate() {
                let tree = again.tree(index).unwrap();
                assert_eq!(tree.nodes.len() as u64, *count, "{name}, tree {index}: number of nodes");
                if let Some(expected) = case["trees"].get(index) {
                    assert_tree(&format!("{name}, tree {index}"), &tree, expected);
                }
            }
            assert_eq!(again.trees(), case["nodes"].as_array().unwrap().len(), "{name}");
            let predicted = predictions(&*again, &rows);
            assert_number(&format!("{name}: predictions"), weighted_sum(predicted), &case["predictions"]);
            let importances = again.importances().unwrap();
            for (column, importance) in importances.into_iter().enumerate() {
                assert_number(&format!("{name}: importance {column}"), importance, &case["importances"][column]);
            }
            if let Some(score) = case.get("oob_score") {
                assert_number(&name, again.summary()["oob_score"].as_f64().unwrap(), score);
            }
        }
    }
}

fn assert_tree(name: &str, tree: &TreeView, expected: &Value) {
    let splits = || tree.nodes.iter().map(|node| node.split.as_ref());
    let features: Vec<i64> = splits().map(|split| split.map_or(-2, |split| split.feature as i64)).collect();
    assert_eq!(json!(features), expected["feature"], "{name}: features");
    let samples: Vec<usize> = tree.nodes.iter().map(|node| node.n_node_samples).collect();
    assert_eq!(json!(samples), expected["samples"], "{name}: samples");
    let thresholds: Vec<f64> =
        splits().map(|split| split.map_or(-2.0, |split| split.threshold.unwrap_or(f64::INFINITY))).collect();
    let infinite = thresholds.iter().filter(|threshold| threshold.is_infinite()).count();
    assert_eq!(infinite as u64, expected["infinite"], "{name}: infinite thresholds");
    let left: Vec<f64> = splits().map(|split| split.map_or(-1.0, |split| split.left as f64)).collect();
    let missing = splits().map(|split| f64::from(u8::from(split.is_some_and(|split| split.missing_go_to_left))));
    let sums = [
        ("threshold", weighted_sum(thresholds)),
        ("left", weighted_sum(left)),
        ("missing", weighted_sum(missing)),
        ("impurity", weighted_sum(tree.nodes.iter().filter_map(|node| node.impurity))),
        ("weight", weighted_sum(tree.nodes.iter().filter_map(|node| node.weighted_n_node_samples))),
        ("value", weighted_sum(tree.nodes.iter().flat_map(|node| node.value.iter().copied()))),
    ];
    for (field, received) in sums {
        assert_number(&format!("{name}: {field}"), received, &expected[field]);
    }
}

#[test]
fn every_option_has_a_fixture() {
    let fixture = fixture();
    for kind in MODELS {
        let default = serde_json::to_value(model(kind, &json!({}))).unwrap();
        let options: BTreeSet<&str> = default.as_object().unwrap().keys().map(String::as_str).collect();
        let mut covered = BTreeSet::from(["type"]);
        let mut settings = BTreeSet::new();
        for case in fixture[kind].as_array().unwrap() {
            let case = case["settings"].as_object().unwrap();
            covered.extend(case.keys().map(String::as_str));
            settings.insert(json!(case).to_string());
        }
        assert_eq!(options, covered, "options of {kind} and of its fixtures");
        assert!(settings.len() >= 30, "only {} combinations of options of {kind}", settings.len());
    }
}

#[test]
fn any_number_of_threads_grows_the_same_trees() {
    let mut compared = 0;
    for (kind, settings) in
        [("decision_tree", json!({})), ("random_forest", json!({"n_estimators": 9, "oob_score": true}))]
    {
        for rows in [rows("many_missing", 12_000), rows("value", 900)] {
            let model = model(kind, &settings);
            let fitted = [1, 2, 4].map(|threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| fit(&model, &rows, true, None).arrays())
            });
            assert_eq!(fitted[0], fitted[1]);
            assert_eq!(fitted[0], fitted[2]);
            compared += 1;
        }
    }
    assert_eq!(compared, 4);
}

#[test]
fn a_fit_ends_when_it_is_cancelled() {
    let cancel = AtomicBool::new(false);
    let mut reports = 0;
    let mut progress = |_| {
        reports += 1;
        cancel.store(true, Ordering::Relaxed);
    };
    let mut run =
        Run { seed: 0, cancel: &cancel, finish: &AtomicBool::new(false), progress: &mut progress, validation: None };
    let model = model("random_forest", &json!({"n_estimators": 1_000_000}));
    let result = model.fit(&rows("many", 200).data(false), &mut run);
    assert_eq!(result.err(), Some(FitError::Cancelled));
    assert_eq!(reports, 1);
}

#[test]
fn progress_has_the_loss_of_the_validation_rows() {
    let (training, validation) = (rows("two", 300), rows("two", 299));
    let cancel = AtomicBool::new(false);
    let mut losses = Vec::new();
    let mut progress = |progress: epoca::engine::classical::Progress| losses.push(progress);
    let mut run = Run {
        seed: 0,
        cancel: &cancel,
        finish: &AtomicBool::new(false),
        progress: &mut progress,
        validation: Some(validation.data(false)),
    };
    let model = model("random_forest", &json!({"n_estimators": 40}));
    let fitted = model.fit(&training.data(false), &mut run).unwrap();
    let last = losses.last().unwrap();
    assert_eq!((last.done, last.total, last.loss), (40, 40, Some("log_loss")));
    let shares = predictions(&*fitted, &validation);
    let epoca::engine::classical::Target::Classes { codes, .. } = validation.data(false).target else { panic!() };
    let expected: f64 = shares
        .rows()
        .into_iter()
        .zip(codes)
        .map(|(row, &code)| -row[code as usize].max(f64::EPSILON).ln())
        .sum::<f64>()
        / 299.0;
    assert!((last.validation.unwrap() - expected).abs() < 1e-12);
    assert!(losses[0].validation.unwrap() >= last.validation.unwrap() / 2.0);
}

#[test]
fn corrupt_arrays_are_errors() {
    let model = model("random_forest", &json!({"n_estimators": 3, "max_depth": 3}));
    let arrays = fit(&model, &rows("many", 100), false, None).arrays();
    let mut corrupt: Vec<(&str, Arrays)> = Vec::new();
    for name in arrays.tensors.keys() {
        let mut missing = arrays.clone();
        missing.tensors.remove(name);
        corrupt.push((name, missing));
        let mut short = arrays.clone();
        let Some(tensor) = short.tensors.get_mut(name) else { panic!() };
        *tensor = Tensor::F32(ndarray::arr1(&[0.0]).into_dyn());
        corrupt.push((name, short));
    }
    let mut change = |name: &'static str, at: usize, value: i32| {
        let mut changed = arrays.clone();
        let Some(Tensor::I32(array)) = changed.tensors.get_mut(name) else { panic!("{name}") };
        array[[at]] = value;
        corrupt.push((name, changed));
    };
    change("children_left", 0, 0);
    change("children_left", 1, 0);
    change("children_left", 0, -5);
    change("children_right", 0, 1);
    change("children_right", 0, 1_000_000);
    change("feature", 0, 6);
    change("feature", 0, -1);
    for (count, at) in [(0i64, 0), (-1, 0), (i64::MAX, 1)] {
        let mut changed = arrays.clone();
        let Some(Tensor::I64(array)) = changed.tensors.get_mut("node_count") else { panic!() };
        array[[at]] = count;
        corrupt.push(("node_count", changed));
    }
    let mut changed = arrays.clone();
    changed.metadata.insert("n_features_in".into(), json!(0));
    corrupt.push(("task", changed));
    assert_eq!(corrupt.len(), 2 * arrays.tensors.len() + 11);
    for (name, corrupt) in corrupt {
        let error = model.read(&corrupt).err().unwrap_or_else(|| panic!("`{name}` was read"));
        assert!(!error.detail.is_empty(), "{error}");
    }
    assert_eq!(model.read(&arrays).unwrap().trees(), 3);
}

#[test]
fn options_out_of_range_name_the_field() {
    let cases = json!([
        ["decision_tree", {"max_depth": 0}, "/max_depth"],
        ["decision_tree", {"min_samples_split": 1}, "/min_samples_split"],
        ["decision_tree", {"min_samples_split": 1.5}, "/min_samples_split"],
        ["decision_tree", {"min_samples_leaf": 0}, "/min_samples_leaf"],
        ["decision_tree", {"min_samples_leaf": 1.0}, "/min_samples_leaf"],
        ["decision_tree", {"min_weight_fraction_leaf": 0.6}, "/min_weight_fraction_leaf"],
        ["decision_tree", {"max_features": 0}, "/max_features"],
        ["decision_tree", {"max_features": 1.1}, "/max_features"],
        ["decision_tree", {"max_leaf_nodes": 1}, "/max_leaf_nodes"],
        ["decision_tree", {"min_impurity_decrease": -1}, "/min_impurity_decrease"],
        ["decision_tree", {"ccp_alpha": -0.1}, "/ccp_alpha"],
        ["decision_tree", {"monotonic_cst": [2, 0, 0, 0, 0, 0]}, "/monotonic_cst/0"],
        ["decision_tree", {"monotonic_cst": [1, 0]}, "/monotonic_cst"],
        ["decision_tree", {"monotonic_cst": [1, 0, 0, 0, 0, 0]}, "/monotonic_cst"],
        ["decision_tree", {"criterion": "poisson"}, "/criterion"],
        ["random_forest", {"n_estimators": 0}, "/n_estimators"],
        ["random_forest", {"n_estimators": 1_000_001}, "/n_estimators"],
        ["random_forest", {"bootstrap": false, "max_samples": 10}, "/max_samples"],
        ["random_forest", {"max_samples": 0.0}, "/max_samples"],
        ["random_forest", {"bootstrap": false, "oob_score": true}, "/oob_score"],
        ["extra_trees", {"oob_score": true}, "/oob_score"],
    ]);
    let rows = rows("many", 50);
    for case in cases.as_array().unwrap() {
        let model = model(case[0].as_str().unwrap(), &case[1]);
        let cancel = AtomicBool::new(false);
        let mut run =
            Run { seed: 0, cancel: &cancel, finish: &AtomicBool::new(false), progress: &mut |_| {}, validation: None };
        match model.fit(&rows.data(false), &mut run).err() {
            Some(FitError::Setting(error)) => assert_eq!(error.pointer, case[2], "{case}"),
            other => panic!("{case}: {other:?}"),
        }
    }
    for unknown in [json!({"n_jobs": 2}), json!({"warm_start": true}), json!({"class_weight": {"a": 1}})] {
        let mut settings: Map<String, Value> = unknown.as_object().unwrap().clone();
        settings.insert("type".into(), json!("random_forest"));
        assert!(serde_json::from_value::<ClassicalModel>(json!(settings)).is_err(), "{unknown}");
    }
}
