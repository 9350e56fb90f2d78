//! [`ModelDefinition`]: a network, or a classical model.

use crate::engine::{
    classical::{ClassicalModel, foreign_class},
    field::{FieldError, parse, to_value},
    spec::Definition,
};
use serde_json::Value;

/// What a model is.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelDefinition {
    /// Layers.
    Network(Definition),
    /// A classical model with its settings.
    Classical(ClassicalModel),
}

impl ModelDefinition {
    /// Reads the JSON of either kind: a name, or an object with a `type` and without `layers`, is a classical model.
    ///
    /// # Errors
    /// For settings that are wrong, each with its pointer.
    pub fn from_value(value: &Value) -> Result<Self, Vec<FieldError>> {
        let is_classical = value.is_string() || (value.get("type").is_some() && value.get("layers").is_none());
        if !is_classical {
            return Definition::from_value(value).map(Self::Network);
        }
        let (class, pointer) = match value {
            Value::String(name) => (Some(name.as_str()), ""),
            _ => (value["type"].as_str(), "/type"),
        };
        let is_known = |class: &&str| ClassicalModel::NAMES.contains(class);
        if let Some(class) = class.filter(|class| !is_known(class))
            && let Some(expected) = foreign_class(class)
        {
            return Err(vec![FieldError::new(pointer, format!("{expected}, received {class:?}"))]);
        }
        let model: ClassicalModel = parse(value).map_err(|error| vec![error])?;
        model.check().map_err(|error| vec![error])?;
        Ok(Self::Classical(model))
    }

    /// The JSON with every default filled in.
    ///
    /// # Errors
    /// Where a setting is no JSON, which none is.
    pub fn to_value(&self) -> Result<Value, serde_json::Error> {
        match self {
            Self::Network(definition) => Ok(definition.to_value()),
            // A model without settings is printed as its name alone; a definition is an object.
            Self::Classical(model) => Ok(match to_value(model)? {
                Value::String(name) => serde_json::json!({"type": name}),
                settings => settings,
            }),
        }
    }
}
