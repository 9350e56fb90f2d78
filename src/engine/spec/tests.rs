use super::{Architecture, Definition, Limits};
use crate::engine::{field::FieldError, shape::Shape};
use rstest::rstest;
use serde_json::{Value, json};

fn read(value: Value) -> Result<Definition, Vec<FieldError>> {
    Definition::from_value(&value)
}

fn layer(layer: Value) -> Value {
    json!({"layers": [{"type": "flatten"}, layer]})
}

#[rstest]
#[case(json!([]), "", "received an array")]
#[case(json!({}), "/layers", "received nothing")]
#[case(json!({"layers": {}}), "/layers", "received an object")]
#[case(json!({"layers": []}), "/layers", "received 0")]
#[case(json!({"layer": [], "layers": [{"type": "flatten"}]}), "/layer", "did you mean `layers`?")]
#[case(json!({"layers": ["dense"]}), "/layers/0", "received a string")]
#[case(json!({"layers": [{"units": 4}]}), "/layers/0/type", "received nothing")]
#[case(json!({"layers": [{"type": 4}]}), "/layers/0/type", "received a number")]
#[case(layer(json!({"type": "dens", "units": 4})), "/layers/1/type", "did you mean `dense`?")]
#[case(layer(json!({"type": "dense"})), "/layers/1", "expected the field `units`, received nothing")]
#[case(layer(json!({"type": "dense", "unit": 4})), "/layers/1/unit", "did you mean `units`?")]
#[case(layer(json!({"type": "dense", "units": 0})), "/layers/1/units", "from 1 to 2147483647, received 0")]
#[case(layer(json!({"type": "dense", "units": -1})), "/layers/1/units", "received -1")]
#[case(layer(json!({"type": "dense", "units": 1.5})), "/layers/1/units", "received 1.5")]
#[case(layer(json!({"type": "dense", "units": "4"})), "/layers/1/units", "received \"4\"")]
#[case(layer(json!({"type": "dense", "units": 1u64 << 63})), "/layers/1/units", "received 9223372036854775808")]
#[case(layer(json!({"type": "dense", "units": 4, "activation": "rely"})), "/layers/1/activation", "relu")]
#[case(layer(json!({"type": "dense", "units": 4, "kernel_initializer": "he_norm"})), "/layers/1/kernel_initializer", "he_normal")]
#[case(layer(json!({"type": "dropout", "rate": 1.0})), "/layers/1/rate", "received 1")]
#[case(layer(json!({"type": "dropout", "rate": -0.1})), "/layers/1/rate", "received -0.1")]
#[case(layer(json!({"type": "dropout", "rate": 1e308})), "/layers/1/rate", "at most 3.4028235e38")]
#[case(layer(json!({"type": "batch_normalization", "momentum": 1.5})), "/layers/1/momentum", "received 1.5")]
#[case(layer(json!({"type": "batch_normalization", "epsilon": 0})), "/layers/1/epsilon", "received 0")]
#[case(layer(json!({"type": "conv1d", "filters": 2, "kernel_size": 2, "activity_regularizer": {"type": "l2", "l2": -1}})), "/layers/1/activity_regularizer/l2", "received -1")]
#[case(layer(json!({"type": "dense", "units": 2, "activity_regularizer": "orthogonal_regularizer"})), "/layers/1/activity_regularizer", "expected l1, l2 or l1_l2")]
#[case(layer(json!({"type": "time_distributed", "layer": {"type": "dense", "units": 2, "activity_regularizer": "l2"}})), "/layers/1/layer/activity_regularizer", "expected null")]
#[case(layer(json!({"type": "dropout", "rate": 0.5, "activity_regularizer": {"type": "l2", "l2": -1}})), "/layers/1/activity_regularizer/l2", "received -1")]
#[case(layer(json!({"type": "flatten", "activity_regularizer": "orthogonal_regularizer"})), "/layers/1/activity_regularizer", "expected l1, l2 or l1_l2")]
#[case(layer(json!({"type": "dropout", "rate": 0.5, "noise_shape": [null, "a"]})), "/layers/1/noise_shape/1", "expected null or a whole number, received \"a\"")]
#[case(layer(json!({"type": "time_distributed", "layer": {"type": "flatten", "activity_regularizer": "l2"}})), "/layers/1/layer/activity_regularizer", "unknown field")]
#[case(layer(json!({"type": "flatten", "name": ""})), "/layers/1/name", "received 0")]
#[case(layer(json!({"type": "flatten", "name": "a/b"})), "/layers/1/name", "received '/'")]
#[case(layer(json!({"type": "flatten", "name": 7})), "/layers/1/name", "received a number")]
#[case(json!({"layers": [{"type": "flatten", "name": "a"}, {"type": "flatten", "name": "a"}]}), "/layers/1/name", "second time")]
#[case(json!({"input_shape": 4, "layers": [{"type": "flatten"}]}), "/input_shape", "received a number")]
#[case(json!({"input_shape": [], "layers": [{"type": "flatten"}]}), "/input_shape", "received 0")]
#[case(json!({"input_shape": [4, 0], "layers": [{"type": "flatten"}]}), "/input_shape/1", "received 0")]
#[case(json!({"input_shape": [4, 2.5], "layers": [{"type": "flatten"}]}), "/input_shape/1", "received 2.5")]
#[case(json!({"input_shape": [2147483647, 2147483647, 2147483647], "layers": [{"type": "flatten"}]}), "/input_shape", "elements")]
fn errors_point_at_what_is_wrong(#[case] value: Value, #[case] pointer: &str, #[case] text: &str) {
    let errors = read(value).unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].pointer, pointer, "{errors:?}");
    assert!(errors[0].detail.contains(text), "{errors:?}");
}

#[test]
fn every_wrong_layer_is_reported_at_once() {
    let errors = read(json!({
        "input_shape": [0],
        "layers": [{"type": "dense", "units": 0}, {"type": "flatten"}, {"type": "dropout", "rate": 2}]
    }))
    .unwrap_err();
    let pointers: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
    assert_eq!(pointers, ["/input_shape/0", "/layers/0/units", "/layers/2/rate"]);
}

#[test]
fn too_many_layers_are_refused_by_their_number() {
    let layers: Vec<Value> = std::iter::repeat_n(json!({"type": "flatten"}), 20_000).collect();
    let errors = read(json!({"layers": layers})).unwrap_err();
    assert_eq!(errors, [FieldError::new("/layers", "expected 1 to 10000 layers, received 20000")]);
    let definition = read(json!({"layers": [{"type": "flatten"}, {"type": "flatten"}]})).unwrap();
    let errors = definition.resolve(&[Shape::vector(3)], &Limits { layers: 1, ..Limits::default() }).unwrap_err();
    assert_eq!(errors, [FieldError::new("/layers", "expected at most 1 layers, received 2")]);
}

#[test]
fn layers_without_a_name_get_keras_names() {
    let definition = read(json!({"layers": [
        {"type": "dense", "units": 2},
        {"type": "dense", "units": 2, "name": "dense_1"},
        {"type": "dense", "units": 2},
        {"type": "flatten"},
        {"type": "dense", "units": 2}
    ]}))
    .unwrap();
    let names: Vec<&str> = definition.layers.iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(names, ["dense", "dense_1", "dense_2", "flatten", "dense_3"]);
}

#[test]
fn defaults_are_keras_and_shown() {
    let definition = read(json!({"layers": [{"type": "dense", "units": 2}, {"type": "batch_normalization"}]})).unwrap();
    let written = definition.to_value();
    assert_eq!(Definition::from_value(&written).unwrap(), definition);
    let (dense, normalization) = (&written["layers"][0], &written["layers"][1]);
    assert_eq!(dense["activation"], "linear");
    assert_eq!(dense["use_bias"], true);
    assert_eq!(normalization["momentum"], 0.99);
    assert_eq!(normalization["epsilon"], 0.001);
    assert_eq!(normalization["axis"], -1);
}

#[test]
fn a_row_of_features_is_the_input_tensor_where_the_cells_agree() {
    let definition = read(json!({"input_shape": [8, 8], "layers": [{"type": "flatten"}]})).unwrap();
    assert_eq!(definition.input_shapes(&[64]).unwrap(), [Shape(vec![8, 8])]);
    let error = definition.input_shapes(&[30]).unwrap_err();
    assert_eq!(error.pointer, "/input_shape");
    assert!(error.detail.contains("30") && error.detail.contains("64"), "{error}");
    let inferred = read(json!({"layers": [{"type": "flatten"}]})).unwrap();
    assert_eq!(inferred.input_shapes(&[30]).unwrap(), [Shape(vec![30])]);
}

#[test]
fn sizes_are_those_of_keras_summary() {
    let definition = read(json!({"input_shape": [2, 3], "layers": [
        {"type": "dense", "units": 5},
        {"type": "flatten"},
        {"type": "batch_normalization"},
        {"type": "dense", "units": 4, "use_bias": false}
    ]}))
    .unwrap();
    let architecture = definition.resolve(&[Shape(vec![2, 3])], &Limits::default()).unwrap();
    let summary = architecture.summary();
    let sizes: Vec<_> = summary.layers.iter().map(|layer| (layer.output_shape.0.clone(), layer.parameters)).collect();
    assert_eq!(sizes, [(vec![2, 5], 20), (vec![10], 0), (vec![10], 40), (vec![4], 40)]);
    assert_eq!((summary.parameters, summary.trainable_parameters), (100, 80));
    assert_eq!(architecture.output_shapes().next().unwrap(), &Shape(vec![4]));
}

#[rstest]
#[case(json!([{"type": "dense", "units": 2000}]), "/layers/0", "expected at most 10000 parameters, received 20000")]
#[case(json!([{"type": "dense", "units": 2147483647}, {"type": "dense", "units": 2147483647}, {"type": "flatten"}]),
    "/layers/0", "expected at most 10000 parameters")]
#[case(json!([{"type": "flatten"}, {"type": "batch_normalization", "axis": 2}]), "/layers/1/axis", "received 2")]
#[case(json!([{"type": "dense", "units": 3, "bias_initializer": "identity"}]), "/layers/0/bias_initializer", "[3]")]
fn models_that_exceed_limits_are_refused_before_allocation(
    #[case] layers: Value,
    #[case] pointer: &str,
    #[case] text: &str,
) {
    let definition = read(json!({"layers": layers})).unwrap();
    let limits = Limits { parameters: 10_000, ..Limits::default() };
    let errors = definition.resolve(&[Shape::vector(9)], &limits).unwrap_err();
    assert_eq!(errors[0].pointer, pointer, "{errors:?}");
    assert!(errors[0].detail.contains(text), "{errors:?}");
}

#[test]
fn values_count_against_memory() {
    let definition = read(json!({"input_shape": [1_000_000, 1_000], "layers": [{"type": "flatten"}]})).unwrap();
    let errors =
        definition.resolve(&definition.input_shapes(&[1_000_000_000]).unwrap(), &Limits::default()).unwrap_err();
    assert_eq!(errors[0].detail, "expected a model of at most 4294967296 bytes, received one of 8000000000");
}

#[test]
fn a_null_axis_is_inferred_from_the_features() {
    let definition = read(json!({"input_shape": [null, 4], "layers": [{"type": "flatten"}]})).unwrap();
    assert_eq!(definition.input_shapes(&[12]).unwrap(), [Shape(vec![3, 4])]);
    assert_eq!(definition.known_input_shapes(), None);
    let error = definition.input_shapes(&[13]).unwrap_err();
    assert_eq!(error.pointer, "/input_shape");
    assert!(error.detail.contains("13") && error.detail.contains("a multiple of 4"), "{error}");
    let errors = read(json!({"input_shape": [null, null], "layers": [{"type": "flatten"}]})).unwrap_err();
    assert_eq!(errors[0].pointer, "/input_shape/1");
}

fn graph(layers: Value) -> Value {
    json!({"inputs": [{"name": "a", "shape": [4]}, "b"], "layers": layers, "outputs": ["last"]})
}

#[rstest]
#[case(json!([{"type": "dense", "units": 2, "name": "last", "inputs": ["a", "b"]}]), "/layers/0/inputs", "expected one input, received 2")]
#[case(json!([{"type": "dense", "units": 2, "name": "last", "inputs": ["c"]}]), "/layers/0/inputs/0", "expected the name of an input or a layer, received `c`")]
#[case(json!([{"type": "dense", "units": 2, "name": "last", "inputs": []}]), "/layers/0/inputs", "at least one name")]
#[case(json!([{"type": "dense", "units": 2, "name": "last", "inputs": "a"}]), "/layers/0/inputs", "received a string")]
#[case(json!([{"type": "dense", "units": 2, "name": "last", "inputs": ["a"]}]), "/inputs/1", "no output depends on the input `b`")]
#[case(json!([{"type": "flatten", "name": "x", "inputs": ["last"]}, {"type": "flatten", "name": "last", "inputs": ["x"]}]), "/layers/0/inputs", "the graph has a cycle through")]
#[case(json!([{"type": "flatten", "name": "last", "inputs": [["a"], ["b"]]}, {"type": "flatten", "name": "x", "inputs": ["last:2"]}]), "/layers/1/inputs/0", "`last:0` to `last:1`")]
#[case(json!([{"type": "flatten", "name": "last", "inputs": ["a"]}, {"type": "flatten", "name": "x", "inputs": ["b"]}]), "/layers/1", "no output depends on `x`")]
#[case(json!([{"type": "flatten", "name": "a"}]), "/layers/0/name", "second time")]
#[case(json!([{"type": "flatten", "name": "last", "trainable": 1}]), "/layers/0/trainable", "true or false")]
fn errors_of_graphs_point_at_what_is_wrong(#[case] layers: Value, #[case] pointer: &str, #[case] text: &str) {
    let errors = read(graph(layers)).unwrap_err();
    assert_eq!(errors[0].pointer, pointer, "{errors:?}");
    assert!(errors[0].detail.contains(text), "{errors:?}");
}

#[test]
fn shared_layers_have_one_set_of_weights() {
    let definition = read(json!({
        "inputs": ["a", "b"],
        "layers": [
            {"type": "dense", "units": 3, "name": "second", "inputs": ["first:1"]},
            {"type": "dense", "units": 5, "name": "first", "inputs": [["a"], ["b"], ["third"]]},
            {"type": "dense", "units": 4, "name": "third", "trainable": false, "inputs": ["first"]}
        ],
        "outputs": ["second", "first:2"]
    }))
    .unwrap();
    assert_eq!(Definition::from_value(&definition.to_value()).unwrap(), definition);
    let architecture = definition.resolve(&definition.input_shapes(&[4, 4]).unwrap(), &Limits::default()).unwrap();
    let names: Vec<&str> = architecture.nodes().iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["first", "first", "second", "third", "first"]);
    let shared: Vec<bool> = architecture.nodes().iter().map(|node| node.shared).collect();
    assert_eq!(shared, [true, true, false, false, false]);
    let summary = architecture.summary();
    assert_eq!((summary.parameters, summary.trainable_parameters), (18 + 25 + 24, 18 + 25));
    let errors = definition.resolve(&definition.input_shapes(&[4, 7]).unwrap(), &Limits::default()).unwrap_err();
    assert!(errors[0].detail.contains("this layer is shared"), "{errors:?}");
}

#[test]
fn activity_regularizers_are_nodes() {
    let penalized = json!({"type": "lstm", "units": 2, "return_sequences": true, "activity_regularizer": "l2"});
    let definition = read(json!({"layers": [{"type": "masking"}, penalized, {"type": "dense", "units": 1}]})).unwrap();
    let architecture = definition.resolve(&[Shape(vec![3, 2])], &Limits::default()).unwrap();
    let kinds: Vec<&str> = architecture.nodes().iter().map(|node| node.layer.kind()).collect();
    assert_eq!(kinds, ["masking", "lstm", "activity_regularization", "dense"]);
    assert!(architecture.output_mask(0).is_some(), "the mask goes through");
    let orthogonal = json!({"type": "dense", "units": 2, "bias_regularizer": "orthogonal_regularizer"});
    let errors = read(json!({"layers": [orthogonal]})).unwrap().resolve(&[Shape::vector(3)], &Limits::default());
    assert_eq!(errors.unwrap_err()[0].pointer, "/layers/0/bias_regularizer");
}

#[test]
fn a_setting_that_does_not_fit_a_shape_is_pointed_at_by_its_own_name() {
    let recurrent = json!({"type": "gru", "units": 2, "recurrent_regularizer": "orthogonal_regularizer"});
    let convolution =
        json!({"type": "conv1d", "filters": 2, "kernel_size": 2, "kernel_regularizer": "orthogonal_regularizer"});
    let separable =
        json!({"type": "separable_conv1d", "filters": 2, "kernel_size": 2, "pointwise_initializer": "identity"});
    for (layer, pointer) in [
        (recurrent, None),
        (convolution, Some("/layers/0/kernel_regularizer")),
        (separable, Some("/layers/0/pointwise_initializer")),
    ] {
        let resolved = read(json!({"layers": [layer]})).unwrap().resolve(&[Shape(vec![4, 3])], &Limits::default());
        let found = resolved.err().map(|errors| errors[0].pointer.clone());
        assert_eq!(found.as_deref(), pointer);
    }
}

#[rstest]
#[case(json!([{"type": "time_distributed", "layer": {"type": "lstm", "units": 4}}]), "/layers/1", "begins with the axes of its mask, [2, 3], received one of the shape [2, 4]")]
#[case(json!([{"type": "time_distributed", "layer": {"type": "lstm", "units": 4}}, {"type": "gru", "units": 1}]), "/layers/2", "a mask of the shape [2], the axes of [2, 4] but the last one, received one of the shape [2, 3]")]
#[case(json!([{"type": "time_distributed", "layer": {"type": "lstm", "units": 3, "return_sequences": true}}, {"type": "multi_head_attention", "num_heads": 1, "key_dim": 2, "inputs": ["time_distributed", "time_distributed"]}]), "/layers/2/attention_axes", "the last axis of steps, where an input has a mask, received 1 to 2")]
fn unusable_masks_are_refused(#[case] layers: Value, #[case] pointer: &str, #[case] text: &str) {
    let errors = behind_masked_words(layers).unwrap_err();
    assert_eq!(errors[0].pointer, pointer, "{errors:?}");
    assert!(errors[0].detail.contains(text), "{errors:?}");
}

#[test]
fn time_distributed_layers_see_the_rest_of_the_mask() {
    let norm = json!({"type": "time_distributed", "layer": {"type": "batch_normalization"}});
    let lstm = json!({"type": "time_distributed", "layer": {"type": "lstm", "units": 4}});
    assert!(behind_masked_words(json!([lstm, {"type": "flatten"}])).is_ok(), "no layer uses the mask");
    for (layer, repeat, mask) in
        [(norm.clone(), 2, vec![3]), (json!({"type": "time_distributed", "layer": norm}), 6, vec![])]
    {
        let architecture = behind_masked_words(json!([layer])).unwrap();
        let node = &architecture.nodes()[1];
        assert_eq!((node.repeat, &node.mask_shapes), (repeat, &vec![Shape(mask)]));
    }
}

/// Layers behind an embedding of two rows of three words, of which some are padding.
fn behind_masked_words(layers: Value) -> Result<Architecture, Vec<FieldError>> {
    let mut all = vec![json!({"type": "embedding", "input_dim": 5, "output_dim": 3, "mask_zero": true})];
    all.extend(layers.as_array().unwrap().iter().cloned());
    let definition = read(json!({"inputs": [{"name": "words", "shape": [2, 3]}], "layers": all})).unwrap();
    definition.resolve(&definition.known_input_shapes().unwrap(), &Limits::default())
}

#[test]
fn shapes_that_an_initializer_cannot_fill_are_found_at_its_own_name() {
    for (layer, pointer) in [
        (
            json!({"type": "depthwise_conv1d", "kernel_size": 2, "depthwise_initializer": "identity"}),
            "depthwise_initializer",
        ),
        (
            json!({"type": "separable_conv1d", "filters": 2, "kernel_size": 2, "pointwise_initializer": "identity"}),
            "pointwise_initializer",
        ),
        (
            json!({"type": "conv1d", "filters": 2, "kernel_size": 2, "kernel_initializer": "identity"}),
            "kernel_initializer",
        ),
    ] {
        let definition = read(json!({"layers": [layer]})).unwrap();
        let errors = definition.resolve(&[Shape(vec![4, 2])], &Limits::default()).unwrap_err();
        assert_eq!(errors[0].pointer, format!("/layers/0/{pointer}"), "{errors:?}");
    }
}

#[test]
fn layers_around_others_refuse_what_they_cannot_compute() {
    let (dense, mean) = (json!({"type": "dense", "units": 3}), json!({"type": "global_average_pooling1d"}));
    let normalized = json!({"type": "spectral_normalization", "layer": dense});
    for (layers, pointer, word) in [
        (vec![json!({"type": "masking"}), json!({"type": "channels_first", "layer": mean})], "/layers/1", "mask"),
        (vec![json!({"type": "masking"}), normalized.clone()], "/layers/1", "mask"),
        (vec![json!({"type": "time_distributed", "layer": normalized.clone()})], "/layers/0", "once a step"),
        (vec![json!({"type": "spectral_normalization", "layer": normalized})], "/layers/0/layer", "kernel"),
    ] {
        let resolved = read(json!({"layers": layers}))
            .map(|definition| definition.resolve(&[Shape(vec![3, 3])], &Limits::default()).map(|_| ()));
        let errors = resolved.and_then(|resolved| resolved).unwrap_err();
        assert!(errors[0].pointer.starts_with(pointer) && errors[0].detail.contains(word), "{errors:?}");
    }
    let twice = json!({
        "inputs": [{"name": "x"}],
        "layers": [{"type": "spectral_normalization", "layer": dense, "name": "layer", "inputs": [["x"], ["layer"]]}],
        "outputs": ["layer:1"]
    });
    let definition = read(twice).unwrap();
    let errors = definition.resolve(&[Shape::vector(3)], &Limits::default()).unwrap_err();
    assert!(errors[0].detail.contains("one call of `spectral_normalization`"), "{errors:?}");
}
