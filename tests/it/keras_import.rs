//! What real Kerases print, read and held against what they count (`tests/fixtures/keras_json/make.py` made the files).

use crate::support::keras_versions::{accept, models};
use epoca::{
    engine::{field::FieldError, shape::Shape, spec::Limits},
    keras,
};
use rstest::rstest;
use serde_json::{Value, json};

/// What the dialects have in common. Keras 2 keeps some settings as `f32` and prints them with the digits of an `f64`; it
/// counts the axis of a batch normalization from the front, and fuses that of images; and names number all layers of the process that made them.
fn singles(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => json!(number.as_f64().unwrap() as f32),
        Value::Array(items) => items.iter().map(singles).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(field, _)| !["axis", "name", "fused"].contains(&field.as_str()));
            Value::Object(fields.map(|(name, value)| (name.clone(), singles(value))).collect())
        }
        other => other.clone(),
    }
}

fn refuse(model: &Value) -> Vec<FieldError> {
    keras::import(model).expect_err("the model must be refused")
}

#[rstest]
fn sizes_are_those_that_keras_counts(
    #[values(
        "seed",
        "seed_input_shape",
        "activation_names",
        "activation_functions",
        "activation_layers",
        "activation_layer_inside",
        "options",
        "initializers",
        "flatten",
        "not_flat",
        "built_later",
        "fixed_batch",
        "functional_chain"
    )]
    name: &str,
) {
    for (version, model, entry) in models(name) {
        let (definition, _) = keras::import(&model).unwrap_or_else(|errors| panic!("{version}: {errors:#?}"));
        let inputs = definition.known_input_shapes().expect("the model says what it takes");
        let summary = definition.resolve(&inputs, &Limits::default()).unwrap().summary();
        let ours: Vec<Value> =
            summary.layers.iter().map(|layer| json!([layer.name, layer.output_shape, layer.parameters])).collect();
        assert_eq!(json!(ours), entry["layers"], "{version}");
        assert_eq!(json!(summary.trainable_parameters), entry["trainable"], "{version}");
    }
}

#[test]
fn every_dialect_says_the_same() {
    for name in ["seed", "options", "initializers", "activation_layers", "functional_chain", "cnn", "rnn"] {
        let mut definitions = accept(name).into_iter();
        let (_, first, _) = definitions.next().unwrap();
        for (version, other, _) in definitions {
            assert_eq!(
                singles(&other.to_value()["layers"]),
                singles(&first.to_value()["layers"]),
                "{name} of {version}"
            );
        }
    }
}

#[test]
fn options_arrive_with_their_values() {
    for (version, definition, _) in accept("options") {
        let value = singles(&definition.to_value());
        assert_eq!(value["input_shape"], json!([4]), "{version}");
        let first = &value["layers"][0];
        assert_eq!(definition.layers[0].name, "first");
        assert_eq!(first["kernel_initializer"], "he_normal");
        assert_eq!(first["bias_initializer"], json!({"type": "constant", "value": 0.25}));
        assert_eq!(first["kernel_regularizer"], json!({"type": "l1_l2", "l1": 0.001f32, "l2": 0.01f32}));
        assert_eq!(first["bias_regularizer"], json!({"type": "l2", "l2": 0.5}));
        let second = &value["layers"][1];
        assert_eq!([&second["momentum"], &second["epsilon"]], [&json!(0.9f32), &json!(1e-5f32)]);
        assert_eq!([&second["center"], &second["scale"]], [&json!(false), &json!(true)]);
        assert_eq!(second["moving_variance_initializer"], json!({"type": "constant", "value": 2.0}));
        assert_eq!(second["gamma_regularizer"], json!({"type": "l1", "l1": 0.25}));
        assert_eq!(value["layers"][3]["rate"], json!(0.25f32));
        assert_eq!(value["layers"][4]["use_bias"], json!(false));
        assert_eq!(value["layers"][4]["activation"], "softmax");
    }
}

#[test]
fn activation_layers_keep_their_slopes() {
    for (version, definition, _) in accept("activation_layers") {
        let value = singles(&definition.to_value());
        let activations: Vec<&Value> = (0..6).map(|index| &value["layers"][index]["activation"]).collect();
        assert_eq!(activations[0], "relu", "{version}");
        assert_eq!(activations[1], &json!({"type": "leaky_relu", "negative_slope": 0.3f32}), "{version}");
        assert_eq!(activations[2], &json!({"type": "leaky_relu", "negative_slope": 0.1f32}), "{version}");
        assert_eq!(activations[5], "softmax", "{version}");
    }
}

#[rstest]
#[case("seed", json!({"optimizer": "adam", "loss": "binary_crossentropy", "metrics": ["accuracy"]}))]
#[case("compiled_sgd", json!({
    "optimizer": {"type": "sgd", "learning_rate": 0.5, "momentum": 0.25, "nesterov": true},
    "loss": "mean_squared_error", "metrics": [{"type": "mean_absolute_error", "name": "mae"}],
}))]
#[case("compiled_adamw", json!({
    "optimizer": {"type": "adamw", "learning_rate": 0.5, "weight_decay": 0.125, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    "loss": "mean_absolute_error", "metrics": [{"type": "mean_squared_error", "name": "mse"}],
}))]
#[case("compiled_rmsprop", json!({
    "optimizer": {"type": "rmsprop", "learning_rate": 0.5, "rho": 0.75, "momentum": 0.5, "epsilon": 1e-7, "centered": true},
    "loss": "huber",
}))]
#[case("compiled_adam", json!({
    "optimizer": {"type": "adam", "learning_rate": 0.5, "beta_1": 0.75, "beta_2": 0.5, "epsilon": 0.25},
    "loss": "mean_squared_error",
}))]
#[case("decayed_adam", json!({
    "optimizer": {"type": "adam", "weight_decay": 0.5, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "learning_rate": 0.001},
    "loss": "mean_squared_error",
}))]
#[case("schedule", json!({
    "optimizer": {
        "type": "adam", "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7,
        "learning_rate": {
            "type": "exponential_decay", "initial_learning_rate": 0.5, "decay_steps": 10, "decay_rate": 0.5, "staircase": false,
        },
    },
    "loss": "mean_squared_error",
}))]
#[case("clipnorm", json!({
    "optimizer": {"type": "sgd", "learning_rate": 0.01, "momentum": 0.0, "nesterov": false, "clipnorm": 1.0},
    "loss": "mean_squared_error",
}))]
#[case("optimizer", json!({"optimizer": "ftrl", "loss": "mean_squared_error"}))]
#[case("compiled_metrics", json!({
    "optimizer": "sgd", "loss": {"type": "binary_crossentropy", "label_smoothing": 0.0},
    "metrics": [
        {"type": "accuracy", "name": "acc"}, {"type": "binary_accuracy", "name": "accuracy"},
        {"type": "auc", "name": "roc", "num_thresholds": 200, "curve": "ROC", "multi_label": false}, {"type": "precision", "average": "micro", "threshold": 0.5}, {"type": "recall", "average": "micro", "threshold": 0.5}, "mean_squared_error"],
}))]
fn compile_config_becomes_defaults_of_training(#[case] name: &str, #[case] expected: Value) {
    for (version, _, compiled) in accept(name) {
        // Keras 2 prints no compile_config. Keras 3 prints all settings of an optimizer, also where only its name was given.
        if version.starts_with('2') {
            assert!(compiled.training.is_empty());
            continue;
        }
        let mut training = singles(&Value::Object(compiled.training));
        let expected = singles(&expected);
        let optimizer = &mut training["optimizer"];
        if expected["optimizer"].is_string() && optimizer.is_object() {
            *optimizer = optimizer["type"].clone();
        }
        assert_eq!(training, expected, "{version}");
    }
}

#[test]
fn the_input_shape_comes_from_wherever_keras_put_it() {
    for (name, shape) in [
        ("seed", Some(vec![10])),
        ("seed_input_shape", Some(vec![10])),
        ("built_later", Some(vec![7])),
        ("fixed_batch", Some(vec![4])),
        ("flatten", Some(vec![3, 4, 2])),
        ("unbuilt", None),
    ] {
        for (version, definition, _) in accept(name) {
            assert_eq!(definition.input_shape, shape.clone().map(|axes| Shape(axes).into()), "{name} of {version}");
        }
    }
}

#[rstest]
#[case("half_layer", "/config/layers/2/config/dtype", "float16")]
#[case("mixed_layer", "/config/layers/1/config/dtype", "mixed_float16")]
fn half_precision_is_computed_in_float32_with_a_warning(#[case] name: &str, #[case] pointer: &str, #[case] word: &str) {
    for (version, _, compiled) in accept(name) {
        let [warning] = compiled.warnings.as_slice() else { panic!("{version}: {:?}", compiled.warnings) };
        assert_eq!((warning.code, warning.pointer.as_str()), ("computed_in_float32", pointer), "{version}");
        assert!(warning.detail.contains(word), "{version}: {}", warning.detail);
    }
}

#[test]
fn the_argument_training_is_overridden_in_keras_3_alone() {
    for (version, model, _) in models("training_dropout") {
        match version.starts_with('2') {
            true => {
                let errors = refuse(&model);
                assert_eq!(errors[0].pointer, "/config/layers/2/inbound_nodes", "{errors:?}");
                assert!(errors[0].detail.contains("`training`"), "{errors:?}");
            }
            false => {
                let (_, compiled) = keras::import(&model).unwrap();
                assert_eq!(compiled.warnings[0].code, "training_argument_ignored", "{version}");
            }
        }
    }
}

#[test]
fn penalties_of_whole_matrices_and_losses_of_logits_are_read() {
    for (version, definition, _) in accept("regularizer") {
        let penalty = &definition.to_value()["layers"][0]["kernel_regularizer"];
        assert_eq!(penalty["type"], "orthogonal_regularizer", "{version}");
    }
    for (version, definition, _) in accept("channels_first") {
        let layer = &definition.to_value()["layers"][0];
        assert_eq!(
            (&layer["type"], &layer["layer"]["type"]),
            (&json!("channels_first"), &json!("flatten")),
            "{version}"
        );
    }
    for (version, _, compiled) in accept("logits") {
        assert_eq!(compiled.training["loss"]["from_logits"], true, "{version}");
    }
    for (version, _, compiled) in accept("loss_weights") {
        assert_eq!(compiled.training["loss_weights"].as_f64(), Some(2.0), "{version}");
    }
}

#[rstest]
#[case("function", "/config/layers/1/config/activation", &["doubled"])]
#[case("lora", "/config/layers/1/config/lora_rank", &["lora_rank", "1"])]
#[case("loss", "/compile_config/loss", &["ctc"])]
fn what_is_not_honoured_is_named(#[case] name: &str, #[case] pointer: &str, #[case] words: &[&str]) {
    for (version, model, _) in models(name) {
        let errors = refuse(&model);
        let Some(error) = errors.iter().find(|error| error.pointer == pointer) else {
            panic!("{version}: no error at {pointer}: {errors:#?}")
        };
        for word in words {
            assert!(error.detail.contains(word), "{version}: {word:?} is not in {error}");
        }
    }
}

/// A model of words, of which an `EinsumDense` is read.
fn einsum(change: impl Fn(&mut Value)) -> Value {
    let words =
        json!({"input_dim": 9, "output_dim": 4, "mask_zero": false, "batch_input_shape": [null, 6], "name": "words"});
    let einsum = json!({"equation": "abc,cd->abd", "output_shape": [null, 5], "bias_axes": "d", "name": "seen"});
    let layers = json!([{"class_name": "Embedding", "config": words}, {"class_name": "EinsumDense", "config": einsum}]);
    let mut document = json!({"class_name": "Sequential", "config": {"layers": layers}, "keras_version": "3.15.1"});
    change(&mut document["config"]["layers"]);
    document
}

#[test]
fn einsum_is_dense_along_the_last_axis_or_refused() {
    let (definition, _) = keras::import(&einsum(|_| {})).unwrap();
    assert_eq!(definition.to_value()["layers"][1]["units"], 5);
    for (option, wrong) in [
        ("equation", json!("abc,cde->abde")),
        ("equation", json!(null)),
        ("output_shape", json!([null, null])),
        ("output_shape", json!([])),
        ("bias_axes", json!("bd")),
    ] {
        let errors = refuse(&einsum(|layers| layers[1]["config"][option] = wrong.clone()));
        assert_eq!(errors[0].pointer, format!("/config/layers/1/config/{option}"), "{errors:?}");
        assert!(errors[0].detail.contains("received"), "{errors:?}");
    }
    // It drops the mask of what it reads.
    let (definition, _) = keras::import(&einsum(|layers| layers[0]["config"]["mask_zero"] = json!(true))).unwrap();
    assert_eq!(definition.to_value()["layers"][1]["output_mask"], "none");
}

#[test]
fn reductions_of_losses_are_read_or_refused() {
    let with = |reduction: Value| {
        let mut document = einsum(|_| {});
        let config = json!({"reduction": reduction, "name": "mean_squared_error"});
        document["compile_config"] = json!({"loss": {"class_name": "MeanSquaredError", "config": config}});
        document
    };
    let mut unweighted = with(json!("sum"));
    unweighted["compile_config"]["weighted_metrics"] = json!([]);
    keras::import(&unweighted).unwrap();
    for usual in ["sum_over_batch_size", "mean", "auto", "AUTO"] {
        let (_, compiled) = keras::import(&with(json!(usual))).unwrap();
        assert_eq!(compiled.training["loss"], "mean_squared_error");
    }
    let (_, compiled) = keras::import(&with(json!("sum"))).unwrap();
    assert_eq!(compiled.training["loss"], json!({"type": "mean_squared_error", "reduction": "sum"}));
    for none in [json!("none"), json!(null)] {
        let errors = refuse(&with(none));
        assert_eq!(errors[0].pointer, "/compile_config/loss/config/reduction", "{errors:?}");
        assert!(errors[0].detail.contains("sum_over_batch_size, mean, sum, mean_with_sample_weight"), "{errors:?}");
    }
}

#[test]
fn weighted_metrics_are_read_as_metrics_are() {
    for (version, mut model, _) in models("weighted_metrics") {
        let (_, compiled) = keras::import(&model).unwrap();
        let mse = json!({"type": "mean_squared_error", "name": "mse"});
        assert_eq!(compiled.training["weighted_metrics"], json!([mse]), "{version}");
        model["compile_config"]["weighted_metrics"] = json!(["structural_similarity"]);
        let errors = refuse(&model);
        assert_eq!(errors[0].pointer, "/compile_config/weighted_metrics/0", "{version}");
    }
}

#[test]
fn batch_normalization_is_fused_in_keras_2_alone() {
    for (version, definition, _) in accept("options") {
        assert_eq!(definition.to_value()["layers"][1]["fused"], json!(version.starts_with("2.")), "{version}");
    }
}

#[test]
fn metrics_that_are_not_known_are_named() {
    for (version, mut model, _) in models("metric") {
        let (_, compiled) = keras::import(&model).unwrap();
        assert_eq!(compiled.training["metrics"], json!(["pearson_correlation"]), "{version}");
        model["compile_config"]["metrics"][0] = json!("structural_similarity");
        let errors = refuse(&model);
        assert_eq!(errors[0].pointer, "/compile_config/metrics/0", "{version}");
        assert!(errors[0].detail.contains("structural_similarity"), "{version}: {errors:?}");
    }
}

#[test]
fn graphs_say_what_reads_what() {
    for (version, definition, _) in accept("twice") {
        let value = definition.to_value();
        let layer = &value["layers"][0];
        let name = layer["name"].as_str().unwrap();
        assert_eq!(layer["inputs"][1], json!([name]), "{version}");
        assert_eq!(value["outputs"], json!([format!("{name}:1")]), "{version}");
    }
    for (version, definition, _) in accept("branched") {
        let value = definition.to_value();
        assert_eq!(value["layers"][0]["inputs"], value["layers"][1]["inputs"], "{version}");
        let sum = value["layers"].as_array().unwrap().iter().find(|layer| layer["type"] == "add").unwrap();
        assert_eq!(sum["inputs"].as_array().unwrap().len(), 2, "{version}");
    }
}

#[test]
fn what_is_frozen_and_constrained_in_keras_is_here() {
    for (version, definition, _) in accept("frozen") {
        assert_eq!(definition.to_value()["layers"][0]["trainable"], json!(false), "{version}");
    }
    for (version, definition, _) in accept("constraint") {
        assert_eq!(definition.to_value()["layers"][0]["kernel_constraint"]["type"], "max_norm", "{version}");
    }
}

#[test]
fn what_keras_drops_together_is_here() {
    for (version, definition, _) in accept("noise_shape") {
        assert_eq!(definition.to_value()["layers"][0]["noise_shape"], json!([null, 1]), "{version}");
    }
}

#[test]
fn the_string_that_to_json_returns_is_the_object_it_holds() {
    for (_, model, entry) in models("seed") {
        assert!(keras::is_keras(&entry["json"]) && keras::is_keras(&model));
        assert_eq!(keras::import(&entry["json"]), keras::import(&model));
    }
    let cut = refuse(&json!("{\"class_name\": \"Sequential\""));
    assert!(cut[0].detail.contains("EOF"), "{cut:?}");
    assert!(!keras::is_keras(&json!({"layers": [{"type": "dense", "units": 1}]})));
    assert!(!keras::is_keras(&json!("dense")));
}

#[test]
fn wrong_values_are_found_at_their_place_in_keras_json() {
    let (_, mut model, _) = models("seed").pop().unwrap();
    let layers = &mut model["config"]["layers"];
    layers[1]["config"]["units"] = json!(-3);
    layers[1]["config"]["kernel_initializer"] = json!({"class_name": "Constant", "config": {"value": "much"}});
    layers[2]["config"]["unit"] = json!(3);
    let pointers: Vec<String> = refuse(&model).into_iter().map(|error| error.pointer).collect();
    assert_eq!(pointers, ["/config/layers/2/config/unit"]);
    model["config"]["layers"][2]["config"].as_object_mut().unwrap().shift_remove("unit");
    model["config"]["layers"][0]["config"]["batch_shape"] = json!([null, null, null]);
    assert_eq!(refuse(&model)[0].pointer, "/config/layers/0/config/batch_shape/2");
    model["config"]["layers"][0]["config"]["batch_shape"] = json!([null, null]);
    let errors = refuse(&model);
    assert_eq!(errors[0].pointer, "/config/layers/1/config/units", "{errors:?}");
    assert!(errors[0].detail.contains("`dense") && errors[0].detail.contains("-3"), "{errors:?}");
    model["config"]["layers"][1]["config"]["units"] = json!(3);
    let errors = refuse(&model);
    assert_eq!(errors[0].pointer, "/config/layers/1/config/kernel_initializer/config/value", "{errors:?}");
}

#[test]
fn what_is_no_keras_model_is_an_error_and_nothing_worse() {
    for (model, pointer) in [
        (json!({"class_name": "Sequential"}), "/config"),
        (json!({"class_name": "Sequential", "config": {}}), "/config/layers"),
        (json!({"class_name": "Sequential", "config": {"layers": []}}), "/config/layers"),
        (json!({"class_name": "Sequential", "config": {"layers": [7]}}), "/config/layers/0"),
        (json!({"class_name": "Sequential", "config": {"layers": [{}]}}), "/config/layers/0"),
        (json!({"class_name": 3, "config": {}}), "/class_name"),
        (json!({"class_name": "Bidirectional", "config": {}}), "/class_name"),
        (
            json!({"class_name": "Functional", "config": {"layers": [{"class_name": "Dense"}]}}),
            "/config/layers/0/inbound_nodes",
        ),
        (
            json!({"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense"}]}, "compile_config": 1}),
            "/compile_config",
        ),
        (
            json!({"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense"}], "trainable": 7}}),
            "/config/trainable",
        ),
        (
            json!({"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "module": "my.code", "config": {}}]}}),
            "/config/layers/0",
        ),
        (
            json!({"class_name": "Sequential", "config": {"layers": [
            {"class_name": "Dense", "registered_name": "My>Dense", "config": {"units": 1}}]}}),
            "/config/layers/0",
        ),
    ] {
        let errors = refuse(&model);
        assert!(errors.iter().any(|error| error.pointer == pointer), "{model}: {errors:?}");
    }
    let million: Vec<Value> = vec![json!({"class_name": "Nothing"}); 1_000_000];
    let errors = refuse(&json!({"class_name": "Sequential", "config": {"layers": million}}));
    assert_eq!(errors.len(), 1);
    assert!(errors[0].detail.ends_with("received 1000000"), "{errors:?}");
}
