//! [`Document`]: JSON as serde reads it into settings.
//!
//! serde's derived types also read a list, whose elements are then the fields in the order of the program. Here an object is an
//! object. The values of a query are texts, which are read as the type that is expected.

use serde::{
    Deserializer,
    de::{
        Error, IntoDeserializer, Unexpected, Visitor,
        value::{MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};
use serde_json::Value;

/// A JSON value that is read strictly.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    value: &'a Value,
    /// Whether `"true"` is a boolean and `"3"` a number.
    is_query: bool,
}

impl<'a> Document<'a> {
    /// A value of a JSON body.
    pub fn new(value: &'a Value) -> Self {
        Self { value, is_query: false }
    }

    /// The parameters of a query: an object of texts.
    pub fn of_query(parameters: &'a Value) -> Self {
        Self { value: parameters, is_query: true }
    }

    fn text(self) -> Option<&'a str> {
        self.value.as_str().filter(|_| self.is_query)
    }

    fn unexpected(self) -> Unexpected<'a> {
        match self.value {
            Value::Null => Unexpected::Unit,
            Value::Bool(value) => Unexpected::Bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => Unexpected::Unsigned(number),
                (None, Some(number)) => Unexpected::Signed(number),
                (None, None) => Unexpected::Float(number.as_f64().unwrap_or_default()),
            },
            Value::String(text) => Unexpected::Str(text),
            Value::Array(_) => Unexpected::Seq,
            Value::Object(_) => Unexpected::Map,
        }
    }
}

impl<'de> IntoDeserializer<'de, serde_json::Error> for Document<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Document<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        let below = |value| Self { value, ..self };
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => number.deserialize_any(visitor),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(elements) => {
                let mut elements = SeqDeserializer::new(elements.iter().map(below));
                let value = visitor.visit_seq(&mut elements)?;
                elements.end().map(|()| value)
            }
            Value::Object(fields) => {
                let mut fields = MapDeserializer::new(fields.iter().map(|(name, value)| (name.as_str(), below(value))));
                let value = visitor.visit_map(&mut fields)?;
                fields.end().map(|()| value)
            }
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        match self.value {
            Value::Object(_) => self.deserialize_any(visitor),
            _ => Err(Error::invalid_type(self.unexpected(), &visitor)),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.text() {
            Some("true") => visitor.visit_bool(true),
            Some("false") => visitor.visit_bool(false),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.text().map(str::parse) {
            Some(Ok(number)) => visitor.visit_u64(number),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    /// The name of a field or of a variant, for which derived types would take its number.
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.value {
            Value::String(_) => self.deserialize_any(visitor),
            _ => Err(Error::invalid_type(self.unexpected(), &"a string")),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.value.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map
        ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Point {
        x: u64,
        y: Option<bool>,
    }

    fn read(value: &Value) -> Result<Vec<Point>, String> {
        Vec::deserialize(Document::new(value)).map_err(|error| error.to_string())
    }

    #[test]
    fn an_object_is_no_list() {
        assert_eq!(read(&json!([{"x": 1, "y": true}])), Ok(vec![Point { x: 1, y: Some(true) }]));
        assert_eq!(read(&json!([[1, true]])), Err("invalid type: sequence, expected struct Point".to_owned()));
        assert_eq!(read(&json!([{"x": "1"}])), Err("invalid type: string \"1\", expected u64".to_owned()));
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "type", rename_all = "snake_case")]
    enum Tagged {
        First,
    }

    #[test]
    fn a_variant_has_a_name() {
        let read = |value: &Value| Tagged::deserialize(Document::new(value)).map_err(|error| error.to_string());
        assert_eq!(read(&json!({"type": "first"})), Ok(Tagged::First));
        assert_eq!(read(&json!({"type": 0})), Err("invalid type: integer `0`, expected a string".to_owned()));
    }

    #[test]
    fn a_query_has_texts_alone() {
        let read = |value: &Value| Point::deserialize(Document::of_query(value)).map_err(|error| error.to_string());
        assert_eq!(read(&json!({"x": "7", "y": "false"})), Ok(Point { x: 7, y: Some(false) }));
        assert_eq!(read(&json!({"x": "-7"})), Err("invalid type: string \"-7\", expected u64".to_owned()));
        assert_eq!(read(&json!({"x": "1", "y": ""})), Err("invalid type: string \"\", expected a boolean".to_owned()));
    }
}
