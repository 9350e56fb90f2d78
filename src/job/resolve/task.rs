//! What a loss makes of the target: the task of an output.

use super::{
    columns::{inexact_labels, is_flag, label_count, target_pointer},
    label_lists::label_lists,
    loss::loss_name,
    output_request::{LOSS, OutputRequest, TARGET, TASK},
};
use crate::{
    data::{
        read::{MAX_LISTED_INTEGERS, is_amount},
        recipe::{Task, indices, label_text, tags},
        schema::{Column, ColumnType},
    },
    engine::{
        activation::Activation,
        field::FieldError,
        loss::{Loss, TargetKind},
        shape::Shape,
    },
    job::task_request::TaskRequest,
};

const SIGMOID: Option<Activation> = Some(Activation::Sigmoid);
const SOFTMAX: Option<Activation> = Some(Activation::Softmax);

/// The task that `loss` learns from the target, with the output's shape and last activation.
pub(super) fn choose_task(
    request: &OutputRequest<'_>,
    loss: Loss,
    shape: &Shape,
    last: Option<Activation>,
) -> Result<Task, FieldError> {
    let (targets, width) = (request.columns.as_slice(), shape.elements());
    let is_regression = request.task == Some(TaskRequest::Regression);
    let task = match (targets, loss.target_kind()) {
        (_, TargetKind::ClassIndex) if shape.0.len() > 1 => check_step_classes(request, loss, shape),
        ([column], TargetKind::ClassIndex) => check_classes(column, Task::SparseClasses, loss, width),
        ([column], TargetKind::Probabilities) => {
            let task = if loss == Loss::CategoricalHinge { Task::Margins } else { Task::OneHotClasses };
            check_classes(column, task, loss, width)
        }
        ([column], TargetKind::Binary) if has_fractions(column) || (is_regression && is_in_unit_interval(column)) => {
            check_fraction(width)
        }
        ([column], TargetKind::Binary) => check_two_classes(column, Task::Binary, loss, width),
        ([column], TargetKind::SignedBinary) => check_two_classes(column, Task::Margin, loss, width),
        (_, TargetKind::ClassIndex) => Err(several_class_columns_error(loss, targets, width)),
        (_, TargetKind::Probabilities) if targets.iter().any(|column| column.kind != ColumnType::Number) => {
            Err(several_targets_error(loss, targets))
        }
        _ => choose_number_task(request, loss, width, last),
    }?;
    check_request(request, task, loss, width)?;
    match unreachable_target(request, task, shape.last(), last) {
        Some(fault) if !request.is_of_keras => Err(FieldError::new(fault.pointer, fault.detail)),
        _ => Ok(task),
    }
}

/// A target that the last activation cannot output.
pub(super) struct UnreachableTarget {
    /// Machine-readable, as in a [`JobWarning`](crate::job::preprocessing::JobWarning).
    pub code: &'static str,
    pub pointer: String,
    pub detail: String,
}

/// What the last activation cannot output of the target. An error, but a warning for a model of Keras, which trains there.
pub(super) fn unreachable_target(
    request: &OutputRequest<'_>,
    task: Task,
    width: usize,
    last: Option<Activation>,
) -> Option<UnreachableTarget> {
    let last = last.filter(|_| !request.is_untrained)?;
    if last == Activation::Softmax && width == 1 {
        let detail = "expected an output that depends on the input, received a softmax of 1 unit, which is always 1; use a \
                      sigmoid for the probability of one of two classes";
        let (code, pointer, detail) = ("constant_output", "/model".to_owned(), detail.to_owned());
        return Some(UnreachableTarget { code, pointer, detail });
    }
    if task != Task::Regression {
        return None;
    }
    let (from, to) = last.range();
    for (index, column) in request.columns.iter().enumerate() {
        let (Some(min), Some(max)) = (column.minimum(), column.maximum()) else { continue };
        let scaled = request.scale.map_or(Some((min, max)), |scale| scale.range(min, max));
        let Some((low, high)) = scaled.filter(|(low, high)| *low < from || *high > to) else { continue };
        let has = match request.scale.filter(|scale| !scale.is_none()) {
            None => format!("has {min} to {max}"),
            Some(_) if high.is_finite() => format!("has {low} to {high} once it is scaled"),
            Some(_) => {
                "has numbers below and above 0 once it is scaled, which min_max keeps in a `feature_range`".to_owned()
            }
        };
        let range = match (from.is_finite(), to.is_finite()) {
            (true, true) => format!("{from} to {to}"),
            (true, false) => format!("{from} or more"),
            _ => format!("{to} or less"),
        };
        let detail = format!(
            "expected values that the last activation can output ({}: {range}), but {:?} {has}; a linear output has no bounds",
            last.kind(),
            column.name
        );
        let pointer = target_pointer(request.target, TARGET, index);
        return Some(UnreachableTarget { code: "target_out_of_range", pointer, detail });
    }
    None
}

/// Whether the task is the requested one.
fn check_request(request: &OutputRequest<'_>, task: Task, loss: Loss, width: usize) -> Result<(), FieldError> {
    let (Some(received), Some(kind)) = (request.task, task.kind()) else { return Ok(()) };
    if received.accepts(kind) {
        return Ok(());
    }
    let names: Vec<String> = request.columns.iter().map(|column| format!("{:?}", column.name)).collect();
    let (expected, loss, names) = (TaskRequest::from(kind).name(), loss_name(loss), names.join(", "));
    let units = if width == 1 { "1 unit".to_owned() } else { format!("{width} units") };
    let detail = format!(
        "expected {expected}: that is what {loss} learns from {names} with an output of {units}, received {}",
        received.name()
    );
    Err(FieldError::new(TASK, detail))
}

/// A unit for each class.
fn check_classes(column: &Column, task: Task, loss: Loss, width: usize) -> Result<Task, FieldError> {
    if column.distinct > 1 && indices(column, width, loss.ignore_class()) {
        return Ok(task);
    }
    let count = class_labels(column, loss)?;
    if let Some(ignored) = loss.ignore_class().filter(|class| !(0..count as i64).contains(class)) {
        let last = count.saturating_sub(1);
        let detail = format!("expected a class of {:?}, 0 to {last} in label order, received {ignored}", column.name);
        return Err(FieldError::new(format!("{LOSS}/ignore_class"), detail));
    }
    if count == width {
        return Ok(task);
    }
    let hint = match column.kind {
        _ if count == 2 && width == 1 => "; binary_crossentropy learns two classes with 1 unit".to_owned(),
        ColumnType::Number if count < width => {
            format!("; fewer labels are allowed where all are unit indices, whole numbers from 0 to {}", width - 1)
        }
        _ => match (label_lists(column), amount(column)) {
            (Some(lists), _) => format!("; {}", lists.detail()),
            (None, Some(text)) => format!("; labels such as {text:?} are text: a regression learns plain numbers"),
            (None, None) => String::new(),
        },
    };
    let detail = format!(
        "expected an output of {count} units, one for each of the {count} classes of {:?} ({}), received {width}{hint}",
        column.name,
        first_labels(column)
    );
    Err(FieldError::new("/model", detail))
}

/// A label that people read as a number, where most labels are so.
fn amount(column: &Column) -> Option<&str> {
    let labels = column.levels()?;
    let amounts: Vec<&str> = labels.iter().copied().filter(|label| is_amount(label)).collect();
    amounts.first().copied().filter(|_| amounts.len() * 10 >= labels.len() * 9)
}

/// The first labels of a column, for a message.
fn first_labels(column: &Column) -> String {
    const MOST: usize = 8;
    let values = column.values.as_deref().unwrap_or_default();
    let mut labels: Vec<String> = values.iter().take(MOST).map(|level| label_text(&level.value)).collect();
    labels.extend((values.len() > MOST).then(|| "…".to_owned()));
    labels.join(", ")
}

/// A column of class indices, or of text, for each step or position of an output of several axes.
fn check_step_classes(request: &OutputRequest<'_>, loss: Loss, shape: &Shape) -> Result<Task, FieldError> {
    let (targets, units) = (request.columns.as_slice(), shape.last());
    let (positions, last) = (shape.elements() / units.max(1), units.saturating_sub(1));
    if targets.len() != positions {
        let detail = format!(
            "{} learns one column of class labels for each of the {positions} steps or positions of the output {shape}, \
             received {}",
            loss_name(loss),
            targets.len()
        );
        return Err(FieldError::new(TARGET, detail));
    }
    if let Some(tags) = tags(targets) {
        let (count, first) = (tags.len(), tags.iter().take(8).map(label_text).collect::<Vec<_>>().join(", "));
        if count == units {
            return Ok(Task::StepClasses);
        }
        let detail = format!(
            "expected an output of {count} units, one for each of the {count} classes of the target columns ({first}{}), \
             received {units}",
            if count > 8 { ", …" } else { "" }
        );
        return Err(FieldError::new("/model", detail));
    }
    for (index, column) in targets.iter().enumerate() {
        let column_name = &column.name;
        if indices(column, units, loss.ignore_class()) {
            continue;
        }
        let received = match column.kind {
            ColumnType::Number => {
                format!(
                    "numbers from {} to {}",
                    column.minimum().unwrap_or_default(),
                    column.maximum().unwrap_or_default()
                )
            }
            _ => {
                format!("a {} ({})", column.kind.name(), first_labels(column))
            }
        };
        let detail = format!(
            "{} learns class indices, whole numbers from 0 to {last}, or text in every column, but {column_name:?} has {received}",
            loss_name(loss)
        );
        return Err(FieldError::new(target_pointer(request.target, TARGET, index), detail));
    }
    Ok(Task::StepClasses)
}

/// Whether a column has fractions from 0 to 1 rather than class labels.
fn has_fractions(column: &Column) -> bool {
    column.kind == ColumnType::Number && is_in_unit_interval(column) && label_count(column).is_none()
}

/// Whether a column's numbers lie from 0 to 1.
fn is_in_unit_interval(column: &Column) -> bool {
    column.minimum() >= Some(0.0) && column.maximum() <= Some(1.0)
}

fn several_targets_error(loss: Loss, targets: &[&Column]) -> FieldError {
    FieldError::new(TARGET, format!("{} learns one target column, received {}", loss_name(loss), targets.len()))
}

fn several_class_columns_error(loss: Loss, targets: &[&Column], width: usize) -> FieldError {
    let (name, count) = (loss_name(loss), targets.len());
    let detail = format!(
        "{name} learns one target column of class labels with an output of {width} units, received {count}; an output of \
         the shape [{count}, classes] learns one column per step, and one-hot columns are learned with \
         categorical_crossentropy"
    );
    FieldError::new(TARGET, detail)
}

fn check_fraction(width: usize) -> Result<Task, FieldError> {
    match width {
        1 => Ok(Task::Regression),
        _ => Err(FieldError::new("/model", format!("expected an output of 1 cell, received {width}"))),
    }
}

/// One unit for two classes, or a unit for each class.
fn check_two_classes(column: &Column, task: Task, loss: Loss, width: usize) -> Result<Task, FieldError> {
    let count = class_labels(column, loss)?;
    match width {
        1 if count == 2 => Ok(task),
        1 => Err(FieldError::new(
            "/model",
            format!(
                "expected an output of {count} cells, one for each of the {count} classes of {:?}, received 1, which \
                 distinguishes 2 classes",
                column.name
            ),
        )),
        _ if task == Task::Margin => check_classes(column, Task::Margins, loss, width),
        _ => check_classes(column, Task::OneHotClasses, loss, width),
    }
}

/// The task of target columns that are numbers, one per unit of the output.
fn choose_number_task(
    request: &OutputRequest<'_>,
    loss: Loss,
    width: usize,
    last: Option<Activation>,
) -> Result<Task, FieldError> {
    let targets = request.columns.as_slice();
    for (index, column) in targets.iter().enumerate() {
        let (column_name, loss_name) = (&column.name, loss_name(loss));
        let (min, max) = (column.minimum().unwrap_or_default(), column.maximum().unwrap_or_default());
        let detail = match (column.kind, loss.target_kind()) {
            (ColumnType::Category | ColumnType::Ordinal, _) => {
                format!("{loss_name} learns numbers, but {column_name:?} is a category; a cross-entropy learns classes")
            }
            (ColumnType::Number, TargetKind::Binary | TargetKind::Probabilities) if !is_in_unit_interval(column) => {
                format!("{loss_name} learns values from 0 to 1, but {column_name:?} has {min} to {max}")
            }
            (ColumnType::Number, TargetKind::SignedBinary) if !is_flag(column) => {
                format!("{loss_name} learns 0 and 1 or -1 and 1, but {column_name:?} has {min} to {max}")
            }
            _ => continue,
        };
        let pointer = match request.loss {
            Some(_) => LOSS.to_owned(),
            None => target_pointer(request.target, TARGET, index),
        };
        return Err(FieldError::new(pointer, detail));
    }
    if targets.len() != width {
        let count = targets.len();
        let detail = format!("expected an output of {count} cells, one for each target column, received {width}");
        return Err(FieldError::new("/model", detail));
    }
    let are_flags = targets.len() > 1 && targets.iter().all(|column| is_flag(column));
    Ok(match (request.task, loss.target_kind(), last) {
        (Some(TaskRequest::Regression), ..) => Task::Regression,
        _ if !are_flags => Task::Regression,
        (Some(TaskRequest::MulticlassClassification), TargetKind::Probabilities | TargetKind::Continuous, it)
            if it != SIGMOID =>
        {
            Task::OneHotColumns
        }
        (Some(TaskRequest::MultilabelClassification), learns, it)
            if learns != TargetKind::Probabilities && it != SOFTMAX =>
        {
            Task::LabelColumns
        }
        (_, TargetKind::Probabilities, _) | (.., SOFTMAX) => Task::OneHotColumns,
        (_, TargetKind::Binary | TargetKind::SignedBinary, _) | (.., SIGMOID) => Task::LabelColumns,
        _ => Task::Regression,
    })
}

/// The number of class labels in a column.
fn class_labels(column: &Column, loss: Loss) -> Result<usize, FieldError> {
    let (column_name, distinct) = (&column.name, column.distinct);
    let refuse = |detail: String| Err(FieldError::new(TARGET, detail));
    let Some(values) = &column.values else {
        let why = if distinct > MAX_LISTED_INTEGERS as u64 { "more than 1000" } else { "not all of them integers" };
        return match column.kind {
            ColumnType::Number => Err(FieldError::new(
                LOSS,
                format!(
                    "{} learns class labels, but {column_name:?} has {distinct} different numbers, {why}; to learn each of them as a \
                     class, give the column the type category at upload",
                    loss_name(loss)
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
    inexact_labels(column).map_or(Ok(values.len()), refuse)
}
