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

/// How files begin that people have of a model, and what they are.
const OTHER_FILES: &[(&[u8], &str)] = &[
    (b"PK\x03\x04", "a ZIP archive, as a .keras file is: send what `model.to_json()` prints"),
    (b"\x89HDF", "an HDF5 file: send what `model.to_json()` prints"),
];

/// The JSON of a definition: epoca's, or Keras's.
pub fn read(file: &str) -> Result<Value, Failure> {
    let shown = if file == STDIN { "stdin".to_owned() } else { clean(file) };
    let failed = |error: std::io::Error| of_file("read", &shown, &error);
    let bytes = if file == STDIN {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map_err(failed)?;
        bytes
    } else {
        std::fs::read(file).map_err(failed)?
    };
    let expected = format!("{shown}: expected a model's definition in JSON");
    let other = OTHER_FILES.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, what)| *what);
    if let Some(what) = other.or(bytes.trim_ascii().is_empty().then_some("an empty file")) {
        return Err(Failure::Error(format!("{expected}, received {what}")));
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    serde_json::from_slice(text).map_err(|error| Failure::Error(format!("{expected}: {error}")))
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
