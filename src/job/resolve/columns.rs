//! Which columns are learned, and from which.

use super::{TableView, inputs::Asked};
use crate::{
    data::schema::{Column, ColumnType},
    engine::field::{FieldError, nearest},
    job::Columns,
};
use std::collections::HashSet;

/// The target columns; `None` where one of them is wrong.
pub(super) fn targets<'a>(
    target: &Columns,
    pointer: &str,
    dataset: TableView<'a>,
    errors: &mut Vec<FieldError>,
) -> Option<Vec<&'a Column>> {
    let before = errors.len();
    let mut found: Vec<&Column> = Vec::new();
    if target.names().is_empty() {
        errors.push(FieldError::new(pointer, "expected at least one column, received none"));
    }
    for (index, name) in target.names().iter().enumerate() {
        let pointer = target_pointer(Some(target), pointer, index);
        match column(name, dataset) {
            Err(detail) => errors.push(FieldError::new(pointer, detail)),
            Ok(column) if found.iter().any(|known| known.name == column.name) => {
                errors.push(FieldError::new(pointer, format!("expected each column once, received {name:?} again")));
            }
            Ok(column) if column.missing > 0 => {
                let (missing, rows) = (column.missing, dataset.rows);
                let detail =
                    format!("expected a value in every row of {name:?}, but {missing} of its {rows} cells are missing");
                errors.push(FieldError::new(pointer, detail));
            }
            Ok(column) => found.push(column),
        }
    }
    (errors.len() == before).then_some(found)
}

/// Where the target at `index` of those at `pointer` stands in the request.
pub(super) fn target_pointer(target: Option<&Columns>, pointer: &str, index: usize) -> String {
    match target {
        None | Some(Columns::One(_)) => pointer.into(),
        Some(Columns::Many(_)) => format!("{pointer}/{index}"),
    }
}

/// The feature columns, each once, in the order in which they appear; `None` where one of them is wrong. An input has a
/// column once; several inputs may have it.
pub(super) fn features<'a>(
    asked: Option<&[Asked<'_>]>,
    targets: &Option<Vec<&'a Column>>,
    sample_weight: Option<&str>,
    dataset: TableView<'a>,
    errors: &mut Vec<FieldError>,
) -> Option<Vec<&'a Column>> {
    let before = errors.len();
    let is_target = |name: &str| targets.iter().flatten().any(|target| target.name == name);
    let mut found: Vec<&Column> = Vec::new();
    match asked {
        Some(asked) => {
            let mut known = HashSet::new();
            for Asked { pointer, columns } in asked {
                let mut here = HashSet::new();
                for (index, name) in columns.iter().enumerate() {
                    let mut refuse =
                        |detail: String| errors.push(FieldError::new(format!("{pointer}/{index}"), detail));
                    match column(name, dataset) {
                        Err(detail) => refuse(detail),
                        Ok(column) if is_target(name) && column.kind == ColumnType::Category => {
                            refuse(format!("expected a column other than the target {name:?}, which is no number"));
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
        // without targets it is not known which columns are features
        None if targets.is_none() => return None,
        None => {
            found = dataset.columns.iter().filter(|column| !is_target(&column.name)).collect();
            found.retain(|column| sample_weight != Some(&column.name));
            let unusable = found.iter().filter_map(|column| unusable(column, dataset));
            errors.extend(unusable.map(|detail| FieldError::new("/features", detail + "; name the other columns")));
        }
    }
    if found.is_empty() && errors.len() == before {
        let pointer = asked.and_then(<[_]>::first).map_or("/features", |asked| asked.pointer.as_str());
        let hint = match asked {
            None => "; every column is a target: name the `features` to use a target as a feature too",
            Some(_) => "",
        };
        errors.push(FieldError::new(pointer, format!("expected at least one column, received none{hint}")));
    }
    (errors.len() == before).then_some(found)
}

/// Checks the column that weighs the rows.
pub(super) fn sample_weight(
    name: Option<&str>,
    targets: &Option<Vec<&Column>>,
    dataset: TableView<'_>,
    errors: &mut Vec<FieldError>,
) {
    let Some(name) = name else { return };
    let outcome = column(name, dataset).and_then(|column| {
        if targets.iter().flatten().any(|target| target.name == name) {
            return Err(format!("expected a column other than the target {name:?}"));
        }
        match (column.kind, column.min, column.max) {
            (ColumnType::Number, Some(min), _) if min < 0.0 => {
                Err(format!("expected weights of at least 0 in {name:?}, whose least is {min}"))
            }
            (ColumnType::Number, _, Some(max)) if max <= 0.0 => {
                Err(format!("expected weights above 0 in {name:?}, whose greatest is {max}"))
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
        errors.push(FieldError::new("/sample_weight", detail));
    }
}

/// The column named so.
pub(super) fn column<'a>(name: &str, dataset: TableView<'a>) -> Result<&'a Column, String> {
    dataset.columns.iter().find(|column| column.name == name).ok_or_else(|| {
        let near = nearest(name, dataset.columns.iter().map(|column| column.name.as_str()));
        let hint = near.map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
        format!("expected a column of the dataset {:?}, received {name:?}{hint}", dataset.name)
    })
}

/// Why nothing can be learned from a column.
fn unusable(column: &Column, dataset: TableView<'_>) -> Option<String> {
    let name = &column.name;
    if column.missing == dataset.rows {
        return Some(format!("expected a column with values, but all {} cells of {name:?} are missing", dataset.rows));
    }
    if column.kind == ColumnType::Category && column.values.is_none() {
        let distinct = column.distinct;
        return Some(format!(
            "expected a category with few levels, but {name:?} has about {distinct} different texts: an id or free text"
        ));
    }
    None
}
