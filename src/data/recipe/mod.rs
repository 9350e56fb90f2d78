//! Preprocessing fitted on the training rows, stored with the model: raw record to tensor, output to label.
//!
//! Inputs are the features in the requested order, each with one or more elements; see `feature`.

mod cells;
mod confusion;
mod dates;
mod decode;
mod encode;
mod encode_settings;
mod feature;
mod fit;
mod hashing;
mod json;
mod levels;
mod matrix;
mod missing;
mod notes;
mod numbers;
mod one_hot;
mod preparation;
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
pub use json::json_number;
pub use matrix::Matrix;
pub use missing::{Missing, MissingStrategy};
pub use notes::PredictionWarning;
pub use preparation::{Preparation, RecipeProfile, levels};
pub use scale::Scale;
pub use size::nested_bytes;
pub use target::{indices, tags};
pub use task::{Task, TaskKind};

use crate::{
    data::{
        named::{Named, PerOutput},
        schema::{Column, ColumnType},
        table::{Cells, Table, TableColumn},
    },
    engine::{
        activation::Activation, field::FieldError, fit::Rescale, input_layout::InputColumn, real::Real, shape::Shape,
    },
};
use encode::Record;
use feature::{ColumnEncoder, Feature, FittedFeature};
use ndarray::{Array2, ArrayView2, ArrayViewMut2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;
use target::Target;
use target_mean::TargetValues;

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
    /// How numbers are scaled; undone in predictions.
    pub scale: &'a Scale,
}

/// A fitted recipe with the elements of the training rows that are not those of a prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedRecipe {
    /// What is stored with the version.
    pub recipe: Recipe,
    /// By feature: the elements of the training rows, where these are encoded by the rows of other folds.
    cross_fitted: Vec<(usize, Array2<f64>)>,
}

impl FittedRecipe {
    /// Inputs of the rows that the recipe was fitted on: [rows, columns of the inputs].
    pub fn training_inputs<F: Real>(&self, table: &Table, training: &[usize]) -> Array2<F> {
        let mut inputs = self.recipe.inputs(table, training);
        for (index, elements) in &self.cross_fitted {
            let first: usize = self.recipe.features.iter().take(*index).map(Feature::column_count).sum();
            let next = first + elements.ncols();
            inputs
                .slice_mut(ndarray::s![.., first..next])
                .zip_mut_with(elements, |input, element| *input = F::of(*element));
        }
        inputs
    }
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
    /// Fits on the rows `training` of `table`. `features` are the columns of each input, one input after the other, each with its
    /// preparation; a column of several inputs is fitted for each of them. The columns' levels come from `columns`, so that
    /// widths are known before the data is read; a level that no training row has is encoded as an unseen one.
    ///
    /// # Errors
    /// For columns that cannot be prepared so, each with its pointer.
    pub fn fit(
        table: &Table,
        columns: &[Column],
        features: &[String],
        outputs: &[OutputTargets<'_>],
        preparations: &[Preparation],
        training: &[usize],
    ) -> Result<FittedRecipe, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut fitted = Vec::with_capacity(features.len());
        let mut cross_fitted = Vec::new();
        let target_values = target_values(table, outputs, training);
        let fit = |(name, preparation): (&String, &Preparation)| {
            let (column, cells) = pair(table, columns, name)?;
            Feature::fit(column, cells, preparation, training, target_values.as_ref())
        };
        let outcomes: Vec<Result<FittedFeature, String>> = features.par_iter().zip(preparations).map(fit).collect();
        for (index, outcome) in outcomes.into_iter().enumerate() {
            match outcome {
                Err(detail) => errors.push(FieldError::new(format!("/features/{index}"), detail)),
                Ok(FittedFeature { feature, of_training }) => {
                    cross_fitted.extend(of_training.map(|elements| (index, elements)));
                    fitted.push(feature);
                }
            }
        }
        let mut fitted_outputs = Vec::with_capacity(outputs.len());
        for output in outputs {
            let mut targets = Vec::with_capacity(output.columns.len());
            let schemas: Vec<&Column> = output.columns.iter().filter_map(|name| column(columns, name).ok()).collect();
            let tags = if output.task == Task::StepClasses { tags(&schemas).unwrap_or_default() } else { Vec::new() };
            for name in output.columns {
                let target = column(columns, name).and_then(|schema| Target::new(schema, output, &tags));
                let target = target.map(|target| target.scaled(output, cells_of(table, name), training));
                target.map_or_else(|detail| errors.push(FieldError::new("/target", detail)), |it| targets.push(it));
            }
            let (name, task, logits) = (output.name.to_owned(), output.task, output.logits);
            let has_axes = matches!(task, Task::StepClasses | Task::Raw);
            let axes = if has_axes { output.shape.0.clone() } else { Vec::new() };
            fitted_outputs.push(Output { name, task, targets, logits, axes });
        }
        if errors.is_empty() {
            let recipe = Self { version: VERSION, features: fitted, places: places(features), outputs: fitted_outputs };
            Ok(FittedRecipe { recipe, cross_fitted })
        } else {
            Err(errors)
        }
    }

    /// What the columns of the inputs are.
    pub fn input_columns(&self) -> impl Iterator<Item = InputColumn> {
        self.features.iter().flat_map(Feature::columns)
    }

    /// Inputs of `rows`: [rows, columns of the inputs]. A feature that `table` does not have is missing in every row.
    pub fn inputs<F: Real>(&self, table: &Table, rows: &[usize]) -> Array2<F> {
        let width: usize = self.features.iter().map(Feature::column_count).sum();
        let mut inputs = Array2::from_elem((rows.len(), width), F::ZERO);
        let features = self.features.par_iter();
        let encoders: Vec<ColumnEncoder<'_, F>> =
            features.map(|feature| feature.encoder(cells_of(table, feature.name()))).collect();
        // A block of rows stays in the cache for all of its columns.
        let blocks = inputs.as_slice_mut().unwrap_or_default().par_chunks_mut((width * BLOCK_ROWS).max(1));
        blocks.zip(rows.par_chunks(BLOCK_ROWS)).for_each(|(block, rows)| {
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

/// The targets of the training rows, where there is one target column: numbers, or classes by label.
fn target_values(table: &Table, outputs: &[OutputTargets<'_>], training: &[usize]) -> Option<TargetValues> {
    let names: Vec<&String> = outputs.iter().flat_map(|output| output.columns).collect();
    let [name] = names.as_slice() else { return None };
    Some(match &cells_of(table, name)?.cells {
        Cells::Category { codes, levels } => TargetValues::Classes {
            classes: training.iter().map(|&row| codes.get(row).map_or(usize::MAX, |code| *code as usize)).collect(),
            count: levels.len(),
        },
        Cells::Boolean(values) => TargetValues::Classes {
            classes: training.iter().map(|&row| usize::from(values.get(row) == Some(&Some(true)))).collect(),
            count: 2,
        },
        cells => {
            let numbers = cells::numbers(cells);
            let values: Vec<f64> = training.iter().map(|&row| numbers.get(row)).collect();
            let is_scaled = outputs.iter().any(|output| *output.scale != Scale::none());
            TargetValues::Numbers(if is_scaled { standardized(values) } else { values })
        }
    })
}

/// Numbers with mean 0 and standard deviation 1.
fn standardized(values: Vec<f64>) -> Vec<f64> {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
    let divisor = if deviation > 0.0 { deviation } else { 1.0 };
    values.into_iter().map(|value| (value - mean) / divisor).collect()
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
mod parallel_tests;
#[cfg(test)]
mod steps_tests;
#[cfg(test)]
mod tests;
