//! Checks of `class_weight`.

use crate::{
    data::{
        recipe::{Task, indices, label_text},
        schema::Column,
        weights::{ClassWeight, class_of_column},
    },
    engine::{
        field::{FieldError, did_you_mean_quoted, escape},
        loss::{Loss, TargetKind},
    },
};

/// Whether the weights are of classes that the target has.
pub(super) fn check_class_weight(
    class_weight: &ClassWeight,
    targets: &[&Column],
    task: Task,
    units: usize,
    loss: Loss,
) -> Result<(), FieldError> {
    if task == Task::StepClasses {
        let detail =
            "expected no class weights: each row has several classes, one per step; `sample_weight` weighs rows";
        return Err(FieldError::new("/training/class_weight", detail));
    }
    if targets.len() > 1 && matches!(loss.target_kind(), TargetKind::Probabilities | TargetKind::Binary) {
        return check_column_weight(class_weight, targets);
    }
    if task.learns_numbers() {
        return Err(FieldError::new(
            "/training/class_weight",
            "expected no class weights: the target is not learned as classes",
        ));
    }
    let ClassWeight::Labels(weights) = class_weight else { return Ok(()) };
    let is_multiclass = matches!(task, Task::SparseClasses | Task::OneHotClasses | Task::Margins);
    let labels: Vec<String> = match targets {
        [column] if is_multiclass && indices(column, units, loss.ignore_class()) => {
            (0..units).map(|unit| unit.to_string()).collect()
        }
        _ => targets.iter().flat_map(|column| &column.values).flatten().map(|level| label_text(&level.value)).collect(),
    };
    match weights.keys().find(|label| !labels.contains(label)) {
        None => Ok(()),
        Some(label) => {
            let hint = did_you_mean_quoted(label, labels.iter().map(String::as_str));
            let known = labels.join(", ");
            let detail = format!("expected labels among {known}, received {label:?}{hint}");
            Err(FieldError::new("/training/class_weight", detail))
        }
    }
}

/// Checks weights of classes that have a target column each.
fn check_column_weight(class_weight: &ClassWeight, targets: &[&Column]) -> Result<(), FieldError> {
    let ClassWeight::Labels(weights) = class_weight else { return Ok(()) };
    let columns: Vec<String> = targets.iter().map(|column| column.name.clone()).collect();
    let mut named = vec![None; columns.len()];
    for key in weights.keys() {
        let earlier = class_of_column(key, &columns).and_then(|class| named.get_mut(class)?.replace(key));
        let detail = match (class_of_column(key, &columns), earlier) {
            (Some(_), None) => continue,
            (Some(_), Some(earlier)) => {
                format!("expected one weight per column, received {earlier:?} and {key:?} for one")
            }
            (None, _) => {
                let hint = did_you_mean_quoted(key, columns.iter().map(String::as_str));
                let (last, columns) = (columns.len() - 1, columns.join(", "));
                format!("expected target columns among {columns}, or their places 0 to {last}, received {key:?}{hint}")
            }
        };
        return Err(FieldError::new(format!("/training/class_weight/{}", escape(key)), detail));
    }
    Ok(())
}
