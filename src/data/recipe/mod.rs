//! Preprocessing fitted on the training rows, stored with the model: raw record to tensor, output to label.
//!
//! Features come first in the order they were asked for, each a run of input cells; see [`feature`] for what a cell holds.

mod confusion;
mod decode;
mod encode;
mod feature;
mod target;

pub use confusion::{ConfusionMatrix, CountedRows};
pub(crate) use decode::label_text;
pub use decode::{Prediction, Probabilities, json_number};
pub use feature::input_width;

use crate::{
    data::{
        schema::{Column, ColumnType},
        table::{Table, TableColumn},
    },
    engine::field::FieldError,
};
use feature::Feature;
use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use target::Target;

/// The form in which recipes are stored; a change of it that old ones cannot be read by raises this number.
const VERSION: u32 = 1;

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

/// What the target columns are to the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// One class of several, the target a class index (sparse losses).
    SparseClasses,
    /// One class of several, the target one-hot (categorical losses).
    OneHotClasses,
    /// One of two classes by one probability; the second label in label order is the positive one.
    Binary,
    /// One of two classes by one score (hinge losses): over 0 is the second label in label order.
    Margin,
    /// Numbers, one an output cell.
    Regression,
}

/// Everything between raw records and the network, both ways.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    version: u32,
    task: Task,
    features: Vec<Feature>,
    targets: Vec<Target>,
}

/// What a version takes and gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Signature {
    /// In the order of list instances.
    pub inputs: Vec<SignatureColumn>,
    /// The targets.
    pub outputs: Vec<SignatureColumn>,
    /// What the outputs are.
    pub task: Task,
}

/// One column of a signature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SignatureColumn {
    /// The column's name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// Its levels in label order, for categories, booleans and class labels.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub levels: Option<Vec<Value>>,
}

impl Recipe {
    /// Fits on the rows `training` of `table`. The columns' levels come from `columns` so that widths are known before
    /// the data is read; a level that no training row has is encoded as zeros, as an unseen one is.
    pub fn fit(
        table: &Table,
        columns: &[Column],
        features: &[String],
        targets: &[String],
        task: Task,
        preprocessing: Preprocessing,
        training: &[usize],
    ) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut fitted = Vec::with_capacity(features.len());
        for (index, name) in features.iter().enumerate() {
            let pair =
                pair(table, columns, name).map_err(|detail| FieldError::new(format!("/features/{index}"), detail));
            let feature = pair.and_then(|(schema, cells)| {
                Feature::fit(schema, cells, preprocessing, training)
                    .map_err(|detail| FieldError::new(format!("/features/{index}"), detail))
            });
            feature.map_or_else(|error| errors.push(error), |feature| fitted.push(feature));
        }
        let mut outputs = Vec::with_capacity(targets.len());
        for name in targets {
            let target = column(columns, name).and_then(|schema| Target::new(schema, task));
            target.map_or_else(|detail| errors.push(FieldError::new("/target", detail)), |target| outputs.push(target));
        }
        if errors.is_empty() {
            Ok(Self { version: VERSION, task, features: fitted, targets: outputs })
        } else {
            Err(errors)
        }
    }

    /// Inputs of `rows`: [rows, input cells]. A feature that `table` does not have is missing in every row.
    pub fn inputs(&self, table: &Table, rows: &[usize]) -> Array2<f32> {
        let width = self.features.iter().map(Feature::width).sum();
        let mut inputs = Array2::zeros((rows.len(), width));
        let mut first = 0;
        for feature in &self.features {
            let next = first + feature.width();
            let cells = inputs.slice_mut(ndarray::s![.., first..next]);
            feature.encode_column(cells_of(table, feature.name()), rows, cells);
            first = next;
        }
        inputs
    }

    /// Targets of `rows`: [rows, target cells]. Fails where a target cell is missing or a validation label is unknown.
    pub fn targets(&self, table: &Table, rows: &[usize]) -> Result<Array2<f32>, FieldError> {
        let width = self.targets.iter().map(|target| target.width(self.task)).sum();
        let mut targets = Array2::zeros((rows.len(), width));
        let mut first = 0;
        for target in &self.targets {
            let next = first + target.width(self.task);
            let cells = targets.slice_mut(ndarray::s![.., first..next]);
            target
                .encode(self.task, cells_of(table, target.name()), rows, cells)
                .map_err(|detail| FieldError::new("/target", detail))?;
            first = next;
        }
        Ok(targets)
    }

    /// The class of each of `rows`, as an index into the labels; empty for a regression. Fails as [`Self::targets`] does.
    pub fn classes(&self, table: &Table, rows: &[usize]) -> Result<Vec<usize>, FieldError> {
        match (self.task, self.targets.as_slice()) {
            (Task::Regression, _) | (_, []) => Ok(Vec::new()),
            (_, [target, ..]) => target
                .classes(cells_of(table, target.name()), rows)
                .map_err(|detail| FieldError::new("/target", detail)),
        }
    }

    /// The class labels in label order; empty for a regression.
    pub fn labels(&self) -> &[Value] {
        match (self.task, self.targets.as_slice()) {
            (Task::Regression, _) | (_, []) => &[],
            (_, [target, ..]) => target.labels(),
        }
    }

    /// Inputs of raw instances (records or lists); every error points below the request (`/instances/0/sepal_width`).
    pub fn encode(&self, instances: &[Value]) -> Result<Array2<f32>, Vec<FieldError>> {
        encode::encode(&self.features, instances)
    }

    /// Answers for the network's output [rows, output cells].
    pub fn decode(&self, output: ArrayView2<'_, f32>) -> Vec<Prediction> {
        decode::decode(self.task, &self.targets, output)
    }

    /// What it takes and gives.
    pub fn signature(&self) -> Signature {
        Signature {
            inputs: self.features.iter().map(Feature::signature).collect(),
            outputs: self.targets.iter().map(Target::signature).collect(),
            task: self.task,
        }
    }
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
