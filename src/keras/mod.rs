//! Keras JSON to a model definition: a translation and nothing else.
//!
//! `model.to_json()` is read as Keras 2 (also as `tf.keras`) and Keras 3 print it. Classes and
//! options that have our names pass; tables hold the differences. Anything else is refused by name, so that a model that is
//! accepted trains as it would in Keras. What has no effect on the result (`module`, `build_config`, a seed …) is ignored.

mod activations;
mod arguments;
mod calls;
mod chain;
mod channels;
mod class;
mod cleared_masks;
mod compile;
mod each_step;
mod einsum;
mod envelope;
mod execution;
mod graph;
mod inputs;
mod json;
mod kinds;
mod layer;
mod layers;
mod masks;
mod measures;
mod model;
mod model_fields;
mod operators;
mod optimizers;
mod parameters;
mod place;
mod recorded_masks;
mod recurrent;
pub mod reference;
mod refused;
mod scope;
mod stacked_cells;
mod steps;
mod tensorflow;
mod translator;
mod warnings;

use crate::engine::{
    field::{self, FieldError},
    spec::Definition,
};
use serde_json::{Map, Value};
use std::borrow::Cow;
use translator::Translator;
pub use warnings::Warning;

/// Maximum depth of objects with `class_name` within each other, such as models within models: readers are recursive, and a stack has
/// an end.
const MAX_CLASS_DEPTH: usize = 20;

/// Defaults of `training` that a `compile_config` gives, in our own form.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Compiled {
    /// `optimizer`, `loss`, `metrics`: fields of `training`, only those present.
    pub training: Map<String, Value>,
    /// What is read with another meaning than in Keras.
    pub warnings: Vec<Warning>,
}

/// Whether this JSON is Keras's (`class_name` beside `config`, or what holds it) and not our own form: an object, or the string
/// that `model.to_json()` returns.
pub fn is_keras(value: &Value) -> bool {
    match value {
        Value::Object(fields) => envelope::is_keras(fields),
        Value::String(text) => text.trim_start().starts_with('{'),
        _ => false,
    }
}

/// Translates `model.to_json()` (Keras 2 and 3), as an object or as the string that Keras returns. Pointers are into Keras's
/// own JSON (`/config/layers/3/config/units`); a layer or option that is not supported is named.
///
/// ```
/// use epoca::keras;
/// use serde_json::json;
///
/// let model = json!({"class_name": "Sequential", "config": {"name": "sequential", "layers": [
///     {"class_name": "InputLayer", "config": {"batch_shape": [null, 4], "dtype": "float32", "name": "input"}},
///     {"class_name": "Dense", "config": {"name": "dense", "units": 3, "activation": "softmax"}},
/// ]}});
/// let (definition, _) = keras::import(&model).unwrap();
/// assert_eq!(definition.layers.len(), 1);
/// assert_eq!(definition.known_input_shapes().unwrap().len(), 1);
/// ```
pub fn import(value: &Value) -> Result<(Definition, Compiled), Vec<FieldError>> {
    let (document, within) = document(value).and_then(envelope::model).map_err(|error| vec![error])?;
    let under = |errors: Vec<FieldError>| -> Vec<FieldError> {
        warnings::summarized(errors).into_iter().map(|error| error.under(&within)).collect()
    };
    let depth = field::depth_of_objects(document.as_ref(), |fields| fields.contains_key("class_name"));
    if depth > MAX_CLASS_DEPTH {
        let detail = format!("expected objects with `class_name` at most {MAX_CLASS_DEPTH} deep, received {depth}");
        return Err(under(vec![FieldError::new("", detail)]));
    }
    let Value::Object(fields) = document.as_ref() else {
        let detail = "expected the JSON object that Keras's `model.to_json()` prints";
        return Err(under(vec![FieldError::new("", detail)]));
    };
    envelope::check_version(fields).map_err(|error| under(vec![error]))?;
    let old = envelope::is_old(fields);
    let document = tensorflow::rewrite_as_keras3(document.as_ref()).map_or(document, Cow::Owned);
    let Value::Object(document) = document.as_ref() else { return Err(Vec::new()) };
    read(document, old).map_err(under).map(|(definition, mut compiled)| {
        for warning in &mut compiled.warnings {
            warning.pointer.insert_str(0, &within);
        }
        (definition, compiled)
    })
}

fn read(document: &Map<String, Value>, old: bool) -> Result<(Definition, Compiled), Vec<FieldError>> {
    let mut translator = Translator::default();
    translator.old = old;
    let definition = model::translate(document, &mut translator);
    let mut compiled = compile::translate(document, &mut translator);
    match definition {
        Some(definition) if translator.errors.is_empty() => match Definition::from_value(&definition) {
            Ok(definition) => {
                masks::check(&definition, &mut translator);
                compiled.warnings = translator.warnings;
                if translator.errors.is_empty() { Ok((definition, compiled)) } else { Err(translator.errors) }
            }
            Err(errors) => Err(errors.into_iter().map(|error| translator.trace(error)).collect()),
        },
        _ => Err(translator.errors),
    }
}

fn document(value: &Value) -> Result<Cow<'_, Value>, FieldError> {
    match value {
        Value::String(text) => serde_json::from_str(text).map(Cow::Owned).map_err(|error| {
            FieldError::new(
                "",
                format!("expected the string to be JSON as `model.to_json()` returns it, received {error}"),
            )
        }),
        other => Ok(Cow::Borrowed(other)),
    }
}
