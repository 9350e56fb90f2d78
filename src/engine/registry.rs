//! [`registry!`]: a family of settings (activations, optimizers, losses …) with one row per member, and its JSON form.

use crate::engine::field::{self, FieldError};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use utoipa::openapi::{
    Object, ObjectBuilder, OneOfBuilder, RefOr, Schema,
    schema::{AdditionalProperties, SchemaType, Type},
};

/// A family of named settings; [`registry!`] implements it.
pub(crate) trait Family: Sized {
    /// A member in messages: `a loss`.
    const WHAT: &'static str;
    /// All names, in the order of the registry.
    const NAMES: &'static [&'static str];
    /// Every member, in the order of the registry.
    fn members() -> Vec<Registered>;
    /// The member of this name with these settings; `None` if there is no such name.
    fn member(name: &str, settings: Map<String, Value>) -> Option<Result<Self, FieldError>>;
}

/// A row of a registry.
pub(crate) struct Registered {
    pub(crate) name: &'static str,
    /// Other accepted spellings.
    pub(crate) aliases: &'static [&'static str],
    /// The schema of its settings, if it has any.
    pub(crate) settings: Option<RefOr<Schema>>,
}

/// Parses a bare name or `{"type": name, …}`.
pub(crate) fn parse_member<T: Family>(value: Value) -> Result<T, FieldError> {
    let (pointer, name, settings) = match value {
        Value::String(name) => ("", name, Map::new()),
        Value::Object(mut settings) => match settings.shift_remove("type") {
            Some(Value::String(name)) => ("/type", name, settings),
            Some(other) => {
                return Err(FieldError::new("/type", format!("expected {}'s name, received {other}", T::WHAT)));
            }
            None => {
                return Err(FieldError::new("", format!("expected {}'s name as `type`, received nothing", T::WHAT)));
            }
        },
        other => {
            let detail =
                format!("expected {}: its name or an object with its name as `type`, received {other}", T::WHAT);
            return Err(FieldError::new("", detail));
        }
    };
    T::member(&name, settings).unwrap_or_else(|| Err(FieldError::new(pointer, unknown::<T>(&name))))
}

fn unknown<T: Family>(name: &str) -> String {
    let error: serde::de::value::Error = serde::de::Error::unknown_variant(name, T::NAMES);
    field::with_nearest(&error.to_string())
}

/// Whether `received` is `name`, or Keras's class name of it (`GlorotUniform`, `RMSprop`).
pub(crate) fn same_name(received: &str, name: &str) -> bool {
    fn letters(text: &str) -> impl Iterator<Item = u8> {
        text.bytes().filter(|letter| *letter != b'_').map(|letter| letter.to_ascii_lowercase())
    }
    letters(received).eq(letters(name))
}

/// Fails if there are settings, for a member without any.
pub(crate) fn no_settings(settings: &Map<String, Value>) -> Result<(), FieldError> {
    match settings.keys().next() {
        None => Ok(()),
        Some(key) => {
            let detail = format!("unknown field `{key}`: expected no settings");
            Err(FieldError::new(format!("/{}", field::escape(key)), detail))
        }
    }
}

/// Parses the settings of a member.
pub(crate) fn parse_settings<T: DeserializeOwned>(settings: Map<String, Value>) -> Result<T, FieldError> {
    field::parse(&Value::Object(settings))
}

/// `{"type": name, …}` for the serializer.
#[derive(Serialize)]
pub(crate) struct Tagged<'a, T> {
    #[serde(rename = "type")]
    pub(crate) name: &'static str,
    #[serde(flatten)]
    pub(crate) settings: &'a T,
}

/// `{"type": name, …}`, or the bare name if no setting is serialized.
pub(crate) fn serialize<T: Serialize, S: serde::Serializer>(
    name: &'static str,
    settings: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let printed = serde_json::to_value(settings).map_err(serde::ser::Error::custom)?;
    match printed.as_object().is_some_and(Map::is_empty) {
        true => serializer.serialize_str(name),
        false => Tagged { name, settings }.serialize(serializer),
    }
}

/// [`parse_member`] for serde: the JSON pointer is passed in the message, from which [`field::parse`] extracts it.
pub(crate) fn deserialize<'de, T: Family, D: serde::Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    parse_member(Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

/// A member of a family, for its schema.
pub(crate) struct Member {
    /// Its name, and its other accepted spellings.
    pub(crate) names: Vec<String>,
    /// The schema of its settings, if it has any.
    pub(crate) settings: Option<RefOr<Schema>>,
}

impl Member {
    fn new(Registered { name, aliases, settings }: Registered) -> Self {
        let class: String = name.split('_').map(capitalized).collect();
        let mut names = vec![name.to_owned()];
        for spelling in aliases.iter().map(|alias| (*alias).to_owned()).chain([class]) {
            if !names.contains(&spelling) {
                names.push(spelling);
            }
        }
        Self { names, settings }
    }
}

fn capitalized(word: &str) -> String {
    let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
    first.to_ascii_uppercase() + rest
}

fn text_of(names: impl IntoIterator<Item = String>) -> Object {
    ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).enum_values(Some(names)).build()
}

/// The schema of objects distinguished by `type`: members with the same settings share one.
pub(crate) fn tagged_schemas(members: &[Member]) -> Vec<RefOr<Schema>> {
    let mut groups: Vec<(Object, Vec<String>)> = Vec::new();
    for Member { names, settings } in members {
        let settings = match settings {
            Some(RefOr::T(Schema::Object(object))) => object.clone(),
            _ => ObjectBuilder::new()
                .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
                .build(),
        };
        let same = |(known, _): &&mut (Object, Vec<String>)| {
            known.properties == settings.properties && known.required == settings.required
        };
        match groups.iter_mut().find(same) {
            Some((known, all)) => {
                known.description = None;
                all.extend(names.iter().cloned());
            }
            None => groups.push((settings, names.clone())),
        }
    }
    let tagged = groups.into_iter().map(|(mut object, names)| {
        let settings = std::mem::take(&mut object.properties);
        object.properties.insert("type".into(), text_of(names).into());
        object.properties.extend(settings);
        object.required.insert(0, "type".into());
        RefOr::T(Schema::Object(object))
    });
    tagged.collect()
}

/// The schema of a family: any bare name, or an object.
pub(crate) fn family_schema<T: Family>(description: &str) -> RefOr<Schema> {
    let members: Vec<Member> = T::members().into_iter().map(Member::new).collect();
    let names = text_of(members.iter().flat_map(|member| member.names.iter().cloned()));
    let all = OneOfBuilder::new().description(Some(description)).item(names);
    let all = tagged_schemas(&members).into_iter().fold(all, |all, schema| all.item(schema)).build();
    RefOr::T(Schema::OneOf(all))
}

/// The schema of a family whose objects have one more property.
pub(crate) fn with_property(family: RefOr<Schema>, name: &str, property: impl Into<RefOr<Schema>>) -> RefOr<Schema> {
    let RefOr::T(Schema::OneOf(mut forms)) = family else { return family };
    let property = property.into();
    for form in &mut forms.items {
        if let RefOr::T(Schema::Object(object)) = form
            && object.properties.contains_key("type")
        {
            object.properties.insert(name.into(), property.clone());
        }
    }
    RefOr::T(Schema::OneOf(forms))
}

/// How the settings of a member are read.
pub(crate) type Read<T> = fn(Map<String, Value>) -> Result<T, FieldError>;

/// The member that `name` means, of a list of names with their aliases; `None` where there is no such name.
pub(crate) fn find<T>(
    name: &str,
    settings: Map<String, Value>,
    members: &[(&[&str], Read<T>)],
) -> Option<Result<T, FieldError>> {
    let is = |(names, _): &&(&[&str], Read<T>)| names.iter().any(|known| same_name(name, known));
    members.iter().find(is).map(|(_, read)| read(settings))
}

/// Defines an enum of settings with one row per member: its variant, its name, its aliases.
///
/// It deserializes from a bare name or an object with `type`, and serializes to the object, or to the bare name if
/// there are no settings. The settings of every member implement `dyn Trait`; `dyn Trait<F>` if it is generic over the float
/// type.
macro_rules! registry {
    (
        $(#[$meta:meta])*
        $family:ident, $what:literal, dyn $behaviour:ident $(<$float:ident>)? {
            plain { $( $plain:ident = $plain_name:literal $(| $plain_alias:literal)* ),* $(,)? }
            settings { $( $tuned:ident = $tuned_name:literal $(| $tuned_alias:literal)* ),* $(,)? }
        }
    ) => {
        $(#[$meta])*
        pub enum $family {
            $( #[doc = concat!("`", $plain_name, "`, see [`type@", stringify!($plain), "`].")] $plain, )*
            $( #[doc = concat!("`", $tuned_name, "`, see [`type@", stringify!($tuned), "`].")] $tuned($tuned), )*
        }

        impl $family {
            /// All names.
            pub const NAMES: &'static [&'static str] = &[$($plain_name,)* $($tuned_name,)*];

            /// Every member that requires no settings, with its defaults.
            pub fn every() -> Vec<Self> {
                let all = Self::NAMES.iter().filter_map(|name| {
                    <Self as $crate::engine::registry::Family>::member(name, serde_json::Map::new())?.ok()
                });
                all.collect()
            }

            /// Its name (`type` in JSON).
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$plain => $plain_name,)*
                    $(Self::$tuned(_) => $tuned_name,)*
                }
            }

            #[inline]
            fn behaviour$(<$float: $crate::engine::real::Real>)?(&self) -> &(dyn $behaviour$(<$float>)? + 'static) {
                match self {
                    $(Self::$plain => &$plain,)*
                    $(Self::$tuned(settings) => settings,)*
                }
            }
        }

        $(impl From<$tuned> for $family {
            fn from(settings: $tuned) -> Self {
                Self::$tuned(settings)
            }
        })*

        impl $crate::engine::registry::Family for $family {
            const WHAT: &'static str = $what;
            const NAMES: &'static [&'static str] = Self::NAMES;

            fn members() -> Vec<$crate::engine::registry::Registered> {
                use $crate::engine::registry::Registered;
                vec![
                    $(Registered { name: $plain_name, aliases: &[$($plain_alias),*], settings: None },)*
                    $(Registered {
                        name: $tuned_name,
                        aliases: &[$($tuned_alias),*],
                        settings: Some(<$tuned as utoipa::PartialSchema>::schema()),
                    },)*
                ]
            }

            fn member(
                name: &str,
                settings: serde_json::Map<String, serde_json::Value>,
            ) -> Option<Result<Self, $crate::engine::field::FieldError>> {
                use $crate::engine::registry;
                registry::find(name, settings, &[
                    $((
                        &[$plain_name, $($plain_alias),*],
                        |settings| registry::no_settings(&settings).map(|()| Self::$plain),
                    ),)*
                    $((
                        &[$tuned_name, $($tuned_alias),*],
                        |settings| registry::parse_settings(settings).map(Self::$tuned),
                    ),)*
                ])
            }
        }

        impl<'de> serde::Deserialize<'de> for $family {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::engine::registry::deserialize(deserializer)
            }
        }

        impl serde::Serialize for $family {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$plain => serializer.serialize_str($plain_name),)*
                    $(Self::$tuned(settings) => {
                        $crate::engine::registry::serialize($tuned_name, settings, serializer)
                    })*
                }
            }
        }

        impl utoipa::PartialSchema for $family {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                let description = concat!("The name of ", $what, ", or its settings with that name as `type`.");
                $crate::engine::registry::family_schema::<Self>(description)
            }
        }

        impl utoipa::ToSchema for $family {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($family).into()
            }

            fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>) {
                $(<$tuned as utoipa::ToSchema>::schemas(schemas);)*
                let _ = schemas;
            }
        }
    };
}
pub(crate) use registry;

#[cfg(test)]
mod tests;
