//! Definitions that cannot be.

use super::{Mistake, check, with_iris};
use serde_json::{Value, json};

fn model(layers: Value) -> Value {
    json!({"name": "wrong", "definition": {"layers": layers}})
}

fn shaped(shape: Value, layers: Value) -> Value {
    json!({"name": "wrong", "definition": {"input_shape": shape, "layers": layers}})
}

#[tokio::test]
async fn counts() {
    let server = with_iris().await;
    let units = |value: Value| model(json!([{"type": "dense", "units": value}]));
    let pointer = "/definition/layers/0/units";
    let mistakes = vec![
        Mistake::json("units 0", units(json!(0)), pointer, &["0"]),
        Mistake::json("units -1", units(json!(-1)), pointer, &["-1"]),
        Mistake::json("units 1.5", units(json!(1.5)), pointer, &["1.5"]),
        Mistake::json("units 2^63", units(json!(9_223_372_036_854_775_808u64)), pointer, &["9223372036854775808"]),
        Mistake::json("units text", units(json!("16")), pointer, &["16"]),
        Mistake::json("units null", units(json!(null)), pointer, &[]),
        Mistake::json("units true", units(json!(true)), pointer, &["true"]),
        Mistake::json("units a list", units(json!([16])), pointer, &[]),
        Mistake::json("no units", model(json!([{"type": "dense"}])), "/definition/layers/0", &["units"]),
        Mistake::json("no type", model(json!([{"units": 3}])), "/definition/layers/0/type", &["dense"]),
        Mistake::json("no layers", json!({"name": "wrong", "definition": {}}), "/definition/layers", &["layers"]),
        Mistake::json("empty layers", model(json!([])), "/definition/layers", &["1"]),
        Mistake::json("layers an object", model(json!({})), "/definition/layers", &[]),
        Mistake::json("a layer that is a number", model(json!([3])), "/definition/layers/0", &[]),
    ];
    check(&server, "/v1/models", "application/json", mistakes).await;
}

#[tokio::test]
async fn numbers() {
    let server = with_iris().await;
    let dropout = |rate: Value| model(json!([{"type": "dropout", "rate": rate}, {"type": "dense", "units": 3}]));
    let pointer = "/definition/layers/0/rate";
    let mistakes = vec![
        Mistake::json("dropout 1", dropout(json!(1.0)), pointer, &["1"]),
        Mistake::json("dropout -0.1", dropout(json!(-0.1)), pointer, &["-0.1"]),
        Mistake::json("dropout text", dropout(json!("0.5")), pointer, &["0.5"]),
        Mistake::json("1e308 for an f32", dropout(json!(1e308)), pointer, &[]),
        Mistake::json(
            "1e308 in a regularizer",
            model(json!([{"type": "dense", "units": 3, "kernel_regularizer": {"type": "l2", "l2": 1e308}}])),
            "/definition/layers/0/kernel_regularizer/l2",
            &[],
        ),
        Mistake::json(
            "epsilon of a batch normalization",
            model(json!([{"type": "batch_normalization", "epsilon": -1.0}])),
            "/definition/layers/0/epsilon",
            &["-1"],
        ),
    ];
    check(&server, "/v1/models", "application/json", mistakes).await;
}

#[tokio::test]
async fn sizes() {
    let server = with_iris().await;
    let huge = 2_147_483_647;
    let many: Vec<Value> = (0..300_000).map(|_| json!({"type": "flatten"})).collect();
    let mistakes = vec![
        Mistake::json(
            "a product past usize",
            shaped(json!([huge, huge, huge]), json!([{"type": "flatten"}])),
            "/definition/input_shape",
            &[],
        ),
        Mistake::json(
            "an axis of 0",
            shaped(json!([0]), json!([{"type": "dense", "units": 3}])),
            "/definition/input_shape/0",
            &["0"],
        ),
        Mistake::json(
            "a negative axis",
            shaped(json!([-4]), json!([{"type": "dense", "units": 3}])),
            "/definition/input_shape/0",
            &[],
        ),
        Mistake::json("many layers", model(json!(many)), "/definition/layers", &["300000"]),
        Mistake::json(
            "too many parameters",
            shaped(json!([100_000]), json!([{"type": "dense", "units": 1_000_000}])),
            "/definition/layers/0",
            &["100001000000"],
        ),
        Mistake::json(
            "two layers of one name",
            model(json!([{"type": "dense", "units": 3, "name": "a"}, {"type": "dense", "units": 3, "name": "a"}])),
            "/definition/layers/1/name",
            &["a"],
        ),
    ];
    check(&server, "/v1/models", "application/json", mistakes).await;
}
