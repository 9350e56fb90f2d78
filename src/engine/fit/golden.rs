//! The bits of whole fits, by class of CPU: a change of them is a change of what users get from the same seed.

use super::tests::{Record, data, from, samples};
use super::{FitPlan, OutputPlan, ValidationFreq, fit};
use crate::engine::{
    kernel::on_each_class,
    network::Network,
    spec::{Definition, Limits},
};
use serde_json::{Value, json};

/// The 64-bit FNV-1a hash of the bits of every weight after six steps.
fn hash(layers: &Value) -> u64 {
    let definition = Definition::from_value(&json!({"layers": layers})).unwrap();
    let architecture = definition.resolve(&definition.input_shapes(&[48]).unwrap(), &Limits::default()).unwrap();
    let mut network = Network::<f32>::initialize(architecture, 5);
    let (x, y) = data::<f32>(100, 48);
    let plan = FitPlan {
        epochs: 2,
        batch_size: 40,
        optimizer: from(json!("adam")),
        outputs: vec![OutputPlan::single(from(json!("binary_crossentropy")), Vec::new())],
        shuffle: true,
        seed: 3,
        early_stopping: None,
        reduce_lr_on_plateau: None,
        terminate_on_nan: false,
        validation_freq: ValidationFreq::default(),
        steps_per_epoch: None,
        threads: 1,
    };
    fit(&mut network, &plan, samples(&x, &y), None, &mut Record::default()).unwrap();
    let weights = network.tensors();
    let bytes = weights.iter().flat_map(|tensor| &tensor.values).flat_map(|value| value.to_bits().to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn bits_are_those_that_they_were() {
    let last = json!({"type": "dense", "units": 1, "activation": "sigmoid"});
    let networks = [
        json!([
            {"type": "dense", "units": 37, "activation": "gelu", "kernel_regularizer": "l2"},
            {"type": "batch_normalization"},
            {"type": "dropout", "rate": 0.2},
            {"type": "dense", "units": 19, "activation": "tanh"},
            last
        ]),
        json!([
            {"type": "reshape", "target_shape": [6, 8, 1]},
            {"type": "conv2d", "filters": 5, "kernel_size": 3, "padding": "same", "activation": "relu"},
            {"type": "max_pooling2d"},
            {"type": "separable_conv2d", "filters": 7, "kernel_size": 2, "activation": "swish"},
            {"type": "flatten"},
            last
        ]),
        json!([
            {"type": "reshape", "target_shape": [12, 4]},
            {"type": "bidirectional", "layer": {"type": "lstm", "units": 9, "return_sequences": true}},
            {"type": "gru", "units": 11},
            last
        ]),
        json!([
            {"type": "reshape", "target_shape": [6, 8]},
            {"type": "transformer_encoder", "num_heads": 2, "intermediate_dim": 20},
            {"type": "global_average_pooling1d"},
            last
        ]),
    ];
    let mut classes = 0;
    on_each_class(|class| {
        let Some((_, expected)) = EXPECTED.iter().find(|(name, _)| *name == class) else {
            panic!("{class} has no golden bits: {:x?}", networks.each_ref().map(hash));
        };
        assert_eq!(networks.each_ref().map(hash), *expected, "{class}: bits that were not there before");
        classes += 1;
    });
    assert!(classes >= 1);
}

/// By class of CPU: of a dense, a convolutional, a recurrent network and a transformer.
const EXPECTED: [(&str, [u64; 4]); 1] = [("scalar", [0; 4])];
