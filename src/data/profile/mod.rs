//! What a table says of itself and of a target, over every row: associations, class balance, and what to look at before a model
//! is trained.

mod association;
mod warnings;

pub use association::{Association, Measure};
pub use warnings::ProfileWarning;

use crate::data::{
    read::{self, Dialect, Format, ReadError},
    schema::{Column, ColumnType},
    table::{Cells, MISSING, Table},
};
use association::View;
use serde::Serialize;
use serde_json::Value;
use std::io::BufRead;

/// Bytes of the columns that are in memory together.
const MAX_LOADED_BYTES: u64 = 1 << 26;
/// Maximum classes that are listed.
const MAX_CLASSES: usize = 1000;

/// A table that can be read several times.
pub struct Profiled<'a> {
    /// Its format.
    pub format: Format,
    /// How it was read.
    pub dialect: &'a Dialect,
    /// Its columns.
    pub columns: &'a [Column],
    /// Its rows.
    pub rows: u64,
    /// Opens its file.
    pub open: &'a mut dyn FnMut() -> Result<Box<dyn BufRead>, ReadError>,
}

/// A profile of every row.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Profile {
    /// Rows.
    pub rows: u64,
    /// Rows that are equal to an earlier one; null where there are too many rows to compare.
    pub duplicate_rows: Option<u64>,
    /// The target, if one was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetProfile>,
    /// Columns in the file's order, without the target.
    pub columns: Vec<ColumnProfile>,
    /// What to look at before a model is trained.
    pub warnings: Vec<ProfileWarning>,
}

/// A target and its classes.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct TargetProfile {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// Rows without a target.
    pub missing: u64,
    /// The classes in label order; of a number column if its values are few integers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<ClassShare>,
}

/// A class and its share of the rows that have one.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ClassShare {
    /// The class.
    pub value: Value,
    /// Rows of the class.
    pub count: u64,
    /// Its share of the rows that have a target, 0 to 1.
    pub share: f64,
}

/// A column and its association with the target.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ColumnProfile {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// Its association with the target; absent without a target, and where either does not vary or has too many levels to list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub association: Option<Association>,
}

/// Profiles a table; `target` is one of its columns.
pub fn profile(mut table: Profiled<'_>, target: Option<&Column>) -> Result<Profile, ReadError> {
    let duplicate_rows = table.duplicates()?;
    let loaded = match target.filter(|target| target.is_loadable()) {
        Some(target) => table.load(std::slice::from_ref(&target.name))?.columns.into_iter().next(),
        None => None,
    };
    let target_view = loaded.as_ref().map(|column| View::of(&column.cells));
    let others: Vec<&Column> =
        table.columns.iter().filter(|column| target.is_none_or(|target| target.name != column.name)).collect();
    let mut columns: Vec<ColumnProfile> = Vec::with_capacity(others.len());
    let mut warnings = warnings::of_table(table.rows, duplicate_rows, target);
    let at_once = (MAX_LOADED_BYTES / (8 * table.rows).max(1)).clamp(1, 4096) as usize;
    for block in others.chunks(at_once) {
        let names: Vec<String> =
            block.iter().filter(|column| column.is_loadable()).map(|column| column.name.clone()).collect();
        let loaded = table.load(&names)?;
        for column in block {
            let cells = loaded.columns.iter().find(|loaded| loaded.name == column.name).map(|loaded| &loaded.cells);
            let view = cells.map(View::of);
            let association = target_view.as_ref().zip(view.as_ref()).and_then(|(target, view)| view.with(target));
            warnings.extend(warnings::of_column(column, table.rows, view.as_ref(), target_view.as_ref()));
            columns.push(ColumnProfile { name: column.name.clone(), kind: column.kind, association });
        }
    }
    let target = target.map(|target| {
        let values = target.values.iter().flatten().filter(|value| value.count > 0);
        let values: Vec<_> = values.collect();
        let present: u64 = values.iter().map(|value| value.count).sum();
        let share = |count: u64| count as f64 / present.max(1) as f64;
        let classes = values.iter().take(if values.len() > MAX_CLASSES { 0 } else { MAX_CLASSES });
        TargetProfile {
            name: target.name.clone(),
            kind: target.kind,
            missing: target.missing,
            classes: classes
                .map(|it| ClassShare { value: it.value.clone(), count: it.count, share: share(it.count) })
                .collect(),
        }
    });
    Ok(Profile { rows: table.rows, duplicate_rows, target, columns, warnings })
}

impl Profiled<'_> {
    fn load(&mut self, names: &[String]) -> Result<Table, ReadError> {
        if names.is_empty() {
            return Ok(Table { columns: Vec::new(), rows: 0 });
        }
        let mut source = (self.open)()?;
        read::load(&mut *source, self.format, self.dialect, self.columns, names, self.rows)
    }

    fn duplicates(&mut self) -> Result<Option<u64>, ReadError> {
        if self.rows > read::MAX_COMPARED_ROWS {
            return Ok(None);
        }
        let mut source = (self.open)()?;
        read::duplicate_rows(&mut *source, self.format, self.dialect, self.columns).map(Some)
    }
}

impl<'a> View<'a> {
    /// The cells as numbers or as codes.
    fn of(cells: &'a Cells) -> Self {
        match cells {
            Cells::Number(values) | Cells::Datetime(values) => View::Numbers(values),
            Cells::Category { codes, levels } => View::Codes { codes: codes.as_slice().into(), levels: levels.len() },
            Cells::Boolean(values) => {
                let code = |value: &Option<bool>| value.map_or(MISSING, u32::from);
                View::Codes { codes: values.iter().map(code).collect::<Vec<_>>().into(), levels: 2 }
            }
        }
    }
}

#[cfg(test)]
mod tests;
