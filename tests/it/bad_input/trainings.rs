//! Jobs that clash with their table, their model or arithmetic.

use super::{Mistake, check, with_iris};
use crate::support::Server;
use serde_json::{Value, json};

fn job(training: Value) -> Value {
    json!({"model": "iris-mlp", "dataset": "iris", "target": "species", "training": training})
}

#[tokio::test]
async fn settings_out_of_range() {
    let server = with_iris().await;
    let sgd = |rate: Value| job(json!({"optimizer": {"type": "sgd", "learning_rate": rate}}));
    let rate = "/training/optimizer/learning_rate";
    let mistakes = vec![
        Mistake::json("batch 0", job(json!({"batch_size": 0})), "/training/batch_size", &["1 to 150", "0"]),
        Mistake::json(
            "batch 0 of the training part",
            job(json!({"batch_size": 0, "validation_split": 0.2})),
            "/training/batch_size",
            &["1 to 120", "0"],
        ),
        Mistake::json("batch -1", job(json!({"batch_size": -1})), "/training/batch_size", &["-1"]),
        Mistake::json("batch 1.5", job(json!({"batch_size": 1.5})), "/training/batch_size", &["1.5"]),
        Mistake::json("batch a word", job(json!({"batch_size": "all"})), "/training/batch_size", &["full"]),
        Mistake::json("epochs 0", job(json!({"epochs": 0})), "/training/epochs", &["0"]),
        Mistake::json("epochs -3", job(json!({"epochs": -3})), "/training/epochs", &["-3"]),
        Mistake::json("epochs 2.5", job(json!({"epochs": 2.5})), "/training/epochs", &["2.5"]),
        Mistake::json("epochs 2^31", job(json!({"epochs": 2_147_483_648u64})), "/training/epochs", &["2147483648"]),
        Mistake::json(
            "epochs 2^63",
            job(json!({"epochs": 9_223_372_036_854_775_808u64})),
            "/training/epochs",
            &["9223372036854775808"],
        ),
        Mistake::json("rate 0", sgd(json!(0.0)), rate, &["0"]),
        Mistake::json("rate -1", sgd(json!(-1)), rate, &["-1"]),
        Mistake::json("rate infinite as f32", sgd(json!(1e308)), rate, &[]),
        Mistake::json("rate text", sgd(json!("fast")), rate, &["fast"]),
        Mistake::json("split 1", job(json!({"validation_split": 1.0})), "/training/validation_split", &["1"]),
        Mistake::json("split -0.5", job(json!({"validation_split": -0.5})), "/training/validation_split", &["-0.5"]),
        Mistake::json("seed -1", job(json!({"seed": -1})), "/training/seed", &["-1"]),
        Mistake::json(
            "loss unknown",
            job(json!({"loss": "mean_sqared_error"})),
            "/training/loss",
            &["mean_squared_error"],
        ),
        Mistake::json("optimizer unknown", job(json!({"optimizer": "adamm"})), "/training/optimizer", &["adam"]),
        Mistake::json("metric unknown", job(json!({"metrics": ["acuracy"]})), "/training/metrics/0", &["accuracy"]),
        Mistake::json(
            "monitor unknown",
            job(json!({"early_stopping": {"monitor": "val_loss"}})),
            "/training/early_stopping/monitor",
            &["val_loss"],
        ),
    ];
    check(&server, "/v1/jobs", "application/json", mistakes).await;
}

#[tokio::test]
async fn callbacks_and_schedules_out_of_range() {
    let server = with_iris().await;
    let plateau = |settings: Value| job(json!({"reduce_lr_on_plateau": settings}));
    let decay = json!({"type": "cosine_decay", "initial_learning_rate": 0.1, "decay_steps": 0});
    let steps = |value: Value| job(json!({"steps_per_epoch": value}));
    let every = |value: Value| job(json!({"validation_freq": value}));
    let mistakes = vec![
        Mistake::json("plateau a number", plateau(json!(3)), "/training/reduce_lr_on_plateau", &["3"]),
        Mistake::json(
            "factor 1",
            plateau(json!({"monitor": "loss", "factor": 1.0})),
            "/training/reduce_lr_on_plateau/factor",
            &["1"],
        ),
        Mistake::json(
            "patience -1",
            plateau(json!({"patience": -1})),
            "/training/reduce_lr_on_plateau/patience",
            &["-1"],
        ),
        Mistake::json("monitor unknown", plateau(json!({})), "/training/reduce_lr_on_plateau/monitor", &["val_loss"]),
        Mistake::json(
            "plateau beside a schedule",
            job(json!({"reduce_lr_on_plateau": {"monitor": "loss"}, "optimizer": {"type": "sgd", "learning_rate":
                {"type": "exponential_decay", "initial_learning_rate": 0.1, "decay_steps": 5, "decay_rate": 0.5}}})),
            "/training/reduce_lr_on_plateau",
            &["exponential_decay"],
        ),
        Mistake::json(
            "decay steps 0",
            job(json!({"optimizer": {"type": "adam", "learning_rate": decay}})),
            "/training/optimizer/learning_rate/decay_steps",
            &["0"],
        ),
        Mistake::json(
            "two ways to clip",
            job(json!({"optimizer": {"type": "adam", "clipnorm": 1, "clipvalue": 1}})),
            "/training/optimizer/clipvalue",
            &["clipnorm"],
        ),
        Mistake::json(
            "terminate a word",
            job(json!({"terminate_on_nan": "yes"})),
            "/training/terminate_on_nan",
            &["yes"],
        ),
        Mistake::json("validation 0", every(json!(0)), "/training/validation_freq", &["0"]),
        Mistake::json("validation list", every(json!([1, 0])), "/training/validation_freq/1", &["0"]),
        Mistake::json("steps 0", steps(json!(0)), "/training/steps_per_epoch", &["0"]),
        Mistake::json("steps 1.5", steps(json!(1.5)), "/training/steps_per_epoch", &["1.5"]),
    ];
    check(&server, "/v1/jobs", "application/json", mistakes).await;
    let body = job(json!({
        "epochs": 4, "batch_size": 10, "validation_split": 0.2, "validation_freq": 2, "steps_per_epoch": 3,
        "terminate_on_nan": true, "reduce_lr_on_plateau": {"monitor": "loss", "mode": "max", "patience": 1, "factor": 0.5},
        "optimizer": {"type": "lamb", "learning_rate": 0.01, "global_clipnorm": 1.0, "use_ema": true},
    }));
    let job = post(&server, "/v1/jobs", &body).await;
    assert_eq!(job["training"]["steps_per_epoch"], 3, "{job:#}");
    let ended = server.wait_for_end(job["id"].as_str().unwrap()).await;
    assert_eq!(ended["status"], "succeeded", "{ended:#}");
}

#[tokio::test]
async fn a_task_is_accepted_where_it_is_consistent() {
    let server = with_iris().await;
    define(&server, "line", json!([{"type": "dense", "units": 1}])).await;
    let job = |model: &str, target: &str, task: Value| json!({"model": model, "dataset": "iris", "target": target, "task": task});
    let mistakes = vec![
        Mistake::json(
            "task unknown",
            job("iris-mlp", "species", json!("classificaton")),
            "/task",
            &["did you mean `classification`?"],
        ),
        Mistake::json("task a number", job("iris-mlp", "species", json!(1)), "/task", &[]),
        Mistake::json(
            "regression of a category",
            job("iris-mlp", "species", json!("regression")),
            "/task",
            &["expected classification", "\"species\" is a category", "received regression"],
        ),
        Mistake::json(
            "classes of numbers",
            job("line", "petal_width", json!("classification")),
            "/task",
            &["expected regression", "received classification"],
        ),
        Mistake::json(
            "task of no output",
            job("iris-mlp", "species", json!({"nobody": "classification"})),
            "/task/nobody",
            &["nobody"],
        ),
    ];
    check(&server, "/v1/jobs", "application/json", mistakes).await;
    for (task, expected) in
        [(json!("classification"), "multiclass_classification"), (Value::Null, "multiclass_classification")]
    {
        let job = post(&server, "/v1/jobs", &job("iris-mlp", "species", task)).await;
        assert_eq!(job["task"], expected, "{job:#}");
    }
    let job = post(&server, "/v1/jobs", &job("line", "petal_width", json!("regression"))).await;
    assert_eq!(job["task"], "regression", "{job:#}");
    assert_eq!(server.wait_for_end(job["id"].as_str().unwrap()).await["status"], "succeeded");
}

#[tokio::test]
async fn clashes_with_the_table() {
    let server = with_iris().await;
    define(&server, "four", json!([{"type": "dense", "units": 4, "activation": "softmax"}])).await;
    define(&server, "one", json!([{"type": "dense", "units": 1}])).await;
    let mut five = json!([{"type": "dense", "units": 3, "activation": "softmax"}]);
    let shaped = json!({"name": "five", "definition": {"input_shape": [5], "layers": five.take()}});
    post(&server, "/v1/models", &shaped).await;
    let job = |model: &str, target: Value, training: Value| json!({"model": model, "dataset": "iris", "target": target, "training": training});
    let mistakes = vec![
        Mistake::json("target unknown", job("iris-mlp", json!("specie"), json!({})), "/target", &["species"]),
        Mistake::json("target number", job("iris-mlp", json!(3), json!({})), "/target", &[]),
        Mistake::json(
            "target among the features",
            json!({"model": "iris-mlp", "dataset": "iris", "target": "species", "features": ["species", "sepal_width"]}),
            "/features/0",
            &["species"],
        ),
        Mistake::json(
            "feature unknown",
            json!({"model": "iris-mlp", "dataset": "iris", "target": "species", "features": ["sepal_widht"]}),
            "/features/0",
            &["sepal_width"],
        ),
        Mistake::json(
            "no features",
            json!({"model": "iris-mlp", "dataset": "iris", "target": "species", "features": []}),
            "/features",
            &[],
        ),
        Mistake::json(
            "softmax over 4 against 3 classes",
            job("four", json!("species"), json!({})),
            "/model",
            &["4", "3"],
        ),
        Mistake::json("input of 5 against 4 columns", job("five", json!("species"), json!({})), "/model", &["5", "4"]),
        Mistake::json(
            "squared error of a category",
            job("one", json!("species"), json!({"loss": "mean_squared_error"})),
            "/training/loss",
            &["species"],
        ),
    ];
    check(&server, "/v1/jobs", "application/json", mistakes).await;
}

#[tokio::test]
async fn a_loss_that_is_not_finite_fails_the_job_and_says_so() {
    let server = with_iris().await;
    define(&server, "line", json!([{"type": "dense", "units": 1}])).await;
    let body = json!({"model": "line", "dataset": "iris", "target": "petal_width", "features": ["sepal_length"],
        "training": {"epochs": 500, "optimizer": {"type": "sgd", "learning_rate": 1e18}}});
    let job = post(&server, "/v1/jobs", &body).await;
    let ended = server.wait_for_end(job["id"].as_str().unwrap()).await;
    assert_eq!(ended["status"], "failed", "{ended:#}");
    assert_eq!(ended["error"]["code"], "diverged", "{ended:#}");
    let detail = ended["error"]["detail"].as_str().unwrap();
    assert!(detail.contains("epoch") && detail.contains("learning rate"), "{detail}");
    assert_eq!(ended["version"], Value::Null);
}

async fn define(server: &Server, name: &str, layers: Value) {
    post(server, "/v1/models", &json!({"name": name, "definition": {"layers": layers}})).await;
}

async fn post(server: &Server, path: &str, body: &Value) -> Value {
    let answer = crate::support::Client::new().post(format!("{}{path}", server.url())).json(body).send().await.unwrap();
    let status = answer.status();
    let value: Value = answer.json().await.unwrap();
    assert!(status.is_success(), "{path}: {value:#}");
    value
}
