//! What real Kerases print (`tests/fixtures/keras_json/make.py` made the files).

use epoca::{
    engine::spec::Definition,
    keras::{self, Compiled},
};
use serde_json::Value;
use std::sync::LazyLock;

/// Versions of Keras, each with the models that it prints.
static DIALECTS: LazyLock<[(&str, Value); 5]> = LazyLock::new(|| {
    let read = |file| serde_json::from_str(file).unwrap();
    [
        ("2.21.0", read(include_str!("../../fixtures/keras_json/tf_keras-2.21.0.json"))),
        ("3.3.3", read(include_str!("../../fixtures/keras_json/keras-3.3.3.json"))),
        ("3.6.0", read(include_str!("../../fixtures/keras_json/keras-3.6.0.json"))),
        ("3.11.3", read(include_str!("../../fixtures/keras_json/keras-3.11.3.json"))),
        ("3.15.1", read(include_str!("../../fixtures/keras_json/keras-3.15.1.json"))),
    ]
});

/// The model `name` in every dialect that has it, as the object that the string of `to_json()` holds.
pub fn models(name: &str) -> Vec<(&'static str, Value, Value)> {
    let models = DIALECTS.iter().filter_map(|(version, file)| {
        let entry = file.get(name)?.clone();
        let model = serde_json::from_str(entry["json"].as_str().unwrap()).unwrap();
        Some((*version, model, entry))
    });
    let models: Vec<_> = models.collect();
    assert!(!models.is_empty(), "no fixture named {name}");
    models
}

/// The model `name` in every dialect that has it, imported.
pub fn accept(name: &str) -> Vec<(&'static str, Definition, Compiled)> {
    let import = |(version, model, _): (_, Value, _)| {
        let (definition, compiled) =
            keras::import(&model).unwrap_or_else(|errors| panic!("{version} {name}: {errors:#?}"));
        (version, definition, compiled)
    };
    models(name).into_iter().map(import).collect()
}
