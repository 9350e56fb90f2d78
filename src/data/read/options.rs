//! How a file is to be read, and how it was read.

use super::{
    error::ReadError,
    spelling::{MISSING, Spelling},
};
use crate::data::schema::GivenType;
use encoding_rs::Encoding;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Settings of a read; what is absent is detected.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReadOptions {
    /// Character encoding of text.
    pub encoding: Option<&'static Encoding>,
    /// Separator of cells.
    pub separator: Option<u8>,
    /// Character around cells that contain separators.
    pub quote: Option<u8>,
    /// Decimal mark of numbers.
    pub decimal: Option<u8>,
    /// Separator of groups of three digits; `Some(None)` for no groups.
    pub thousands: Option<Option<u8>>,
    /// Whether the first row has the names of the columns.
    pub header: Option<bool>,
    /// Lines before the header, which are skipped.
    pub skip_rows: Option<u64>,
    /// Lines that begin with it are skipped.
    pub comment: Option<u8>,
    /// Spellings of missing values beside empty cells.
    pub missing: Option<Vec<String>>,
    /// Types of columns, by name.
    pub types: BTreeMap<String, GivenType>,
    /// Whether the first warning is an error.
    pub strict: bool,
}

impl ReadOptions {
    /// Fails where an option of text tables is given for a file whose values have types.
    pub fn check_untyped(&self, format: &str, is_text: bool) -> Result<(), ReadError> {
        let given = [
            ("encoding", self.encoding.is_some() && !is_text),
            ("separator", self.separator.is_some()),
            ("quote", self.quote.is_some()),
            ("decimal", self.decimal.is_some()),
            ("thousands", self.thousands.is_some()),
            ("header", self.header.is_some()),
            ("skip_rows", self.skip_rows.is_some()),
            ("comment", self.comment.is_some()),
            ("missing", self.missing.is_some()),
        ];
        match given.into_iter().find(|(_, is_given)| *is_given) {
            None => Ok(()),
            Some((name, _)) => Err(ReadError::Invalid(format!(
                "{name}: expected no such option for the format {format}, received one"
            ))),
        }
    }
}

/// How a file was read: settings and what was detected.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Dialect {
    /// Character encoding of text.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub encoding: String,
    /// Separator of cells.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub separator: Option<char>,
    /// Character around cells that contain separators.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quote: Option<char>,
    /// Decimal mark of numbers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub decimal: Option<char>,
    /// Separator of groups of three digits; null for none.
    #[serde(default)]
    pub thousands: Option<char>,
    /// Whether the first row has the names of the columns.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub header: Option<bool>,
    /// Lines before the header, which are skipped.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub skip_rows: Option<u64>,
    /// Lines that begin with it are skipped.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub comment: Option<char>,
    /// Spellings of missing values.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub missing: Vec<String>,
}

impl Dialect {
    /// The dialect of a JSON file, in which values have types.
    pub fn json() -> Self {
        Self { encoding: "utf-8".to_owned(), ..Self::default() }
    }

    /// The settings that read a file again in the same way.
    pub fn options(&self) -> ReadOptions {
        let byte = |character: Option<char>| character.and_then(|character| u8::try_from(character).ok());
        let is_usual = self.missing.is_empty() || self.missing == usual_missing();
        ReadOptions {
            encoding: super::encoding::named(&self.encoding),
            separator: byte(self.separator),
            quote: byte(self.quote),
            decimal: byte(self.decimal),
            thousands: self.decimal.map(|_| byte(self.thousands)),
            header: self.header,
            skip_rows: self.skip_rows,
            comment: byte(self.comment),
            missing: (!is_usual).then(|| self.missing.clone()),
            types: BTreeMap::new(),
            strict: false,
        }
    }

    /// Completes the dialect by how numbers and missing values are spelled.
    pub fn spelled(self, spelling: &Spelling) -> Self {
        let missing = spelling.missing.clone().map_or_else(usual_missing, |mut own| {
            if !own.iter().any(String::is_empty) {
                own.insert(0, String::new());
            }
            own
        });
        Self { decimal: Some(spelling.decimal.into()), thousands: spelling.thousands.map(char::from), missing, ..self }
    }
}

fn usual_missing() -> Vec<String> {
    std::iter::once("").chain(MISSING).map(str::to_owned).collect()
}
