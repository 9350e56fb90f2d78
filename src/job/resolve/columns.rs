//! The target, feature and weight columns.

use super::{inputs::RequestedColumns, table_view::TableView};
use crate::{
    data::schema::{Column, ColumnType},
    engine::field::{FieldError, MAX_LISTED, did_you_mean_quoted},
    job::columns::Columns,
};
use std::collections::{HashMap, HashSet};

/// What follows the number of missing cells of a target.
pub(super) const MISSING_HINT: &str = "; the option `missing` of an upload says which texts are missing";

/// The target columns; `None` where one of them is wrong.
pub(super) fn targets<'a>(
    target: &Columns,
    pointer: &str,
    dataset: TableView<'a>,
    errors: &mut Vec<FieldError>,
) -> Option<Vec<&'a Column>> {
    let before = errors.len();
    let mut found: Vec<&Column> = Vec::new();
    if let Some(error) = too_many(target.names(), pointer, dataset) {
        errors.push(error);
        return None;
    }
    if target.names().is_empty() {
        errors.push(FieldError::new(pointer, "expected at least one column, received none"));
    }
    let by_name = by_name(dataset);
    let mut known = HashSet::new();
    for (index, name) in target.names().iter().enumerate() {
        let pointer = target_pointer(Some(target), pointer, index);
        match by_name.get(name.as_str()).copied().ok_or_else(|| no_column(name, dataset, errors.len())) {
            Err(detail) => errors.push(FieldError::new(pointer, detail)),
            Ok(_) if !known.insert(name) => {
                errors.push(FieldError::new(pointer, format!("expected each column once, received {name:?} again")));
            }
            Ok(column) if matches!(column.kind, ColumnType::Datetime | ColumnType::Ignored) => {
                let detail = format!(
                    "expected numbers, categories or true and false in the target {name:?}, received the type {}",
                    column.kind.name()
                );
                errors.push(FieldError::new(pointer, detail));
            }
            Ok(column) if column.missing > 0 => {
                let (missing, rows) = (column.missing, dataset.rows);
                let detail = format!(
                    "expected a value in every row of {name:?}, but {missing} of its {rows} cells are missing{MISSING_HINT}"
                );
                errors.push(FieldError::new(pointer, detail));
            }
            Ok(column) => found.push(column),
        }
    }
    (errors.len() == before).then_some(found)
}

/// The pointer of the target number `index` of those at `pointer`.
pub(super) fn target_pointer(target: Option<&Columns>, pointer: &str, index: usize) -> String {
    match target {
        None | Some(Columns::One(_)) => pointer.into(),
        Some(Columns::Many(_)) => format!("{pointer}/{index}"),
    }
}

/// The feature columns, each once, in the order in which they appear; `None` where one of them is wrong. Inputs may share columns.
/// Those of row weights and of the split are no features unless they are named, and row weights never.
pub(super) fn features<'a>(
    requested: Option<&[RequestedColumns<'_>]>,
    targets: &Option<Vec<&'a Column>>,
    (sample_weight, split): (Option<&str>, Option<&str>),
    dataset: TableView<'a>,
    errors: &mut Vec<FieldError>,
) -> Option<Vec<&'a Column>> {
    let before = errors.len();
    let names: HashSet<&str> = targets.iter().flatten().map(|target| target.name.as_str()).collect();
    let is_target = |name: &str| names.contains(name);
    let mut found: Vec<&Column> = Vec::new();
    match requested {
        Some(requested) => {
            let by_name = by_name(dataset);
            let mut known = HashSet::new();
            for RequestedColumns { pointer, columns } in requested {
                if let Some(error) = too_many(columns, pointer, dataset) {
                    errors.push(error);
                    continue;
                }
                let mut here = HashSet::new();
                for (index, name) in columns.iter().enumerate() {
                    let earlier = errors.len();
                    let mut refuse =
                        |detail: String| errors.push(FieldError::new(format!("{pointer}/{index}"), detail));
                    match by_name.get(name.as_str()).copied().ok_or_else(|| no_column(name, dataset, earlier)) {
                        Err(detail) => refuse(detail),
                        Ok(column) if is_target(name) && column.kind.has_levels() => {
                            refuse(format!("expected a column other than the target {name:?}, which is not a number"));
                        }
                        Ok(_) if sample_weight == Some(name) => {
                            refuse(format!("expected a column other than the sample weight {name:?}"));
                        }
                        Ok(_) if !here.insert(name) => {
                            refuse(format!("expected each column once, received {name:?} again"));
                        }
                        Ok(column) => {
                            if let Some(detail) = unusable(column, dataset) {
                                refuse(detail);
                            }
                            if known.insert(name) {
                                found.push(column);
                            }
                        }
                    }
                }
            }
        }
        // Without targets it is not known which columns are features.
        None if targets.is_none() => return None,
        None => {
            found = dataset.columns.iter().filter(|column| !is_target(&column.name)).collect();
            let is_other = |name: &str| sample_weight == Some(name) || split == Some(name);
            found.retain(|column| !is_other(&column.name) && column.kind != ColumnType::Ignored);
            let unusable = found.iter().filter_map(|column| unusable(column, dataset));
            errors.extend(unusable.map(|detail| FieldError::new("/features", detail + "; name the other columns")));
        }
    }
    if found.is_empty() && errors.len() == before {
        let pointer = requested.and_then(<[_]>::first).map_or("/features", |requested| requested.pointer.as_str());
        let hint = match requested {
            None => "; every column is a target: name the `features` to use a target as a feature too",
            Some(_) => "",
        };
        errors.push(FieldError::new(pointer, format!("expected at least one column, received none{hint}")));
    }
    (errors.len() == before).then_some(found)
}

/// Checks the column of row weights.
pub(super) fn sample_weight(
    name: Option<&str>,
    targets: &Option<Vec<&Column>>,
    dataset: TableView<'_>,
    errors: &mut Vec<FieldError>,
) {
    let Some(name) = name else { return };
    let outcome = column(name, dataset, errors.len()).and_then(|column| {
        if targets.iter().flatten().any(|target| target.name == name) {
            return Err(format!("expected a column other than the target {name:?}"));
        }
        match (column.kind, column.minimum(), column.maximum()) {
            (ColumnType::Number, Some(min), _) if min < 0.0 => {
                Err(format!("expected weights of at least 0 in {name:?}, whose minimum is {min}"))
            }
            (ColumnType::Number, _, Some(max)) if max <= 0.0 => {
                Err(format!("expected weights above 0 in {name:?}, whose maximum is {max}"))
            }
            (ColumnType::Number, ..) if column.missing > 0 => {
                let (missing, rows) = (column.missing, dataset.rows);
                Err(format!(
                    "expected a weight in every row of {name:?}, but {missing} of its {rows} cells are missing"
                ))
            }
            (ColumnType::Number, ..) => Ok(()),
            (kind, ..) => Err(format!("expected a number column, but {name:?} is a {}", kind.name())),
        }
    });
    if let Err(detail) = outcome {
        errors.push(FieldError::new("/training/sample_weight", detail));
    }
}

/// The column of this name. An error has a hint unless there are as many `earlier` ones as are listed.
pub(super) fn column<'a>(name: &str, dataset: TableView<'a>, earlier: usize) -> Result<&'a Column, String> {
    let found = dataset.columns.iter().find(|column| column.name == name);
    found.ok_or_else(|| no_column(name, dataset, earlier))
}

/// The columns by name: a table may have thousands, with long names that differ at the end.
fn by_name<'a>(dataset: TableView<'a>) -> HashMap<&'a str, &'a Column> {
    dataset.columns.iter().map(|column| (column.name.as_str(), column)).collect()
}

fn no_column(name: &str, dataset: TableView<'_>, earlier: usize) -> String {
    let hint = match earlier < MAX_LISTED {
        true => did_you_mean_quoted(name, dataset.columns.iter().map(|column| column.name.as_str())),
        false => String::new(),
    };
    format!("expected a column of the dataset {:?}, received {name:?}{hint}", dataset.name)
}

/// An error where more columns are named than the dataset has; each of them would be searched for.
fn too_many(names: &[String], pointer: &str, dataset: TableView<'_>) -> Option<FieldError> {
    let (max, count) = (dataset.columns.len(), names.len());
    (count > 2 * max).then(|| {
        let detail = format!("expected at most {max} columns, as many as {:?} has, received {count}", dataset.name);
        FieldError::new(pointer, detail)
    })
}

/// Why a column cannot be a feature.
fn unusable(column: &Column, dataset: TableView<'_>) -> Option<String> {
    let name = &column.name;
    if column.missing == dataset.rows {
        return Some(format!("expected a column with values, but all {} cells of {name:?} are missing", dataset.rows));
    }
    if column.kind.has_levels() && column.values.is_none() {
        let distinct = column.distinct;
        return Some(format!(
            "expected a category with few levels, but {name:?} has about {distinct} different texts: an id or free text"
        ));
    }
    None
}

/// How many labels a column has, where its values can be class labels.
pub(super) fn label_count(column: &Column) -> Option<usize> {
    column.values.as_ref().map(Vec::len)
}

/// Why the labels of a number column cannot be told from each other; `None` for other columns.
pub(super) fn inexact_labels(column: &Column) -> Option<String> {
    let values = column.values.as_deref().filter(|_| column.kind == ColumnType::Number)?;
    let mut numbers: Vec<f64> = values.iter().filter_map(|level| level.value.as_f64()).collect();
    numbers.dedup();
    (numbers.len() != values.len()).then(|| {
        format!(
            "expected class labels that differ as 64-bit floats, but {:?} has integers past 2^53 that do not; give the column the \
             type category at upload",
            column.name
        )
    })
}

/// Whether every row has or has not something: a boolean column, or one of 0 and 1, or of -1 and 1.
pub(super) fn is_flag(column: &Column) -> bool {
    if column.kind == ColumnType::Boolean {
        return true;
    }
    let numbers: Vec<f64> = column.values.iter().flatten().filter_map(|level| level.value.as_f64()).collect();
    [0.0, -1.0].iter().any(|no| !numbers.is_empty() && numbers.iter().all(|number| [*no, 1.0].contains(number)))
}
