//! Strict JSON: no name twice in an object, bounded nesting.

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};
use std::fmt;

/// What serde_json allows before it gives up, so that no document can exhaust the stack.
const MAX_DEPTH: usize = 127;

/// The value in `bytes`; the error says where it stops being JSON.
pub fn parse(bytes: &[u8]) -> Result<Value, String> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err("expected a JSON body, received an empty one".to_owned());
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match serde_json::from_slice::<Strict>(bytes) {
        Ok(Strict(value)) => Ok(value),
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            let text = error.to_string();
            Err(if text.starts_with("recursion limit exceeded") {
                format!(
                    "expected JSON nested to a depth of at most {MAX_DEPTH}, received more at line {line} column {column}"
                )
            } else if let Some(word) = number_word(bytes, line, column) {
                format!(
                    "expected JSON, received {word}, which JSON does not have, at line {line} column {column}: send null"
                )
            } else {
                format!("expected JSON, received something else: {text}")
            })
        }
    }
}

/// `NaN` or `Infinity`, as Python writes them, where the parser stopped.
fn number_word(bytes: &[u8], line: usize, column: usize) -> Option<&'static str> {
    let line = bytes.split(|&byte| byte == b'\n').nth(line.saturating_sub(1))?;
    let near = line.get(column.saturating_sub(2)..)?;
    ["NaN", "Infinity"].into_iter().find(|word| {
        let end = near.len().min(word.len() + 2);
        near.get(..end).is_some_and(|near| near.windows(word.len()).any(|window| window == word.as_bytes()))
    })
}

/// A JSON value in which no object has a name twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Values).map(Self)
    }
}

struct Values;

impl<'de> Visitor<'de> for Values {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number is not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = elements.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let Strict(value) = entries.next_value()?;
            match object.entry(name) {
                serde_json::map::Entry::Vacant(entry) => entry.insert(value),
                serde_json::map::Entry::Occupied(entry) => {
                    return Err(A::Error::custom(format_args!("the name {:?} twice in one object", entry.key())));
                }
            };
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_serde_json_reads_is_read_the_same() {
        let text = r#"{"b": [1, -2, 1.5, 18446744073709551615, "é\n", null, true], "a": {"x": {}}, "": []}"#;
        assert_eq!(parse(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn errors_say_where() {
        for (text, word) in [
            ("", "empty"),
            (" \n ", "empty"),
            ("{\"a\":\n  nope}", "line 2 column 4"),
            ("[1, 2", "line 1 column 5"),
            ("{\"a\": NaN}", "line 1 column 7"),
            ("[1e400]", "line 1 column 6"),
            ("{\"a\": 1, \"a\": 2}", "\"a\" twice"),
            ("{} {}", "trailing characters at line 1"),
        ] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
        assert!(parse(b"[\"\xff\"]").unwrap_err().contains("line 1"));
    }

    #[test]
    fn depth_has_an_end() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert!(parse(nested(MAX_DEPTH + 1).as_bytes()).unwrap_err().contains("depth of at most 127"));
        assert!(parse("{\"a\":".repeat(100_000).as_bytes()).unwrap_err().contains("depth"));
    }
}
