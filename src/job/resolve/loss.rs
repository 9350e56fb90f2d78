//! The loss of an output that a request names none for.

use super::{
    columns::{is_flag, label_count},
    output_request::{OutputRequest, TASK},
};
use crate::{
    data::{
        recipe::{Task, indices, tags},
        schema::{Column, ColumnType},
    },
    engine::{
        activation::Activation,
        field::{FieldError, parse},
        loss::Loss,
        shape::Shape,
    },
    job::task_request::TaskRequest,
};
use serde_json::{Value, json};

/// The loss of an output with a target: the requested one, that of the requested task, or that which follows from the target.
pub(super) fn choose_loss(
    request: &OutputRequest<'_>,
    shape: &Shape,
    last: Option<Activation>,
) -> Result<Loss, FieldError> {
    let columns = request.columns.as_slice();
    let task = match (request.loss, request.task) {
        (Some(loss), _) => return Ok(loss.loss),
        (None, Some(task)) => task_of_request(task, columns, shape, last)?,
        (None, None) => inferred_task(columns, shape, last),
    };
    usual_loss(task, shape, last)
}

/// The usual loss of a task. A cross-entropy reads logits if the last activation does not output probabilities.
fn usual_loss(task: Task, shape: &Shape, last: Option<Activation>) -> Result<Loss, FieldError> {
    let loss = task.usual_loss();
    let is_crossentropy = matches!(
        loss,
        Loss::BinaryCrossentropy(_) | Loss::CategoricalCrossentropy(_) | Loss::SparseCategoricalCrossentropy(_)
    );
    let Some(last) = last.filter(|last| is_crossentropy && !matches!(last, Activation::Sigmoid | Activation::Softmax))
    else {
        return Ok(loss);
    };
    let (from, to) = last.range();
    if task == Task::Binary && shape.elements() == 1 && (from >= 0.0 || to <= 0.0) {
        let detail = format!(
            "expected an output that can decide for either class, received 1 unit of {}; use the activation sigmoid, or linear \
             for logits",
            last.kind()
        );
        return Err(FieldError::new("/model", detail));
    }
    parse(&json!({"type": loss_name(loss), "from_logits": true}))
}

/// The loss's name, for messages.
pub(super) fn loss_name(loss: Loss) -> String {
    let value = serde_json::to_value(loss).unwrap_or_default();
    value.as_str().or_else(|| value.get("type").and_then(Value::as_str)).unwrap_or("this loss").to_owned()
}

/// Classes for labels, numbers otherwise. But integers are classes if the output has a unit for each of them or ends in a softmax,
/// and two of them are if it is one sigmoid; several columns of 0 and 1 are labels under a sigmoid and classes under a softmax.
fn inferred_task(columns: &[&Column], shape: &Shape, last: Option<Activation>) -> Task {
    let width = shape.elements();
    let is_softmax = last == Some(Activation::Softmax) && shape.0.len() == 1;
    match columns {
        _ if has_label_per_step(columns, shape) => Task::StepClasses,
        [column] => match (column.kind, label_count(column)) {
            (ColumnType::Category | ColumnType::Ordinal | ColumnType::Boolean, Some(2)) if width == 1 => Task::Binary,
            (ColumnType::Category | ColumnType::Ordinal | ColumnType::Boolean, _) => Task::SparseClasses,
            (ColumnType::Number, Some(2)) if width == 1 && last == Some(Activation::Sigmoid) => Task::Binary,
            (ColumnType::Number, count)
                if width > 1 && (is_softmax || count == Some(width) || indices(column, width, None)) =>
            {
                Task::SparseClasses
            }
            (ColumnType::Number | ColumnType::Datetime | ColumnType::Ignored, _) => Task::Regression,
        },
        columns => match last {
            Some(Activation::Sigmoid) if columns.iter().all(|column| is_flag(column)) => Task::LabelColumns,
            Some(Activation::Softmax) if columns.iter().all(|column| is_share(column)) => Task::OneHotColumns,
            _ => Task::Regression,
        },
    }
}

/// Whether a column is 0 and 1 as numbers, which a probability can be compared with.
fn is_share(column: &Column) -> bool {
    column.kind == ColumnType::Number && is_flag(column) && column.minimum() >= Some(0.0)
}

/// Whether there is a column of labels for each step or position of the output.
fn has_label_per_step(columns: &[&Column], shape: &Shape) -> bool {
    let (width, units) = (shape.elements(), shape.last());
    let are_indices = || columns.iter().all(|column| indices(column, units, None));
    let are_tags = || tags(columns).is_some_and(|tags| tags.len() == units);
    shape.0.len() > 1
        && columns.len() == width / units.max(1)
        && columns.len() != width
        && (are_indices() || are_tags())
}

/// A task of the requested kind, where target and output are consistent with it.
fn task_of_request(
    task: TaskRequest,
    columns: &[&Column],
    shape: &Shape,
    last: Option<Activation>,
) -> Result<Task, FieldError> {
    let width = shape.elements();
    let flags = columns.len() > 1 && columns.iter().all(|column| is_flag(column));
    let refuse = |expected: TaskRequest, why: String| {
        let detail = format!("expected {}: {why}, received {}", expected.name(), task.name());
        Err(FieldError::new(TASK, detail))
    };
    let count = columns.len();
    match (task, columns) {
        (TaskRequest::Regression, columns) => match columns.iter().find(|column| column.kind.has_levels()) {
            None => Ok(Task::Regression),
            Some(column) => refuse(TaskRequest::Classification, format!("{:?} is a category", column.name)),
        },
        (TaskRequest::BinaryClassification, [column]) => match label_count(column) {
            Some(2) if width == 1 => Ok(Task::Binary),
            Some(2) => {
                let why = format!("the output has {width} units, a unit for each class; a binary classification has 1");
                refuse(TaskRequest::MulticlassClassification, why)
            }
            Some(classes) => {
                refuse(TaskRequest::MulticlassClassification, format!("{:?} has {classes} classes", column.name))
            }
            None => refuse(other_than_labels(column), different_values(column)),
        },
        (TaskRequest::BinaryClassification, _) => {
            refuse(TaskRequest::MultilabelClassification, format!("there are {count} target columns"))
        }
        (TaskRequest::MulticlassClassification, columns) if has_label_per_step(columns, shape) => Ok(Task::StepClasses),
        (TaskRequest::MulticlassClassification, [column]) => match label_count(column) {
            Some(2) if width == 1 => refuse(TaskRequest::BinaryClassification, "the output has 1 unit".to_owned()),
            Some(_) if width == 1 => {
                let why = format!("the output has 1 unit, and {:?} needs a unit for each class", column.name);
                refuse(TaskRequest::Regression, why)
            }
            None if column.kind == ColumnType::Number && !indices(column, width, None) => {
                refuse(TaskRequest::Regression, different_values(column))
            }
            _ => Ok(Task::SparseClasses),
        },
        (TaskRequest::MulticlassClassification, _) if !flags => {
            refuse(TaskRequest::Regression, format!("not all of the {count} target columns are 0 and 1"))
        }
        (TaskRequest::MulticlassClassification, _) => match last {
            Some(Activation::Sigmoid) => {
                let why = "the sigmoid outputs an independent probability for each column".to_owned();
                refuse(TaskRequest::MultilabelClassification, why)
            }
            _ => Ok(Task::OneHotColumns),
        },
        (TaskRequest::MultilabelClassification, _) if !flags => {
            let why = "a target column of 0 and 1 is needed for each label, and at least 2 of them".to_owned();
            let expected = match columns {
                [column] if label_count(column).is_some() => TaskRequest::Classification,
                _ => TaskRequest::Regression,
            };
            refuse(expected, why)
        }
        (TaskRequest::MultilabelClassification, _) => match last {
            Some(Activation::Softmax) => {
                let why = "the softmax outputs probabilities that sum to 1".to_owned();
                refuse(TaskRequest::MulticlassClassification, why)
            }
            _ => Ok(Task::LabelColumns),
        },
        (TaskRequest::Classification, columns) => {
            let is_multiclass = match columns {
                [_] => width > 1,
                columns => has_label_per_step(columns, shape) || last == Some(Activation::Softmax),
            };
            let kind = match columns {
                _ if is_multiclass => TaskRequest::MulticlassClassification,
                [_] => TaskRequest::BinaryClassification,
                _ => TaskRequest::MultilabelClassification,
            };
            task_of_request(kind, columns, shape, last)
                .map_err(|error| FieldError::new(error.pointer, error.detail.replace(kind.name(), task.name())))
        }
    }
}

fn other_than_labels(column: &Column) -> TaskRequest {
    match column.kind {
        ColumnType::Number | ColumnType::Datetime | ColumnType::Ignored => TaskRequest::Regression,
        ColumnType::Category | ColumnType::Ordinal | ColumnType::Boolean => TaskRequest::MulticlassClassification,
    }
}

fn different_values(column: &Column) -> String {
    let values = if column.kind == ColumnType::Number { "numbers, not all integers or too many" } else { "texts" };
    format!("{:?} has {} different {values}", column.name, column.distinct)
}
