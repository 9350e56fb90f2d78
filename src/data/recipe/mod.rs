//! Preprocessing fitted on the training rows, stored with the model: raw record to tensor, output to label.
//!
//! Inputs are the features in the requested order, each with one or more elements; see `feature`.

mod confusion;
mod decode;
mod encode;
mod feature;
mod json;
mod size;
mod target;
pub mod task;

pub use confusion::{ConfusionMatrix, CountedRows};
pub(crate) use decode::label_text;
pub use decode::{Prediction, Probabilities};
pub use encode::{Encoded, Encoder, PredictionWarning};
pub use feature::input_width;
pub use json::json_number;
pub use size::nested_bytes;
pub use target::{indices, tags};
pub use task::{Task, TaskKind};

use crate::{
    data::{
        named::{Named, PerOutput},
        schema::{Column, ColumnType},
        table::{Table, TableColumn},
    },
    engine::{activation::Activation, field::FieldError, input_layout::InputColumn, shape::Shape},
};
use encode::Record;
use feature::Feature;
use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;
use target::Target;

/// The form in which recipes are stored; a change of it that old ones cannot be read by raises this number.
const VERSION: u32 = 2;

/// How number columns are scaled. A name (`"standardize"`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preprocessing {
    /// (x - mean) / standard deviation (population, as scikit-learn's StandardScaler).
    #[default]
    Standardize,
    /// (x - min) / (max - min)
    MinMax,
    /// As they are.
    None,
}

/// Everything between raw records and the network, both ways.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    version: u32,
    /// Of every input one after the other.
    features: Vec<Feature>,
    /// The place of each feature's column among the columns of a raw record; empty where no two features have one column.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    places: Vec<usize>,
    outputs: Vec<Output>,
}

/// The targets of one output of the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Output {
    /// What a request calls it where there are several.
    name: String,
    task: Task,
    targets: Vec<Target>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    logits: Option<Logits>,
    /// The axes of the output of one sample, where each step or position has a class or values are given as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    axes: Vec<usize>,
}

/// How an output of logits becomes probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Logits {
    /// Sigmoid or softmax.
    pub activation: Activation,
    /// Size of the output's last axis.
    pub width: usize,
}

/// The requested targets of one output.
#[derive(Debug, Clone, Copy)]
pub struct OutputTargets<'a> {
    /// What a request calls it where there are several.
    pub name: &'a str,
    /// What the columns are to the network.
    pub task: Task,
    /// The target columns.
    pub columns: &'a [String],
    /// Set if the output is logits.
    pub logits: Option<Logits>,
    /// The shape of the output of one sample; where classes are learned its last axis has a unit a class.
    pub shape: &'a Shape,
    /// The class index that the loss leaves out.
    pub ignore_class: Option<i64>,
}

/// The input and output columns of a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Signature {
    /// In the order of list instances: each column once, in the order in which the inputs of the model have them.
    pub inputs: Vec<SignatureColumn>,
    /// The targets.
    pub outputs: Vec<SignatureColumn>,
    /// What the outputs are.
    #[schema(schema_with = task::schema)]
    pub task: PerOutput<Option<TaskKind>>,
}

/// One column of a signature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SignatureColumn {
    /// The column's name.
    pub name: String,
    /// The output that it is a target of, where there are several.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub output: Option<String>,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// Its levels in label order, for categories, booleans and class labels.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub levels: Option<Vec<Value>>,
}

impl Recipe {
    /// Fits on the rows `training` of `table`. `features` are the columns of each input, one input after the other; a column
    /// of several inputs is fitted for each of them. `preprocessing` is called with the index of each feature. The columns' levels come from `columns`, so that widths
    /// are known before the data is read; a level that no training row has is encoded as zeros, as an unseen one is.
    pub fn fit(
        table: &Table,
        columns: &[Column],
        features: &[String],
        outputs: &[OutputTargets<'_>],
        preprocessing: impl Fn(usize) -> Preprocessing,
        training: &[usize],
    ) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut fitted = Vec::with_capacity(features.len());
        for (index, name) in features.iter().enumerate() {
            let pair =
                pair(table, columns, name).map_err(|detail| FieldError::new(format!("/features/{index}"), detail));
            let feature = pair.and_then(|(schema, cells)| {
                Feature::fit(schema, cells, preprocessing(index), training)
                    .map_err(|detail| FieldError::new(format!("/features/{index}"), detail))
            });
            feature.map_or_else(|error| errors.push(error), |feature| fitted.push(feature));
        }
        let mut fitted_outputs = Vec::with_capacity(outputs.len());
        for output in outputs {
            let mut targets = Vec::with_capacity(output.columns.len());
            let schemas: Vec<&Column> = output.columns.iter().filter_map(|name| column(columns, name).ok()).collect();
            let tags = if output.task == Task::StepClasses { tags(&schemas).unwrap_or_default() } else { Vec::new() };
            for name in output.columns {
                let target = column(columns, name).and_then(|schema| Target::new(schema, output, &tags));
                target.map_or_else(|detail| errors.push(FieldError::new("/target", detail)), |it| targets.push(it));
            }
            let (name, task, logits) = (output.name.to_owned(), output.task, output.logits);
            let has_axes = matches!(task, Task::StepClasses | Task::Raw);
            let axes = if has_axes { output.shape.0.clone() } else { Vec::new() };
            fitted_outputs.push(Output { name, task, targets, logits, axes });
        }
        if errors.is_empty() {
            Ok(Self { version: VERSION, features: fitted, places: places(features), outputs: fitted_outputs })
        } else {
            Err(errors)
        }
    }

    /// Inputs of `rows`: [rows, columns of the inputs]. A feature that `table` does not have is missing in every row.
    pub fn inputs(&self, table: &Table, rows: &[usize]) -> Array2<f32> {
        let mut inputs = Array2::zeros((rows.len(), self.features.len()));
        for (feature, cells) in self.features.iter().zip(inputs.columns_mut()) {
            feature.encode_column(cells_of(table, feature.name()), rows, cells);
        }
        inputs
    }

    /// What the columns of the inputs are.
    pub fn input_columns(&self) -> impl Iterator<Item = InputColumn> {
        self.features.iter().map(Feature::column)
    }

    /// Every output's targets with its task.
    fn targets_with_task(&self) -> impl Iterator<Item = (Task, &Target)> {
        self.outputs.iter().flat_map(|output| output.targets.iter().map(|target| (output.task, target)))
    }

    /// Targets of `rows`: [rows, target elements of every output in turn]. Fails if a target is missing or a validation label is unknown.
    pub fn targets(&self, table: &Table, rows: &[usize]) -> Result<Array2<f32>, FieldError> {
        let width = self.targets_with_task().map(|(task, target)| target.width(task)).sum();
        let mut targets = Array2::zeros((rows.len(), width));
        let mut first = 0;
        for (task, target) in self.targets_with_task() {
            let next = first + target.width(task);
            let cells = targets.slice_mut(ndarray::s![.., first..next]);
            target
                .encode(task, cells_of(table, target.name()), rows, cells)
                .map_err(|detail| FieldError::new("/target", detail))?;
            first = next;
        }
        Ok(targets)
    }

    /// The class of each of `rows`, as an index into the labels; empty where there is more than one target, and for a
    /// regression. Fails as [`Self::targets`] does.
    pub fn classes(&self, table: &Table, rows: &[usize]) -> Result<Vec<usize>, FieldError> {
        self.class_target().map_or(Ok(Vec::new()), |target| {
            let classes = target.classes(cells_of(table, target.name()), rows);
            classes.map_err(|detail| FieldError::new("/target", detail))
        })
    }

    /// The class labels in label order; empty where there is more than one output, and for a regression.
    pub fn labels(&self) -> &[Value] {
        self.class_target().map_or(&[], Target::labels)
    }

    /// The columns of the only output where it has several and learns them as numbers, a class each where they are one-hot.
    pub fn one_hot_columns(&self) -> Option<Vec<String>> {
        match self.outputs.as_slice() {
            [Output { task, targets, .. }] if task.learns_numbers() && targets.len() > 1 => {
                Some(targets.iter().map(|target| target.name().to_owned()).collect())
            }
            _ => None,
        }
    }

    fn class_target(&self) -> Option<&Target> {
        match self.outputs.as_slice() {
            [Output { task, targets, .. }] if task.has_one_label() => targets.first(),
            _ => None,
        }
    }

    /// An encoder of this many raw instances: records by column, lists in the order of [`Signature::inputs`], or lists of each input's
    /// values; `shapes` are those of the inputs. Every error points below the request (`/instances/0/sepal_width`).
    pub fn encoder<'a>(&'a self, shapes: &'a [Shape], instances: usize) -> Encoder<'a> {
        Encoder::new(Record { shapes, ..self.record() }, instances)
    }

    /// Where the value behind a column of the inputs is in a raw instance: `/sepal_width` in a record, `/1` in a list.
    pub fn pointer(&self, is_record: bool, column: usize) -> String {
        self.record().pointer(is_record, column)
    }

    fn record(&self) -> Record<'_> {
        Record { features: &self.features, places: &self.places, shapes: &[], outputs: &self.outputs }
    }

    /// Answers for the network's output [rows, output elements]; `cells` is the number of elements of each output.
    pub fn decode(&self, output: ArrayView2<'_, f32>, cells: &[usize]) -> Vec<Prediction> {
        match self.outputs.as_slice() {
            [only] => decode::decode(only, output),
            outputs => decode::decode_several(outputs, output, cells),
        }
    }

    /// Its input and output columns.
    pub fn signature(&self) -> Signature {
        Signature {
            inputs: self.record().columns().map(Feature::signature).collect(),
            outputs: self.outputs.iter().flat_map(|output| self.signature_of(output)).collect(),
            task: match self.outputs.as_slice() {
                [only] => PerOutput::One(only.task.kind()),
                outputs => PerOutput::Each(Named(outputs.iter().map(|it| (it.name.clone(), it.task.kind())).collect())),
            },
        }
    }

    fn signature_of(&self, output: &Output) -> Vec<SignatureColumn> {
        let name = (self.outputs.len() > 1).then(|| output.name.clone());
        let signature = |target: &Target| SignatureColumn { output: name.clone(), ..target.signature() };
        output.targets.iter().map(signature).collect()
    }
}

/// The place of each feature's column among the columns in order of first appearance; empty where each has its own.
fn places(features: &[String]) -> Vec<usize> {
    let mut known = HashMap::new();
    let mut place = |name| {
        let next = known.len();
        *known.entry(name).or_insert(next)
    };
    let places: Vec<usize> = features.iter().map(|name| place(name.as_str())).collect();
    if known.len() == features.len() { Vec::new() } else { places }
}

fn column<'a>(columns: &'a [Column], name: &str) -> Result<&'a Column, String> {
    columns.iter().find(|column| column.name == name).ok_or_else(|| format!("there is no column {name:?}"))
}

fn cells_of<'a>(table: &'a Table, name: &str) -> Option<&'a TableColumn> {
    table.columns.iter().find(|column| column.name == name)
}

fn pair<'a>(table: &'a Table, columns: &'a [Column], name: &str) -> Result<(&'a Column, &'a TableColumn), String> {
    let cells = cells_of(table, name).ok_or_else(|| format!("column {name:?} was not loaded"))?;
    Ok((column(columns, name)?, cells))
}

#[cfg(test)]
mod tests;
