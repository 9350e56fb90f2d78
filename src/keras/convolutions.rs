//! Keras's convolutions and poolings: the same options for one axis and for two.

use super::{
    channels::DATA_FORMAT,
    class::{Class, Plain, Rule, UNSET},
    parameters::{CONSTRAINTS, INITIALIZERS, REGULARIZERS},
};

/// Layers for which groups have no meaning print them nevertheless in Keras 2.
const ONE_GROUP: (&str, Rule) = ("groups", Rule::Only(&[Plain::Number(1.0)]));

/// `Conv1D`, `Conv2D`.
pub(super) const fn standard(names: &'static [&'static str], kind: &'static str) -> Class {
    let options = &[
        ("filters", Rule::Same),
        ("kernel_size", Rule::Same),
        ("strides", Rule::Same),
        ("padding", Rule::Same),
        DATA_FORMAT,
        ("dilation_rate", Rule::Same),
        ("groups", Rule::Same),
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
        ("lora_alpha", UNSET),
    ];
    Class { names, kind, options }
}

/// `Conv1DTranspose`, `Conv2DTranspose`.
pub(super) const fn transposed(names: &'static [&'static str], kind: &'static str) -> Class {
    let options = &[
        ("filters", Rule::Same),
        ("kernel_size", Rule::Same),
        ("strides", Rule::Same),
        ("padding", Rule::Same),
        ("output_padding", Rule::Optional),
        DATA_FORMAT,
        ("dilation_rate", Rule::Same),
        ONE_GROUP,
        ("activation", Rule::Activation),
        ("use_bias", Rule::Same),
        ("kernel_initializer", Rule::Object(&INITIALIZERS)),
        ("bias_initializer", Rule::Object(&INITIALIZERS)),
        ("kernel_regularizer", Rule::Object(&REGULARIZERS)),
        ("bias_regularizer", Rule::Object(&REGULARIZERS)),
        ("activity_regularizer", Rule::Object(&REGULARIZERS)),
        ("kernel_constraint", Rule::Object(&CONSTRAINTS)),
        ("bias_constraint", Rule::Object(&CONSTRAINTS)),
    ];
    Class { names, kind, options }
}

/// `DepthwiseConv1D`, `DepthwiseConv2D`.
pub(super) const fn depthwise(names: &'static [&'static str], kind: &'static str) -> Class {
    let options = &[
        ("kernel_size", Rule::Same),
        ("strides", Rule::Same),
        ("padding", Rule::Same),
        ("depth_multiplier", Rule::Same),
        DATA_FORMAT,
        ("dilation_rate", Rule::Same),
        ONE_GROUP,
        ("activation", Rule::Activation),
        ("use_bias", Rule::Same),
        ("depthwise_initializer", Rule::Object(&INITIALIZERS)),
        ("bias_initializer", Rule::Object(&INITIALIZERS)),
        ("depthwise_regularizer", Rule::Object(&REGULARIZERS)),
        ("bias_regularizer", Rule::Object(&REGULARIZERS)),
        ("activity_regularizer", Rule::Object(&REGULARIZERS)),
        ("depthwise_constraint", Rule::Object(&CONSTRAINTS)),
        ("bias_constraint", Rule::Object(&CONSTRAINTS)),
    ];
    Class { names, kind, options }
}

/// `SeparableConv1D`, `SeparableConv2D`.
pub(super) const fn separable(names: &'static [&'static str], kind: &'static str) -> Class {
    let options = &[
        ("filters", Rule::Same),
        ("kernel_size", Rule::Same),
        ("strides", Rule::Same),
        ("padding", Rule::Same),
        DATA_FORMAT,
        ("dilation_rate", Rule::Same),
        ("depth_multiplier", Rule::Same),
        ONE_GROUP,
        ("activation", Rule::Activation),
        ("use_bias", Rule::Same),
        ("depthwise_initializer", Rule::Object(&INITIALIZERS)),
        ("pointwise_initializer", Rule::Object(&INITIALIZERS)),
        ("bias_initializer", Rule::Object(&INITIALIZERS)),
        ("depthwise_regularizer", Rule::Object(&REGULARIZERS)),
        ("pointwise_regularizer", Rule::Object(&REGULARIZERS)),
        ("bias_regularizer", Rule::Object(&REGULARIZERS)),
        ("activity_regularizer", Rule::Object(&REGULARIZERS)),
        ("depthwise_constraint", Rule::Object(&CONSTRAINTS)),
        ("pointwise_constraint", Rule::Object(&CONSTRAINTS)),
        ("bias_constraint", Rule::Object(&CONSTRAINTS)),
        // Keras 2 prints these of every convolution; a separable one has no such kernel.
        ("kernel_initializer", Rule::Ignored),
        ("kernel_regularizer", Rule::Ignored),
        ("kernel_constraint", Rule::Ignored),
    ];
    Class { names, kind, options }
}

/// `MaxPooling1D`, `AveragePooling2D`, …
pub(super) const fn pooling(names: &'static [&'static str], kind: &'static str) -> Class {
    let options = &[("pool_size", Rule::Same), ("strides", Rule::Optional), ("padding", Rule::Same), DATA_FORMAT];
    Class { names, kind, options }
}

/// `GlobalMaxPooling1D`, `GlobalAveragePooling2D`, …
pub(super) const fn global_pooling(names: &'static [&'static str], kind: &'static str) -> Class {
    Class { names, kind, options: &[("keepdims", Rule::Same), DATA_FORMAT] }
}
