//! [`FittedBoosting`].

use super::{bins::ColumnBins, loss::Loss, nodes::BoostedTree, options::BoostingLoss};
use crate::engine::classical::{
    Arrays, Features, FitError, Fitted, Predictions, StoredError, Task, TreeView, check_cancel, chunks::for_each_chunk,
};
use ndarray::Array2;
use serde_json::{Value, json};
use std::sync::atomic::AtomicBool;

/// Rows that are predicted side by side.
const BLOCK: usize = 256;

/// Trees whose sum, from a baseline, is the raw prediction.
pub(super) struct FittedBoosting {
    pub(super) task: Task,
    pub(super) loss: Loss,
    /// One per tree of a round.
    pub(super) baseline: Vec<f64>,
    /// The trees of all rounds, those of a round in the order of the classes.
    pub(super) trees: Vec<BoostedTree>,
    /// Codes of the categories that occurred in every column; empty for numbers.
    pub(super) codes: Vec<Vec<u32>>,
    pub(super) train_score: Vec<f64>,
    pub(super) validation_score: Vec<f64>,
}

impl FittedBoosting {
    pub(super) fn read(stored: &Arrays) -> Result<Box<dyn Fitted>, StoredError> {
        let task: Task = stored.field("task")?;
        let columns: usize = stored.field("n_features_in")?;
        let name: BoostingLoss = stored.field("loss")?;
        let loss = match task {
            Task::Classification { n_classes } if n_classes >= 2 && name == BoostingLoss::LogLoss => {
                Loss::of_classes(n_classes)
            }
            Task::Regression if name != BoostingLoss::LogLoss => {
                let quantile = stored.metadata.get("quantile").and_then(Value::as_f64);
                Loss::of_values(name, quantile)
            }
            _ => {
                return Err(StoredError::new(
                    "loss",
                    "expected `log_loss` for at least 2 classes, another for numbers",
                ));
            }
        };
        if columns == 0 {
            return Err(StoredError::new("n_features_in", "expected at least 1, received 0"));
        }
        let baseline: Vec<f64> = stored.list("baseline", Some(loss.trees()))?;
        Arrays::finite("baseline", &baseline)?;
        let trees = BoostedTree::read(stored, columns)?;
        if !trees.len().is_multiple_of(loss.trees()) {
            let detail = format!("expected a multiple of {} trees, received {}", loss.trees(), trees.len());
            return Err(StoredError::new("node_count", detail));
        }
        let counts: Vec<i64> = stored.list("code_count", Some(columns))?;
        let all: Vec<i32> = stored.list("codes", None)?;
        let mut codes = Vec::with_capacity(columns);
        let mut rest = all.as_slice();
        for (column, &count) in counts.iter().enumerate() {
            let own =
                usize::try_from(count).ok().filter(|count| *count < 256).and_then(|count| rest.split_at_checked(count));
            let Some((own, after)) = own else {
                let detail = format!("column {column}: expected 0 to {}, received {count}", rest.len().min(255));
                return Err(StoredError::new("code_count", detail));
            };
            if own.first().is_some_and(|code| *code < 0) || !own.is_sorted_by(|a, b| a < b) {
                return Err(StoredError::new(
                    "codes",
                    format!("column {column}: expected ascending codes of at least 0"),
                ));
            }
            codes.push(own.iter().map(|code| *code as u32).collect());
            rest = after;
        }
        if !rest.is_empty() {
            return Err(StoredError::new(
                "codes",
                format!("expected {} codes, received {}", all.len() - rest.len(), all.len()),
            ));
        }
        let scores = |name: &str| stored.list::<f64>(name, None);
        let (train_score, validation_score) = (scores("train_score")?, scores("validation_score")?);
        Ok(Box::new(Self { task, loss, baseline, trees, codes, train_score, validation_score }))
    }

    fn raw(&self, features: &Features<'_>, cancel: &AtomicBool) -> Result<Vec<f64>, FitError> {
        let (columns, per_round) = (self.codes.len(), self.loss.trees());
        let mut raw = vec![0.0; features.rows() * per_round];
        for_each_chunk(&mut raw, BLOCK * per_round, |at, raw| {
            check_cancel(cancel)?;
            let rows = raw.len() / per_round;
            let mut values = vec![0.0; rows * columns];
            for (column, cells) in features.columns().iter().enumerate() {
                for row in 0..rows {
                    values[row * columns + column] = cells.values[at * BLOCK + row];
                }
            }
            let bin = |column: usize, value: f64| ColumnBins::bin_of_code(&self.codes[column], value);
            for raw in raw.chunks_exact_mut(per_round) {
                raw.copy_from_slice(&self.baseline);
            }
            for (number, tree) in self.trees.iter().enumerate() {
                for (row, values) in values.chunks_exact(columns).enumerate() {
                    raw[row * per_round + number % per_round] += tree.predict(|column| values[column], bin);
                }
            }
            Ok(())
        })?;
        Ok(raw)
    }
}

impl Fitted for FittedBoosting {
    fn task(&self) -> Task {
        self.task
    }

    fn columns(&self) -> usize {
        self.codes.len()
    }

    fn predict(&self, features: &Features<'_>, cancel: &AtomicBool) -> Result<Predictions, FitError> {
        features.check_columns(self.columns())?;
        features.check(true)?;
        let raw = self.raw(features, cancel)?;
        let outputs = self.task.outputs();
        let mut scores = vec![0.0; features.rows() * outputs];
        for (raw, out) in raw.chunks_exact(self.loss.trees()).zip(scores.chunks_exact_mut(outputs)) {
            self.loss.predict(raw, out);
        }
        Ok(match self.task {
            Task::Regression => Predictions::values(scores),
            Task::Classification { .. } => Predictions::probabilities(
                Array2::from_shape_vec((features.rows(), outputs), scores).unwrap_or_default(),
            ),
        })
    }

    fn arrays(&self) -> Arrays {
        let mut arrays = Arrays::default();
        arrays.set("task", json!(self.task));
        arrays.set("n_features_in", self.columns());
        arrays.set("loss", self.loss.name());
        if let Loss::Quantile { quantile } = self.loss {
            arrays.set("quantile", quantile);
        }
        arrays.insert_list("baseline", self.baseline.clone());
        arrays.insert_list("code_count", self.codes.iter().map(|codes| codes.len() as i64).collect());
        arrays.insert_list("codes", self.codes.iter().flatten().map(|code| *code as i32).collect());
        arrays.insert_list("train_score", self.train_score.clone());
        arrays.insert_list("validation_score", self.validation_score.clone());
        BoostedTree::store(&self.trees, &mut arrays);
        arrays
    }

    fn importances(&self) -> Option<Vec<f64>> {
        let mut importances = vec![0.0; self.columns()];
        for tree in &self.trees {
            for (feature, gain) in tree.feature.iter().zip(&tree.gain) {
                if let Ok(feature) = usize::try_from(*feature) {
                    importances[feature] += gain;
                }
            }
        }
        let sum: f64 = importances.iter().sum();
        if sum > 0.0 {
            importances.iter_mut().for_each(|importance| *importance /= sum);
        }
        Some(importances)
    }

    fn trees(&self) -> usize {
        self.trees.len()
    }

    fn tree(&self, index: usize) -> Option<TreeView> {
        self.trees.get(index).map(|tree| tree.view(&self.codes))
    }

    fn summary(&self) -> Value {
        let per_round = self.loss.trees();
        json!({
            "n_iter": self.trees.len() / per_round,
            "n_trees_per_iteration": per_round,
            "node_count": self.trees.iter().map(BoostedTree::nodes).sum::<usize>(),
            "train_score": self.train_score,
            "validation_score": self.validation_score,
        })
    }
}
