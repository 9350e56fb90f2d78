//! `task` of a request: it decides where it is consistent with target and output, and is refused elsewhere.

use super::{JobRequest, TableView, resolve, table, view};
use crate::{engine::spec::Limits, job::ModelDefinition};
use rstest::rstest;
use serde_json::{Map, Value, json};

const CSV: &str = "\
x,a,b,grade,kind,pair,price
1.5,0,1,0,red,yes,1.25
2.5,1,0,1,green,no,2.5
0.5,1,1,2,blue,yes,3.75
3.5,0,0,1,red,no,4.125
";

/// The task, the loss and the first metric of a job with `task`, for a dense layer with `units` and `activation`; or its error.
fn resolved(units: usize, activation: &str, job: Value) -> Result<(String, String, String), (String, String)> {
    let layer = json!({"type": "dense", "units": units, "activation": activation});
    let definition = ModelDefinition::from_value(&json!({"layers": [layer]})).unwrap();
    let mut request = json!({"model": "m", "dataset": "d", "features": ["x"]});
    request.as_object_mut().unwrap().extend(job.as_object().unwrap().clone());
    let request: JobRequest = serde_json::from_value(request).unwrap();
    let data = table(CSV);
    let table: TableView<'_> = view("d", &data);
    let resolved = resolve(&request, &definition, &Map::new(), table, None, &Limits::default()).map_err(|errors| {
        assert_eq!(errors.len(), 1, "{errors:?}");
        (errors[0].pointer.clone(), errors[0].detail.clone())
    })?;
    let training = serde_json::to_value(&resolved.training).unwrap();
    let kind = |setting: &Value| setting.as_str().or_else(|| setting["type"].as_str()).unwrap().to_owned();
    let task = serde_json::to_value(resolved.task.one().unwrap().kind()).unwrap();
    Ok((kind(&task), kind(&training["loss"]), kind(&training["metrics"][0])))
}

#[rstest]
#[case(1, "sigmoid", "a", "binary_classification", "binary_classification", "binary_crossentropy", "accuracy")]
#[case(1, "sigmoid", "a", "classification", "binary_classification", "binary_crossentropy", "accuracy")]
#[case(1, "sigmoid", "a", "regression", "regression", "mean_squared_error", "mean_absolute_error")]
#[case(1, "sigmoid", "pair", "classification", "binary_classification", "binary_crossentropy", "accuracy")]
#[case(
    3,
    "softmax",
    "grade",
    "classification",
    "multiclass_classification",
    "sparse_categorical_crossentropy",
    "accuracy"
)]
#[case(
    3,
    "softmax",
    "kind",
    "multiclass_classification",
    "multiclass_classification",
    "sparse_categorical_crossentropy",
    "accuracy"
)]
#[case(
    2,
    "softmax",
    "a",
    "multiclass_classification",
    "multiclass_classification",
    "sparse_categorical_crossentropy",
    "accuracy"
)]
#[case(1, "linear", "grade", "regression", "regression", "mean_squared_error", "mean_absolute_error")]
fn a_task_decides_the_loss(
    #[case] units: usize,
    #[case] activation: &str,
    #[case] target: &str,
    #[case] task: &str,
    #[case] kind: &str,
    #[case] loss: &str,
    #[case] metric: &str,
) {
    let resolved = resolved(units, activation, json!({"target": target, "task": task})).unwrap();
    assert_eq!(resolved, (kind.to_owned(), loss.to_owned(), metric.to_owned()));
}

#[rstest]
#[case("linear", json!({}), "multilabel_classification", "multilabel_classification", "binary_crossentropy")]
#[case("sigmoid", json!({}), "classification", "multilabel_classification", "binary_crossentropy")]
#[case("softmax", json!({}), "classification", "multiclass_classification", "categorical_crossentropy")]
#[case("linear", json!({}), "multiclass_classification", "multiclass_classification", "categorical_crossentropy")]
#[case("sigmoid", json!({}), "regression", "regression", "mean_squared_error")]
#[case("sigmoid", json!({"loss": "mse"}), "regression", "regression", "mean_squared_error")]
#[case("linear", json!({"loss": "mse"}), "multilabel_classification", "multilabel_classification", "mean_squared_error")]
#[case("linear", json!({"loss": "mse"}), "multiclass_classification", "multiclass_classification", "mean_squared_error")]
#[case("sigmoid", json!({"loss": "binary_crossentropy"}), "regression", "regression", "binary_crossentropy")]
fn a_task_decides_what_columns_of_0_and_1_are(
    #[case] activation: &str,
    #[case] training: Value,
    #[case] task: &str,
    #[case] kind: &str,
    #[case] loss: &str,
) {
    let job = json!({"target": ["a", "b"], "task": task, "training": training});
    let (received, received_loss, _) = resolved(2, activation, job).unwrap();
    assert_eq!((received.as_str(), received_loss.as_str()), (kind, loss));
}

#[rstest]
#[case(3, "softmax", json!({"target": "kind", "task": "regression"}), "expected classification: \"kind\" is a category, received regression")]
#[case(1, "sigmoid", json!({"target": "kind", "task": "binary_classification"}), "expected multiclass_classification: \"kind\" has 3 classes, received binary_classification")]
#[case(2, "softmax", json!({"target": "pair", "task": "binary_classification"}), "expected multiclass_classification: the output has 2 units, a unit for each class; a binary classification has 1, received binary_classification")]
#[case(1, "sigmoid", json!({"target": "pair", "task": "multiclass_classification"}), "expected binary_classification: the output has 1 unit, received multiclass_classification")]
#[case(1, "linear", json!({"target": "price", "task": "classification"}), "expected regression: \"price\" has 4 different numbers, not all integers or too many, received classification")]
#[case(1, "linear", json!({"target": "price", "task": "multilabel_classification"}), "expected regression: a target column of 0 and 1 is needed for each label, and at least 2 of them, received multilabel_classification")]
#[case(2, "softmax", json!({"target": ["a", "b"], "task": "multilabel_classification"}), "expected multiclass_classification: the softmax outputs probabilities that sum to 1, received multilabel_classification")]
#[case(2, "sigmoid", json!({"target": ["a", "b"], "task": "multiclass_classification"}), "expected multilabel_classification: the sigmoid outputs an independent probability for each column, received multiclass_classification")]
#[case(2, "linear", json!({"target": ["a", "price"], "task": "classification"}), "received classification")]
#[case(2, "linear", json!({"target": ["a", "b"], "task": "binary_classification"}), "expected multilabel_classification: there are 2 target columns, received binary_classification")]
#[case(1, "linear", json!({"target": "a", "task": "binary_classification", "training": {"loss": "mse"}}), "expected regression: that is what mean_squared_error learns from \"a\" with an output of 1 unit, received binary_classification")]
#[case(1, "sigmoid", json!({"target": "pair", "task": "regression", "training": {"loss": "binary_crossentropy"}}), "expected binary_classification: that is what binary_crossentropy learns from \"pair\"")]
fn an_inconsistent_task_is_refused(
    #[case] units: usize,
    #[case] activation: &str,
    #[case] job: Value,
    #[case] detail: &str,
) {
    let (pointer, received) = resolved(units, activation, job).unwrap_err();
    assert_eq!(pointer, "/task");
    assert!(received.contains(detail), "{received}");
}

#[test]
fn weights_of_classes_follow_the_task() {
    let job = json!({"target": "a", "task": "classification", "class_weight": {"1": 2.0}});
    assert_eq!(resolved(1, "sigmoid", job).unwrap().0, "binary_classification");
    // 0 and 1 are classes under a sigmoid, and numbers under a linear output
    let job = json!({"target": "a", "class_weight": {"1": 2.0}});
    assert_eq!(resolved(1, "sigmoid", job.clone()).unwrap().0, "binary_classification");
    assert_eq!(resolved(1, "linear", job).unwrap_err().0, "/class_weight");
}
