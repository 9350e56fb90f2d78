//! The layers of Keras that are understood, and what stands in their options.

use super::{
    augmentation,
    class::{Class, Family, Plain, Rule, UNSET},
    convolutions, einsum, elementary,
    parameters::{CONSTRAINTS, INITIALIZERS, REGULARIZERS},
    recurrent,
};

/// What makes one random stream repeatable in Keras; here the job's own seed does that for all of them.
pub(super) const SEED: (&str, Rule) = ("seed", Rule::Ignored);

/// The order of axes that is computed in.
pub(super) const CHANNELS_LAST: (&str, Rule) = ("data_format", Rule::Only(&[Plain::Text("channels_last")]));

/// Layers that may follow one another.
pub(super) const LAYERS: Family = Family {
    what: "layer",
    classes: &[
        Class {
            names: &["Dense"],
            kind: "dense",
            options: &[
                ("units", Rule::Same),
                ("activation", Rule::Activation),
                ("use_bias", Rule::Same),
                ("kernel_initializer", Rule::Object(&INITIALIZERS)),
                ("bias_initializer", Rule::Object(&INITIALIZERS)),
                ("kernel_regularizer", Rule::Object(&REGULARIZERS)),
                ("bias_regularizer", Rule::Object(&REGULARIZERS)),
                ("activity_regularizer", Rule::Object(&REGULARIZERS)),
                ("kernel_constraint", Rule::Object(&CONSTRAINTS)),
                ("bias_constraint", Rule::Object(&CONSTRAINTS)),
                ("lora_rank", UNSET),
                ("quantization_config", UNSET),
            ],
        },
        Class {
            names: &[einsum::CLASS],
            kind: "dense",
            options: &[
                // Of these the layer's units follow, and whether it has a bias.
                ("equation", Rule::Elsewhere),
                ("output_shape", Rule::Elsewhere),
                ("bias_axes", Rule::Elsewhere),
                ("activation", Rule::Activation),
                ("kernel_initializer", Rule::Object(&INITIALIZERS)),
                ("bias_initializer", Rule::Object(&INITIALIZERS)),
                ("kernel_regularizer", Rule::Object(&REGULARIZERS)),
                ("bias_regularizer", Rule::Object(&REGULARIZERS)),
                ("kernel_constraint", Rule::Object(&CONSTRAINTS)),
                ("bias_constraint", Rule::Object(&CONSTRAINTS)),
                ("lora_rank", UNSET),
                ("quantization_config", UNSET),
            ],
        },
        Class { names: &["Activation"], kind: "activation", options: &[("activation", Rule::Activation)] },
        Class {
            names: &["Dropout"],
            kind: "dropout",
            options: &[("rate", Rule::Same), ("noise_shape", Rule::Same), SEED],
        },
        Class { names: &["Flatten"], kind: "flatten", options: &[CHANNELS_LAST] },
        Class {
            names: &["BatchNormalization"],
            kind: "batch_normalization",
            options: &[
                ("axis", Rule::Axis),
                ("momentum", Rule::Same),
                ("epsilon", Rule::Same),
                ("center", Rule::Same),
                ("scale", Rule::Same),
                ("beta_initializer", Rule::Object(&INITIALIZERS)),
                ("gamma_initializer", Rule::Object(&INITIALIZERS)),
                ("moving_mean_initializer", Rule::Object(&INITIALIZERS)),
                ("moving_variance_initializer", Rule::Object(&INITIALIZERS)),
                ("beta_regularizer", Rule::Object(&REGULARIZERS)),
                ("gamma_regularizer", Rule::Object(&REGULARIZERS)),
                ("beta_constraint", Rule::Object(&CONSTRAINTS)),
                ("gamma_constraint", Rule::Object(&CONSTRAINTS)),
                // The statistics are always those of the whole batch, however many threads share it.
                ("synchronized", Rule::Ignored),
                ("renorm", Rule::Only(&[Plain::Bool(false)])),
                // Read by Keras only where `renorm` is on.
                ("renorm_clipping", Rule::Ignored),
                ("renorm_momentum", Rule::Ignored),
            ],
        },
        convolutions::standard(&["Conv1D", "Convolution1D"], "conv1d"),
        convolutions::standard(&["Conv2D", "Convolution2D"], "conv2d"),
        convolutions::transposed(&["Conv1DTranspose", "Convolution1DTranspose"], "conv1d_transpose"),
        convolutions::transposed(&["Conv2DTranspose", "Convolution2DTranspose"], "conv2d_transpose"),
        convolutions::depthwise(&["DepthwiseConv1D"], "depthwise_conv1d"),
        convolutions::depthwise(&["DepthwiseConv2D"], "depthwise_conv2d"),
        convolutions::separable(&["SeparableConv1D", "SeparableConvolution1D"], "separable_conv1d"),
        convolutions::separable(&["SeparableConv2D", "SeparableConvolution2D"], "separable_conv2d"),
        convolutions::pooling(&["MaxPooling1D", "MaxPool1D"], "max_pooling1d"),
        convolutions::pooling(&["MaxPooling2D", "MaxPool2D"], "max_pooling2d"),
        convolutions::pooling(&["AveragePooling1D", "AvgPool1D"], "average_pooling1d"),
        convolutions::pooling(&["AveragePooling2D", "AvgPool2D"], "average_pooling2d"),
        convolutions::global_pooling(&["GlobalMaxPooling1D", "GlobalMaxPool1D"], "global_max_pooling1d"),
        convolutions::global_pooling(&["GlobalMaxPooling2D", "GlobalMaxPool2D"], "global_max_pooling2d"),
        convolutions::global_pooling(&["GlobalAveragePooling1D", "GlobalAvgPool1D"], "global_average_pooling1d"),
        convolutions::global_pooling(&["GlobalAveragePooling2D", "GlobalAvgPool2D"], "global_average_pooling2d"),
        elementary::EMBEDDING,
        elementary::MASKING,
        elementary::RESCALING,
        elementary::NORMALIZATION,
        elementary::RESHAPE,
        elementary::PERMUTE,
        elementary::REPEAT_VECTOR,
        elementary::UP_SAMPLING1D,
        elementary::UP_SAMPLING2D,
        elementary::zero_padding(&["ZeroPadding1D"], "zero_padding1d"),
        elementary::zero_padding(&["ZeroPadding2D"], "zero_padding2d"),
        elementary::cropping(&["Cropping1D"], "cropping1d"),
        elementary::cropping(&["Cropping2D"], "cropping2d"),
        elementary::spatial_dropout(&["SpatialDropout1D"], "spatial_dropout1d"),
        elementary::spatial_dropout(&["SpatialDropout2D"], "spatial_dropout2d"),
        elementary::GAUSSIAN_NOISE,
        elementary::GAUSSIAN_DROPOUT,
        elementary::ALPHA_DROPOUT,
        augmentation::RANDOM_FLIP,
        augmentation::RANDOM_ROTATION,
        augmentation::RANDOM_TRANSLATION,
        augmentation::RANDOM_ZOOM,
        elementary::ACTIVITY_REGULARIZATION,
        elementary::plain(&["Add"], "add"),
        elementary::plain(&["Subtract"], "subtract"),
        elementary::plain(&["Multiply"], "multiply"),
        elementary::plain(&["Average"], "average"),
        elementary::plain(&["Maximum"], "maximum"),
        elementary::plain(&["Minimum"], "minimum"),
        elementary::CONCATENATE,
        elementary::DOT,
        elementary::plain(&["Identity"], "identity"),
        elementary::PRELU,
        elementary::RELU,
        elementary::THRESHOLDED_RELU,
        elementary::SOFTMAX,
        Class { names: &["TimeDistributed"], kind: "time_distributed", options: &[("layer", Rule::Layer)] },
        recurrent::SIMPLE_RNN,
        recurrent::LSTM,
        recurrent::GRU,
        recurrent::BIDIRECTIONAL,
        Class {
            names: &["LayerNormalization"],
            kind: "layer_normalization",
            options: &[
                ("axis", Rule::Axis),
                ("epsilon", Rule::Same),
                ("center", Rule::Same),
                ("scale", Rule::Same),
                ("rms_scaling", Rule::Only(&[Plain::Bool(false)])),
                ("beta_initializer", Rule::Object(&INITIALIZERS)),
                ("gamma_initializer", Rule::Object(&INITIALIZERS)),
                ("beta_regularizer", Rule::Object(&REGULARIZERS)),
                ("gamma_regularizer", Rule::Object(&REGULARIZERS)),
                ("beta_constraint", Rule::Object(&CONSTRAINTS)),
                ("gamma_constraint", Rule::Object(&CONSTRAINTS)),
            ],
        },
        Class {
            names: &["GroupNormalization"],
            kind: "group_normalization",
            options: &[
                ("groups", Rule::Same),
                ("axis", Rule::Axis),
                ("epsilon", Rule::Same),
                ("center", Rule::Same),
                ("scale", Rule::Same),
                ("beta_initializer", Rule::Object(&INITIALIZERS)),
                ("gamma_initializer", Rule::Object(&INITIALIZERS)),
                ("beta_regularizer", Rule::Object(&REGULARIZERS)),
                ("gamma_regularizer", Rule::Object(&REGULARIZERS)),
                ("beta_constraint", Rule::Object(&CONSTRAINTS)),
                ("gamma_constraint", Rule::Object(&CONSTRAINTS)),
            ],
        },
        Class {
            names: &["RMSNormalization"],
            kind: "rms_normalization",
            options: &[("axis", Rule::Axis), ("epsilon", Rule::Same)],
        },
        Class { names: &["UnitNormalization"], kind: "unit_normalization", options: &[("axis", Rule::Axis)] },
        Class {
            names: &["MultiHeadAttention"],
            kind: "multi_head_attention",
            options: &[
                ("num_heads", Rule::Same),
                ("key_dim", Rule::Same),
                ("value_dim", Rule::Same),
                ("dropout", Rule::Same),
                ("use_bias", Rule::Same),
                ("use_gate", Rule::Only(&[Plain::Bool(false)])),
                ("output_shape", Rule::Same),
                ("attention_axes", Rule::Same),
                ("sliding_window", UNSET),
                // Another way to the same numbers.
                ("flash_attention", Rule::Ignored),
                // Keras 2 prints the shapes that it was built with.
                ("query_shape", Rule::Ignored),
                ("key_shape", Rule::Ignored),
                ("value_shape", Rule::Ignored),
                ("softmax_robust_masking", Rule::Only(&[Plain::Bool(false)])),
                ("kernel_initializer", Rule::Object(&INITIALIZERS)),
                ("bias_initializer", Rule::Object(&INITIALIZERS)),
                ("kernel_regularizer", Rule::Object(&REGULARIZERS)),
                ("bias_regularizer", Rule::Object(&REGULARIZERS)),
                ("activity_regularizer", Rule::Object(&REGULARIZERS)),
                ("kernel_constraint", Rule::Object(&CONSTRAINTS)),
                ("bias_constraint", Rule::Object(&CONSTRAINTS)),
                SEED,
            ],
        },
        Class {
            names: &["Attention"],
            kind: "attention",
            options: &[("use_scale", Rule::Same), ("score_mode", Rule::Same), ("dropout", Rule::Same), SEED],
        },
        Class {
            names: &["AdditiveAttention"],
            kind: "additive_attention",
            options: &[("use_scale", Rule::Same), ("dropout", Rule::Same), SEED],
        },
    ],
    common: &COMMON,
};

/// Options of every layer.
const COMMON: [(&str, Rule); 7] = [
    // The layer's name and the shapes are read where the layer is placed in the model.
    ("name", Rule::Elsewhere),
    ("batch_input_shape", Rule::Elsewhere),
    ("batch_shape", Rule::Elsewhere),
    ("dtype", Rule::DataType),
    ("dynamic", Rule::Only(&[Plain::Bool(false)])),
    ("activity_regularizer", Rule::Object(&REGULARIZERS)),
    // Read where the layer is placed in the model.
    ("trainable", Rule::Elsewhere),
];

/// The layer at the head of a model, which gives the input's shape and nothing else.
pub(super) const INPUT: Family = Family {
    what: "layer",
    classes: &[Class {
        names: &["InputLayer"],
        kind: "input",
        options: &[
            ("sparse", Rule::Only(&[Plain::Bool(false)])),
            ("ragged", Rule::Only(&[Plain::Bool(false)])),
            ("optional", Rule::Only(&[Plain::Bool(false)])),
            // Read where it is known what reads the input.
            ("dtype", Rule::Elsewhere),
        ],
    }],
    common: &COMMON,
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
        function(&["sparsemax"], "sparsemax"),
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
    common: &COMMON,
};
