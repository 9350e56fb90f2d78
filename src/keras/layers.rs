//! Where Keras's layers differ from ours of the same name, and the layers of other names.

use super::{
    class::{FALSE, Family, Plain, Row, Rule, SEED, UNSET, class, differs},
    json::EINSUM_DENSE,
    kinds,
};
use std::sync::LazyLock;

/// The layers of a model.
pub(super) static LAYERS: LazyLock<Family> =
    LazyLock::new(|| Family::new("layer", kinds::layers(), ROWS, &LAYER_OPTIONS));

/// The layer of an input, which has the input's shape and nothing else.
pub(super) static INPUT: LazyLock<Family> =
    LazyLock::new(|| Family::new("layer", Vec::new(), INPUT_ROWS, &LAYER_OPTIONS));

/// The cells of recurrent layers.
pub(super) static CELLS: LazyLock<Family> =
    LazyLock::new(|| Family::new("cell", kinds::cells(), CELL_ROWS, &LAYER_OPTIONS));

/// Several cells in the option `cell` of an `RNN`.
pub(super) static STACKS: LazyLock<Family> =
    LazyLock::new(|| Family::new("cell", Vec::new(), STACK_ROWS, &LAYER_OPTIONS));

/// The class of stacked cells.
pub(super) const STACKED_CELLS: &str = "StackedRNNCells";

/// The class of a recurrent layer around a cell.
pub(super) const RNN: &str = "RNN";

/// Kinds of layers that the models of `keras.applications` bring with them.
pub(super) const APPLICATIONS: [&str; 3] = ["layer_scale", "stochastic_depth", "custom_scale_layer"];

/// Keras 3 draws once for both directions.
const INDEPENDENT_FLIPS: &str = "Keras 2 flips in each direction independently, which is not supported: expected a layer for \
                                 `horizontal` and another for `vertical`";

/// Options of every layer.
pub(super) const LAYER_OPTIONS: [(&str, Rule); 14] = [
    // The layer's name and the shapes are read where the layer is placed in the model.
    ("name", Rule::Elsewhere),
    ("batch_input_shape", Rule::Elsewhere),
    ("batch_shape", Rule::Elsewhere),
    ("dtype", Rule::DataType),
    ("dynamic", FALSE),
    ("activity_regularizer", Rule::Regularizer),
    // Read where the layer is placed in the model.
    ("trainable", Rule::Elsewhere),
    ("data_format", Rule::DataFormat),
    SEED,
    // How Keras 2 draws its random numbers.
    ("rng_type", Rule::Ignored),
    ("force_generator", Rule::Ignored),
    ("lora_rank", UNSET),
    ("lora_alpha", UNSET),
    ("quantization_config", UNSET),
];

/// Layers for which groups have no meaning print them nevertheless in Keras 2.
const ONE_GROUP: (&str, Rule) = ("groups", Rule::Only(&[Plain::Number(1.0)]));

/// Keras 2 prints these of every convolution; a separable one has no such kernel.
const SEPARABLE: &[(&str, Rule)] = &[
    ONE_GROUP,
    ("kernel_initializer", Rule::Ignored),
    ("kernel_regularizer", Rule::Ignored),
    ("kernel_constraint", Rule::Ignored),
];

/// Arguments of a call in Keras, which are fields of ours.
const ATTENTION: [(&str, Rule); 2] = [("return_attention_scores", Rule::Unknown), ("use_causal_mask", Rule::Unknown)];

/// Options of layers along a sequence.
const SEQUENCE: &[(&str, Rule)] = &[
    IMPLEMENTATION,
    ("use_cudnn", Rule::Ignored),
    STATELESS,
    ("time_major", FALSE),
    // How the same is computed.
    ("unroll", Rule::Ignored),
    // Set where Keras passes no mask to the layer.
    ("use_mask", Rule::Unknown),
];

/// Every batch begins with the state zero.
const STATELESS: (&str, Rule) = ("stateful", FALSE);

const IMPLEMENTATION: (&str, Rule) =
    ("implementation", Rule::Only(&[Plain::Number(0.0), Plain::Number(1.0), Plain::Number(2.0)]));

const CHANNELS_LAST: &[(&str, Rule)] = &[("data_format", Rule::Only(&[Plain::Text("channels_last")]))];

const ROWS: &[Row] = &[
    class(
        &[EINSUM_DENSE],
        "dense",
        &[
            // The layer's units follow from these, and whether it has a bias.
            ("equation", Rule::Elsewhere),
            ("output_shape", Rule::Elsewhere),
            ("bias_axes", Rule::Elsewhere),
            ("activation", Rule::Activation),
            ("kernel_initializer", Rule::Initializer),
            ("bias_initializer", Rule::Initializer),
            ("kernel_regularizer", Rule::Regularizer),
            ("bias_regularizer", Rule::Regularizer),
            ("kernel_constraint", Rule::Constraint),
            ("bias_constraint", Rule::Constraint),
        ],
    ),
    differs(
        "batch_normalization",
        &[],
        &[
            ("axis", Rule::Axis),
            // The statistics are always those of the whole batch, however many threads share it.
            ("synchronized", Rule::Ignored),
            ("renorm", FALSE),
            // Read by Keras only where `renorm` is on.
            ("renorm_clipping", Rule::Ignored),
            ("renorm_momentum", Rule::Ignored),
            // Keras 2 runs it fused where the input is an image or a volume.
            ("fused", Rule::OfKeras2(Plain::Bool(true))),
        ],
    ),
    differs("layer_normalization", &[], &[("axis", Rule::Axis), ("rms_scaling", FALSE)]),
    differs("group_normalization", &[], &[("axis", Rule::Axis)]),
    differs("rms_normalization", &[], &[("axis", Rule::Axis)]),
    differs("unit_normalization", &[], &[("axis", Rule::Axis)]),
    differs(
        "normalization",
        &[],
        &[
            // What `adapt` found is not in the JSON: where both are null, they are 0 and 1.
            ("mean", Rule::Optional),
            ("variance", Rule::Optional),
            ("adapt", Rule::Unknown),
        ],
    ),
    differs("conv1d", &["Convolution1D"], &[]),
    differs("conv2d", &["Convolution2D"], &[]),
    differs("conv3d", &["Convolution3D"], &[]),
    differs("conv1d_transpose", &["Convolution1DTranspose"], &[ONE_GROUP]),
    differs("conv2d_transpose", &["Convolution2DTranspose"], &[ONE_GROUP]),
    differs("conv3d_transpose", &["Convolution3DTranspose"], &[ONE_GROUP]),
    differs("depthwise_conv1d", &[], &[ONE_GROUP]),
    differs("depthwise_conv2d", &[], &[ONE_GROUP]),
    differs("separable_conv1d", &["SeparableConvolution1D"], SEPARABLE),
    differs("separable_conv2d", &["SeparableConvolution2D"], SEPARABLE),
    differs("max_pooling1d", &["MaxPool1D"], &[]),
    differs("max_pooling2d", &["MaxPool2D"], &[]),
    differs("max_pooling3d", &["MaxPool3D"], &[]),
    differs("average_pooling1d", &["AvgPool1D"], &[]),
    differs("average_pooling2d", &["AvgPool2D"], &[]),
    differs("average_pooling3d", &["AvgPool3D"], &[]),
    differs("global_max_pooling1d", &["GlobalMaxPool1D"], &[]),
    differs("global_max_pooling2d", &["GlobalMaxPool2D"], &[]),
    differs("global_max_pooling3d", &["GlobalMaxPool3D"], &[]),
    differs("global_average_pooling1d", &["GlobalAvgPool1D"], &[]),
    differs("global_average_pooling2d", &["GlobalAvgPool2D"], &[]),
    differs("global_average_pooling3d", &["GlobalAvgPool3D"], &[]),
    // How long a row is, which the input's shape says too.
    differs("embedding", &[], &[("input_length", Rule::Ignored)]),
    differs("category_encoding", &[], &[("sparse", FALSE), ("dtype", Rule::OutputType)]),
    differs(
        "discretization",
        &[],
        &[
            // `adapt` found the boundaries with these.
            ("num_bins", Rule::Ignored),
            ("epsilon", Rule::Ignored),
            ("sparse", FALSE),
            ("dtype", Rule::OutputType),
        ],
    ),
    differs(
        "integer_lookup",
        &[],
        &[
            ("oov_token", Rule::Only(&[Plain::Number(-1.0)])),
            ("oov_method", Rule::Only(&[Plain::Text("floormod")])),
            ("salt", UNSET),
            ("invert", FALSE),
            ("idf_weights", UNSET),
            ("pad_to_max_tokens", FALSE),
            ("vocabulary_dtype", Rule::Only(&[Plain::Text("int64")])),
            // The limit of the vocabulary's size, and its size.
            ("max_tokens", Rule::Ignored),
            ("vocabulary_size", Rule::Ignored),
            ("sparse", FALSE),
            ("dtype", Rule::OutputType),
        ],
    ),
    differs("resizing", &[], &[("fill_mode", Rule::Only(&[Plain::Text("constant")]))]),
    differs("spatial_dropout1d", &[], &[("noise_shape", UNSET)]),
    differs("spatial_dropout2d", &[], &[("noise_shape", UNSET)]),
    differs("spatial_dropout3d", &[], &[("noise_shape", UNSET)]),
    differs(
        "random_flip",
        &[],
        &[("mode", Rule::NotInKeras2(Plain::Text("horizontal_and_vertical"), INDEPENDENT_FLIPS))],
    ),
    // Of Keras 2.
    class(&["ThresholdedReLU"], "relu", &[("threshold", Rule::Otherwise(1.0)), ("theta", Rule::Renamed("threshold"))]),
    differs("simple_rnn", &[], SEQUENCE),
    differs("lstm", &[], SEQUENCE),
    differs("gru", &[], SEQUENCE),
    differs("conv_lstm1d", &[], SEQUENCE),
    differs("conv_lstm1d", &[], CHANNELS_LAST),
    differs("conv_lstm2d", &[], SEQUENCE),
    differs("conv_lstm2d", &[], CHANNELS_LAST),
    differs("conv_lstm3d", &[], SEQUENCE),
    differs("conv_lstm3d", &[], CHANNELS_LAST),
    // A layer of its cell's kind.
    class(
        &[RNN],
        "lstm",
        &[
            ("cell", Rule::Elsewhere),
            ("return_sequences", Rule::Same),
            ("return_state", Rule::Same),
            ("go_backwards", Rule::Same),
            ("zero_output_for_mask", Rule::Same),
            STATELESS,
            ("time_major", FALSE),
            ("unroll", Rule::Ignored),
        ],
    ),
    differs(
        "multi_head_attention",
        &[],
        &[
            ("use_gate", FALSE),
            ("sliding_window", UNSET),
            // Another way to the same numbers.
            ("flash_attention", Rule::Ignored),
            // Keras 2 prints the shapes that it was built with.
            ("query_shape", Rule::Ignored),
            ("key_shape", Rule::Ignored),
            ("value_shape", Rule::Ignored),
            ("softmax_robust_masking", FALSE),
            ATTENTION[0],
            ATTENTION[1],
        ],
    ),
    differs("attention", &[], &ATTENTION),
    differs("additive_attention", &[], &ATTENTION),
];

const INPUT_ROWS: &[Row] = &[class(
    &["InputLayer"],
    "input",
    &[
        ("sparse", FALSE),
        ("ragged", FALSE),
        ("optional", FALSE),
        // Read where it is known which layers read the input.
        ("dtype", Rule::Elsewhere),
    ],
)];

const STACK_ROWS: &[Row] = &[class(&[STACKED_CELLS], "", &[("cells", Rule::Elsewhere)])];

/// Of the output of a cell at each step, masked or not.
const CELL: &[(&str, Rule)] = &[IMPLEMENTATION, ("activity_regularizer", UNSET)];

const CELL_ROWS: &[Row] = &[differs("simple_rnn", &[], CELL), differs("lstm", &[], CELL), differs("gru", &[], CELL)];
