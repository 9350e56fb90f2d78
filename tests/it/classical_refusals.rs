//! What classical models refuse: settings, options, data and numbers.

use crate::classical_kernels::{MODELS, Table, fit, large, model, predict, table};
use epoca::engine::classical::{ClassicalModel, Features, Target};
use ndarray::Array2;
use serde_json::{Value, json};
use std::sync::atomic::AtomicBool;

/// The error of a fit of `columns` with classes.
fn refused(json: Value, columns: &[&[f64]], codes: &[u32], n_classes: usize) -> String {
    let x = Array2::from_shape_fn((codes.len(), columns.len()), |(row, column)| columns[column][row]);
    match fit(&model(&json), &x, Target::Classes { codes, n_classes }, None) {
        Ok(fitted) => panic!("{json} was fitted: {}", fitted.summary()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn settings_out_of_range_name_the_setting() {
    let table = table("binary");
    let numbers = Table { n_classes: 0, ..self::table("numbers") };
    let wrong = [
        ("svm", json!({"C": 0.0}), "/C"),
        ("svm", json!({"C": -1.0}), "/C"),
        ("svm", json!({"gamma": -0.1}), "/gamma"),
        ("svm", json!({"tol": 0.0}), "/tol"),
        ("svm", json!({"cache_size": 0.0}), "/cache_size"),
        ("svm", json!({"max_iter": 0}), "/max_iter"),
        ("svm", json!({"max_iter": -2}), "/max_iter"),
        ("svm", json!({"epsilon": 0.1}), "/epsilon"),
        ("svm", json!({"break_ties": true, "decision_function_shape": "ovo"}), "/break_ties"),
        ("linear_svm", json!({"C": 0.0}), "/C"),
        ("linear_svm", json!({"loss": "epsilon_insensitive"}), "/loss"),
        ("linear_svm", json!({"intercept_scaling": 0.0}), "/intercept_scaling"),
        ("linear_svm", json!({"epsilon": 0.0}), "/epsilon"),
        ("linear_svm", json!({"max_iter": 0}), "/max_iter"),
        ("linear_svm", json!({"tol": -1.0}), "/tol"),
        ("k_neighbors", json!({"n_neighbors": 0}), "/n_neighbors"),
        ("k_neighbors", json!({"n_neighbors": 81}), "/n_neighbors"),
        ("k_neighbors", json!({"leaf_size": 0}), "/leaf_size"),
        ("k_neighbors", json!({"p": 0.0}), "/p"),
        ("k_neighbors", json!({"p": 0.5, "algorithm": "kd_tree"}), "/p"),
        ("logistic_regression", json!({"C": 0.0}), "/C"),
        ("logistic_regression", json!({"tol": 0.0}), "/tol"),
        ("logistic_regression", json!({"max_iter": 0}), "/max_iter"),
        ("gaussian_nb", json!({"var_smoothing": -1e-9}), "/var_smoothing"),
        ("gaussian_nb", json!({"priors": [0.5, 0.6]}), "/priors"),
        ("gaussian_nb", json!({"priors": [0.5, -0.5]}), "/priors/1"),
        ("gaussian_nb", json!({"priors": [1.0]}), "/priors"),
        ("dummy", json!({"strategy": "mean"}), "/strategy"),
        ("dummy", json!({"strategy": "constant"}), "/constant"),
        ("dummy", json!({"strategy": "constant", "constant": 2}), "/constant"),
        ("dummy", json!({"quantile": 0.5}), "/quantile"),
        ("ridge", json!({}), "/type"),
    ];
    let wrong_for_numbers = [
        ("svm", json!({"class_weight": "balanced"}), "/class_weight"),
        ("svm", json!({"break_ties": true}), "/break_ties"),
        ("svm", json!({"decision_function_shape": "ovo"}), "/decision_function_shape"),
        ("svm", json!({"epsilon": -0.1}), "/epsilon"),
        ("linear_svm", json!({"class_weight": "balanced"}), "/class_weight"),
        ("linear_svm", json!({"loss": "hinge"}), "/loss"),
        ("linear_regression", json!({"tol": 1.0}), "/tol"),
        ("ridge", json!({"alpha": -1.0}), "/alpha"),
        ("lasso", json!({"alpha": -1.0}), "/alpha"),
        ("lasso", json!({"max_iter": 0}), "/max_iter"),
        ("elastic_net", json!({"l1_ratio": 1.5}), "/l1_ratio"),
        ("elastic_net", json!({"tol": -1.0}), "/tol"),
        ("elastic_net", json!({"random_state": 1}), "/random_state"),
        ("dummy", json!({"strategy": "prior"}), "/strategy"),
        ("dummy", json!({"strategy": "quantile", "quantile": 1.5}), "/quantile"),
        ("logistic_regression", json!({}), "/type"),
        ("gaussian_nb", json!({}), "/type"),
    ];
    let mut checked = 0;
    for (table, all) in [(&table, &wrong[..]), (&numbers, &wrong_for_numbers[..])] {
        for (kind, settings, pointer) in all {
            let mut settings = settings.clone();
            settings["type"] = json!(kind);
            let error = match fit(&model(&settings), &table.x, table.target(), None) {
                Ok(_) => panic!("{settings} was fitted"),
                Err(error) => error.to_string(),
            };
            assert!(error.starts_with(&format!("{pointer}: expected")), "{settings}: {error}");
            checked += 1;
        }
    }
    assert_eq!(checked, wrong.len() + wrong_for_numbers.len());
}

#[test]
fn options_that_are_not_honoured_are_refused_by_name() {
    for (kind, option) in [
        ("svm", "probability"),
        ("k_neighbors", "metric_params"),
        ("logistic_regression", "solver"),
        ("linear_svm", "multi_class"),
        ("lasso", "precompute"),
        ("ridge", "solver"),
        ("linear_regression", "n_jobs"),
        ("gaussian_nb", "binarize"),
        ("dummy", "verbose"),
    ] {
        let error = serde_json::from_value::<ClassicalModel>(json!({"type": kind, option: 1})).unwrap_err().to_string();
        assert!(error.contains(&format!("`{option}`")), "{kind}: {error}");
    }
}

#[test]
fn data_that_cannot_be_used_is_refused() {
    let (x, flat): (&[f64], &[f64]) = (&[0.0, 1.0, 2.0, 3.0], &[5.0; 4]);
    for kind in ["svm", "linear_svm", "logistic_regression"] {
        let error = refused(json!({ "type": kind }), &[x], &[1; 4], 2);
        assert_eq!(error, "target: expected rows of at least 2 classes, received 1", "{kind}");
    }
    let error = refused(json!({"type": "logistic_regression", "C": null}), &[x], &[0, 0, 1, 1], 2);
    assert!(error.starts_with("/C: expected a number: the classes are separated perfectly"), "{error}");
    let error = refused(json!({"type": "gaussian_nb"}), &[flat], &[0, 0, 1, 1], 2);
    assert!(error.starts_with("column 0: expected values that vary within class 0"), "{error}");
    for kind in MODELS.into_iter().filter(|kind| *kind != "dummy") {
        for (bad, found) in [(f64::NAN, "a missing value"), (f64::INFINITY, "an infinite number")] {
            let x =
                Array2::from_shape_fn((4, 2), |(row, column)| if (row, column) == (2, 1) { bad } else { row as f64 });
            let model = model(&json!({ "type": kind }));
            let target = match model.traits().classifies {
                true => Target::Classes { codes: &[0, 1, 0, 1], n_classes: 2 },
                false => Target::Values(&[1.0, 2.0, 3.0, 4.0]),
            };
            let error = fit(&model, &x, target, None).err().map(|error| error.to_string());
            let expected = format!("column 1, row 2: expected a finite number, received {found}");
            assert_eq!(error.as_deref(), Some(expected.as_str()), "{kind}");
        }
    }
    let weights =
        fit(&model(&json!("k_neighbors")), &Array2::zeros((5, 1)), Target::Values(&[0.0; 5]), Some(&[1.0; 5]));
    assert_eq!(weights.err().unwrap().to_string(), "weights: `k_neighbors` has no weights of training rows");
}

/// Features whose squares overflow: an error or finite numbers, never NaN.
#[test]
fn numbers_that_overflow_are_refused() {
    let (mut x, codes, values) = large(40, 3);
    x.mapv_inplace(|value| value * 1e200);
    let mut refused = 0;
    for kind in MODELS {
        let model = model(&json!({ "type": kind }));
        let target = match model.traits().classifies {
            true => Target::Classes { codes: &codes, n_classes: 3 },
            false => Target::Values(&values),
        };
        match fit(&model, &x, target, None) {
            Err(error) => {
                assert!(error.to_string().contains("expected"), "{kind}: {error}");
                refused += 1;
            }
            Ok(fitted) => {
                let scores = predict(&*fitted, &x).scores;
                assert!(scores.iter().all(|score| score.is_finite()), "{kind}: {scores}");
            }
        }
    }
    assert!(refused > 3, "{refused}");
}

/// A row that is far from all training rows: an error that names the row, or finite numbers.
#[test]
fn rows_whose_predictions_overflow_are_refused() {
    let (x, codes, values) = large(40, 3);
    let mut far = x.slice(ndarray::s![..6, ..]).to_owned();
    far.row_mut(4).fill(1e300);
    let mut refused = 0;
    for kind in MODELS {
        let model = model(&json!({ "type": kind }));
        let target = match model.traits().classifies {
            true => Target::Classes { codes: &codes, n_classes: 3 },
            false => Target::Values(&values),
        };
        let fitted = fit(&model, &x, target, None).unwrap();
        match fitted.predict(&Features::numbers(&far), &AtomicBool::new(false)) {
            Err(error) => {
                let expected = "row 4: expected numbers of a smaller size: the prediction overflowed";
                assert_eq!(error.to_string(), expected, "{kind}");
                refused += 1;
            }
            Ok(predictions) => assert!(predictions.scores.iter().all(|score| score.is_finite()), "{kind}"),
        }
    }
    assert!(refused > 0);
}
