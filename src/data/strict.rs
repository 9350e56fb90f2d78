//! Strict JSON: no name twice in an object, bounded nesting, and a bounded number of values while it is read.

use crate::engine::field;
use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};
use std::{cell::Cell, fmt};

/// Maximum values of a document: numbers, texts, lists and objects. Each takes about a hundred bytes of memory, which is up to fifty times
/// its text.
pub const MAX_VALUES: usize = 1 << 20;

/// Bytes of memory of the value in a document of `bytes` bytes, at most.
pub fn memory_of(bytes: usize) -> u64 {
    const OF_A_BYTE: u64 = 80;
    const OF_A_VALUE: u64 = 256;
    let bytes = bytes as u64;
    bytes.saturating_mul(OF_A_BYTE).min(bytes.saturating_mul(2) + MAX_VALUES as u64 * OF_A_VALUE)
}

/// Why a document is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StrictError {
    /// It is no strict JSON.
    #[error("{0}")]
    Malformed(String),
    /// It has more than [`MAX_VALUES`] values.
    #[error("expected at most {MAX_VALUES} JSON values, received more")]
    TooMany,
}

/// What serde_json allows before it gives up, so that no document can exhaust the stack.
const MAX_DEPTH: usize = 127;

/// The value in `bytes`; the error says where it stops being JSON.
pub fn parse(bytes: &[u8]) -> Result<Value, StrictError> {
    read(bytes, Strict(&Cell::new(MAX_VALUES)))
}

/// What `seed` reads from `bytes`, with the errors of [`parse`].
pub fn read<'de, S: DeserializeSeed<'de>>(bytes: &'de [u8], seed: S) -> Result<S::Value, StrictError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(StrictError::Malformed("expected a JSON body, received an empty one".to_owned()));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = seed.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| match error.to_string().starts_with(TOO_MANY) {
        true => StrictError::TooMany,
        false => {
            let word = number_word(bytes, error.line(), error.column());
            StrictError::Malformed(format!("expected JSON: {}", syntax_in(&error, 1, word)))
        }
    })
}

/// Where a document stops being JSON, and what was expected there: `line 1, column 8: expected a name in double quotes`.
pub fn syntax(error: &serde_json::Error) -> String {
    syntax_in(error, 1, None)
}

/// As [`syntax`], for a document that begins in the line `first_line` of its file, and has the number `word` where the error is.
pub fn syntax_in(error: &serde_json::Error, first_line: usize, word: Option<&str>) -> String {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let text = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
    let column = if line == 1 { column.max(1) } else { column };
    let line = if line == 0 { 0 } else { line + first_line.saturating_sub(1) };
    if let Some(word) = word {
        return at(line, column, &format!("expected a number, received {word}, which JSON does not have; send null"));
    }
    let expected = match text {
        "EOF while parsing a list" => "expected `]` at the end of the list, received the end of the text",
        "EOF while parsing an object" => "expected `}` at the end of the object, received the end of the text",
        "EOF while parsing a string" => "expected `\"` at the end of the string, received the end of the text",
        "EOF while parsing a value" => "expected a value, received the end of the text",
        "expected `:`" => "expected `:` after a name",
        "expected `,` or `]`" => "expected `,` or `]` after an element of a list",
        "expected `,` or `}`" => "expected `,` or `}` after a value of an object",
        "expected ident" => "expected true, false or null",
        "expected value" => "expected a value, such as 1, \"a\", true, null, a list or an object",
        "invalid escape" => "expected an escape such as `\\n`, `\\\"` or `\\u00e9`; write a backslash as `\\\\`",
        "invalid number" => "expected a number such as 1, -0.5 or 2e3",
        "number out of range" => "expected a number of at most 1.8e308 in size",
        "invalid unicode code point" => "expected UTF-8",
        "control character (\\u0000-\\u001F) found while parsing a string" => {
            "expected a string without control characters; write a line end as `\\n` and a tab as `\\t`"
        }
        "key must be a string" => "expected a name in double quotes",
        "lone leading surrogate in hex escape" | "unexpected end of hex escape" => {
            "expected both halves of a surrogate pair, such as `\\ud83d\\ude00`"
        }
        "trailing comma" => "expected no comma at the end of a list or an object",
        "trailing characters" => "expected the end after the JSON value, received more",
        "recursion limit exceeded" => {
            return format!("line {line}, column {column}: expected a depth of at most {MAX_DEPTH}, received more");
        }
        other => return at(line, column, &field::with_nearest(other)),
    };
    at(line, column, expected)
}

fn at(line: usize, column: usize, expected: &str) -> String {
    match (line, column) {
        (0, _) => expected.to_owned(),
        // serde_json counts the line end as the start of the next line.
        (2.., 0) => format!("end of line {}: {expected}", line - 1),
        _ => format!("line {line}, column {column}: {expected}"),
    }
}

/// Numbers that Python writes and JSON does not have.
const NUMBER_WORDS: [&str; 2] = ["NaN", "Infinity"];

/// `NaN` or `Infinity`, of which the parser of a stream has read up to two bytes.
pub fn number_word_behind(rest: &[u8]) -> Option<&'static str> {
    let ends = |word: &'static str| (0..3).filter_map(|read| word.as_bytes().get(read..)).filter(|end| end.len() > 1);
    NUMBER_WORDS.into_iter().find(|word| ends(word).any(|end| rest.starts_with(end)))
}

/// `NaN` or `Infinity`, as Python writes them, where the parser stopped.
pub fn number_word(bytes: &[u8], line: usize, column: usize) -> Option<&'static str> {
    let line = bytes.split(|&byte| byte == b'\n').nth(line.saturating_sub(1))?;
    let near = line.get(column.saturating_sub(2)..)?;
    NUMBER_WORDS.into_iter().find(|word| {
        let end = near.len().min(word.len() + 2);
        near.get(..end).is_some_and(|near| near.windows(word.len()).any(|window| window == word.as_bytes()))
    })
}

/// serde's error past the number of values.
const TOO_MANY: &str = "too many values";

/// Reads a JSON value in which no object has a name twice, of at most as many values as are left in the cell.
#[derive(Debug, Clone, Copy)]
pub struct Strict<'a>(pub &'a Cell<usize>);

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let left = self.0.get().checked_sub(1).ok_or_else(|| D::Error::custom(TOO_MANY))?;
        self.0.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
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
        while let Some(value) = elements.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(self)?;
            match object.entry(name) {
                serde_json::map::Entry::Vacant(entry) => entry.insert(value),
                serde_json::map::Entry::Occupied(entry) => {
                    return Err(A::Error::custom(format_args!(
                        "expected each name once in an object, received {:?} twice",
                        entry.key()
                    )));
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
            ("{\"a\":\n  nope}", "line 2, column 4"),
            ("[1, 2", "line 1, column 5"),
            ("{\"a\": NaN}", "line 1, column 7"),
            ("[1e400]", "line 1, column 6"),
            ("{\"a\": 1, \"a\": 2}", "\"a\" twice"),
            ("{} {}", "line 1, column 4: expected the end"),
        ] {
            let error = parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
        assert!(parse(b"[\"\xff\"]").unwrap_err().to_string().contains("line 1"));
    }

    #[test]
    fn depth_has_an_end() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert!(parse(nested(MAX_DEPTH + 1).as_bytes()).unwrap_err().to_string().contains("depth of at most 127"));
        assert!(parse("{\"a\":".repeat(100_000).as_bytes()).unwrap_err().to_string().contains("depth"));
    }

    #[test]
    fn values_are_counted_while_they_are_read() {
        let list = |count: usize| format!("[{}1]", "1,".repeat(count - 1));
        assert!(parse(list(MAX_VALUES - 1).as_bytes()).is_ok());
        assert_eq!(parse(list(MAX_VALUES).as_bytes()), Err(StrictError::TooMany));
        // It ends where the count ends, whatever follows.
        let endless = format!("[{}", "[],".repeat(MAX_VALUES));
        assert_eq!(parse(endless.as_bytes()), Err(StrictError::TooMany));
    }
}
