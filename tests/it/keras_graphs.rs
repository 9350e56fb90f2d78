//! Graphs that real Kerases print give what they give there (`tests/fixtures/keras_json/graphs.py` made the files).

use epoca::{
    engine::{
        metric::Metric,
        network::{NamedTensor, Network},
        spec::Limits,
    },
    keras,
};
use ndarray::{Array2, Axis, concatenate};
use rstest::rstest;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::HashMap, sync::LazyLock};

/// Versions of Keras, each with its cases by name.
static DIALECTS: LazyLock<[(&str, HashMap<String, Case>); 2]> = LazyLock::new(|| {
    let read = |file| serde_json::from_str(file).unwrap();
    [
        ("tf_keras 2.21.0", read(include_str!("../fixtures/keras_json/graphs-tf_keras-2.21.0.json"))),
        ("keras 3.15.1", read(include_str!("../fixtures/keras_json/graphs-keras-3.15.1.json"))),
    ]
});

#[derive(Clone, Deserialize)]
pub struct Case {
    json: String,
    weights: HashMap<String, Vec<f32>>,
    inputs: Vec<Vec<f32>>,
    outputs: Vec<Vec<f32>>,
    rows: usize,
    trainable: Option<u64>,
    #[serde(default)]
    logs: Vec<String>,
}

/// Several tensors of the same rows, side by side.
fn side_by_side(tensors: &[Vec<f32>], rows: usize) -> Array2<f32> {
    let tensor = |cells: &Vec<f32>| Array2::from_shape_vec((rows, cells.len() / rows), cells.clone()).unwrap();
    let tensors: Vec<Array2<f32>> = tensors.iter().map(tensor).collect();
    let views: Vec<_> = tensors.iter().map(|tensor| tensor.view()).collect();
    concatenate(Axis(1), &views).unwrap()
}

#[rstest]
fn graphs_give_what_keras_gives(
    #[values(
        "two_inputs",
        "two_outputs",
        "siamese",
        "residual",
        "nested_sequential",
        "nested_called_twice",
        "deeply_nested",
        "frozen_branch",
        "attention_by_name",
        "masked_words",
        "masked_twice",
        "masked_steps",
        "attended_words",
        "whole_numbers",
        "named_tensors",
        "named_outputs",
        "operators",
        "arrays",
        "translator",
        "translator_of_masked_words",
        "encoder_within",
        "states_alone",
        "frames",
        "branches_on_each_step",
        "steps_of_steps",
        "arithmetic",
        "along_axes",
        "distances",
        "functions",
        "disturbed",
        "words_by_column",
        "slashes",
        "thresholds",
        "compiled_by_name",
        "compiled_outputs",
        "sized",
        "words_as_categories",
        "volumes"
    )]
    name: &str,
) {
    let mut checked = 0;
    for (version, cases) in &*DIALECTS {
        let Some(case) = cases.get(name) else {
            let absent: &[&str] = match *version {
                "tf_keras 2.21.0" => &[
                    "masked_twice",
                    "named_tensors",
                    "operators",
                    "arrays",
                    "branches_on_each_step",
                    "compiled_by_name",
                    "compiled_outputs",
                ],
                _ => &["slashes", "thresholds"],
            };
            assert!(absent.contains(&name), "{version} {name}");
            continue;
        };
        case.check(version, name);
        checked += 1;
    }
    assert!(checked > 0, "no version of Keras has {name}");
}

/// Where files and functions of Keras put the model.
#[rstest]
fn models_in_other_envelopes_give_what_keras_gives(
    #[values("two_inputs", "siamese", "nested_sequential", "masked_words")] name: &str,
    #[values("model_config", "model_config as a string", "modelTopology", "modelTopology of an H5 file", "get_config")]
    envelope: &str,
) {
    for (version, cases) in &*DIALECTS {
        let mut case = cases[name].clone();
        let model: Value = serde_json::from_str(&case.json).unwrap();
        let document = match envelope {
            "model_config" => json!({"model_config": model}),
            "model_config as a string" => json!({"model_config": case.json, "backend": "tensorflow"}),
            "modelTopology" => json!({"format": "layers-model", "generatedBy": "keras", "modelTopology": model,
                                      "weightsManifest": [{"paths": ["group1-shard1of1.bin"], "weights": []}]}),
            "modelTopology of an H5 file" => json!({"format": "layers-model", "modelTopology": {
                "keras_version": model["keras_version"], "backend": "tensorflow", "model_config": model}}),
            _ => model["config"].clone(),
        };
        case.json = document.to_string();
        case.check(version, &format!("{name} in {envelope}"));
    }
}

impl Case {
    /// Fails unless the model gives here what it gives in Keras.
    pub fn check(&self, version: &str, name: &str) {
        let case = self;
        let (definition, _) = keras::import(&Value::from(case.json.as_str()))
            .unwrap_or_else(|errors| panic!("{version} {name}: {errors:#?}"));
        let shapes = definition.known_input_shapes().unwrap();
        let architecture = definition.resolve(&shapes, &Limits::default()).unwrap();
        if let Some(trainable) = case.trainable {
            assert_eq!(architecture.summary().trainable_parameters, trainable, "{version} {name}");
        }
        assert_eq!(architecture.parameters().len(), case.weights.len(), "{version} {name}");
        let tensors = architecture.parameters().iter().map(|parameter| NamedTensor {
            name: parameter.name.clone(),
            shape: parameter.shape.clone(),
            values: case
                .weights
                .get(&parameter.name)
                .unwrap_or_else(|| panic!("{version}: {}", parameter.name))
                .clone(),
        });
        let tensors = tensors.collect();
        let network = Network::with_tensors(architecture, tensors).unwrap();
        let outputs = network.predict(side_by_side(&case.inputs, case.rows).view());
        let expected = side_by_side(&case.outputs, case.rows);
        assert_eq!(outputs.dim(), expected.dim(), "{version} {name}");
        for (ours, keras) in outputs.iter().zip(&expected) {
            assert!((ours - keras).abs() <= 1e-5 * (1.0 + keras.abs()), "{version} {name}: {ours} against {keras}");
        }
    }
}

#[test]
fn what_each_output_learns_is_read_by_name_and_by_order() {
    let by_name = json!({
        "optimizer": "adam",
        "loss": {"number": "mse", "kind": "sparse_categorical_crossentropy"},
        "loss_weights": {"kind": 0.5},
        "metrics": {"kind": ["accuracy"], "number": "mae"}
    });
    let by_order = json!({
        "optimizer": "adam",
        "loss": ["mse", "sparse_categorical_crossentropy", null],
        "loss_weights": null,
        "metrics": [null, ["accuracy"], null]
    });
    for (_, cases) in &*DIALECTS {
        let mut document: Value = serde_json::from_str(&cases["two_outputs"].json).unwrap();
        document["compile_config"] = by_name.clone();
        let (_, compiled) = keras::import(&document).unwrap();
        assert_eq!(compiled.training["loss"]["number"], "mean_squared_error");
        assert_eq!(compiled.training["loss_weights"], json!({"kind": 0.5}));
        assert_eq!(compiled.training["metrics"]["kind"], json!(["accuracy"]));
        assert_eq!(compiled.training["metrics"]["number"].as_array().unwrap().len(), 1);
        document["compile_config"] = by_order.clone();
        let (_, compiled) = keras::import(&document).unwrap();
        let losses = compiled.training["loss"].as_object().unwrap();
        assert_eq!((losses.len(), losses.values().filter(|loss| loss.is_null()).count()), (3, 1), "{losses:?}");
        assert!(compiled.training["loss"]["kind"].to_string().contains("sparse_categorical_crossentropy"));
        assert_eq!(compiled.training["metrics"], json!({"kind": ["accuracy"]}));
        document["compile_config"]["loss"][1] = json!("sparse");
        let errors = keras::import(&document).unwrap_err();
        assert_eq!(errors[0].pointer, "/compile_config/loss/1", "{errors:?}");
    }
}

/// The names under which the metrics of an output are reported.
fn names(metrics: &Value) -> Vec<String> {
    metrics
        .as_array()
        .unwrap()
        .iter()
        .map(|metric| serde_json::from_value::<Metric>(metric.clone()).unwrap().name)
        .collect()
}

#[test]
fn metrics_are_reported_as_in_keras() {
    let compiled = |name: &str| {
        let case = &DIALECTS[1].1[name];
        let (_, compiled) = keras::import(&Value::from(case.json.as_str())).unwrap();
        (case.logs.clone(), compiled.training)
    };
    let (mut logs, training) = compiled("compiled_by_name");
    assert_eq!(training["loss"], "categorical_crossentropy");
    let mut ours = names(&training["metrics"]);
    assert!(training["metrics"].as_array().unwrap().contains(&json!("mean_absolute_error")), "{training:?}");
    logs.retain(|name| name != "loss");
    // Names here are of fewer letters.
    logs.iter_mut().filter(|name| *name == "found of all").for_each(|name| *name = "found_of_all".into());
    ours.sort();
    logs.sort();
    assert_eq!(ours, logs);
    let (mut logs, training) = compiled("compiled_outputs");
    let mut ours = Vec::new();
    for output in ["number", "kind"] {
        ours.extend(names(&training["metrics"][output]).into_iter().map(|name| format!("{output}_{name}")));
    }
    logs.retain(|name| !name.ends_with("loss"));
    ours.sort();
    logs.sort();
    assert_eq!(ours, logs);
}

/// `x + y` of inputs of these shapes, as Keras 3 prints it and as Keras 2 does.
fn sums(x: Value, y: Value) -> [Value; 2] {
    let document = |add: Value, version: &str| {
        let input = |name: &str, shape: &Value| {
            let config = json!({"batch_shape": shape, "name": name});
            json!({"class_name": "InputLayer", "config": config, "name": name, "inbound_nodes": []})
        };
        let layers = json!([input("x", &x), input("y", &y), add]);
        let inputs = json!([["x", 0, 0], ["y", 0, 0]]);
        let config = json!({"layers": layers, "input_layers": inputs, "output_layers": [["add", 0, 0]]});
        json!({"class_name": "Functional", "config": config, "keras_version": version})
    };
    let tensor = |name: &str, shape: &Value| json!({"class_name": "__keras_tensor__", "config": {"shape": shape, "keras_history": [name, 0, 0]}});
    let added = json!({
        "class_name": "Add", "module": "keras.src.ops.numpy", "config": {"name": "add"}, "name": "add",
        "inbound_nodes": [{"args": [tensor("x", &x), tensor("y", &y)], "kwargs": {}}],
    });
    let old = json!({
        "class_name": "TFOpLambda", "config": {"name": "add", "function": "math.add"}, "name": "add",
        "inbound_nodes": [["x", 0, 0, {"y": ["y", 0, 0]}]], "build_config": {"input_shape": x},
    });
    [document(added, "3.15.1"), document(old, "2.15.0")]
}

#[test]
fn operators_line_up_the_axes_of_each_row_or_are_refused() {
    for document in sums(json!([null, 3, 4]), json!([null, 1, 4])) {
        keras::import(&document).unwrap();
    }
    for document in sums(json!([null, 4]), json!([null, 3, 4])) {
        let errors = keras::import(&document).unwrap_err();
        let expected = "expected tensors of as many axes for each row of the batch, received [4] and [3, 4]";
        assert!(errors.iter().any(|error| error.detail.contains(expected)), "{errors:#?}");
    }
}

#[test]
fn what_is_no_operator_of_rows_is_refused() {
    let [mut document, _] = sums(json!([null, 4]), json!([null, 4]));
    document["config"]["layers"].as_array_mut().unwrap().remove(1);
    document["config"]["input_layers"] = json!([["x", 0, 0]]);
    let mut with = |class: &str, config: Value, given: Option<Value>| {
        let layer = &mut document["config"]["layers"][1];
        layer["class_name"] = json!(class);
        layer["config"] = config;
        let arguments = layer["inbound_nodes"][0]["args"].as_array_mut().unwrap();
        arguments.truncate(1);
        arguments.extend(given);
        keras::import(&document).map_err(|errors| errors[0].detail.clone())
    };
    let expected = "layer `add` (Sum): the operator \"Sum\" is not supported with these arguments, expected an `axis` other \
                    than the batch axis, which is 0, and no further option: rows of a batch are not mixed";
    for axis in [json!(null), json!(0), json!([0, 1]), json!(2)] {
        let refused = with("Sum", json!({"name": "add", "axis": axis, "keepdims": true}), None).unwrap_err();
        assert_eq!(refused, expected, "{axis}");
    }
    with("Sum", json!({"name": "add", "axis": [1], "keepdims": true}), None).unwrap();
    with("Max", json!({"name": "add", "axis": 1, "keepdims": true, "initial": null}), None).unwrap();
    with("Max", json!({"name": "add", "axis": 1, "keepdims": true, "initial": 2.0}), None).unwrap_err();
    let plain = || json!({"name": "add"});
    with("Power", plain(), Some(json!([1.0, 2.0]))).unwrap_err();
    with("TrueDivide", plain(), Some(json!(0.0))).unwrap_err();
    with("Power", plain(), Some(json!(2.5))).unwrap();
}

/// A graph of Keras 3, with a change to one of its layers.
fn changed(graph: &str, layer: &str, change: impl Fn(&mut Value)) -> Value {
    let mut document: Value = serde_json::from_str(&DIALECTS[1].1[graph].json).unwrap();
    let layers = document["config"]["layers"].as_array_mut().unwrap();
    change(layers.iter_mut().find(|found| found["name"] == layer).unwrap());
    document
}

#[test]
fn masks_are_those_that_keras_names_or_refused() {
    let refused = |document: Value, part: &str| {
        let errors = keras::import(&document).unwrap_err();
        assert!(errors.iter().any(|error| error.detail.contains(part)), "{errors:#?}");
    };
    keras::import(&changed("masked_twice", "words_read", |_| {})).unwrap();
    // The mask of other words, and that of both together.
    for moved in ["not_equal_1", "logical_or"] {
        let document = changed("masked_twice", "words_read", |layer| {
            layer["inbound_nodes"][0]["kwargs"]["mask"]["config"]["keras_history"][0] = json!(moved);
        });
        refused(document, "expected the mask that comes with the layer's own input");
    }
    // A mask of its author's making.
    let document = changed("masked_words", "not_equal", |layer| layer["inbound_nodes"][0]["args"][1] = json!(3));
    refused(document, "expected the mask that an Embedding or a Masking layer makes");
    let document = changed("masked_words", "read", |layer| {
        layer["inbound_nodes"][0]["kwargs"]["mask"]["config"]["keras_history"][0] = json!("words");
    });
    refused(document, "received `words`");
    // `of_words + of_tags`, which knows of no masks.
    let document = changed("masked_twice", "both", |layer| {
        layer["module"] = json!("keras.src.ops.numpy");
        layer["config"] = json!({"name": "both"});
        layer["inbound_nodes"][0]["args"] = layer["inbound_nodes"][0]["args"][0].clone();
    });
    refused(document, "expected the mask that comes with the layer's own input");
    // Keras 2 shows a step where every mask does.
    let mut document = changed("masked_twice", "words_read", |_| {});
    document["keras_version"] = json!("2.15.0");
    let (definition, _) = keras::import(&document).unwrap();
    assert_eq!(definition.to_value()["layers"][2]["output_mask"], "all");
    // Steps without end are compared at some number of them.
    let mut document = changed("masked_words", "read", |_| {});
    document["config"]["layers"][0]["config"]["batch_shape"] = json!([null, null]);
    keras::import(&document).unwrap();
}
