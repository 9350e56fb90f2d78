//! The formats, one row each.

use super::{
    chunk::Sink,
    csv::{Csv, Tsv},
    error::ReadError,
    json::{Json, Ndjson},
    limits::TableLimits,
    options::ReadOptions,
    parquet::Parquet,
    reader::{Reader, Reading},
    source::Source,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::Value;
use std::fmt;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

static READERS: [&dyn Reader; 5] = [&Csv, &Tsv, &Json, &Ndjson, &Parquet];

/// A format of dataset files. A name (`"csv"`) in JSON.
#[derive(Clone, Copy)]
pub struct Format(&'static dyn Reader);

impl Format {
    /// Every format.
    pub fn all() -> impl Iterator<Item = Self> {
        READERS.into_iter().map(Self)
    }

    /// The format of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|format| format.name() == name)
    }

    /// The format of this media type, which has no parameters.
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        Self::all().find(|format| format.media_types().contains(&media_type))
    }

    /// The format of a file of this name, by its extension.
    pub fn of_file_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let inflated = [".gz", ".zst"].into_iter().find_map(|compressed| name.strip_suffix(compressed));
        let extension = inflated.unwrap_or(&name).rsplit_once('.')?.1;
        Self::all().find(|format| format.0.extensions().contains(&extension))
    }

    /// The name in JSON.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Its media types; the first one is the usual one.
    pub fn media_types(self) -> &'static [&'static str] {
        self.0.media_types()
    }

    /// Whether a file is text.
    pub(super) fn is_text(self) -> bool {
        self.0.is_text()
    }

    /// A small table in this format: text, or JSON for formats that are JSON. None for a format that is not text.
    pub fn example(self) -> Option<Value> {
        self.0.example()
    }

    /// Reads a table chunk by chunk into `sink`; see [`Reader::read`].
    pub(super) fn read(
        self,
        source: Source<'_>,
        options: &ReadOptions,
        limits: &TableLimits,
        sink: &mut Sink<'_>,
    ) -> Result<Reading, ReadError> {
        self.0.read(source, options, limits, sink)
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Format {}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| {
            let known: Vec<_> = Self::all().map(Self::name).collect();
            D::Error::custom(format!("expected a format ({}), received {name:?}", known.join(", ")))
        })
    }
}

impl PartialSchema for Format {
    fn schema() -> RefOr<Schema> {
        let rows: Vec<_> =
            READERS.iter().map(|reader| format!("`{}`: {}", reader.name(), reader.description())).collect();
        let names = Self::all().map(Self::name);
        let description = format!("Format of a dataset's file. {}.", rows.join("; "));
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).description(Some(description)).into()
    }
}

impl ToSchema for Format {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::read::inspect;

    #[test]
    fn names_media_types_and_extensions_belong_to_one_format() {
        let mut seen = std::collections::HashSet::new();
        for format in Format::all() {
            assert!(seen.insert(format!("name {}", format.name())), "{format:?}");
            assert_eq!(Format::named(format.name()), Some(format));
            let (types, extensions) = (format.media_types(), format.0.extensions());
            assert!(!types.is_empty() && !extensions.is_empty(), "{format:?}");
            for media_type in types {
                assert!(seen.insert(format!("type {media_type}")), "{media_type}");
                assert_eq!(Format::of_media_type(media_type), Some(format));
            }
            for extension in extensions {
                assert!(seen.insert(format!("extension {extension}")), "{extension}");
                assert_eq!(Format::of_file_name(&format!("a.b.{}", extension.to_uppercase())), Some(format));
            }
            let json = serde_json::to_string(&format).unwrap();
            assert_eq!(serde_json::from_str::<Format>(&json).unwrap(), format);
        }
        assert_eq!((Format::named("xls"), Format::of_file_name("csv")), (None, None));
        let error = serde_json::from_str::<Format>("\"xls\"").unwrap_err().to_string();
        assert!(error.starts_with("expected a format (csv, tsv, json, ndjson, parquet), received \"xls\""), "{error}");
    }

    #[test]
    fn the_documentation_names_every_format() {
        let documentation = include_str!("../../../docs/DATA.md");
        for format in Format::all() {
            let row = format!(
                "| `{}` | `{}` | `.{}` |",
                format.name(),
                format.media_types().join("`, `"),
                format.0.extensions().join("`, `.")
            );
            assert!(documentation.contains(&row), "expected the row {row} in docs/DATA.md");
        }
    }

    #[test]
    fn examples_are_tables() {
        let limits = TableLimits { rows: 100, columns: 100, cell_bytes: 100 };
        for format in Format::all() {
            let Some(example) = format.example() else { continue };
            let text = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
            let inspection = inspect(&mut text.as_bytes(), format, &ReadOptions::default(), &limits).unwrap();
            let names: Vec<_> = inspection.columns.iter().map(|column| column.name.as_str()).collect();
            assert_eq!(names, ["sepal_length", "species"], "{format:?}");
        }
    }
}
