//! Preprocessing fitted on the training rows, stored with the model: raw record to tensor, output to label.
//!
//! Inputs are the features in the requested order, each with one or more elements; see `feature`.

mod apart;
mod cells;
mod confusion;
mod dates;
mod decode;
mod encode;
mod encode_settings;
mod feature;
mod finite;
mod fit;
mod fitted;
mod hashing;
mod json;
mod levels;
mod matrix;
mod memory;
mod missing;
mod notes;
mod numbers;
mod one_hot;
mod preparation;
mod probabilities;
mod readings;
pub mod scale;
mod size;
mod target;
mod target_mean;
pub mod task;
mod value;

pub use confusion::{ConfusionMatrix, CountedRows};
pub use dates::DateFeature;
pub(crate) use decode::label_text;
pub use decode::{Prediction, Probabilities};
pub use encode::{Encoded, Encoder};
pub use encode_settings::{Encode, EncodeSettings, Unseen};
pub use fitted::FittedRecipe;
pub use json::json_number;
pub use matrix::Matrix;
pub use memory::{PreparedRows, preparing_bytes};
pub use missing::{Missing, MissingStrategy};
pub use notes::PredictionWarning;
pub use preparation::{Preparation, RecipeProfile, levels};
pub use readings::Reading;
pub use scale::Scale;
pub use size::nested_bytes;
pub use target::{indices, tags};
pub use task::{Task, TaskKind};

use crate::{
    data::{
        named::{Named, PerOutput},
        schema::ColumnType,
        table::{Table, TableColumn},
    },
    engine::{
        activation::Activation,
        cancel::{Cancellation, is_cancelled},
        field::FieldError,
        fit::Rescale,
        input_layout::InputColumn,
        real::Real,
        shape::Shape,
    },
};
use encode::Record;
use feature::{ColumnEncoder, Feature};
use ndarray::{Array2, ArrayView2, ArrayViewMut2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use target::Target;

/// The form in which recipes are stored; a change of it that old ones cannot be read by raises this number.
const VERSION: u32 = 3;

/// Rows that are encoded at a time.
const BLOCK_ROWS: usize = 2048;

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
    /// What an upload spelled missing values like, beside the usual spellings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
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
    /// Whether the loss reads the target's numbers and the output as probabilities, not as logits.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    probabilities: bool,
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
    /// Whether the loss reads the output as probabilities, not as logits.
    pub probabilities: bool,
    /// The shape of the output of one sample; where classes are learned its last axis has a unit a class.
    pub shape: &'a Shape,
    /// The class index that the loss leaves out.
    pub ignore_class: Option<i64>,
    /// How numbers are scaled; undone in predictions.
    pub scale: &'a Scale,
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
    /// What the columns of the inputs are.
    pub fn input_columns(&self) -> impl Iterator<Item = InputColumn> {
        self.features.iter().flat_map(Feature::columns)
    }

    /// Inputs of `rows`: [rows, columns of the inputs]. A feature that `table` does not have is missing in every row. Ends early once
    /// cancelled, with inputs without meaning.
    pub fn inputs<F: Real>(&self, table: &Table, rows: &[usize]) -> Array2<F> {
        let width: usize = self.features.iter().map(Feature::column_count).sum();
        let mut inputs = Array2::from_elem((rows.len(), width), F::ZERO);
        let cancellation = Cancellation::current();
        let features = self.features.par_iter();
        let encoders: Vec<ColumnEncoder<'_, F>> =
            features.map(|feature| cancellation.within(|| feature.encoder(cells_of(table, feature.name())))).collect();
        // A block of rows stays in the cache for all of its columns.
        let blocks = inputs.as_slice_mut().unwrap_or_default().par_chunks_mut((width * BLOCK_ROWS).max(1));
        blocks.zip(rows.par_chunks(BLOCK_ROWS)).for_each(|(block, rows)| {
            if cancellation.within(is_cancelled) {
                return;
            }
            let Ok(mut block) = ArrayViewMut2::from_shape((rows.len(), width), block) else { return };
            let mut first = 0;
            for (feature, encoder) in self.features.iter().zip(&encoders) {
                let next = first + feature.column_count();
                encoder(rows, block.slice_mut(ndarray::s![.., first..next]));
                first = next;
            }
        });
        inputs
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

    /// By output and target column: how the network's numbers become those of the target.
    pub fn rescales(&self) -> Vec<Vec<Vec<Rescale>>> {
        let of_output = |output: &Output| match output.targets.iter().any(Target::is_scaled) {
            true => output.targets.iter().map(Target::rescale).collect(),
            false => Vec::new(),
        };
        self.outputs.iter().map(of_output).collect()
    }

    /// The features that do not vary in the training rows and are 0 throughout, each once.
    pub fn constant_features(&self) -> Vec<String> {
        let constant = self.record().columns().filter(|feature| feature.is_constant());
        constant.map(|feature| feature.name().to_owned()).collect()
    }

    fn class_target(&self) -> Option<&Target> {
        match self.outputs.as_slice() {
            [Output { task, targets, .. }] if task.has_one_label() => targets.first(),
            _ => None,
        }
    }

    /// An encoder of this many raw instances: records by column, lists in the order of [`Signature::inputs`], or lists of each input's
    /// values; `shapes` are those of the inputs. Every error points below the request (`/instances/0/sepal_width`).
    pub fn encoder<'a, F: Real>(&'a self, shapes: &'a [Shape], instances: usize) -> Encoder<'a, F> {
        Encoder::new(Record { shapes, ..self.record() }, instances)
    }

    /// Where the value behind a column of the inputs is in a raw instance: `/sepal_width` in a record, `/1` in a list.
    pub fn pointer(&self, is_record: bool, column: usize) -> String {
        self.record().pointer(is_record, column)
    }

    fn record(&self) -> Record<'_> {
        let Self { features, places, outputs, missing, .. } = self;
        Record { features, places, shapes: &[], outputs, missing }
    }

    /// Takes these texts and numbers of a raw record as missing values: the option `missing` of an upload.
    pub fn set_missing(&mut self, missing: Vec<String>) {
        self.missing = missing;
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

fn cells_of<'a>(table: &'a Table, name: &str) -> Option<&'a TableColumn> {
    table.columns.iter().find(|column| column.name == name)
}

#[cfg(test)]
mod parallel_tests;
#[cfg(test)]
mod steps_tests;
#[cfg(test)]
mod tests;
