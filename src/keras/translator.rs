//! [`Translator`]: applies the rules, and remembers where each part of the definition came from.

use super::{
    activations::{ACTIVATION_LAYERS, ACTIVATIONS},
    channels,
    class::{Class, Family, Plain, Rule},
    json::{describe, foreign, is_whole, named, own_function, plain, shorten},
    optimizers::SCHEDULES,
    parameters::{self, CONSTRAINTS, INITIALIZERS, REGULARIZERS},
    place::Place,
    recorded_masks::RecordedMask,
    refused,
    warnings::Warning,
};
use crate::engine::field::{self, FieldError};
use serde_json::{Map, Value};

/// An object of Keras's, taken apart.
#[derive(Debug)]
pub(super) struct Object<'a> {
    pub class: &'a str,
    pub config: Option<&'a Map<String, Value>>,
}

/// What was found wrong, and which place in Keras's JSON each place in ours came from.
#[derive(Debug, Default)]
pub(super) struct Translator {
    pub errors: Vec<FieldError>,
    /// What is read with another meaning than in Keras.
    pub warnings: Vec<Warning>,
    /// Whether Keras 2 printed the document, some of whose functions Keras 3 computes differently.
    pub old: bool,
    /// The masks that Keras recorded, to compare with those of the finished definition.
    pub masks: Vec<RecordedMask>,
    places: Vec<(String, String, String)>,
}

impl Translator {
    /// Notes an error at `place`.
    pub fn refuse(&mut self, place: &Place, detail: impl std::fmt::Display) {
        self.errors.push(FieldError::new(&place.keras, format!("{}{detail}", place.owner)));
    }

    /// Notes a warning at `place`, once for each text.
    pub fn warn(&mut self, code: &'static str, place: &Place, detail: impl std::fmt::Display) {
        let detail = detail.to_string();
        if !self.warnings.iter().any(|known| known.code == code && known.detail == detail) {
            self.warnings.push(Warning { code, pointer: place.keras.clone(), detail });
        }
    }

    /// Remembers where something in our form came from.
    pub fn came_from(&mut self, place: &Place) {
        self.places.push((place.ours.clone(), place.keras.clone(), place.owner.clone()));
    }

    /// An error in our form as one in Keras's: at the nearest place that has a counterpart.
    pub fn trace(&self, error: FieldError) -> FieldError {
        let below = |place: &str| {
            error.pointer.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let nearest = self.places.iter().filter(|(ours, ..)| below(ours)).max_by_key(|(ours, ..)| ours.len());
        match nearest {
            Some((_, keras, owner)) => FieldError::new(keras, format!("{owner}{}", error.detail)),
            None => FieldError::new("", error.detail),
        }
    }

    /// `value` as class and config; an error is noted where it is neither a name nor an object, or a class of the
    /// author's own.
    pub fn object<'a>(&mut self, family: &Family, value: &'a Value, place: &Place) -> Option<Object<'a>> {
        let Value::Object(fields) = value else {
            if let Value::String(class) = value {
                return Some(Object { class, config: None });
            }
            let (what, received) = (family.what, describe(value));
            self.refuse(
                place,
                format_args!("expected {what} as a name or an object with `class_name`, received {received}"),
            );
            return None;
        };
        let class = match fields.get("class_name") {
            Some(Value::String(class)) => class.as_str(),
            other => {
                let received = other.map_or_else(|| "nothing".into(), describe);
                self.refuse(place, format_args!("expected `class_name` to name {}, received {received}", family.what));
                return None;
            }
        };
        // Keras prints its own functions of losses and metrics in the same way.
        let by_name = ["loss", "metric"].contains(&family.what);
        if let Some(name) = own_function(value).filter(|_| !by_name) {
            let detail =
                format!("`{}` is a function of your own, which is code and cannot be sent here", shorten(name));
            let known = family.get(name).is_some();
            let hint =
                if known { format!("; write \"{name}\" in its place if Keras's own is meant") } else { String::new() };
            self.refuse(place, detail + &hint);
            return None;
        }
        if let Some(from) = foreign(fields) {
            self.refuse(
                place,
                format_args!(
                    "`{class}` is a class of your own ({from}), and code cannot be sent here; use layers of Keras"
                ),
            );
            return None;
        }
        match fields.get("config") {
            Some(Value::Object(config)) => Some(Object { class, config: Some(config) }),
            Some(Value::String(name)) if class == "function" => Some(Object { class: name, config: None }),
            None | Some(Value::Null) => Some(Object { class, config: None }),
            Some(other) => {
                self.refuse(place, format_args!("expected `config` to be an object, received {}", describe(other)));
                None
            }
        }
    }

    /// The row of `class` in `family`; an error is noted where there is none.
    pub fn class(&mut self, family: &'static Family, class: &str, place: &Place) -> Option<&'static Class> {
        let row = family.get(class);
        if let Some(reason) = refused::reason(family.what, class) {
            self.refuse(
                place,
                format_args!("the {} class `{}` is not supported: {reason}", family.what, shorten(class)),
            );
            return None;
        }
        if row.is_none() {
            let names: Vec<&str> =
                family.classes.iter().filter_map(|row| row.names.first().map(AsRef::as_ref)).collect();
            let all = family.classes.iter().flat_map(|row| &row.names).map(AsRef::as_ref);
            let hint = match self.errors.len() < field::MAX_LISTED {
                true => field::did_you_mean(class, all),
                false => String::new(),
            };
            let (what, class) = (family.what, shorten(class));
            let known = match names.len() {
                ..=MAX_NAMES => format!("expected one of {}", names.join(", ")),
                count => format!("expected one of the {count} in docs/KERAS.md"),
            };
            self.refuse(place, format_args!("{what} `{class}` is not supported, {known}{hint}"));
        }
        row
    }

    /// `value` as an object of `family` in our form: its name where it has no settings, else `{"type": …, settings}`.
    pub fn translate(&mut self, family: &'static Family, value: &Value, place: &Place) -> Option<Value> {
        self.came_from(place);
        let object = self.object(family, value, place)?;
        let class = self.class(family, object.class, place)?;
        let empty = Map::new();
        let config_place = Place { keras: format!("{}/config", place.keras), ..place.clone() };
        let settings = self.settings(family, class, object.config.unwrap_or(&empty), &config_place);
        let (kind, settings) = parameters::with_axes(class.kind, settings);
        Some(named(kind, settings))
    }

    /// Every option of `config` by the rules of `class` and of its family; `place` is that of `config`.
    pub fn settings(
        &mut self,
        family: &Family,
        class: &Class,
        config: &Map<String, Value>,
        place: &Place,
    ) -> Map<String, Value> {
        let mut settings = Map::new();
        let known = || class.all_options(family);
        for (name, value) in config {
            match known().find(|(option, _)| option == name) {
                Some((_, rule)) => {
                    if let Some((name, value)) = self.option(name, rule, value, place) {
                        settings.insert(name, value);
                    }
                }
                // What is not set has no effect, even where a later Keras has an option that is not known here.
                None if value.is_null() => {}
                None => {
                    let mut hint = match self.errors.len() < field::MAX_LISTED {
                        true => field::did_you_mean(name, known().map(|(option, _)| option)),
                        false => String::new(),
                    };
                    if hint.is_empty() {
                        hint.push_str("; docs/KERAS.md lists the options that are read");
                    }
                    let place = place.option(name, name);
                    self.refuse(&place, format_args!("the option is not known, received {}{hint}", describe(value)));
                }
            }
        }
        for (name, rule) in &class.options {
            match *rule {
                Rule::Otherwise(default) => _ = settings.entry(name.as_ref()).or_insert_with(|| default.into()),
                Rule::OfKeras2(value) if self.old => _ = settings.insert(name.to_string(), value.into()),
                Rule::NotInKeras2(value, reason)
                    if self.old && config.get(name.as_ref()).is_none_or(|it| value.is(it)) =>
                {
                    self.refuse(&place.option(name, name), reason);
                }
                _ => {}
            }
        }
        settings
    }

    fn option(&mut self, name: &str, rule: Rule, value: &Value, place: &Place) -> Option<(String, Value)> {
        let ours = if let Rule::Renamed(ours) = rule { ours } else { name };
        let value = plain(value);
        let place = place.option(ours, name);
        self.came_from(&place);
        let value = match rule {
            Rule::Same | Rule::Renamed(_) | Rule::Otherwise(_) => Some(value.clone()),
            Rule::Optional => Some(value.clone()).filter(|value| !value.is_null()),
            Rule::NumberOrSchedule if value.is_object() => self.translate(&SCHEDULES, value, &place),
            Rule::NumberOrSchedule if value.is_number() => Some(value.clone()),
            Rule::NumberOrSchedule => {
                let received = describe(value);
                self.refuse(&place, format_args!("expected a number or a learning rate schedule, received {received}"));
                None
            }
            Rule::Default(plain) | Rule::NotInKeras2(plain, _) => {
                Some(value.clone()).filter(|value| !value.is_null() && !plain.is(value))
            }
            Rule::Activation if value.is_null() => Some("linear".into()),
            Rule::Activation => {
                // A layer may stand where an activation is asked for, and its options are then its own.
                let class = value.get("class_name").and_then(Value::as_str).filter(|class| *class != "function");
                let family: &'static Family = if class.is_some() { &ACTIVATION_LAYERS } else { &ACTIVATIONS };
                self.translate(family, value, &place)
            }
            Rule::Initializer | Rule::Regularizer | Rule::Constraint if value.is_null() => None,
            Rule::Initializer => self.translate(&INITIALIZERS, value, &place),
            Rule::Regularizer => self.translate(&REGULARIZERS, value, &place),
            Rule::Constraint => self.translate(&CONSTRAINTS, value, &place),
            Rule::Axis => match value.as_array().map(Vec::as_slice) {
                Some([axis]) => Some(axis.clone()),
                _ => Some(value.clone()),
            },
            Rule::DataType => {
                self.data_type(value, &place);
                None
            }
            Rule::OutputType => {
                if !is_whole(value) {
                    self.data_type(value, &place);
                }
                None
            }
            Rule::Only(allowed) => {
                if !value.is_null() && !allowed.iter().any(|plain| plain.is(value)) {
                    let expected = match allowed {
                        [] => "null".to_owned(),
                        allowed => allowed.iter().map(Plain::to_string).collect::<Vec<_>>().join(" or "),
                    };
                    let received = describe(value);
                    self.refuse(
                        &place,
                        format_args!(
                            "the option is not supported with this value, expected {expected}, received {received}"
                        ),
                    );
                }
                None
            }
            Rule::DataFormat => {
                let known = value.is_null() || channels::FORMATS.iter().any(|format| value == format);
                if !known {
                    let (expected, received) = (channels::FORMATS.join(" or "), describe(value));
                    self.refuse(&place, format_args!("expected {expected}, received {received}"));
                }
                None
            }
            Rule::Layer | Rule::Elsewhere | Rule::Ignored | Rule::OfKeras2(_) | Rule::Unknown => None,
        };
        value.map(|value| (ours.to_owned(), value))
    }

    /// Notes an error where `value` is not `float32`, bare or as a policy; a warning where it is of half precision.
    pub fn data_type(&mut self, value: &Value, place: &Place) {
        const HALF: [&str; 4] = ["mixed_float16", "mixed_bfloat16", "float16", "bfloat16"];
        let name = value.pointer("/config/name").unwrap_or(value);
        if let Some(name) = name.as_str().filter(|name| HALF.contains(name)) {
            return self.warn("computed_in_float32", place, format_args!("`{name}` is computed in float32"));
        }
        if !name.is_null() && name != "float32" {
            self.refuse(
                place,
                format_args!("the data type is not supported, expected \"float32\", received {}", describe(name)),
            );
        }
    }
}

/// Maximum number of names in a message.
const MAX_NAMES: usize = 30;
