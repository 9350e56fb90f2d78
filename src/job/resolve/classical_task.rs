//! What a classical model learns of a target: classes or numbers.

use super::{
    columns::{inexact_labels, is_flag, label_count},
    output_request::TARGET,
    request::JobRequest,
};
use crate::{
    data::{
        named::PerOutput,
        read::MAX_LISTED_INTEGERS,
        recipe::Task,
        schema::{Column, ColumnType},
    },
    engine::{
        classical::{self, ClassicalModel, Traits},
        field::FieldError,
    },
    job::{preprocessing::JobWarning, task_request::TaskRequest},
};

/// Different whole numbers up to which a model that learns classes alone takes them as labels, and up to which those that are learned as
/// numbers may be labels.
const MAX_NUMBER_LABELS: usize = 20;

/// Classes or numbers: what is asked for, or what the target is. `columns` are the features.
pub(super) fn choose_task(
    request: &JobRequest,
    target: &Column,
    model: &ClassicalModel,
    columns: usize,
    errors: &mut Vec<FieldError>,
) -> Option<(Task, classical::Task)> {
    let (kind, traits) = (model.kind(), model.traits());
    let asked = match &request.task {
        None => None,
        Some(PerOutput::One(task)) => Some(*task),
        Some(PerOutput::Each(_)) => {
            errors.push(FieldError::new("/task", format!("expected one task: a {kind} has one output")));
            return None;
        }
    };
    let is_number = matches!(target.kind, ColumnType::Number);
    let labels = label_count(target).or_else(|| (target.kind == ColumnType::Boolean).then_some(2));
    let classifies = match asked {
        Some(TaskRequest::Regression) => false,
        Some(_) => true,
        None if is_number && !traits.regresses => labels.is_some_and(|count| count <= MAX_NUMBER_LABELS),
        // Two whole numbers are labels, as scikit-learn takes them, unless the settings are those of a regression.
        None => !is_number || (traits.classifies && labels == Some(2) && !has_settings_of_regression(model, columns)),
    };
    let mut refuse = |pointer: &str, detail: String| {
        errors.push(FieldError::new(pointer, detail));
        None
    };
    let name = &target.name;
    match (classifies, labels) {
        (false, _) if !is_number && target.kind != ColumnType::Boolean => {
            refuse("/task", format!("expected classification: {name:?} is a {}", target.kind.name()))
        }
        (false, None) if !traits.regresses && is_number && asked.is_none() => refuse(
            "/model",
            format!(
                "expected a model for numbers, received a {kind}, which learns classes; to learn each different number of {name:?} as a \
                 class, give the column the type category at upload"
            ),
        ),
        (false, _) if !traits.regresses => refuse(
            if asked.is_some() { "/task" } else { "/model" },
            format!(
                "expected a model for numbers, received a {kind}, which learns classes; with `\"task\": \"classification\"` each \
                 different number of {name:?} is a class"
            ),
        ),
        (false, _) => Some((Task::Regression, classical::Task::Regression)),
        (true, _) if !traits.classifies => refuse(
            if asked.is_some() { "/task" } else { "/model" },
            format!("expected a model for classes, received a {kind}, which learns numbers, for {name:?}"),
        ),
        (true, None) => {
            let (about, distinct) = (if target.distinct_estimated { "about " } else { "" }, target.distinct);
            let hint = match is_number {
                true if distinct > MAX_LISTED_INTEGERS as u64 => {
                    ", more than 1000; give the column the type category at upload"
                }
                true => ", not all of them whole; give the column the type category at upload",
                false => "",
            };
            refuse(TARGET, format!("expected class labels, but {name:?} has {about}{distinct} different values{hint}"))
        }
        (true, Some(count)) if count < 2 => {
            refuse(TARGET, format!("expected at least 2 classes, but {name:?} has {count}"))
        }
        (true, Some(_)) if inexact_labels(target).is_some() => {
            refuse(TARGET, inexact_labels(target).unwrap_or_default())
        }
        (true, Some(count)) => match asked {
            Some(TaskRequest::BinaryClassification) if count != 2 => {
                refuse("/task", format!("expected classification: {name:?} has {count} classes"))
            }
            Some(TaskRequest::MultilabelClassification) => {
                refuse("/task", "expected classification: the target is one column".to_owned())
            }
            asked => {
                let is_binary = count == 2 && asked != Some(TaskRequest::MulticlassClassification);
                let task = if is_binary { Task::Binary } else { Task::SparseClasses };
                Some((task, classical::Task::Classification { n_classes: count }))
            }
        },
    }
}

/// Whether settings of a model are those of its regressor alone, such as `"criterion": "squared_error"`.
fn has_settings_of_regression(model: &ClassicalModel, columns: usize) -> bool {
    let fits = |task| model.check_task(task, columns).is_ok();
    fits(classical::Task::Regression) && !fits(classical::Task::Classification { n_classes: 2 })
}

/// A warning about whole numbers that may be meant as the other task, where the request does not say which.
pub(super) fn doubtful_task(request: &JobRequest, target: &Column, task: Task, traits: Traits) -> Option<JobWarning> {
    let is_open = request.task.is_none() && traits.classifies && traits.regresses;
    let numbers = target.values.as_ref().filter(|_| is_open && target.kind == ColumnType::Number)?;
    let numbers: Vec<i64> = numbers.iter().filter_map(|level| level.value.as_i64()).collect();
    let (first, last, name) = (*numbers.first()?, *numbers.last()?, &target.name);
    let are_consecutive = last.checked_sub(first) == i64::try_from(numbers.len()).ok().map(|count| count - 1);
    let detail = match (task, numbers.as_slice()) {
        (Task::Regression, [_, _, _, ..]) if are_consecutive && numbers.len() <= MAX_NUMBER_LABELS => format!(
            "{name:?} has the whole numbers {first} to {last}, which are learned as numbers; if they are classes, write \"task\": \
             \"classification\""
        ),
        (Task::Regression, _) => return None,
        (_, [1, 2]) => return None,
        _ if is_flag(target) => return None,
        _ => format!(
            "{name:?} has two numbers, {first} and {last}, which are learned as classes; if they are amounts, write \"task\": \
             \"regression\""
        ),
    };
    Some(JobWarning { code: "doubtful_task".to_owned(), columns: vec![name.clone()], detail })
}
