//! Keras's layers and models on each step of a sequence, and what recurrent layers give beside their output.

use epoca::{
    engine::{
        field::FieldError,
        spec::{Definition, Limits},
    },
    keras,
};
use serde_json::{Value, json};

fn refuse(model: &Value) -> Vec<FieldError> {
    keras::import(model).expect_err("the model must be refused")
}

#[test]
fn recurrent_layers_within_others_are_refused_by_name() {
    let model = |class: &str, lstm: Value| {
        let mut config = json!({"units": 2, "return_sequences": true});
        config.as_object_mut().unwrap().extend(lstm.as_object().unwrap().clone());
        let outer = json!({"name": "both", "layer": {"class_name": "LSTM", "config": config}});
        json!({"class_name": "Sequential", "config": {"layers": [{"class_name": class, "config": outer}]}})
    };
    let config = "/config/layers/0/config";
    for (document, pointer, words) in [
        (
            model("Bidirectional", json!({"stateful": true})),
            format!("{config}/layer/config/stateful"),
            "`stateful`: the option is not supported with this value, expected false, received true",
        ),
        (
            model("TimeDistributed", json!({"return_state": true})),
            format!("{config}/layer/config"),
            "expected a layer that gives one value, received one that gives 3",
        ),
    ] {
        let errors = refuse(&document);
        assert_eq!(errors[0].pointer, pointer, "{errors:?}");
        assert!(errors[0].detail.contains("`both`") && errors[0].detail.contains(words), "{errors:?}");
    }
}

#[test]
fn what_a_model_on_each_step_cannot_have_is_refused_by_name() {
    let model = |outer: Value, inner: Value| {
        let dense = json!({"class_name": "Dense", "config": {"name": "seen", "units": 2}});
        let within = json!({"class_name": "Sequential", "config": {"layers": [inner, dense]}});
        let mut config = json!({"name": "each", "layer": within});
        config.as_object_mut().unwrap().extend(outer.as_object().unwrap().clone());
        let layers = json!([{"class_name": "TimeDistributed", "config": config}]);
        json!({"class_name": "Sequential", "config": {"layers": layers, "build_input_shape": [null, 3, 2]}})
    };
    let flat = json!({"class_name": "Flatten", "config": {"name": "flat"}});
    keras::import(&model(json!({}), flat.clone())).unwrap();
    let inner = "/config/layers/0/config/layer/config/layers/0";
    for (document, pointer, words) in [
        (
            model(json!({"activity_regularizer": "l2"}), flat.clone()),
            "/config/layers/0/config/activity_regularizer",
            "expected null for a model on each step, received a regularizer",
        ),
        (model(json!({"unroll": true}), flat), "/config/layers/0/config/unroll", "the option is not known"),
        (
            model(json!({}), json!({"class_name": "Masking", "config": {"name": "shown"}})),
            inner,
            "expected no masks within a model on each step",
        ),
        (
            model(json!({}), json!({"class_name": "Dense", "config": {"units": 2, "activity_regularizer": "l2"}})),
            inner,
            "expected no `activity_regularizer` within a model on each step",
        ),
    ] {
        let errors = refuse(&document);
        assert_eq!(errors[0].pointer, pointer, "{errors:?}");
        assert!(errors[0].detail.contains(words), "{errors:?}");
    }
}

#[test]
fn values_of_a_layer_are_read_by_number() {
    let model = |reads: Value| {
        let layers = json!([
            {"type": "lstm", "name": "encoder", "units": 2, "return_state": true, "inputs": ["x"]},
            {"type": "lstm", "name": "decoder", "units": 2, "inputs": reads},
        ]);
        json!({"inputs": [{"name": "x", "shape": [3, 2]}], "layers": layers, "outputs": ["decoder", "encoder/2"]})
    };
    let definition = Definition::from_value(&model(json!(["x", "encoder/1", "encoder/2"]))).unwrap();
    assert_eq!(definition.output_names(), ["decoder", "encoder/2"]);
    for (reads, pointer, words) in [
        (json!(["x", "encoder/3", "encoder/2"]), "/layers/1/inputs/1", "expected `encoder/0` to `encoder/2`"),
        (json!(["x", "encoder/h", "encoder/2"]), "/layers/1/inputs/1", "received `encoder/h`"),
        (json!(["x/0", "encoder/1", "encoder/2"]), "/layers/1/inputs/0", "expected `x`, which has one output"),
        (json!(["x", "encoder/1", "encoder:1/2"]), "/layers/1/inputs/2", "expected `encoder:0` to `encoder:0`"),
        (json!(["x", "encoders/1", "encoder/2"]), "/layers/1/inputs/1", "did you mean `encoder`?"),
        (json!(["x", "a", "b", "c"]), "/layers/1/inputs", "expected 1 to 3 inputs, received 4"),
    ] {
        let errors = Definition::from_value(&model(reads)).unwrap_err();
        assert_eq!(errors[0].pointer, pointer, "{errors:?}");
        assert!(errors[0].detail.contains(words), "{errors:?}");
    }
    for (reads, words) in [
        (json!(["x", "encoder/1"]), "expected 1 or 3 inputs, received 2"),
        (json!(["x", "encoder", "x"]), "expected a state of the shape [2], received one of [3, 2]"),
    ] {
        let definition = Definition::from_value(&model(reads)).unwrap();
        let errors = definition.resolve(&definition.known_input_shapes().unwrap(), &Limits::default()).unwrap_err();
        assert_eq!(errors[0].pointer, "/layers/1/inputs", "{errors:?}");
        assert!(errors[0].detail.contains(words), "{errors:?}");
    }
}

#[test]
fn batch_normalization_on_each_step_is_that_of_keras_3() {
    let mut model = json!({"class_name": "Sequential", "keras_version": "3.15.1", "config": {"layers": [
        {"class_name": "TimeDistributed", "config": {"name": "each", "layer": {"class_name": "BatchNormalization", "config": {}}}}
    ]}});
    assert!(keras::import(&model).is_ok());
    model["keras_version"] = json!("2.21.0");
    let errors = refuse(&model);
    assert_eq!(errors[0].pointer, "/config/layers/0/config/layer", "{errors:?}");
    assert!(errors[0].detail.contains("expected a model of Keras 3"), "{errors:?}");
}
