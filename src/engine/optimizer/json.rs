//! The JSON form of an optimizer: the settings of its rule and its options in one object.

use super::{Optimizer, Options, Rule};
use crate::engine::{
    field::{self, FieldError},
    registry::{self, Family},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};
use serde_json::{Map, Value};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{AllOfBuilder, OneOfBuilder, Ref, RefOr, Schema},
};

/// The settings as a JSON object.
fn fields<T: Serialize>(settings: &T) -> Result<Map<String, Value>, serde_json::Error> {
    match serde_json::to_value(settings)? {
        Value::Object(fields) => Ok(fields),
        _ => Ok(Map::new()),
    }
}

const OPTIONS: [&str; 9] = [
    "learning_rate",
    "weight_decay",
    "clipnorm",
    "global_clipnorm",
    "clipvalue",
    "use_ema",
    "ema_momentum",
    "ema_overwrite_frequency",
    "gradient_accumulation_steps",
];

fn parse_optimizer(mut value: Value) -> Result<Optimizer, FieldError> {
    let mut given = Map::new();
    if let Value::Object(settings) = &mut value {
        given = std::mem::take(settings);
        let rest = given.iter().filter(|(name, _)| !OPTIONS.contains(&name.as_str()));
        *settings = rest.map(|(name, value)| (name.clone(), value.clone())).collect();
        given.retain(|name, _| OPTIONS.contains(&name.as_str()));
        refuse_unknown(settings)?;
    }
    let mut optimizer = Optimizer::from(registry::parse_member::<Rule>(value)?);
    if !given.is_empty() {
        let mut options = fields(&optimizer.options).map_err(|error| FieldError::new("", error.to_string()))?;
        options.extend(given);
        optimizer.options = field::parse(&Value::Object(options))?;
    }
    Ok(optimizer)
}

/// Refuses a field that neither the rule nor the options have, listing the fields of both.
fn refuse_unknown(settings: &Map<String, Value>) -> Result<(), FieldError> {
    let rule = settings.get("type").and_then(Value::as_str).and_then(|name| Rule::member(name, Map::new()));
    let Some(known) = rule.and_then(Result::ok).and_then(|rule| fields(&rule).ok()) else { return Ok(()) };
    match settings.keys().find(|name| !known.contains_key(*name)) {
        None => Ok(()),
        Some(name) => {
            let names = known.keys().map(String::as_str).filter(|name| *name != "type").chain(OPTIONS);
            let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
            let detail = format!("unknown field `{name}`, expected one of {}", names.join(", "));
            Err(FieldError::new(format!("/{}", field::escape(name)), field::with_nearest(&detail)))
        }
    }
}

impl<'de> Deserialize<'de> for Optimizer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse_optimizer(Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Optimizer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut settings = Map::from_iter([("type".to_owned(), self.kind().into())]);
        settings.extend(fields(&self.options).map_err(ser::Error::custom)?);
        settings.extend(fields(&self.rule).map_err(ser::Error::custom)?);
        settings.serialize(serializer)
    }
}

impl PartialSchema for Optimizer {
    /// A name, or the settings of a rule with the options beside them.
    fn schema() -> RefOr<Schema> {
        let RefOr::T(Schema::OneOf(mut forms)) = Rule::schema() else { return Rule::schema() };
        let mut rules = forms.items.split_off(1);
        for rule in &mut rules {
            if let RefOr::T(Schema::Object(object)) = rule {
                object.additional_properties = None;
            }
        }
        let rules = rules.into_iter().fold(OneOfBuilder::new(), OneOfBuilder::item);
        let settings = AllOfBuilder::new().item(rules).item(Ref::from_schema_name(Options::name()));
        forms.items.push(settings.into());
        RefOr::T(Schema::OneOf(forms))
    }
}

impl ToSchema for Optimizer {
    fn name() -> std::borrow::Cow<'static, str> {
        "Optimizer".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        let mut options = Options::schema();
        if let RefOr::T(Schema::Object(object)) = &mut options {
            object.additional_properties = None;
        }
        schemas.push((Options::name().into(), options));
        Rule::schemas(schemas);
        Options::schemas(schemas);
    }
}
