//! Values by name, in order.

use crate::engine::field::{FieldError, MAX_LISTED, did_you_mean, escape};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error, MapAccess, Visitor},
};
use serde_json::Value;
use std::{collections::HashSet, fmt, marker::PhantomData};

/// Maximum number of names of an object: as many inputs and outputs as a model has at most.
const MAX_ENTRIES: usize = 10_000;

/// A JSON object with ordered, unique names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<T>(pub Vec<(String, T)>);

impl<T> Named<T> {
    /// The value of this name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// An error for each of `names` that is missing, and for each unknown name. `what` says what the names are of; `pointer` is
    /// the object's place in the request.
    pub fn check(&self, names: &[&str], what: &str, pointer: &str) -> Vec<FieldError> {
        let missing = names.iter().filter(|name| self.get(name).is_none()).map(|name| {
            FieldError::new(pointer, format!("expected an entry for the {what} `{name}` of the model, received none"))
        });
        let unknown = self.0.iter().filter(|(name, _)| !names.contains(&name.as_str()));
        let unknown = unknown.enumerate().map(|(earlier, (name, _))| {
            let (known, hint) = match earlier < MAX_LISTED {
                true => (format!(" ({})", names.join(", ")), did_you_mean(name, names.iter().copied())),
                false => Default::default(),
            };
            let detail = format!("expected an {what} of the model{known}, received `{name}`{hint}");
            FieldError::new(format!("{pointer}/{}", escape(name)), detail)
        });
        unknown.chain(missing).collect()
    }
}

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for InOrder<T> {
            type Value = Named<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object by name")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named<T>, A::Error> {
                let mut named: Vec<(String, T)> = Vec::new();
                let mut known = HashSet::new();
                while let Some((name, value)) = map.next_entry::<String, T>()? {
                    if !known.insert(name.clone()) {
                        return Err(A::Error::custom(format!("expected each name once, received `{name}` again")));
                    }
                    if named.len() == MAX_ENTRIES {
                        return Err(A::Error::custom(format!("expected at most {MAX_ENTRIES} names, received more")));
                    }
                    named.push((name, value));
                }
                Ok(Named(named))
            }
        }
        deserializer.deserialize_map(InOrder(PhantomData))
    }
}

/// One value for a model's only output, or one per output by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PerOutput<T> {
    /// The only output's.
    One(T),
    /// Each output's, in the model's order.
    Each(Named<T>),
}

impl<T> PerOutput<T> {
    /// The value of the only output.
    pub fn one(&self) -> Option<&T> {
        match self {
            Self::One(value) => Some(value),
            Self::Each(_) => None,
        }
    }

    /// The value of the output `name`; a single value applies to every output.
    pub fn get(&self, name: &str) -> Option<&T> {
        match self {
            Self::One(value) => Some(value),
            Self::Each(values) => values.get(name),
        }
    }

    /// The values of all outputs, in order.
    pub fn values(&self) -> Vec<&T> {
        self.named().into_iter().map(|(_, value)| value).collect()
    }

    /// Each value with its output's name, which is empty for an only output.
    pub fn named(&self) -> Vec<(&str, &T)> {
        match self {
            Self::One(value) => vec![("", value)],
            Self::Each(values) => values.0.iter().map(|(name, value)| (name.as_str(), value)).collect(),
        }
    }

    /// The value of each output; `names` are the outputs', in order, and one value is the only output's.
    pub fn collect(names: &[&str], values: Vec<T>) -> Option<Self> {
        let mut values = values.into_iter();
        match names {
            [_] => values.next().map(Self::One),
            names => Some(Self::Each(Named(names.iter().map(|name| (*name).to_owned()).zip(values).collect()))),
        }
    }
}

impl<T: Serialize> Serialize for PerOutput<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::One(value) => value.serialize(serializer),
            Self::Each(values) => values.serialize(serializer),
        }
    }
}

/// What is stored reads back: a `T` where it can be one.
impl<'de, T: DeserializeOwned> Deserialize<'de> for PerOutput<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match T::deserialize(&value) {
            Ok(one) => Ok(Self::One(one)),
            Err(error) if value.is_object() => {
                Named::deserialize(value).map(Self::Each).map_err(|_| D::Error::custom(error))
            }
            Err(error) => Err(D::Error::custom(error)),
        }
    }
}

/// The schema of a [`PerOutput`].
pub fn per_output<T: utoipa::ToSchema>() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
    use utoipa::openapi::{ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema, schema::AdditionalProperties};
    let one = || RefOr::<Schema>::Ref(Ref::from_schema_name(T::name()));
    let each = ObjectBuilder::new().additional_properties(Some(AdditionalProperties::RefOr(one())));
    let description = "The only output's, or an object of each output's by its name.";
    OneOfBuilder::new().description(Some(description)).item(one()).item(each).into()
}
