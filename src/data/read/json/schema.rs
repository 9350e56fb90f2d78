//! The schema beside the data of a JSON table.

use super::table::Table;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Whether the schema of pandas's orient `table` has this key; a column of that name has labels of rows.
pub(super) fn is_key(key: &str) -> bool {
    ["fields", "primaryKey", "pandas_version"].contains(&key)
}

/// Reads the schema of pandas's orient `table`, of which `primaryKey` names the columns of the index. `first` is its first key.
pub(super) fn read<'de, A: MapAccess<'de>>(
    table: &mut Table<'_, '_>,
    first: String,
    mut map: A,
) -> Result<(), A::Error> {
    let mut key = Some(first);
    while let Some(name) = key {
        if name == "primaryKey" {
            map.next_value_seed(Labels(table))?;
        } else {
            map.next_value::<IgnoredAny>()?;
        }
        key = map.next_key()?;
    }
    Ok(())
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
