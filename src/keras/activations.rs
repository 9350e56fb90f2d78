//! Keras's activations, as functions and as layers.

use super::{
    class::{Class, Family, Plain, Rule},
    parameters::LAYER_OPTIONS,
};

/// Functions by their names in `keras.activations`.
pub(super) const ACTIVATIONS: Family = Family {
    what: "activation",
    classes: &[
        function(&["linear"], "linear"),
        function(&["relu"], "relu"),
        function(&["leaky_relu"], "leaky_relu"),
        function(&["elu"], "elu"),
        function(&["gelu"], "gelu"),
        function(&["sigmoid"], "sigmoid"),
        function(&["tanh"], "tanh"),
        function(&["softmax", "softmax_v2"], "softmax"),
        function(&["softplus"], "softplus"),
        function(&["silu", "swish"], "swish"),
        function(&["celu"], "celu"),
        function(&["exponential"], "exponential"),
        function(&["hard_shrink"], "hard_shrink"),
        function(&["hard_sigmoid"], "hard_sigmoid"),
        function(&["hard_silu", "hard_swish"], "hard_silu"),
        function(&["hard_tanh"], "hard_tanh"),
        function(&["log_sigmoid"], "log_sigmoid"),
        function(&["log_softmax"], "log_softmax"),
        function(&["mish"], "mish"),
        function(&["relu6"], "relu6"),
        function(&["selu"], "selu"),
        function(&["soft_shrink"], "soft_shrink"),
        function(&["softsign"], "softsign"),
        function(&["sparse_plus"], "sparse_plus"),
        function(&["sparse_sigmoid"], "sparse_sigmoid"),
        function(&["squareplus"], "squareplus"),
        function(&["tanh_shrink"], "tanh_shrink"),
    ],
    common: &[],
};

const fn function(names: &'static [&'static str], kind: &'static str) -> Class {
    Class { names, kind, options: &[] }
}

/// Activations that Keras has as layers too, where their settings make them a function that is known here.
pub(super) const ACTIVATION_LAYERS: Family = Family {
    what: "activation layer",
    classes: &[
        Class {
            names: &["ReLU"],
            kind: "relu",
            options: &[
                ("max_value", Rule::Optional),
                ("negative_slope", Rule::Default(Plain::Number(0.0))),
                ("threshold", Rule::Default(Plain::Number(0.0))),
            ],
        },
        Class {
            names: &["LeakyReLU"],
            kind: "leaky_relu",
            options: &[("negative_slope", Rule::Otherwise(0.3)), ("alpha", Rule::Renamed("negative_slope"))],
        },
        Class { names: &["ELU"], kind: "elu", options: &[("alpha", Rule::Same)] },
        Class { names: &["Softmax"], kind: "softmax", options: &[("axis", Rule::Only(&[Plain::Number(-1.0)]))] },
    ],
    common: &LAYER_OPTIONS,
};
