//! Keras's layers that turn numbers into categories, or categories into numbers to compute with.

use super::class::{Class, Plain, Rule, UNSET};

const OFF: Rule = Rule::Only(&[Plain::Bool(false)]);

const DENSE: (&str, Rule) = ("sparse", OFF);

/// Whole numbers are of a type of their own in Keras.
const NUMBER_TYPE: (&str, Rule) = ("dtype", Rule::NumberType);

pub(super) const CATEGORY_ENCODING: Class = Class {
    names: &["CategoryEncoding"],
    kind: "category_encoding",
    options: &[("num_tokens", Rule::Same), ("output_mode", Rule::Same), DENSE, NUMBER_TYPE],
};

pub(super) const DISCRETIZATION: Class = Class {
    names: &["Discretization"],
    kind: "discretization",
    options: &[
        ("bin_boundaries", Rule::Same),
        ("output_mode", Rule::Same),
        // What boundaries that are there were found with.
        ("num_bins", Rule::Ignored),
        ("epsilon", Rule::Ignored),
        DENSE,
        NUMBER_TYPE,
    ],
};

pub(super) const INTEGER_LOOKUP: Class = Class {
    names: &["IntegerLookup"],
    kind: "integer_lookup",
    options: &[
        ("vocabulary", Rule::Same),
        ("num_oov_indices", Rule::Same),
        ("mask_token", Rule::Optional),
        ("output_mode", Rule::Same),
        ("oov_token", Rule::Only(&[Plain::Number(-1.0)])),
        ("oov_method", Rule::Only(&[Plain::Text("floormod")])),
        ("salt", UNSET),
        ("invert", OFF),
        ("idf_weights", UNSET),
        ("pad_to_max_tokens", OFF),
        ("vocabulary_dtype", Rule::Only(&[Plain::Text("int64")])),
        // How many the vocabulary may have and has.
        ("max_tokens", Rule::Ignored),
        ("vocabulary_size", Rule::Ignored),
        DENSE,
        NUMBER_TYPE,
    ],
};
