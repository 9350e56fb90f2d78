//! The task and the loss of each output of the model.

use super::{class_weight::check_class_weight, loss::choose_loss, output_request::OutputRequest, task::choose_task};
use crate::{
    data::{
        recipe::{Task, indices},
        schema::ColumnType,
        weights::ClassWeight,
    },
    engine::{activation::Activation, field::FieldError, loss::Loss, shape::Shape, spec::Architecture},
};

/// Task and loss of one output.
#[derive(Debug, Clone)]
pub(super) struct ResolvedOutput<'r> {
    pub request: &'r OutputRequest<'r>,
    pub task: Task,
    pub loss: Loss,
    /// Size of the output's last axis.
    pub width: usize,
    /// Whether the output is logits.
    pub is_logits: bool,
}

/// Task and loss of every output; `None` where one of them has none.
pub(super) fn resolve_outputs<'r>(
    requests: &'r [OutputRequest<'r>],
    class_weight: Option<&ClassWeight>,
    architecture: &Architecture,
    errors: &mut Vec<FieldError>,
) -> Option<Vec<ResolvedOutput<'r>>> {
    let before = errors.len();
    let several = requests.len() > 1;
    if class_weight.is_some() && several {
        let detail =
            "expected no class weights: the model has several outputs; `sample_weight` weighs rows for all of them";
        errors.push(FieldError::new("/training/class_weight", detail));
    }
    let class_weight = class_weight.filter(|_| !several);
    let mut outputs = Vec::with_capacity(requests.len());
    for (index, (request, shape)) in requests.iter().zip(architecture.output_shapes()).enumerate() {
        match resolve_output(request, class_weight, shape, architecture.last_activation(index)) {
            Ok(output) => outputs.push(output),
            Err(error) => errors.push(request.locate(error)),
        }
    }
    (errors.len() == before).then_some(outputs)
}

fn resolve_output<'r>(
    request: &'r OutputRequest<'r>,
    class_weight: Option<&ClassWeight>,
    shape: &Shape,
    last: Option<Activation>,
) -> Result<ResolvedOutput<'r>, FieldError> {
    let (task, loss) = match request.target {
        None => (Task::Raw, Task::Raw.usual_loss()),
        Some(_) => {
            let loss = choose_loss(request, shape, last)?;
            (choose_task(request, loss, shape, last)?, loss)
        }
    };
    if let Some(class_weight) = class_weight {
        check_class_weight(class_weight, &request.columns, task, shape.elements(), loss)?;
    }
    if task.has_one_label() && shape.0.len() > 1 {
        let detail = format!("expected an output of one axis for classes, received the shape {shape}");
        return Err(FieldError::new("/model", detail));
    }
    let is_logits = !request.is_untrained && loss.probability_activation(last).is_some();
    Ok(ResolvedOutput { request, task, loss, width: shape.last(), is_logits })
}

/// A column that is learned as classes.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClassColumn<'r> {
    pub name: &'r str,
    /// The number of classes, where its cells are class indices.
    pub indices: Option<usize>,
    /// The class index that the loss ignores.
    pub ignored: Option<i64>,
    /// Whether it is one of several columns with the same labels, one per step.
    pub is_step: bool,
}

/// The columns that are learned as classes.
pub(super) fn class_columns<'r>(outputs: &[ResolvedOutput<'r>]) -> Vec<ClassColumn<'r>> {
    let classifiers = outputs.iter().filter(|output| !output.task.learns_numbers() && output.task != Task::Raw);
    let of_output = |output: &ResolvedOutput<'r>| {
        let (units, ignored, task) = (output.width, output.loss.ignore_class(), output.task);
        output.request.columns.iter().map(move |column| {
            let is_multiclass = matches!(task, Task::SparseClasses | Task::OneHotClasses | Task::Margins);
            let is_step = task == Task::StepClasses;
            let by_index =
                is_step && column.kind == ColumnType::Number || is_multiclass && indices(column, units, ignored);
            ClassColumn { name: &column.name, indices: by_index.then_some(units), ignored, is_step }
        })
    };
    classifiers.flat_map(of_output).collect()
}
