//! Keras's layers that look up, reshape, merge, disturb and rectify.

use super::{
    channels::DATA_FORMAT,
    class::{Class, Plain, Rule, SEED, UNSET},
    parameters::{CONSTRAINTS, INITIALIZERS, REGULARIZERS},
};

pub(super) const EMBEDDING: Class = Class {
    names: &["Embedding"],
    kind: "embedding",
    options: &[
        ("input_dim", Rule::Same),
        ("output_dim", Rule::Same),
        ("embeddings_initializer", Rule::Object(&INITIALIZERS)),
        ("embeddings_regularizer", Rule::Object(&REGULARIZERS)),
        ("activity_regularizer", Rule::Object(&REGULARIZERS)),
        ("embeddings_constraint", Rule::Object(&CONSTRAINTS)),
        ("mask_zero", Rule::Same),
        // How many numbers a row has, which the input's shape says, too.
        ("input_length", Rule::Ignored),
        ("lora_rank", UNSET),
        ("lora_alpha", UNSET),
        ("quantization_config", UNSET),
    ],
};

pub(super) const MASKING: Class =
    Class { names: &["Masking"], kind: "masking", options: &[("mask_value", Rule::Number)] };

pub(super) const RESCALING: Class =
    Class { names: &["Rescaling"], kind: "rescaling", options: &[("scale", Rule::Same), ("offset", Rule::Same)] };

pub(super) const NORMALIZATION: Class = Class {
    names: &["Normalization"],
    kind: "normalization",
    options: &[
        ("axis", Rule::Same),
        // What `adapt` found is not in the JSON: where both are null, they are 0 and 1.
        ("mean", Rule::Optional),
        ("variance", Rule::Optional),
        ("invert", Rule::Same),
    ],
};

pub(super) const RESHAPE: Class =
    Class { names: &["Reshape"], kind: "reshape", options: &[("target_shape", Rule::Same)] };

pub(super) const PERMUTE: Class = Class { names: &["Permute"], kind: "permute", options: &[("dims", Rule::Same)] };

pub(super) const REPEAT_VECTOR: Class =
    Class { names: &["RepeatVector"], kind: "repeat_vector", options: &[("n", Rule::Same)] };

pub(super) const UP_SAMPLING1D: Class =
    Class { names: &["UpSampling1D"], kind: "up_sampling1d", options: &[("size", Rule::Same)] };

pub(super) const UP_SAMPLING2D: Class = Class {
    names: &["UpSampling2D"],
    kind: "up_sampling2d",
    options: &[("size", Rule::Same), ("interpolation", Rule::Same), DATA_FORMAT],
};

pub(super) const UP_SAMPLING3D: Class =
    Class { names: &["UpSampling3D"], kind: "up_sampling3d", options: &[("size", Rule::Same), DATA_FORMAT] };

pub(super) const RESIZING: Class = Class {
    names: &["Resizing"],
    kind: "resizing",
    options: &[
        ("height", Rule::Same),
        ("width", Rule::Same),
        ("interpolation", Rule::Same),
        ("antialias", Rule::Same),
        ("crop_to_aspect_ratio", Rule::Same),
        ("pad_to_aspect_ratio", Rule::Same),
        ("fill_mode", Rule::Only(&[Plain::Text("constant")])),
        ("fill_value", Rule::Number),
        DATA_FORMAT,
    ],
};

pub(super) const CENTER_CROP: Class = Class {
    names: &["CenterCrop"],
    kind: "center_crop",
    options: &[("height", Rule::Same), ("width", Rule::Same), DATA_FORMAT],
};

pub(super) const PRELU: Class = Class {
    names: &["PReLU"],
    kind: "prelu",
    options: &[
        ("alpha_initializer", Rule::Object(&INITIALIZERS)),
        ("alpha_regularizer", Rule::Object(&REGULARIZERS)),
        ("alpha_constraint", Rule::Object(&CONSTRAINTS)),
        ("shared_axes", Rule::Optional),
    ],
};

/// With options that make it another function than the activation.
pub(super) const RELU: Class = Class {
    names: &["ReLU"],
    kind: "relu",
    options: &[("max_value", Rule::Optional), ("negative_slope", Rule::Same), ("threshold", Rule::Same)],
};

/// Of Keras 2.
pub(super) const THRESHOLDED_RELU: Class = Class {
    names: &["ThresholdedReLU"],
    kind: "relu",
    options: &[("threshold", Rule::Otherwise(1.0)), ("theta", Rule::Renamed("threshold"))],
};

/// Along other axes than the last.
pub(super) const SOFTMAX: Class = Class { names: &["Softmax"], kind: "softmax", options: &[("axis", Rule::Same)] };

pub(super) const ALPHA_DROPOUT: Class = Class {
    names: &["AlphaDropout"],
    kind: "alpha_dropout",
    options: &[("rate", Rule::Same), ("noise_shape", Rule::Same), SEED],
};

pub(super) const GAUSSIAN_NOISE: Class =
    Class { names: &["GaussianNoise"], kind: "gaussian_noise", options: &[("stddev", Rule::Same), SEED] };

pub(super) const GAUSSIAN_DROPOUT: Class =
    Class { names: &["GaussianDropout"], kind: "gaussian_dropout", options: &[("rate", Rule::Same), SEED] };

pub(super) const ACTIVITY_REGULARIZATION: Class = Class {
    names: &["ActivityRegularization"],
    kind: "activity_regularization",
    options: &[("l1", Rule::Same), ("l2", Rule::Same)],
};

pub(super) const CONCATENATE: Class =
    Class { names: &["Concatenate"], kind: "concatenate", options: &[("axis", Rule::Same)] };

pub(super) const DOT: Class =
    Class { names: &["Dot"], kind: "dot", options: &[("axes", Rule::Same), ("normalize", Rule::Same)] };

/// A merge or another layer that has no options of its own.
pub(super) const fn plain(names: &'static [&'static str], kind: &'static str) -> Class {
    Class { names, kind, options: &[] }
}

pub(super) const fn zero_padding(names: &'static [&'static str], kind: &'static str) -> Class {
    Class { names, kind, options: &[("padding", Rule::Same), DATA_FORMAT] }
}

pub(super) const fn cropping(names: &'static [&'static str], kind: &'static str) -> Class {
    Class { names, kind, options: &[("cropping", Rule::Same), DATA_FORMAT] }
}

pub(super) const fn spatial_dropout(names: &'static [&'static str], kind: &'static str) -> Class {
    Class { names, kind, options: &[("rate", Rule::Same), ("noise_shape", UNSET), SEED, DATA_FORMAT] }
}
