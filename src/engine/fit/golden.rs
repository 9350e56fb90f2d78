//! The bits of whole fits, by class of CPU: a change of them is a change of what users get from the same seed.

use super::{
    fit,
    tests::{Record, architecture, data, plan, samples},
};
use crate::engine::{kernel::on_each_class, network::Network};
use serde_json::{Value, json};

/// The 64-bit FNV-1a hash of the bits of every weight after six steps.
fn hash(layers: &Value) -> u64 {
    let mut network = Network::<f32>::initialize(architecture(48, layers.clone()), 5);
    let (x, y) = data::<f32>(100, 48);
    let plan = plan(2, 40, json!("adam"), "binary_crossentropy");
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
        json!([
            {"type": "dense", "units": 1400, "activation": "relu"},
            last
        ]),
        json!([
            {"type": "repeat_vector", "n": 64},
            {"type": "dense", "units": 48, "activation": "relu"},
            {"type": "layer_normalization"},
            {"type": "global_average_pooling1d"},
            last
        ]),
    ];
    let mut found = Vec::new();
    on_each_class(|class| found.push((class, networks.each_ref().map(hash))));
    let expected: Vec<_> =
        EXPECTED.into_iter().filter(|(class, _)| found.iter().any(|(name, _)| name == class)).collect();
    assert_eq!(found, expected, "every class that this machine can be taken for");
}

/// By class of CPU: of a dense, a convolutional, a recurrent network, a transformer, a wide network and one over many
/// steps.
const EXPECTED: [(&str, [u64; 6]); 3] = [
    (
        "scalar",
        [
            0x629c_3f58_6879_7e34,
            0x0ffd_ee8f_2553_92d1,
            0x56a1_ef0f_0596_47da,
            0x8737_bb73_4247_aa17,
            0xc7c7_8a4c_2558_99ea,
            0xa671_f22b_1443_6ffc,
        ],
    ),
    (
        "x86-64-v3",
        [
            0xff65_7416_9581_8058,
            0x07de_0cfa_93ec_7de9,
            0x4eae_64e9_0748_28d4,
            0x5969_3512_69cb_2fd8,
            0x7bc0_b1b0_6d61_9401,
            0xf600_9f88_eadd_a288,
        ],
    ),
    (
        "x86-64-v4",
        [
            0xcc6b_7cd8_5eb6_8335,
            0xe1ca_1d0e_b54b_2dfc,
            0x4eae_64e9_0748_28d4,
            0x5969_3512_69cb_2fd8,
            0xacbd_ab09_a53a_ad68,
            0xe16d_518f_2619_115f,
        ],
    ),
];
