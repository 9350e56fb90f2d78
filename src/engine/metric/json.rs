//! The JSON form of a metric: that of its measure, with its name.

use super::{Measure, Metric};
use crate::engine::{
    field::FieldError,
    registry::{self, Family},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// Names are keys of logs beside `loss` and `val_loss`.
pub(super) fn check_name(name: &str) -> Result<(), FieldError> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    let shape =
        name.len() <= 64 && name.bytes().all(known) && name.starts_with(|first: char| first.is_ascii_alphanumeric());
    if shape && name != "loss" && !name.starts_with("val_") {
        return Ok(());
    }
    let expected = "expected 1 to 64 letters, digits, `_`, `.` or `-`, not `loss` and not beginning with `val_`";
    Err(FieldError::new("/name", format!("{expected}, received {name:?}")))
}

/// Whether a name is a class name of Keras (`AUC`).
fn is_class(name: &str) -> bool {
    name.contains(|letter: char| letter.is_ascii_uppercase())
}

fn parse_metric(mut value: Value) -> Result<Metric, FieldError> {
    let given = match &mut value {
        Value::Object(fields) => fields.shift_remove("name"),
        _ => None,
    };
    let written = match (&given, &value) {
        (Some(Value::String(name)), _) => Some(name.clone()),
        (Some(other), _) => return Err(FieldError::new("/name", format!("expected a string, received {other}"))),
        // As in Keras, an object of a class (`AUC`) is named by its type; a name stays as it was written.
        (None, Value::String(name)) if !is_class(name) => Some(name.clone()),
        (None, _) => None,
    };
    let measure: Measure = registry::parse_member(value)?;
    let name = written.unwrap_or_else(|| measure.kind().to_owned());
    Ok(Metric { name, measure, weighted: false })
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse_metric(Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut value = serde_json::to_value(&self.measure).map_err(serde::ser::Error::custom)?;
        let meant = Measure::member(&self.name, Map::new());
        match &mut value {
            Value::Object(fields) => {
                fields.insert("name".into(), Value::String(self.name.clone()));
            }
            name if meant == Some(Ok(self.measure.clone())) && !is_class(&self.name) => {
                *name = Value::String(self.name.clone());
            }
            kind => *kind = serde_json::json!({"type": kind, "name": self.name}),
        }
        value.serialize(serializer)
    }
}

impl utoipa::PartialSchema for Metric {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        use utoipa::openapi::{ObjectBuilder, schema::SchemaType, schema::Type};
        let name = ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .pattern(Some("^(?!loss$|val_)[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"));
        registry::with_property(Measure::schema(), "name", name)
    }
}

impl utoipa::ToSchema for Metric {
    fn name() -> std::borrow::Cow<'static, str> {
        "Metric".into()
    }

    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>) {
        Measure::schemas(schemas);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_survive_json() {
        for (written, name) in [
            (json!("mse"), "mse"),
            (json!("RootMeanSquaredError"), "root_mean_squared_error"),
            (json!({"type": "root_mean_squared_error", "name": "RootMeanSquaredError"}), "RootMeanSquaredError"),
            (json!({"type": "auc", "name": "AUC"}), "AUC"),
            (json!({"type": "mean_squared_error", "name": "mse"}), "mse"),
        ] {
            let metric: Metric = serde_json::from_value(written.clone()).unwrap();
            assert_eq!(metric.name, name, "{written}");
            let back: Metric = serde_json::from_value(serde_json::to_value(&metric).unwrap()).unwrap();
            assert_eq!(back, metric, "{written}");
        }
    }
}
