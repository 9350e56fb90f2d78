//! Models from files and templates.

use super::{
    api::Api,
    failure::{Failure, of_file},
    output::clean,
    source::STDIN,
    upload,
};
use serde_json::{Value, json};
use std::{io::Read, path::Path};

/// Names that are tried where one is taken.
const MAX_NAMES: u32 = 100;

/// The JSON of a definition: epoca's, or Keras's.
pub fn read(file: &str) -> Result<Value, Failure> {
    let shown = if file == STDIN { "stdin".to_owned() } else { clean(file) };
    let failed = |error: std::io::Error| of_file("read", &shown, &error);
    let text = if file == STDIN {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text).map_err(failed)?;
        text
    } else {
        std::fs::read_to_string(file).map_err(failed)?
    };
    serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| Failure::Error(format!("{shown}: expected a model's definition in JSON: {error}")))
}

/// A model's name made from a file's.
pub fn name_of(file: &str) -> String {
    if file == STDIN { "model".to_owned() } else { upload::name_of(Path::new(file)) }
}

/// Creates a model; a name that is taken is an error.
pub async fn create(api: &Api, name: &str, definition: &Value) -> Result<Value, Failure> {
    api.post(&["models"], &[], &json!({"name": name, "definition": definition})).await
}

/// A model with this definition, and whether it was created: an existing one of that name (or of that name with a number) where
/// it is the same, so that training again makes its next version.
pub async fn find_or_create(api: &Api, name: &str, definition: &Value) -> Result<(Value, bool), Failure> {
    let mut taken = Vec::new();
    for number in 1..=MAX_NAMES {
        let name = upload::numbered(name, number);
        match api.find(&["models", &name]).await? {
            Some(model) => taken.push(model),
            None => {
                let created = create(api, &name, definition).await?;
                // The service fills in every default: two definitions are the same where their full forms are.
                let is_same = |model: &&Value| {
                    ["definition", "training_defaults"].iter().all(|field| model[*field] == created[*field])
                };
                let Some(same) = taken.iter().find(is_same) else { return Ok((created, true)) };
                api.delete(&["models", created["id"].as_str().unwrap_or_default()]).await?;
                return Ok((same.clone(), false));
            }
        }
    }
    Err(Failure::Error(format!("{MAX_NAMES} models are named like {name}: choose a name with --name")))
}
