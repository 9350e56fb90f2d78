//! [`Translator`]: follows the rules, and keeps where everything came from.

use super::{
    activations::{ACTIVATION_LAYERS, ACTIVATIONS},
    channels,
    class::{Class, Family, Plain, Rule},
    json::{describe, foreign, is_whole, named, own_function, plain, shorten},
    parameters,
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
    /// What is read otherwise than it stands there.
    pub warnings: Vec<Warning>,
    /// Whether Keras 2 printed the document, one of whose functions is another one today.
    pub old: bool,
    /// What is to be held against the masks of the finished definition.
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
            let known = family.classes.iter().any(|class| class.names.contains(&name));
            let hint =
                if known { format!("; write \"{name}\" in its place if Keras's own is meant") } else { String::new() };
            self.refuse(place, detail + &hint);
            return None;
        }
        if let Some(from) = foreign(fields) {
            self.refuse(place, format_args!("`{class}` is a class of your own ({from}), and code cannot be sent here"));
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
    pub fn class(&mut self, family: &Family, class: &str, place: &Place) -> Option<&'static Class> {
        let row = family.classes.iter().find(|row| row.names.contains(&class));
        if let Some(reason) = refused::reason(family.what, class) {
            self.refuse(
                place,
                format_args!("the {} class `{}` is not supported: {reason}", family.what, shorten(class)),
            );
            return None;
        }
        if row.is_none() {
            let names: Vec<&str> =
                family.classes.iter().map(|row| row.names.first().copied().unwrap_or_default()).collect();
            let hint = field::did_you_mean(class, family.classes.iter().flat_map(|row| row.names).copied());
            let (what, class) = (family.what, shorten(class));
            let known = match names.len() {
                ..=MOST_NAMES => format!("expected one of {}", names.join(", ")),
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
        let mut settings = Map::new();
        if let Some(config) = object.config {
            let place = Place { keras: format!("{}/config", place.keras), ..place.clone() };
            settings = self.settings(family, class, config, &place);
        }
        if self.old && class.kind == "hard_sigmoid" {
            settings.insert("slope".to_owned(), 0.2.into());
        }
        let (kind, settings) = parameters::spelled_out(class.kind, settings);
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
        for (name, value) in config {
            let mut rules = class.options.iter().chain(family.common);
            match rules.find(|(option, _)| option == name) {
                Some(&(_, rule)) => {
                    if let Some((name, value)) = self.option(name, rule, value, place) {
                        settings.insert(name, value);
                    }
                }
                // What is not set has no effect, even where a later Keras has an option that is not known here.
                None if value.is_null() => {}
                None => {
                    let known = class.options.iter().chain(family.common).map(|(option, _)| *option);
                    let hint = field::did_you_mean(name, known);
                    let place = place.option(name, name);
                    self.refuse(&place, format_args!("the option is not known, received {}{hint}", describe(value)));
                }
            }
        }
        for &(name, rule) in class.options {
            if let Rule::Otherwise(default) = rule {
                settings.entry(name).or_insert_with(|| default.into());
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
            Rule::Number if value.is_number() => Some(value.clone()),
            Rule::Number => {
                self.refuse(&place, format_args!("expected a number, received {}", describe(value)));
                None
            }
            Rule::NumberOr(family) if value.is_object() => self.translate(family, value, &place),
            Rule::NumberOr(_) if value.is_number() => Some(value.clone()),
            Rule::NumberOr(family) => {
                let (what, received) = (family.what, describe(value));
                self.refuse(&place, format_args!("expected a number or a {what}, received {received}"));
                None
            }
            Rule::Default(plain) => Some(value.clone()).filter(|value| !value.is_null() && !plain.is(value)),
            Rule::Activation if value.is_null() => Some("linear".into()),
            Rule::Activation => {
                // A layer may stand where an activation is asked for, and its options are then its own.
                let class = value.get("class_name").and_then(Value::as_str).filter(|class| *class != "function");
                let family = if class.is_some() { &ACTIVATION_LAYERS } else { &ACTIVATIONS };
                self.translate(family, value, &place)
            }
            Rule::Object(_) if value.is_null() => None,
            Rule::Object(family) => self.translate(family, value, &place),
            Rule::Axis => match value.as_array().map(Vec::as_slice) {
                Some([axis]) => Some(axis.clone()),
                _ => Some(value.clone()),
            },
            Rule::DataType => {
                self.data_type(value, &place);
                None
            }
            Rule::NumberType => {
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
                        format_args!("the option is not honoured, expected {expected}, received {received}"),
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
            Rule::Layer | Rule::Elsewhere | Rule::Ignored => None,
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

/// Most names that a message lists.
const MOST_NAMES: usize = 30;
