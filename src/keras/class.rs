//! How one of Keras's objects becomes one of ours: by a row in a table.
//!
//! Keras prints every layer, initializer, regularizer, optimizer, loss and metric as `{"class_name": …, "config": {…}}`,
//! or as a bare name. A [`Class`] says which object of ours that is, and a [`Rule`] an option what becomes of the option.
//! What no rule honours is an error, so that nothing is dropped in silence.

use serde_json::{Map, Value};

/// One of Keras's classes.
#[derive(Debug)]
pub(super) struct Class {
    /// Keras's names of it; the class's own is the first.
    pub names: &'static [&'static str],
    /// The `type` of ours.
    pub kind: &'static str,
    /// Its options and what becomes of them.
    pub options: &'static [(&'static str, Rule)],
}

/// Classes that may stand in the same place.
#[derive(Debug)]
pub(super) struct Family {
    /// What they are, for messages.
    pub what: &'static str,
    /// All that are understood.
    pub classes: &'static [Class],
    /// Options of every one of them.
    pub common: &'static [(&'static str, Rule)],
}

/// What becomes of an option.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    /// Ours has it under the same name.
    Same,
    /// Ours has it under this name.
    Renamed(&'static str),
    /// Ours has it under the same name, but another default than this one of Keras's.
    Otherwise(f64),
    /// Ours has it under the same name, and it is a number and nothing else.
    Number,
    /// Ours has it under the same name: a number, or an object of another family.
    NumberOr(&'static Family),
    /// Ours has it under the same name, and does this where it is left out.
    Default(Plain),
    /// Ours has it under the same name, and it may be left out.
    Optional,
    /// An activation: a name, a function object or one of the activation layers.
    Activation,
    /// An object of another family.
    Object(&'static Family),
    /// A layer within this one.
    Layer,
    /// An axis, which Keras 2 prints as an array of one.
    Axis,
    /// A data type, bare or as a policy; only `float32` is computed in.
    DataType,
    /// A data type that a layer of categories gives: `float32` or one of whole numbers.
    NumberType,
    /// `channels_last` or `channels_first`; what becomes of the latter is said where the layer is read.
    DataFormat,
    /// Honoured at these values (and null) alone.
    Only(&'static [Plain]),
    /// Read where it is known what the object belongs to.
    Elsewhere,
    /// Without effect on the result here.
    Ignored,
}

/// A value of an option that [`Rule::Only`] allows.
#[derive(Debug, Clone, Copy)]
pub(super) enum Plain {
    Bool(bool),
    Number(f64),
    Text(&'static str),
}

impl Class {
    /// Whether each option that is honoured at some values alone has one of them.
    pub fn honours(&self, config: &Map<String, Value>) -> bool {
        self.options.iter().all(|(name, rule)| match (rule, config.get(*name)) {
            (Rule::Only(allowed), Some(value)) => value.is_null() || allowed.iter().any(|plain| plain.is(value)),
            _ => true,
        })
    }
}

/// What makes one random stream repeatable in Keras; here the job's own seed does that for all of them.
pub(super) const SEED: (&str, Rule) = ("seed", Rule::Ignored);

/// [`Rule::Only`] for an option that must be off.
pub(super) const UNSET: Rule = Rule::Only(&[]);

impl Plain {
    pub fn is(self, value: &Value) -> bool {
        match self {
            Self::Bool(expected) => value.as_bool() == Some(expected),
            Self::Number(expected) => value.as_f64() == Some(expected),
            Self::Text(expected) => value.as_str() == Some(expected),
        }
    }
}

impl std::fmt::Display for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Text(value) => write!(f, "\"{value}\""),
        }
    }
}
