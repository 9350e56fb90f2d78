//! Keras's layers that show images otherwise in training.

use super::{
    channels::DATA_FORMAT,
    class::{Class, Plain, Rule, SEED},
};

/// How Keras 2 draws its random numbers.
const GENERATORS: [(&str, Rule); 2] = [("rng_type", Rule::Ignored), ("force_generator", Rule::Ignored)];

const FILL_MODE: (&str, Rule) = ("fill_mode", Rule::Same);
const FILL_VALUE: (&str, Rule) = ("fill_value", Rule::Number);
const INTERPOLATION: (&str, Rule) = ("interpolation", Rule::Same);

pub(super) const RANDOM_FLIP: Class = Class {
    names: &["RandomFlip"],
    kind: "random_flip",
    options: &[("mode", Rule::Default(Plain::Text(BOTH))), SEED, DATA_FORMAT, GENERATORS[0], GENERATORS[1]],
};

/// The mode of a flip in both directions, which Keras 2 draws each by itself, and Keras 3 together.
pub(super) const BOTH: &str = "horizontal_and_vertical";

pub(super) const RANDOM_ROTATION: Class = Class {
    names: &["RandomRotation"],
    kind: "random_rotation",
    options: &[
        ("factor", Rule::Same),
        FILL_MODE,
        FILL_VALUE,
        INTERPOLATION,
        SEED,
        DATA_FORMAT,
        GENERATORS[0],
        GENERATORS[1],
    ],
};

pub(super) const RANDOM_TRANSLATION: Class = Class {
    names: &["RandomTranslation"],
    kind: "random_translation",
    options: &[
        ("height_factor", Rule::Same),
        ("width_factor", Rule::Same),
        FILL_MODE,
        FILL_VALUE,
        INTERPOLATION,
        SEED,
        DATA_FORMAT,
        GENERATORS[0],
        GENERATORS[1],
    ],
};

pub(super) const RANDOM_ZOOM: Class = Class {
    names: &["RandomZoom"],
    kind: "random_zoom",
    options: &[
        ("height_factor", Rule::Same),
        ("width_factor", Rule::Optional),
        FILL_MODE,
        FILL_VALUE,
        INTERPOLATION,
        SEED,
        DATA_FORMAT,
        GENERATORS[0],
        GENERATORS[1],
    ],
};

/// One number for both directions is printed by Keras 2; Keras 3 prints the pair that it draws from.
pub(super) const RANDOM_CONTRAST: Class = Class {
    names: &["RandomContrast"],
    kind: "random_contrast",
    options: &[("factor", Rule::Same), ("value_range", Rule::Same), SEED, DATA_FORMAT, GENERATORS[0], GENERATORS[1]],
};

pub(super) const RANDOM_BRIGHTNESS: Class = Class {
    names: &["RandomBrightness"],
    kind: "random_brightness",
    options: &[("factor", Rule::Same), ("value_range", Rule::Same), SEED, DATA_FORMAT, GENERATORS[0], GENERATORS[1]],
};
