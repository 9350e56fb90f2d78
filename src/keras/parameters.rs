//! What stands in the options of Keras's layers for their parameters: first values, penalties, constraints.

use super::class::{Class, Family, Plain, Rule, SEED};
use crate::engine::{field, init::Initializer};
use serde_json::{Map, Value};

/// An initializer in our form. A name with axes of its own is told as what it is a name for: ours has them there alone.
pub(super) fn spelled_out(kind: &'static str, settings: Map<String, Value>) -> (&'static str, Map<String, Value>) {
    const SCALED: &str = "variance_scaling";
    let scaling = field::parse::<Initializer>(&kind.into()).ok().and_then(|initializer| initializer.scaling());
    match scaling.and_then(|scaling| field::to_value(&scaling).ok()) {
        Some(Value::Object(mut whole)) if kind != SCALED && !settings.is_empty() => {
            whole.extend(settings);
            (SCALED, whole)
        }
        _ => (kind, settings),
    }
}

/// First values of a parameter.
pub(super) const INITIALIZERS: Family = Family {
    what: "initializer",
    classes: &[
        Class { names: &["Zeros", "zeros", "zero"], kind: "zeros", options: &[] },
        Class { names: &["Ones", "ones", "one"], kind: "ones", options: &[] },
        Class { names: &["Constant", "constant"], kind: "constant", options: &[("value", Rule::Same)] },
        Class {
            names: &["RandomNormal", "random_normal", "normal"],
            kind: "random_normal",
            options: &[("mean", Rule::Same), ("stddev", Rule::Same)],
        },
        Class {
            names: &["RandomUniform", "random_uniform", "uniform"],
            kind: "random_uniform",
            options: &[("minval", Rule::Same), ("maxval", Rule::Same)],
        },
        Class {
            names: &["TruncatedNormal", "truncated_normal"],
            kind: "truncated_normal",
            options: &[("mean", Rule::Same), ("stddev", Rule::Same)],
        },
        Class {
            names: &["VarianceScaling", "variance_scaling"],
            kind: "variance_scaling",
            options: &[
                ("scale", Rule::Same),
                ("mode", Rule::Same),
                ("distribution", Rule::Same),
                INPUT_AXES,
                OUTPUT_AXES,
            ],
        },
        fans(&["GlorotUniform", "glorot_uniform"], "glorot_uniform"),
        fans(&["GlorotNormal", "glorot_normal"], "glorot_normal"),
        fans(&["HeUniform", "he_uniform"], "he_uniform"),
        fans(&["HeNormal", "he_normal"], "he_normal"),
        fans(&["LecunUniform", "lecun_uniform"], "lecun_uniform"),
        fans(&["LecunNormal", "lecun_normal"], "lecun_normal"),
        Class {
            names: &["Orthogonal", "OrthogonalInitializer", "orthogonal"],
            kind: "orthogonal",
            options: &[("gain", Rule::Same)],
        },
        Class {
            names: &["Identity", "IdentityInitializer", "identity"],
            kind: "identity",
            options: &[("gain", Rule::Same)],
        },
        Class {
            names: &["STFT", "STFTInitializer", "stft"],
            kind: "stft",
            options: &[("side", Rule::Same), ("window", Rule::Same), ("scaling", Rule::Same), ("periodic", Rule::Same)],
        },
    ],
    common: &[SEED, ("dtype", Rule::DataType)],
};

const INPUT_AXES: (&str, Rule) = ("input_axes", Rule::Optional);
const OUTPUT_AXES: (&str, Rule) = ("output_axes", Rule::Optional);

const fn fans(names: &'static [&'static str], kind: &'static str) -> Class {
    Class { names, kind, options: &[INPUT_AXES, OUTPUT_AXES] }
}

/// Penalties on a parameter.
pub(super) const REGULARIZERS: Family = Family {
    what: "regularizer",
    classes: &[
        Class { names: &["L1", "l1"], kind: "l1", options: &[("l1", Rule::Same)] },
        Class { names: &["L2", "l2"], kind: "l2", options: &[("l2", Rule::Same)] },
        Class { names: &["L1L2", "l1_l2"], kind: "l1_l2", options: &[("l1", Rule::Same), ("l2", Rule::Same)] },
        Class {
            names: &["OrthogonalRegularizer", "orthogonal_regularizer"],
            kind: "orthogonal_regularizer",
            options: &[("factor", Rule::Same), ("mode", Rule::Same)],
        },
    ],
    common: &[],
};

/// What a parameter is brought back to.
pub(super) const CONSTRAINTS: Family = Family {
    what: "constraint",
    classes: &[
        Class {
            names: &["MaxNorm", "max_norm"],
            kind: "max_norm",
            options: &[("max_value", Rule::Same), ("axis", Rule::Same)],
        },
        Class {
            names: &["MinMaxNorm", "min_max_norm"],
            kind: "min_max_norm",
            options: &[
                ("min_value", Rule::Same),
                ("max_value", Rule::Same),
                ("rate", Rule::Same),
                ("axis", Rule::Same),
            ],
        },
        Class { names: &["NonNeg", "non_neg"], kind: "non_neg", options: &[] },
        Class { names: &["UnitNorm", "unit_norm"], kind: "unit_norm", options: &[("axis", Rule::Same)] },
    ],
    common: &[],
};

/// Options of every layer.
pub(super) const LAYER_OPTIONS: [(&str, Rule); 7] = [
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
