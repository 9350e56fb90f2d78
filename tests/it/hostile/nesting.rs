//! Layers within layers, models within models, shapes of many axes.

use super::{expect, is_alive, post, start, train, upload};
use serde_json::{Value, json};

/// `wrap` around `inner`, so many times.
fn nested(inner: Value, times: usize, wrap: impl Fn(Value) -> Value) -> Value {
    (0..times).fold(inner, |inner, _| wrap(inner))
}

#[tokio::test]
async fn layers_and_models_within_each_other_have_a_bound() {
    let folder = tempfile::tempdir().unwrap();
    let process = start(folder.path(), &[]);
    let dense = || json!({"type": "dense", "units": 1});
    let own = |layer: Value| json!({"layers": [layer]});
    let keras_dense = || json!({"class_name": "Dense", "config": {"name": "d", "units": 1}});
    let keras = |layer: Value| {
        let input = json!({"class_name": "InputLayer", "config": {"batch_shape": [null, 2, 2], "name": "i"}});
        json!({"class_name": "Sequential", "config": {"name": "s", "layers": [input, layer]}})
    };
    let mut refused = 0;
    for depth in (1..12).chain([20, 40, 60, 78, 80, 120]) {
        let constant = json!({"type": "constant", "value": 1});
        let initializer = nested(constant, depth, |others| json!({"type": "unit_forget_bias", "others": others}));
        let model_within = |inner: Value| {
            let layers = if inner["class_name"] == "Sequential" {
                json!([inner])
            } else {
                keras(inner)["config"]["layers"].clone()
            };
            json!({"class_name": "Sequential", "config": {"name": format!("m{depth}"), "layers": layers}})
        };
        for definition in [
            own(nested(dense(), depth, |layer| json!({"type": "time_distributed", "layer": layer}))),
            own(nested(
                json!({"type": "lstm", "units": 1}),
                depth,
                |layer| json!({"type": "bidirectional", "layer": layer}),
            )),
            own(nested(
                json!({"type": "lstm", "units": 1}),
                depth,
                |layer| json!({"type": "bidirectional", "layer": {"type": "lstm", "units": 1}, "backward_layer": layer}),
            )),
            own(json!({"type": "lstm", "units": 1, "bias_initializer": initializer})),
            own(
                json!({"type": "dense", "units": 1, "kernel_initializer": nested(json!(1), depth, |inner| json!([inner]))}),
            ),
            keras(nested(
                keras_dense(),
                depth,
                |layer| json!({"class_name": "TimeDistributed", "config": {"name": "t", "layer": layer}}),
            )),
            keras(nested(
                keras_dense(),
                depth,
                |layer| json!({"class_name": "Bidirectional", "config": {"name": "b", "layer": layer}}),
            )),
            nested(keras_dense(), depth.min(30), model_within),
            keras(nested(
                keras_dense(),
                depth,
                |layer| json!({"class_name": "Dense", "config": {"units": 1, "activation": layer}}),
            )),
        ] {
            // serde_json refuses what is deeper than 127 itself: 400.
            let model = json!({"name": format!("m{refused}-{depth}"), "definition": definition});
            let answer = post(&process, "/v1/models", &model).await;
            let status = answer.status().as_u16();
            assert!([201, 400, 409, 422].contains(&status), "{depth}: {status}");
            refused += usize::from(status != 201);
        }
    }
    assert!(refused > 50, "{refused}");
    is_alive(&process).await;
}

#[tokio::test]
async fn layers_in_few_others_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let process = start(folder.path(), &[]);
    let dense = json!({"type": "dense", "units": 1, "kernel_initializer": {"type": "constant", "value": 1}});
    let layer = nested(dense, 5, |layer| json!({"type": "time_distributed", "layer": layer}));
    let definition = json!({"input_shape": [2, 2, 2, 2, 2, 3], "layers": [layer]});
    expect(post(&process, "/v1/models", &json!({"name": "deep", "definition": definition})).await, 201).await;
}

#[tokio::test]
async fn shapes_have_few_axes_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let process = start(folder.path(), &[]);
    let many = vec![1; 100_000];
    let dims: Vec<usize> = (1..=100_000).collect();
    for (number, layer) in [
        json!({"type": "reshape", "target_shape": many}),
        json!({"type": "permute", "dims": dims}),
        json!({"type": "broadcast_to", "shape": many}),
        json!({"type": "constant", "shape": many, "value": 1}),
        json!({"type": "tile", "repeats": many}),
    ]
    .into_iter()
    .enumerate()
    {
        let model = json!({"name": format!("m{number}"), "definition": {"layers": [layer]}});
        let problem = expect(post(&process, "/v1/models", &model).await, 422).await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("at most 8 axes, received 100000") && detail.len() < 300, "{detail:.500}");
    }
    upload(&process, "d", "a,y\n1,2\n3,4\n5,7\n".to_owned()).await;
    let layers = json!([{"type": "dense", "units": 1}, {"type": "reshape", "target_shape": [1, 1, 1, 1, 1, 1, 1, 1]}]);
    let job = train(&process, "eight", layers, "d", json!({"epochs": 1})).await;
    assert_eq!(job["status"], "succeeded", "{job:#}");
    let body = json!({"instances": [[1]]});
    let answer = expect(post(&process, "/v1/models/eight:predict?format=raw", &body).await, 200).await;
    assert!(answer["predictions"][0][0][0][0][0][0][0][0][0].is_number(), "{answer}");
}
