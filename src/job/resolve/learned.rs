//! What the target is to the network: the task, and the loss that goes with it.

use super::columns::target_pointer;
use crate::{
    data::{
        recipe::{Task, label_text},
        schema::{Column, ColumnType},
        weights::ClassWeight,
    },
    engine::{
        field::{FieldError, nearest, parse},
        loss::Loss,
    },
    job::{Columns, training::Requested},
};
use serde_json::Value;

/// Where a loss that does not go with its target is wrong, once the request or the model has named one.
const LOSS: &str = "/training/loss";

/// Task and loss.
#[derive(Debug, Clone)]
pub(super) struct Learned {
    pub task: Task,
    pub loss: Loss,
}

/// Decides task and loss for an output of `width` cells.
pub(super) fn learned(
    targets: &[&Column],
    target: &Columns,
    requested: &Requested,
    width: usize,
) -> Result<Learned, FieldError> {
    let loss = match requested.loss {
        Some(loss) => loss,
        None => default_loss(targets, width)?,
    };
    let task = match (targets, loss) {
        ([column], Loss::SparseCategoricalCrossentropy(_)) => one_of_several(column, Task::SparseClasses, loss, width),
        ([column], Loss::CategoricalCrossentropy(_)) => one_of_several(column, Task::OneHotClasses, loss, width),
        ([column], Loss::BinaryCrossentropy(_)) => binary(column, loss, width),
        (_, Loss::SparseCategoricalCrossentropy(_) | Loss::CategoricalCrossentropy(_)) => {
            let detail = format!("{} learns one target column, received {}", name(loss), targets.len());
            Err(FieldError::new("/target", detail))
        }
        _ => numbers(targets, target, requested, loss, width),
    }?;
    if let Some(class_weight) = &requested.class_weight {
        check_class_weight(class_weight, targets, task)?;
    }
    Ok(Learned { task, loss })
}

/// A cross-entropy for classes, and the mean squared error for numbers: but integers are classes where the output has a cell
/// for each of them and no number to fit.
fn default_loss(targets: &[&Column], width: usize) -> Result<Loss, FieldError> {
    let name = match targets {
        [column] => match (column.kind, classes(column)) {
            (ColumnType::Category | ColumnType::Boolean, Some(2)) if width == 1 => "binary_crossentropy",
            (ColumnType::Category | ColumnType::Boolean, _) => "sparse_categorical_crossentropy",
            (ColumnType::Number, Some(count)) if width > 1 && count == width => "sparse_categorical_crossentropy",
            (ColumnType::Number, _) => "mean_squared_error",
        },
        _ => "mean_squared_error",
    };
    parse(&Value::from(name))
}

/// The loss's name in messages.
fn name(loss: Loss) -> String {
    let value = serde_json::to_value(loss).unwrap_or_default();
    value.as_str().or_else(|| value.get("type").and_then(Value::as_str)).unwrap_or("this loss").to_owned()
}

/// How many class labels a column has, where its values can be labels.
fn classes(column: &Column) -> Option<usize> {
    column.values.as_ref().map(Vec::len)
}

/// One cell a class.
fn one_of_several(column: &Column, task: Task, loss: Loss, width: usize) -> Result<Task, FieldError> {
    let count = class_labels(column, loss)?;
    if count == width {
        return Ok(task);
    }
    let hint = if count == 2 && width == 1 { "; binary_crossentropy learns two classes with 1 cell" } else { "" };
    let detail = format!(
        "expected an output of {count} cells, one for each of the {count} classes of {:?}, received {width}{hint}",
        column.name
    );
    Err(FieldError::new("/model", detail))
}

/// One probability, or one for each class.
fn binary(column: &Column, loss: Loss, width: usize) -> Result<Task, FieldError> {
    let fractions = column.kind == ColumnType::Number && column.min >= Some(0.0) && column.max <= Some(1.0);
    if fractions && classes(column).is_none() {
        return match width {
            1 => Ok(Task::Regression),
            _ => Err(FieldError::new("/model", format!("expected an output of 1 cell, received {width}"))),
        };
    }
    let count = class_labels(column, loss)?;
    match width {
        1 if count == 2 => Ok(Task::Binary),
        1 => Err(FieldError::new(
            "/model",
            format!(
                "expected an output of {count} cells, one for each of the {count} classes of {:?}, received 1, which \
                 tells 2 classes apart",
                column.name
            ),
        )),
        _ => one_of_several(column, Task::OneHotClasses, loss, width),
    }
}

/// Numbers, a cell each.
fn numbers(
    targets: &[&Column],
    target: &Columns,
    requested: &Requested,
    loss: Loss,
    width: usize,
) -> Result<Task, FieldError> {
    for (index, column) in targets.iter().enumerate() {
        let detail = match column.kind {
            ColumnType::Category => {
                format!(
                    "{} learns numbers, but {:?} is a category; a cross-entropy learns classes",
                    name(loss),
                    column.name
                )
            }
            ColumnType::Number
                if matches!(loss, Loss::BinaryCrossentropy(_))
                    && !(column.min >= Some(0.0) && column.max <= Some(1.0)) =>
            {
                let (min, max) = (column.min.unwrap_or_default(), column.max.unwrap_or_default());
                format!("{} learns values from 0 to 1, but {:?} has {min} to {max}", name(loss), column.name)
            }
            _ => continue,
        };
        let pointer = if requested.loss.is_some() { LOSS.to_owned() } else { target_pointer(target, index) };
        return Err(FieldError::new(pointer, detail));
    }
    if targets.len() != width {
        let count = targets.len();
        let detail = format!("expected an output of {count} cells, one for each target column, received {width}");
        return Err(FieldError::new("/model", detail));
    }
    Ok(Task::Regression)
}

fn class_labels(column: &Column, loss: Loss) -> Result<usize, FieldError> {
    let (column_name, distinct) = (&column.name, column.distinct);
    let refuse = |detail: String| Err(FieldError::new("/target", detail));
    let Some(values) = &column.values else {
        return match column.kind {
            ColumnType::Number => Err(FieldError::new(
                LOSS,
                format!(
                    "{} learns class labels, but {column_name:?} has {distinct} different numbers, not all of them integers \
                     or too many",
                    name(loss)
                ),
            )),
            _ => refuse(format!(
                "expected a category with few levels, but {column_name:?} has about {distinct} different texts"
            )),
        };
    };
    if values.len() < 2 {
        let only = values.first().map(|level| level.value.to_string()).unwrap_or_default();
        return refuse(format!("expected at least 2 classes, but {column_name:?} has {}: {only}", values.len()));
    }
    let mut numbers: Vec<f32> =
        values.iter().filter_map(|level| level.value.as_f64()).map(|label| label as f32).collect();
    numbers.dedup();
    if column.kind == ColumnType::Number && numbers.len() != values.len() {
        return refuse(format!(
            "expected class labels that differ as 32-bit floats, but {column_name:?} has integers past ±16777216 that do \
             not; write them as text"
        ));
    }
    Ok(values.len())
}

fn check_class_weight(class_weight: &ClassWeight, targets: &[&Column], task: Task) -> Result<(), FieldError> {
    if task == Task::Regression {
        return Err(FieldError::new(
            "/class_weight",
            "expected no class weights: the target is not learned as classes",
        ));
    }
    let ClassWeight::Labels(weights) = class_weight else { return Ok(()) };
    let labels: Vec<String> =
        targets.iter().flat_map(|column| &column.values).flatten().map(|level| label_text(&level.value)).collect();
    match weights.keys().find(|label| !labels.contains(label)) {
        None => Ok(()),
        Some(label) => {
            let near = nearest(label, labels.iter().map(String::as_str));
            let hint = near.map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
            let known = labels.join(", ");
            let detail = format!("expected labels among {known}, received {label:?}{hint}");
            Err(FieldError::new("/class_weight", detail))
        }
    }
}
