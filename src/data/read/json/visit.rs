//! Visitors of a JSON table.

use super::{schema, table::Table};
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
        f.write_str("an array of records, or an object with `columns` and `data`, or an object of columns")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut records: A) -> Result<(), A::Error> {
        while records.next_element_seed(Record(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let table = self.0;
        let (mut columns, mut data) = (None::<Vec<String>>, false);
        while let Some(key) = map.next_key::<String>()? {
            let is_split = columns.is_some() || data;
            match key.as_str() {
                // pandas: `split`, and `table` with its schema
                "columns" if columns.is_none() && !table.is_by_column() => {
                    let names = map.next_value_seed(Names(table))?;
                    if !table.names.is_empty() && table.names.len() != names.len() {
                        let (expected, received) = (names.len(), table.names.len());
                        let detail = format!("expected {expected} cells a row as in `columns`, received {received}");
                        return Err(A::Error::custom(detail));
                    }
                    table.names.clone_from(&names);
                    table.columns.resize(names.len(), Vec::new());
                    columns = Some(names);
                }
                "data" if !data && !table.is_by_column() => {
                    map.next_value_seed(Rows(table))?;
                    data = true;
                }
                "index" if is_split => {
                    map.next_value::<IgnoredAny>()?;
                }
                "index" if !table.is_by_column() => {
                    map.next_value_seed(ColumnOrRecord { table, key: &key, is_ignored_list: true })?;
                }
                _ if is_split => {
                    let detail =
                        format!("expected `columns`, `data`, `index` and `schema` alone, received {key:?} beside them");
                    return Err(A::Error::custom(detail));
                }
                _ => map.next_value_seed(ColumnOrRecord { table, key: &key, is_ignored_list: false })?,
            }
        }
        if table.is_by_column() {
            return table.end_columns();
        }
        if !data && table.is_empty() {
            return Err(A::Error::custom(match columns.is_some() {
                true => "expected `data` beside `columns`, received none",
                false => "expected columns with their cells, received an empty object",
            }));
        }
        if columns.is_none() && table.names.iter().any(String::is_empty) {
            return Err(A::Error::custom("expected `columns` beside `data`, received none"));
        }
        Ok(())
    }
}

/// The value of a key of an object of columns: its cells in a list or by index label; or a record by column name, where the
/// keys are index labels.
struct ColumnOrRecord<'t, 'k, 'a, 's> {
    table: &'t mut Table<'a, 's>,
    key: &'k str,
    /// Whether a list is the row labels of the form `split`, which are not read.
    is_ignored_list: bool,
}

impl<'de> DeserializeSeed<'de> for ColumnOrRecord<'_, '_, '_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ColumnOrRecord<'_, '_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the cells of the column {:?} in a list (a record per line is application/x-ndjson; records in a list within an object are sent \
             as that list alone)",
            self.key
        )
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut cells: A) -> Result<(), A::Error> {
        if self.is_ignored_list {
            while cells.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        let column = self.table.begin_column(self.key)?;
        while cells.next_element_seed(CellSeed { table: self.table, column })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut cells: A) -> Result<(), A::Error> {
        // pandas labels rows 0, 1 …; an object of records has other keys within
        let Some(first) = cells.next_key::<String>()? else { return Ok(()) };
        if self.key == "schema" && schema::is_key(&first) && !self.table.is_by_column() {
            return schema::read(self.table, first, cells);
        }
        let is_label = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_label(&first) && is_label(self.key) && !self.table.is_by_column() {
            let column = self.table.column(&first, 0)?;
            cells.next_value_seed(CellSeed { table: self.table, column })?;
            return Record(self.table).visit_map(cells);
        }
        let column = self.table.begin_column(self.key)?;
        let mut label = Some(first);
        let mut row = 0;
        while let Some(name) = label {
            self.table.check_label(row, &name)?;
            cells.next_value_seed(CellSeed { table: self.table, column })?;
            row += 1;
            label = cells.next_key()?;
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
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Row<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row (an array of cells, or a record)")
    }

    fn visit_map<A: MapAccess<'de>>(self, cells: A) -> Result<(), A::Error> {
        Record(self.0).visit_map(cells)
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
        self.table.has_large |= value.abs() >= i64::MAX as f64;
        self.table.push(self.column, CellRef::Number(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        let number = value as f64;
        let cell = if value.unsigned_abs() <= 1 << 53 { CellRef::Number(number) } else { CellRef::Integer(value) };
        self.table.push(self.column, cell)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => self.table.push(self.column, CellRef::Unsigned(value)),
        }
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.table.push_text(self.column, value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(A::Error::custom(self.nested("an array", "write a column for each element, or text")))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        let hint = match self.table.is_by_column() {
            true => "if the list has the records, send it alone",
            false => "write a column for each of its values, such as \"a.b\"",
        };
        Err(A::Error::custom(self.nested("an object", hint)))
    }
}

impl CellSeed<'_, '_, '_> {
    /// What is wrong with a cell that has values within.
    fn nested(&self, received: &str, hint: &str) -> String {
        let place = match self.table.names.get(self.column) {
            Some(name) if !name.is_empty() => format!(" in column {name:?}"),
            _ => String::new(),
        };
        format!("expected a number, text, true, false or null{place}, received {received}; {hint}")
    }
}
