//! Checks of a validation dataset against the training dataset.

use super::{
    columns::{MISSING_HINT, column},
    resolved_output::ClassColumn,
    table_view::TableView,
};
use crate::{
    data::{
        recipe::indices,
        schema::{Column, ColumnType},
    },
    engine::field::FieldError,
};

/// Checks the columns, their types and the labels of `dataset` against those that train.
pub(super) fn check_validation(
    dataset: TableView<'_>,
    targets: &[&Column],
    features: Option<&[&Column]>,
    sample_weight: Option<&str>,
    classes: &[ClassColumn<'_>],
    errors: &mut Vec<FieldError>,
) {
    for &trained in targets.iter().chain(features.into_iter().flatten()) {
        let earlier = errors.len();
        let mut refuse = |detail: String| errors.push(FieldError::new("/validation_dataset", detail));
        let is_target = targets.iter().any(|target| target.name == trained.name);
        match column(&trained.name, dataset, earlier) {
            Err(detail) => refuse(detail),
            // A column without values has no type.
            Ok(other) if !is_target && other.missing == dataset.rows => {}
            Ok(other) if other.kind != trained.kind => {
                let (expected, received) = (trained.kind.name(), other.kind.name());
                refuse(format!("expected {:?} to be a {expected} as in training, received a {received}", trained.name));
            }
            Ok(other) if is_target && other.missing > 0 => {
                let (missing, rows) = (other.missing, dataset.rows);
                refuse(format!(
                    "expected a value in every row of {:?}, but {missing} of its {rows} cells are missing{MISSING_HINT}",
                    trained.name
                ));
            }
            Ok(other) if is_target && classes.iter().any(|class| class.name == trained.name) => {
                let class = classes.iter().find(|class| class.name == trained.name);
                let by_index = class.and_then(|class| class.indices.map(|units| (units, class.ignored)));
                if let Some((units, ignored)) = by_index {
                    if !indices(other, units, ignored) {
                        let (last, name) = (units.saturating_sub(1), &trained.name);
                        let (min, max) = (other.minimum().unwrap_or_default(), other.maximum().unwrap_or_default());
                        refuse(format!("expected class indices from 0 to {last} in {name:?}, received {min} to {max}"));
                    }
                } else if let (false, Some(label)) =
                    (class.is_some_and(|class| class.is_step), unknown_label(trained, other))
                {
                    // A label that is new to one step may be known from another: the worker checks these.
                    refuse(format!("expected the labels of {:?} in training, received {label}", trained.name));
                }
            }
            Ok(other) if other.kind.has_levels() && other.values.is_none() => {
                let distinct = other.distinct;
                refuse(format!(
                    "expected a category with few levels, but {:?} has about {distinct} different texts",
                    trained.name
                ));
            }
            Ok(_) => {}
        }
    }
    if let Some(name) = sample_weight {
        let found = column(name, dataset, errors.len());
        let mut refuse = |detail: String| errors.push(FieldError::new("/validation_dataset", detail));
        match found {
            Ok(weights)
                if weights.kind == ColumnType::Number && weights.missing == 0 && weights.minimum() >= Some(0.0) => {}
            Ok(_) => refuse(format!("expected a weight of at least 0 in every row of {name:?}")),
            Err(detail) => refuse(detail),
        }
    }
}

/// A label that the training data does not have.
fn unknown_label(trained: &Column, other: &Column) -> Option<String> {
    let known = trained.values.as_ref()?;
    match &other.values {
        None => Some(format!("{} different values", other.distinct)),
        Some(values) => values
            .iter()
            .find(|level| known.iter().all(|known| known.value != level.value))
            .map(|level| level.value.to_string()),
    }
}
