//! Keras's activations, as functions and as layers.

use super::{
    class::{Family, Plain, Row, Rule, class, differs},
    kinds,
    layers::LAYER_OPTIONS,
};
use crate::engine::activation::Activation;
use std::sync::LazyLock;

/// Functions by their names in `keras.activations`.
pub(super) static ACTIVATIONS: LazyLock<Family> =
    LazyLock::new(|| Family::new("activation", kinds::functions::<Activation>(), FUNCTIONS, &[]));

/// Activations that Keras has as layers too, where their settings make them a function that is known here.
pub(super) static ACTIVATION_LAYERS: LazyLock<Family> =
    LazyLock::new(|| Family::new("activation layer", Vec::new(), LAYERS, &LAYER_OPTIONS));

const FUNCTIONS: &[Row] = &[
    differs("softmax", &["softmax_v2"], &[]),
    differs("swish", &["silu"], &[]),
    differs("hard_silu", &["hard_swish"], &[]),
    // Keras 3 has a slope of 1/6.
    differs("hard_sigmoid", &[], &[("slope", Rule::OfKeras2(Plain::Number(0.2)))]),
];

const LAYERS: &[Row] = &[
    class(
        &["ReLU"],
        "relu",
        &[
            ("max_value", Rule::Optional),
            ("negative_slope", Rule::Default(Plain::Number(0.0))),
            ("threshold", Rule::Default(Plain::Number(0.0))),
        ],
    ),
    class(
        &["LeakyReLU"],
        "leaky_relu",
        &[("negative_slope", Rule::Otherwise(0.3)), ("alpha", Rule::Renamed("negative_slope"))],
    ),
    class(&["ELU"], "elu", &[("alpha", Rule::Same)]),
    class(&["Softmax"], "softmax", &[("axis", Rule::Only(&[Plain::Number(-1.0)]))]),
];
