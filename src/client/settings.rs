//! `NAME=VALUE` arguments: fields of a JSON object by their path.

use serde_json::{Map, Value};

/// Fields of a job that are not fields of its `training`.
const JOB_FIELDS: &[&str] = &[
    "model",
    "dataset",
    "target",
    "features",
    "inputs",
    "task",
    "training",
    "validation_dataset",
    "class_weight",
    "sample_weight",
    "split",
    "preprocessing",
    "baselines",
    "priority",
    "labels",
    "note",
];

/// One `NAME=VALUE`.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// The field, with dots between the levels.
    pub path: Vec<String>,
    /// JSON where it can be read as JSON, otherwise the text itself.
    pub value: Value,
}

/// Reads `NAME=VALUE`.
pub fn setting(text: &str) -> Result<Setting, String> {
    let expected = || format!("expected NAME=VALUE, such as optimizer.learning_rate=0.001, received {text:?}");
    let (name, value) = text.split_once('=').ok_or_else(expected)?;
    let path: Vec<String> = name.trim().split('.').map(str::to_owned).collect();
    if path.iter().any(String::is_empty) {
        return Err(expected());
    }
    Ok(Setting { path, value: serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned())) })
}

impl Setting {
    /// The setting in a job's request: fields that are not those of a job are those of its training.
    pub fn of_job(&self) -> Self {
        let is_own = self.path.first().is_some_and(|first| JOB_FIELDS.contains(&first.as_str()));
        let prefix = if is_own { None } else { Some("training".to_owned()) };
        Self { path: prefix.into_iter().chain(self.path.clone()).collect(), value: self.value.clone() }
    }

    /// Whether it is about the model's definition.
    pub fn is_of_definition(&self) -> bool {
        self.path.first().is_some_and(|first| first == "definition")
    }

    /// Writes the value into `object`. A name on the way becomes an object of that type, as `"adam"` does for
    /// `optimizer.learning_rate`.
    pub fn apply(&self, object: &mut Map<String, Value>) {
        let Some((last, way)) = self.path.split_last() else { return };
        let mut object = object;
        for name in way {
            let next = object.entry(name.clone()).or_insert(Value::Null);
            if !next.is_object() {
                let mut inner = Map::new();
                let kind = match (&*next, name.as_str()) {
                    (Value::String(kind), _) => Some(kind.as_str()),
                    (_, "optimizer") => Some("adam"),
                    _ => None,
                };
                if let Some(kind) = kind {
                    inner.insert("type".to_owned(), kind.into());
                }
                *next = Value::Object(inner);
            }
            let Value::Object(inner) = next else { return };
            object = inner;
        }
        object.insert(last.clone(), self.value.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn applied(to: Value, settings: &[&str]) -> Value {
        let Value::Object(mut object) = to else { panic!("{to} is not an object") };
        for text in settings {
            setting(text).unwrap().of_job().apply(&mut object);
        }
        Value::Object(object)
    }

    #[test]
    fn a_path_leads_into_objects() {
        let expected = json!({"training": {"epochs": 3, "optimizer": {"type": "adam", "learning_rate": 0.001}}});
        assert_eq!(applied(json!({"training": {"epochs": 3}}), &["optimizer.learning_rate=1e-3"]), expected);
        let named = json!({"training": {"optimizer": "sgd"}});
        let expected = json!({"training": {"optimizer": {"type": "sgd", "momentum": 0.9}}});
        assert_eq!(applied(named, &["training.optimizer.momentum=0.9"]), expected);
    }

    #[test]
    fn values_are_json_or_text() {
        let settings = ["task=regression", "labels.team=a", "features=[\"a\"]", "shuffle=false", "loss=a=b"];
        let expected = json!({"task": "regression", "labels": {"team": "a"}, "features": ["a"],
            "training": {"shuffle": false, "loss": "a=b"}});
        assert_eq!(applied(json!({}), &settings), expected);
        for wrong in ["epochs", "=3", "a..b=3"] {
            assert!(setting(wrong).unwrap_err().contains(wrong), "{wrong}");
        }
    }
}
