//! Preprocessing fitted on the training rows, stored with the model: raw record to tensor, output to label.

use crate::{
    data::{schema::Column, table::Table},
    engine::field::FieldError,
};
use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// One class of several, the target one-hot (categorical cross-entropy).
    OneHotClasses,
    /// One of two classes by one probability; the second label in label order is the positive one.
    Binary,
    /// Numbers, one an output cell.
    Regression,
}

/// Everything between raw records and the network, both ways.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    features: Vec<String>,
}

/// One instance's answer.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum Prediction {
    /// A classifier's.
    Class {
        /// The most probable label.
        label: Value,
        /// Every label's probability, in label order.
        probabilities: serde_json::Map<String, Value>,
    },
    /// A regression's; an object by target name where there are several targets.
    Value {
        /// The predicted value.
        value: Value,
    },
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
    pub kind: crate::data::schema::ColumnType,
    /// Its levels in label order, for categories, booleans and class labels.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub levels: Option<Vec<Value>>,
}

/// Cells that the features take at the network's input, known from the schema alone: 1 a number or boolean, a cell a level of a
/// category, and one more where the column has missing cells.
pub fn input_width(_columns: &[Column], _features: &[String]) -> usize {
    todo!()
}

impl Recipe {
    /// Fits on the rows `training` of `table`. The columns' levels come from `columns` so that widths are known before
    /// the data is read; a level that no training row has is encoded as zeros, as an unseen one is.
    pub fn fit(
        _table: &Table,
        _columns: &[Column],
        _features: &[String],
        _targets: &[String],
        _task: Task,
        _preprocessing: Preprocessing,
        _training: &[usize],
    ) -> Result<Self, Vec<FieldError>> {
        todo!()
    }

    /// Inputs of `rows`: [rows, input cells].
    pub fn inputs(&self, _table: &Table, _rows: &[usize]) -> Array2<f32> {
        todo!()
    }

    /// Targets of `rows`: [rows, target cells]. Fails where a target cell is missing or a validation label is unknown.
    pub fn targets(&self, _table: &Table, _rows: &[usize]) -> Result<Array2<f32>, FieldError> {
        todo!()
    }

    /// Inputs of raw instances (records or lists); every error points below the request (`/instances/0/sepal_width`).
    pub fn encode(&self, _instances: &[Value]) -> Result<Array2<f32>, Vec<FieldError>> {
        todo!()
    }

    /// Answers for the network's output [rows, output cells].
    pub fn decode(&self, _output: ArrayView2<'_, f32>) -> Vec<Prediction> {
        todo!()
    }

    /// What it takes and gives.
    pub fn signature(&self) -> Signature {
        todo!()
    }
}
