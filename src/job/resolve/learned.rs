//! What the target is to the network: the task, and the loss that goes with it.

use super::{columns::target_pointer, outputs::Wanted};
use crate::{
    data::{
        recipe::{Task, indices, label_text, tags},
        schema::{Column, ColumnType},
        weights::{ClassWeight, class_of_column},
    },
    engine::{
        activation::Activation,
        field::{FieldError, escape, nearest, parse},
        loss::{Learns, Loss},
        shape::Shape,
        spec::Architecture,
    },
    job::training::Requested,
};
use serde_json::Value;

/// Where the target and the loss of an only output stand.
const TARGET: &str = "/target";
const LOSS: &str = "/training/loss";

/// Task and loss of one output.
#[derive(Debug, Clone)]
pub(super) struct Learned<'w> {
    pub wanted: &'w Wanted<'w>,
    pub task: Task,
    pub loss: Loss,
    /// Size of the output's last axis.
    pub width: usize,
    /// Whether the output gives logits.
    pub logits: bool,
}

/// What every output learns; `None` where one of them cannot.
pub(super) fn every<'w>(
    wanted: &'w [Wanted<'w>],
    requested: &Requested,
    architecture: &Architecture,
    errors: &mut Vec<FieldError>,
) -> Option<Vec<Learned<'w>>> {
    let before = errors.len();
    let class_weight = requested.class_weight.as_ref();
    if class_weight.is_some() && wanted.len() > 1 {
        let detail =
            "expected no class weights: the model has several outputs; `sample_weight` weighs rows for all of them";
        errors.push(FieldError::new("/class_weight", detail));
    }
    let mut all = Vec::with_capacity(wanted.len());
    for (index, (wanted, shape)) in wanted.iter().zip(architecture.output_shapes()).enumerate() {
        let last = architecture.last_activation(index);
        match learned(wanted, class_weight.filter(|_| wanted.name.is_empty()), shape, last) {
            Ok(learned) => all.push(learned),
            Err(error) => errors.push(error),
        }
    }
    (errors.len() == before).then_some(all)
}

/// A column that is learned as classes.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClassColumn<'w> {
    pub name: &'w str,
    /// Where its cells are class indices: how many classes there are.
    pub indices: Option<usize>,
    /// The class index that the loss leaves out.
    pub ignored: Option<i64>,
    /// Whether it is one of several with the same labels, a step each.
    pub is_step: bool,
}

/// The columns that are learned as classes.
pub(super) fn class_columns<'w>(learned: &[Learned<'w>]) -> Vec<ClassColumn<'w>> {
    let classes = learned.iter().filter(|learned| !learned.task.learns_numbers() && learned.task != Task::Raw);
    let of_output = |learned: &Learned<'w>| {
        let (units, ignored) = (learned.width, learned.loss.ignore_class());
        let task = learned.task;
        learned.wanted.columns.iter().map(move |column| {
            let several = matches!(task, Task::SparseClasses | Task::OneHotClasses | Task::Margins);
            let is_step = task == Task::StepClasses;
            let by_index = is_step && column.kind == ColumnType::Number || several && indices(column, units, ignored);
            ClassColumn { name: &column.name, indices: by_index.then_some(units), ignored, is_step }
        })
    };
    classes.flat_map(of_output).collect()
}

/// Decides task and loss for an output of this shape and last activation.
fn learned<'w>(
    wanted: &'w Wanted<'w>,
    class_weight: Option<&ClassWeight>,
    shape: &Shape,
    last: Option<Activation>,
) -> Result<Learned<'w>, FieldError> {
    let decided = decide(wanted, class_weight, shape, last).and_then(|(task, loss)| {
        if task.has_one_label() && shape.0.len() > 1 {
            let detail = format!("expected an output of one axis for classes, received the shape {shape}");
            return Err(FieldError::new("/model", detail));
        }
        let logits = !wanted.untrained && loss.answers_through(last).is_some();
        Ok(Learned { wanted, task, loss, width: shape.last(), logits })
    });
    decided.map_err(|error| wanted.place(error, TARGET, LOSS))
}

fn decide(
    wanted: &Wanted<'_>,
    class_weight: Option<&ClassWeight>,
    shape: &Shape,
    last: Option<Activation>,
) -> Result<(Task, Loss), FieldError> {
    let (targets, width) = (wanted.columns.as_slice(), shape.cells());
    if wanted.target.is_none() {
        return Ok((Task::Raw, Task::Raw.usual_loss()));
    }
    let loss = match wanted.loss {
        Some(loss) => loss.loss,
        None => default_loss(targets, shape)?,
    };
    let task = match (targets, loss.learns()) {
        (_, Learns::ClassIndex) if shape.0.len() > 1 => class_each_step(wanted, loss, shape),
        ([column], Learns::ClassIndex) => one_of_several(column, Task::SparseClasses, loss, width),
        ([column], Learns::Shares) => {
            let task = if loss == Loss::CategoricalHinge { Task::Margins } else { Task::OneHotClasses };
            one_of_several(column, task, loss, width)
        }
        ([column], Learns::Yes) if fractions(column) => one_fraction(width),
        ([column], Learns::Yes) => one_of_two(column, Task::Binary, loss, width),
        ([column], Learns::Sides) => one_of_two(column, Task::Margin, loss, width),
        (_, Learns::ClassIndex) => Err(several_class_columns(loss, targets, width)),
        (_, Learns::Shares) if targets.iter().any(|column| column.kind != ColumnType::Number) => {
            Err(several_targets(loss, targets))
        }
        _ => numbers(wanted, loss, width, last),
    }?;
    if let Some(class_weight) = class_weight {
        check_class_weight(class_weight, targets, task, width, loss)?;
    }
    Ok((task, loss))
}

/// A cross-entropy for classes, and the mean squared error for numbers: but integers are classes where the output has a unit
/// for each of them and no number to fit.
fn default_loss(targets: &[&Column], shape: &Shape) -> Result<Loss, FieldError> {
    let (width, units) = (shape.cells(), shape.last());
    let positions = width / units.max(1);
    let are_indices = || targets.iter().all(|column| indices(column, units, None));
    let are_tags = || tags(targets).is_some_and(|tags| tags.len() == units);
    let name = match targets {
        _ if shape.0.len() > 1
            && targets.len() == positions
            && targets.len() != width
            && (are_indices() || are_tags()) =>
        {
            "sparse_categorical_crossentropy"
        }
        [column] => match (column.kind, classes(column)) {
            (ColumnType::Category | ColumnType::Boolean, Some(2)) if width == 1 => "binary_crossentropy",
            (ColumnType::Category | ColumnType::Boolean, _) => "sparse_categorical_crossentropy",
            (ColumnType::Number, count) if width > 1 && (count == Some(width) || indices(column, width, None)) => {
                "sparse_categorical_crossentropy"
            }
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
        _ => String::new(),
    };
    let detail = format!(
        "expected an output of {count} units, one for each of the {count} classes of {:?} ({}), received {width}{hint}",
        column.name,
        some_labels(column)
    );
    Err(FieldError::new("/model", detail))
}

/// The first labels of a column, for a message.
fn some_labels(column: &Column) -> String {
    const MOST: usize = 8;
    let values = column.values.as_deref().unwrap_or_default();
    let mut labels: Vec<String> = values.iter().take(MOST).map(|level| label_text(&level.value)).collect();
    labels.extend((values.len() > MOST).then(|| "…".to_owned()));
    labels.join(", ")
}

/// A column of class indices, or of text, for each step or position of an output of more axes than one.
fn class_each_step(wanted: &Wanted<'_>, loss: Loss, shape: &Shape) -> Result<Task, FieldError> {
    let (targets, units) = (wanted.columns.as_slice(), shape.last());
    let (positions, last) = (shape.cells() / units.max(1), units.saturating_sub(1));
    if targets.len() != positions {
        let detail = format!(
            "{} learns one column of class labels for each of the {positions} steps or positions of the output {shape}, \
             received {}",
            name(loss),
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
                format!("numbers from {} to {}", column.min.unwrap_or_default(), column.max.unwrap_or_default())
            }
            ColumnType::Category | ColumnType::Boolean => format!("a {} ({})", column.kind.name(), some_labels(column)),
        };
        let detail = format!(
            "{} learns class indices, whole numbers from 0 to {last}, or text in every column, but {column_name:?} has {received}",
            name(loss)
        );
        return Err(FieldError::new(target_pointer(wanted.target, TARGET, index), detail));
    }
    Ok(Task::StepClasses)
}

/// Whether a column has numbers from 0 to 1 that are no class labels.
fn fractions(column: &Column) -> bool {
    column.kind == ColumnType::Number && within(column) && classes(column).is_none()
}

/// Whether a column's numbers lie from 0 to 1.
fn within(column: &Column) -> bool {
    column.min >= Some(0.0) && column.max <= Some(1.0)
}

/// Whether a column's numbers are 0 and 1, or -1 and 1.
fn sides(column: &Column) -> bool {
    let numbers: Vec<f64> = column.values.iter().flatten().filter_map(|level| level.value.as_f64()).collect();
    [0.0, -1.0].iter().any(|no| !numbers.is_empty() && numbers.iter().all(|number| [*no, 1.0].contains(number)))
}

fn several_targets(loss: Loss, targets: &[&Column]) -> FieldError {
    FieldError::new(TARGET, format!("{} learns one target column, received {}", name(loss), targets.len()))
}

fn several_class_columns(loss: Loss, targets: &[&Column], width: usize) -> FieldError {
    let (name, count) = (name(loss), targets.len());
    let detail = format!(
        "{name} learns one target column of class labels with an output of {width} units, received {count}; an output of \
         the shape [{count}, classes] learns a column a step, and one-hot columns are learned with \
         categorical_crossentropy"
    );
    FieldError::new(TARGET, detail)
}

fn one_fraction(width: usize) -> Result<Task, FieldError> {
    match width {
        1 => Ok(Task::Regression),
        _ => Err(FieldError::new("/model", format!("expected an output of 1 cell, received {width}"))),
    }
}

/// One cell for two classes, or one for each class.
fn one_of_two(column: &Column, task: Task, loss: Loss, width: usize) -> Result<Task, FieldError> {
    let count = class_labels(column, loss)?;
    match width {
        1 if count == 2 => Ok(task),
        1 => Err(FieldError::new(
            "/model",
            format!(
                "expected an output of {count} cells, one for each of the {count} classes of {:?}, received 1, which \
                 tells 2 classes apart",
                column.name
            ),
        )),
        _ if task == Task::Margin => one_of_several(column, Task::Margins, loss, width),
        _ => one_of_several(column, Task::OneHotClasses, loss, width),
    }
}

/// Numbers, a cell each.
fn numbers(wanted: &Wanted<'_>, loss: Loss, width: usize, last: Option<Activation>) -> Result<Task, FieldError> {
    let targets = wanted.columns.as_slice();
    for (index, column) in targets.iter().enumerate() {
        let (column_name, loss_name) = (&column.name, name(loss));
        let (min, max) = (column.min.unwrap_or_default(), column.max.unwrap_or_default());
        let detail = match (column.kind, loss.learns()) {
            (ColumnType::Category, _) => {
                format!("{loss_name} learns numbers, but {column_name:?} is a category; a cross-entropy learns classes")
            }
            (ColumnType::Number, Learns::Yes | Learns::Shares) if !within(column) => {
                format!("{loss_name} learns values from 0 to 1, but {column_name:?} has {min} to {max}")
            }
            (ColumnType::Number, Learns::Sides) if !sides(column) => {
                format!("{loss_name} learns 0 and 1 or -1 and 1, but {column_name:?} has {min} to {max}")
            }
            _ => continue,
        };
        let pointer = match wanted.loss {
            Some(_) => LOSS.to_owned(),
            None => target_pointer(wanted.target, TARGET, index),
        };
        return Err(FieldError::new(pointer, detail));
    }
    if targets.len() != width {
        let count = targets.len();
        let detail = format!("expected an output of {count} cells, one for each target column, received {width}");
        return Err(FieldError::new("/model", detail));
    }
    Ok(match (loss.learns(), last) {
        _ if targets.len() < 2 || !targets.iter().all(|column| column.kind == ColumnType::Boolean || sides(column)) => {
            Task::Regression
        }
        (Learns::Shares, _) | (_, Some(Activation::Softmax)) => Task::OneHotColumns,
        (Learns::Yes | Learns::Sides, _) | (_, Some(Activation::Sigmoid)) => Task::LabelColumns,
        _ => Task::Regression,
    })
}

fn class_labels(column: &Column, loss: Loss) -> Result<usize, FieldError> {
    let (column_name, distinct) = (&column.name, column.distinct);
    let refuse = |detail: String| Err(FieldError::new(TARGET, detail));
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

fn check_class_weight(
    class_weight: &ClassWeight,
    targets: &[&Column],
    task: Task,
    units: usize,
    loss: Loss,
) -> Result<(), FieldError> {
    if task == Task::StepClasses {
        let detail = "expected no class weights: each row has several classes, one a step; `sample_weight` weighs rows";
        return Err(FieldError::new("/class_weight", detail));
    }
    if targets.len() > 1 && matches!(loss.learns(), Learns::Shares | Learns::Yes) {
        return check_column_weight(class_weight, targets);
    }
    if task.learns_numbers() {
        return Err(FieldError::new(
            "/class_weight",
            "expected no class weights: the target is not learned as classes",
        ));
    }
    let ClassWeight::Labels(weights) = class_weight else { return Ok(()) };
    let several = matches!(task, Task::SparseClasses | Task::OneHotClasses | Task::Margins);
    let labels: Vec<String> = match targets {
        [column] if several && indices(column, units, loss.ignore_class()) => {
            (0..units).map(|unit| unit.to_string()).collect()
        }
        _ => targets.iter().flat_map(|column| &column.values).flatten().map(|level| label_text(&level.value)).collect(),
    };
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

/// Weights of classes that have a target column each.
fn check_column_weight(class_weight: &ClassWeight, targets: &[&Column]) -> Result<(), FieldError> {
    let ClassWeight::Labels(weights) = class_weight else { return Ok(()) };
    let columns: Vec<String> = targets.iter().map(|column| column.name.clone()).collect();
    let mut named = vec![None; columns.len()];
    for key in weights.keys() {
        let earlier = class_of_column(key, &columns).and_then(|class| named.get_mut(class)?.replace(key));
        let detail = match (class_of_column(key, &columns), earlier) {
            (Some(_), None) => continue,
            (Some(_), Some(earlier)) => format!("expected a weight a column, received {earlier:?} and {key:?} for one"),
            (None, _) => {
                let near = nearest(key, columns.iter().map(String::as_str));
                let hint = near.map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
                let (last, columns) = (columns.len() - 1, columns.join(", "));
                format!("expected target columns among {columns}, or their places 0 to {last}, received {key:?}{hint}")
            }
        };
        return Err(FieldError::new(format!("/class_weight/{}", escape(key)), detail));
    }
    Ok(())
}
