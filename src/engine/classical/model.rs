//! [`Estimator`], which the settings of every model implement, and [`Fitted`], which every fitted model implements.

use super::{Arrays, Features, FitError, Run, StoredError, Task, TrainingData, Unit, argmax::first_largest};
use crate::engine::field::FieldError;
use ndarray::Array2;
use serde_json::Value;
use std::sync::atomic::AtomicBool;

/// Size of a fit, for its memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Size {
    /// Training rows.
    pub rows: usize,
    /// Columns of the features.
    pub columns: usize,
    /// Classifier or regressor.
    pub task: Task,
    /// Threads of the pool.
    pub threads: usize,
    /// Probability that two rows have different targets: the Gini impurity of classes, 1 for numbers. So many of the rows begin
    /// another leaf of a tree whose leaves are pure, if targets have nothing to do with features.
    pub impurity: f64,
}

impl Size {
    /// This share of its rows.
    pub(super) fn share(self, share: f64) -> Self {
        Self { rows: (self.rows as f64 * share).ceil() as usize, ..self }
    }
}

/// What a model expects of its features, and which tasks it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traits {
    /// Whether it has a classifier.
    pub classifies: bool,
    /// Whether it has a regressor.
    pub regresses: bool,
    /// Whether numbers should be on one scale.
    pub scaled: bool,
    /// Whether it accepts missing values.
    pub missing: bool,
    /// Whether it accepts categories as codes; otherwise they are encoded as numbers first.
    pub categories: bool,
}

/// Implemented by the settings of every model.
pub(super) trait Estimator: Send + Sync {
    /// Ranges of the settings; the pointer is below the model (`/max_depth`).
    fn check(&self) -> Result<(), FieldError>;
    /// Settings that do not fit the task or the number of columns (`criterion` of the other task).
    fn check_task(&self, _task: Task, _columns: usize) -> Result<(), FieldError> {
        Ok(())
    }
    /// What it expects.
    fn traits(&self) -> Traits;
    /// Whether its fit calls [`Run::progress`]; otherwise the fit is one step.
    fn reports_progress(&self) -> bool {
        false
    }
    /// Bytes that a fit takes beside its data, with the fitted model: at most, but for trees, whose nodes depend on the data.
    fn memory_bytes(&self, size: Size) -> u64;
    /// Bytes of the fitted model, where they are many.
    fn model_bytes(&self, _size: Size) -> u64 {
        0
    }
    /// What its progress counts.
    fn unit(&self) -> Unit {
        Unit::Iterations
    }
    /// Trains. `data` was checked with [`TrainingData::check`], the settings with `check` and `check_task`.
    fn fit(&self, data: &TrainingData<'_>, run: &mut Run<'_>) -> Result<Box<dyn Fitted>, FitError>;
    /// Reads what [`Fitted::arrays`] gave.
    fn read(&self, stored: &Arrays) -> Result<Box<dyn Fitted>, StoredError>;
}

/// What the numbers of [`Predictions`] are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scores {
    /// Probabilities, one column per class.
    Probabilities,
    /// Values of a decision function, one column per class; the model has no probabilities.
    Decision,
    /// Values of a decision function, one column per pair of classes: over 0 for the first one.
    PairDecision,
    /// One column: the predicted number.
    Values,
}

/// Predictions of some rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    /// What `scores` are.
    pub kind: Scores,
    /// One row per row, one column per class; one column for a regressor.
    pub scores: Array2<f64>,
    /// The predicted class of every row; empty for a regressor.
    pub labels: Vec<u32>,
}

impl Predictions {
    /// Probabilities, of which the first largest is the label.
    pub fn probabilities(scores: Array2<f64>) -> Self {
        let labels = scores.rows().into_iter().map(|row| first_largest(row.iter().copied())).collect();
        Self { kind: Scores::Probabilities, scores, labels }
    }

    /// The class or the number of each row.
    pub fn points(&self) -> Vec<f64> {
        match self.kind {
            Scores::Values => self.scores.iter().copied().collect(),
            Scores::Probabilities | Scores::Decision | Scores::PairDecision => {
                self.labels.iter().map(|label| f64::from(*label)).collect()
            }
        }
    }

    /// Values of a regressor.
    pub fn values(values: Vec<f64>) -> Self {
        let rows = values.len();
        let scores = Array2::from_shape_vec((rows, 1), values).unwrap_or_default();
        Self { kind: Scores::Values, scores, labels: Vec::new() }
    }
}

/// Coefficients of a linear model.
#[derive(Debug, Clone, PartialEq)]
pub struct Coefficients {
    /// One row per output (one for a regressor and for two classes), one column per feature.
    pub coefficients: Array2<f64>,
    /// One per output.
    pub intercepts: Vec<f64>,
}

/// A fitted model.
pub trait Fitted: Send + Sync {
    /// Classifier or regressor.
    fn task(&self) -> Task;
    /// Number of columns that [`Self::predict`] expects.
    fn columns(&self) -> usize;
    /// Predicts. An error says that the features have other columns, or values that the model does not accept.
    fn predict(&self, features: &Features<'_>, cancel: &AtomicBool) -> Result<Predictions, FitError>;
    /// The fitted state; [`super::ClassicalModel::read`] reads it.
    fn arrays(&self) -> Arrays;
    /// Importance of every column by decrease of impurity, with the sum 1; `None` if the model has none.
    fn importances(&self) -> Option<Vec<f64>> {
        None
    }
    /// Coefficients of a linear model.
    fn coefficients(&self) -> Option<Coefficients> {
        None
    }
    /// Number of trees; 0 for other models.
    fn trees(&self) -> usize {
        0
    }
    /// A tree; `None` if there is no such tree.
    fn tree(&self, _index: usize) -> Option<super::TreeView> {
        None
    }
    /// Facts about the fit in scikit-learn's names without the underscore (`n_iter`, `n_support`, `oob_score`).
    fn summary(&self) -> Value {
        Value::Object(serde_json::Map::new())
    }
}
