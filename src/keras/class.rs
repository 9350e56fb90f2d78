//! How one of Keras's objects becomes one of ours: by its name, or by a row of a table where Keras differs.
//!
//! Keras prints every layer, initializer, regularizer, optimizer, loss and metric as `{"class_name": …, "config": {…}}`,
//! or as a bare name. A [`Class`] says which object of ours that is, and a [`Rule`] what becomes of an option. Where the names of
//! a class and of its options are those of a kind of ours, the class needs no row. An option without a rule is an error, so
//! that nothing is dropped in silence.

use super::{kinds::Kind, refused};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// One of Keras's classes.
#[derive(Debug)]
pub(super) struct Class {
    /// Keras's names of it; the class's own is the first.
    pub names: Vec<Cow<'static, str>>,
    /// The `type` of ours.
    pub kind: &'static str,
    /// Its options and what becomes of them.
    pub options: Vec<(Cow<'static, str>, Rule)>,
}

/// Classes that may be in the same place of a model.
#[derive(Debug)]
pub(super) struct Family {
    /// What they are, for messages.
    pub what: &'static str,
    /// All that are understood.
    pub classes: Vec<Class>,
    /// Options of every one of them.
    pub common: &'static [(&'static str, Rule)],
}

/// How Keras differs from the kinds of ours.
#[derive(Debug)]
pub(super) struct Row {
    names: &'static [&'static str],
    kind: &'static str,
    options: &'static [(&'static str, Rule)],
    /// Whether names and options are added to those that the kind has in common with Keras.
    adds: bool,
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
    /// Ours has it and Keras does not; in a model of Keras 2, it has this value.
    OfKeras2(Plain),
    /// As [`Rule::Default`], but Keras 2 computes something else with this value, which is refused with a reason.
    NotInKeras2(Plain, &'static str),
    /// Ours has it and Keras does not: it is not known.
    Unknown,
    /// Ours has it under the same name: a number, or a learning rate schedule.
    NumberOrSchedule,
    /// Ours has it under the same name, and does this where it is left out.
    Default(Plain),
    /// Ours has it under the same name, and it may be left out.
    Optional,
    /// An activation: a name, a function object or one of the activation layers.
    Activation,
    /// An initializer, or null.
    Initializer,
    /// A regularizer, or null.
    Regularizer,
    /// A constraint, or null.
    Constraint,
    /// A layer within this one.
    Layer,
    /// An axis, which Keras 2 prints as an array of one.
    Axis,
    /// A data type, bare or as a policy; only `float32` is computed in.
    DataType,
    /// A data type of a layer's output: `float32` or an integer type.
    OutputType,
    /// `channels_last` or `channels_first`; the layer's reader handles the latter.
    DataFormat,
    /// Supported with these values (and null) only.
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

/// What Keras calls and has otherwise than our `kind`: further names of the class, and options. All other names are the same.
pub(super) const fn differs(
    kind: &'static str,
    names: &'static [&'static str],
    options: &'static [(&'static str, Rule)],
) -> Row {
    Row { names, kind, options, adds: true }
}

/// A class of another name, with all of its options.
pub(super) const fn class(
    names: &'static [&'static str],
    kind: &'static str,
    options: &'static [(&'static str, Rule)],
) -> Row {
    Row { names, kind, options, adds: false }
}

impl Family {
    /// The classes that have the names of `kinds` but for the differences in `rows`, and the further ones there. `common` are
    /// the options of each. A name that is refused with a reason is none of them.
    pub fn new(
        what: &'static str,
        kinds: Vec<Kind>,
        rows: &'static [Row],
        common: &'static [(&'static str, Rule)],
    ) -> Self {
        let of_kind = |kind: Kind| {
            let own: Vec<&Row> = rows.iter().filter(|row| row.adds && row.kind == kind.name).collect();
            let is_common = |field: &String| common.iter().any(|(option, _)| option == field);
            let same = kind.fields.iter().filter(|field| !is_common(field));
            let mut options: Vec<(Cow<'static, str>, Rule)> =
                same.map(|field| (Cow::Owned(field.clone()), Rule::of_field(field))).collect();
            for &(name, rule) in own.iter().flat_map(|row| row.options) {
                match options.iter_mut().find(|(option, _)| option == name) {
                    Some(option) => option.1 = rule,
                    None => options.push((name.into(), rule)),
                }
            }
            let further = own.iter().flat_map(|row| row.names).map(|name| Cow::Borrowed(*name));
            let names = kind.names.into_iter().chain(further);
            let names = names.filter(|name| refused::reason(what, name).is_none()).collect();
            Class { names, kind: kind.name, options }
        };
        let mut classes: Vec<Class> = kinds.into_iter().map(of_kind).collect();
        classes.extend(rows.iter().filter(|row| !row.adds).map(|row| Class {
            names: row.names.iter().map(|name| Cow::Borrowed(*name)).collect(),
            kind: row.kind,
            options: row.options.iter().map(|&(name, rule)| (name.into(), rule)).collect(),
        }));
        classes.retain(|class| !class.names.is_empty());
        Self { what, classes, common }
    }

    /// The class of this name.
    pub fn get(&self, name: &str) -> Option<&Class> {
        self.classes.iter().find(|class| class.has_name(name))
    }
}

impl Class {
    /// Whether Keras calls it so.
    pub fn has_name(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
    }

    /// Every option that is known, with its rule: its own, then those of its family.
    pub fn all_options<'a>(&'a self, family: &'a Family) -> impl Iterator<Item = (&'a str, Rule)> {
        let own = self.options.iter().map(|(name, rule)| (name.as_ref(), *rule));
        let is_known = |(_, rule): &(&str, Rule)| !matches!(rule, Rule::OfKeras2(_) | Rule::Unknown);
        own.chain(family.common.iter().copied()).filter(is_known)
    }

    /// Whether each option that is supported with some values only has one of them.
    pub fn supports(&self, config: &Map<String, Value>) -> bool {
        self.options.iter().all(|(name, rule)| match (rule, config.get(name.as_ref())) {
            (Rule::Only(allowed), Some(value)) => value.is_null() || allowed.iter().any(|plain| plain.is(value)),
            _ => true,
        })
    }
}

impl Rule {
    /// The rule of an option that has the name of a field of ours. The ends of Keras's names say what is in an option.
    fn of_field(field: &str) -> Self {
        match field {
            "activation" | "recurrent_activation" => Self::Activation,
            "layer" | "backward_layer" => Self::Layer,
            _ if field.ends_with("_initializer") => Self::Initializer,
            _ if field.ends_with("_regularizer") => Self::Regularizer,
            _ if field.ends_with("_constraint") => Self::Constraint,
            _ => Self::Same,
        }
    }
}

/// The seed of one random stream in Keras; here the job's seed is that of all streams.
pub(super) const SEED: (&str, Rule) = ("seed", Rule::Ignored);

/// [`Rule::Only`] for an option that must be off.
pub(super) const UNSET: Rule = Rule::Only(&[]);

/// [`Rule::Only`] for an option that must be false.
pub(super) const FALSE: Rule = Rule::Only(&[Plain::Bool(false)]);

impl Plain {
    pub fn is(self, value: &Value) -> bool {
        match self {
            Self::Bool(expected) => value.as_bool() == Some(expected),
            Self::Number(expected) => value.as_f64() == Some(expected),
            Self::Text(expected) => value.as_str() == Some(expected),
        }
    }
}

impl From<Plain> for Value {
    fn from(plain: Plain) -> Self {
        match plain {
            Plain::Bool(value) => value.into(),
            Plain::Number(value) => value.into(),
            Plain::Text(value) => value.into(),
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
