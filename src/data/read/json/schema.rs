//! The schema beside the data of a JSON table.

use super::table::Table;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// The schema of pandas's orient `table`, of which `primaryKey` names the columns of the index.
pub(super) struct TableSchema<'t, 'a, 's>(pub &'t mut Table<'a, 's>);

impl<'de> DeserializeSeed<'de> for TableSchema<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for TableSchema<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object with `fields` and `primaryKey`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "primaryKey" {
                map.next_value_seed(Labels(self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// Names of columns of labels.
struct Labels<'t, 'a, 's>(&'t mut Table<'a, 's>);

impl<'de> DeserializeSeed<'de> for Labels<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Labels<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of names of columns")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<(), A::Error> {
        while let Some(name) = names.next_element::<String>()? {
            if self.0.label_columns.len() < self.0.limits.columns {
                self.0.label_columns.push(name);
            }
        }
        Ok(())
    }
}
