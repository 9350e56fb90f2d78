//! Options of an upload, in the query or in the form's part.

use crate::{
    data::{
        read::{Format, ReadOptions, encoding_named},
        schema::GivenType,
        strict,
    },
    engine::field::{FieldError, parse},
};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;
use std::collections::BTreeMap;

/// Parameters of an upload; what is left out is detected, and the dataset's `read` says what was detected.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NewDataset {
    /// Unique name; generated if absent
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", example = "iris")]
    pub name: Option<String>,
    /// Format of the file, whatever its media type
    #[param(value_type = Option<Format>, inline, example = "csv")]
    pub format: Option<Format>,
    /// Character encoding of text, by its name on the Web; default: UTF-8, or UTF-16 by its byte order mark
    #[param(value_type = Option<String>, example = "windows-1252")]
    pub encoding: Option<String>,
    /// Separator of cells: one character
    #[param(value_type = Option<String>, example = ";")]
    pub separator: Option<String>,
    /// Character around cells that contain separators
    #[param(value_type = Option<String>)]
    pub quote: Option<String>,
    /// Decimal mark of numbers
    #[param(value_type = Option<String>, example = ",")]
    pub decimal: Option<String>,
    /// Separator of groups of three digits; empty for none
    #[param(value_type = Option<String>)]
    pub thousands: Option<String>,
    /// Whether the first row has the names of the columns; without it they are `column_1` and so on. Default: true, unless its cells are
    /// values of their columns
    #[param(value_type = Option<bool>)]
    pub header: Option<bool>,
    /// Lines before the header, which are skipped
    #[param(value_type = Option<u64>)]
    pub skip_rows: Option<u64>,
    /// Lines that begin with this character are skipped
    #[param(value_type = Option<String>)]
    pub comment: Option<String>,
    /// Spellings of missing values instead of the usual ones: a JSON array, or separated by commas
    #[serde(default, deserialize_with = "texts")]
    #[param(value_type = Option<String>, example = "NA,-999")]
    pub missing: Option<Vec<String>>,
    /// Types of columns by name, as a JSON object. A type is a name, or an object: `{"type": "ordinal", "order": ["S", "M"]}`,
    /// `{"type": "datetime", "format": "%d/%m/%Y"}`
    #[serde(default, deserialize_with = "types")]
    #[param(value_type = Option<String>, example = "{\"zip\": \"category\"}")]
    pub types: Option<BTreeMap<String, GivenType>>,
    /// Whether the first warning is an error
    #[param(value_type = Option<bool>)]
    pub strict: Option<bool>,
}

/// A list in JSON, or its items separated by commas.
fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let value = match Value::deserialize(deserializer)? {
        Value::Null => return Ok(None),
        Value::String(text) if text.trim_start().starts_with('[') => json(&text, r#"a list such as ["NA", "-999"]"#)?,
        Value::String(text) => return Ok(Some(text.split(',').map(|token| token.trim().to_owned()).collect())),
        value => value,
    };
    parse(&value).map(Some).map_err(D::Error::custom)
}

/// An object, or its text in JSON.
fn types<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<BTreeMap<String, GivenType>>, D::Error> {
    let value = match Value::deserialize(deserializer)? {
        Value::Null => return Ok(None),
        Value::String(text) => json(&text, r#"types by column such as {"zip": "category"}"#)?,
        value => value,
    };
    parse(&value).map(Some).map_err(D::Error::custom)
}

/// JSON in a text. The message has an empty pointer before it, as [`parse`] reads it.
fn json<E: Error>(text: &str, expected: &str) -> Result<Value, E> {
    strict::parse(text.as_bytes()).map_err(|error| E::custom(format_args!(": expected {expected}; {error}")))
}

impl NewDataset {
    /// With what the `Content-Type` of text says and the request does not: its `charset`, and the `header` of RFC 4180.
    pub fn announced(mut self, content_type: Option<&str>) -> Self {
        let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
        if !content_type.trim_start().starts_with("text/") {
            return self;
        }
        for (name, value) in content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('=')) {
            match (name.trim(), value.trim().trim_matches('"')) {
                // what clients send whatever the bytes are
                ("charset", "" | "utf-8" | "utf8" | "us-ascii") => {}
                ("charset", encoding) if self.encoding.is_none() => self.encoding = Some(encoding.to_owned()),
                ("header", "absent") if self.header.is_none() => self.header = Some(false),
                ("header", "present") if self.header.is_none() => self.header = Some(true),
                _ => {}
            }
        }
        self
    }

    /// How the file is to be read.
    pub fn options(&self) -> Result<ReadOptions, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut character = |name: &str, text: &Option<String>| -> Option<u8> {
            let text = text.as_deref()?;
            let text = if text == "\\t" { "\t" } else { text };
            match text.as_bytes() {
                [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r') => Some(*byte),
                _ => {
                    let detail = format!("expected one ASCII character, received {text:?}");
                    errors.push(FieldError::new(format!("/{name}"), detail));
                    None
                }
            }
        };
        let thousands = match self.thousands.as_deref() {
            None => None,
            Some("") => Some(None),
            Some(_) => Some(character("thousands", &self.thousands)),
        };
        let encoding = self.encoding.as_deref().map(|name| (name, encoding_named(name)));
        let options = ReadOptions {
            encoding: encoding.and_then(|(_, known)| known),
            separator: character("separator", &self.separator),
            quote: character("quote", &self.quote),
            decimal: character("decimal", &self.decimal),
            thousands,
            header: self.header,
            skip_rows: self.skip_rows,
            comment: character("comment", &self.comment),
            missing: self.missing.clone(),
            types: self.types.clone().unwrap_or_default(),
            strict: self.strict.unwrap_or_default(),
        };
        for (first, second, names) in [
            (options.separator, options.quote.or(Some(b'"')), "separator and quote"),
            (options.decimal, options.thousands.flatten(), "decimal and thousands"),
        ] {
            if let Some(mark) = first.filter(|_| first == second) {
                let detail = format!("expected different characters for {names}, received {:?}", char::from(mark));
                errors.push(FieldError::new("", detail));
            }
        }
        if let Some((name, None)) = encoding {
            let detail = format!("expected an encoding such as utf-8, utf-16 or windows-1252, received {name:?}");
            errors.push(FieldError::new("/encoding", detail));
        }
        if errors.is_empty() { Ok(options) } else { Err(errors) }
    }
}
