//! Keras JSON to a model definition: a translation and nothing else.

use crate::engine::{field::FieldError, spec::Definition};
use serde_json::Value;

/// Defaults of `training` that a `compile_config` gives, in our own form.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Compiled {
    /// `optimizer`, `loss`, `metrics`: fields of `training`, only those present.
    pub training: serde_json::Map<String, Value>,
}

/// Whether this JSON is Keras's (`class_name` beside `config`) and not our own form.
pub fn is_keras(_value: &Value) -> bool {
    todo!()
}

/// Translates `model.to_json()` (Keras 2 and 3). Pointers are into Keras's own JSON
/// (`/config/layers/3/config/units`); a layer or option that is not honoured is named.
pub fn import(_value: &Value) -> Result<(Definition, Compiled), Vec<FieldError>> {
    todo!()
}
