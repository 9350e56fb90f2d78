//! Visitors of a JSON table.

use super::table::Table;
use crate::data::read::chunk::CellRef;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// The whole file.
pub(super) struct Document<'t, 'a, 's>(pub &'t mut Table<'a, 's>);

impl<'de> DeserializeSeed<'de> for Document<'_, '_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of records, or an object with `columns` and `data`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut records: A) -> Result<(), A::Error> {
        while records.next_element_seed(Record(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (mut columns, mut data) = (None::<Vec<String>>, false);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "columns" if columns.is_none() => {
                    let names = map.next_value_seed(Names(self.0))?;
                    if !self.0.names.is_empty() && self.0.names.len() != names.len() {
                        let received = self.0.names.len();
                        let expected = names.len();
                        let detail = format!("expected {expected} cells a row as in `columns`, received {received}");
                        return Err(A::Error::custom(detail));
                    }
                    self.0.names.clone_from(&names);
                    self.0.columns.resize(names.len(), Vec::new());
                    columns = Some(names);
                }
                "data" if !data => {
                    map.next_value_seed(Rows(self.0))?;
                    data = true;
                }
                "index" => {
                    map.next_value::<IgnoredAny>()?;
                }
                _ => return Err(A::Error::unknown_field(&key, &["columns", "data"])),
            }
        }
        if columns.is_none() {
            return Err(A::Error::missing_field("columns"));
        }
        if !data {
            return Err(A::Error::missing_field("data"));
        }
        Ok(())
    }
}

/// The array of column names.
struct Names<'t, 'a, 's>(&'t Table<'a, 's>);

impl<'de> DeserializeSeed<'de> for Names<'_, '_, '_> {
    type Value = Vec<String>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Names<'_, '_, '_> {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of column names")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let max = self.0.limits.columns;
        let mut names = Vec::new();
        while let Some(name) = seq.next_element::<String>()? {
            if names.len() == max {
                return Err(A::Error::custom(format!("expected at most {max} columns, received more")));
            }
            names.push(name);
        }
        Ok(names)
    }
}

/// The array of rows beside `columns`.
struct Rows<'t, 'a, 's>(&'t mut Table<'a, 's>);

impl<'de> DeserializeSeed<'de> for Rows<'_, '_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while rows.next_element_seed(Row(self.0))?.is_some() {}
        Ok(())
    }
}

/// One row beside `columns`: an array of cells.
struct Row<'t, 'a, 's>(&'t mut Table<'a, 's>);

impl<'de> DeserializeSeed<'de> for Row<'_, '_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Row<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row (an array of cells)")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut cells: A) -> Result<(), A::Error> {
        let table = self.0;
        let first = table.is_empty() && table.names.is_empty();
        let mut received = 0;
        loop {
            if first && received == table.columns.len() && received < table.limits.columns {
                table.columns.push(Vec::new());
                table.names.push(String::new());
            }
            if cells.next_element_seed(CellSeed { table, column: received })?.is_none() {
                break;
            }
            received += 1;
        }
        if first {
            table.columns.truncate(received);
            table.names.truncate(received);
        }
        let expected = table.columns.len();
        if received != expected {
            return Err(table.refuse(&format!("expected {expected} cells, received {received}")));
        }
        table.end_row()
    }
}

/// One record: an object of cells by column name.
pub(super) struct Record<'t, 'a, 's>(pub &'t mut Table<'a, 's>);

impl<'de> DeserializeSeed<'de> for Record<'_, '_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Record<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record (an object of cells by column name)")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let table = self.0;
        let mut hint = 0;
        while let Some(column) = map.next_key_seed(Key { table, hint })? {
            map.next_value_seed(CellSeed { table, column })?;
            hint = column + 1;
        }
        table.end_row()
    }
}

/// A record's key: the index of its column.
struct Key<'t, 'a, 's> {
    table: &'t mut Table<'a, 's>,
    hint: usize,
}

impl<'de> DeserializeSeed<'de> for Key<'_, '_, '_> {
    type Value = usize;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_, '_, '_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column name")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<usize, E> {
        self.table.column(name, self.hint)
    }
}

/// One cell.
struct CellSeed<'t, 'a, 's> {
    table: &'t mut Table<'a, 's>,
    column: usize,
}

impl<'de> DeserializeSeed<'de> for CellSeed<'_, '_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for CellSeed<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, text, true, false or null")?;
        match self.table.names.get(self.column) {
            Some(name) if !name.is_empty() => write!(f, " in column {name:?}"),
            _ => Ok(()),
        }
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.table.push(self.column, CellRef::Missing)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.table.push(self.column, CellRef::Boolean(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.table.push(self.column, CellRef::Number(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.visit_f64(value as f64)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.visit_f64(value as f64)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.table.push_text(self.column, value)
    }
}
