//! [`FittedTrees`]: one tree, or the mean of several.

use super::{FeatureColumns, NodeView, SplitView, SplitWords, TreeView, nodes::Nodes};
use crate::engine::classical::{
    Arrays, Features, FitError, Fitted, Predictions, StoredError, Task, check_cancel, chunks::for_each_chunk,
};
use ndarray::Array2;
use serde_json::{Map, Value, json};
use std::sync::atomic::AtomicBool;

/// Rows that one thread predicts before it looks at the cancel flag.
const BLOCK: usize = 1024;

/// Trees whose mean is the prediction.
pub(in crate::engine::classical) struct FittedTrees {
    pub(in crate::engine::classical) task: Task,
    pub(in crate::engine::classical) columns: usize,
    pub(in crate::engine::classical) trees: Vec<Nodes>,
    /// Whether the model is an ensemble: its summary counts the trees.
    pub(in crate::engine::classical) ensemble: bool,
    pub(in crate::engine::classical) oob_score: Option<f64>,
}

/// Bytes of the rows of one tree while it grows, and of the columns in 32 bits with their ranks.
pub(in crate::engine::classical) fn training_bytes(rows: usize, columns: usize, trees_at_once: usize) -> u64 {
    let (rows, columns, trees) = (rows as u64, columns as u64, trees_at_once as u64);
    // f32 values, u32 ranks and f32 distinct values of every column; keys while two columns are ranked at once.
    let shared = rows * columns * 12 + rows * 32;
    // Samples, payloads, moved rows, weights, two buffers of keys, medians and prefix sums.
    shared + rows * trees * 96
}

impl FittedTrees {
    /// The sum of the trees' values for every row, row-major.
    pub(in crate::engine::classical) fn sums(
        trees: &[Nodes],
        columns: &FeatureColumns,
        outputs: usize,
        cancel: &AtomicBool,
    ) -> Result<Vec<f64>, FitError> {
        let mut sums = vec![0.0; columns.rows() * outputs];
        Self::add(trees, columns, outputs, &mut sums, cancel)?;
        Ok(sums)
    }

    /// Adds the trees' values of every row to `sums`, row-major, in the order of the trees.
    pub(in crate::engine::classical) fn add(
        trees: &[Nodes],
        columns: &FeatureColumns,
        outputs: usize,
        sums: &mut [f64],
        cancel: &AtomicBool,
    ) -> Result<(), FitError> {
        for_each_chunk(sums, BLOCK * outputs, |at, sums| {
            for tree in trees {
                check_cancel(cancel)?;
                for (row, sums) in sums.chunks_exact_mut(outputs).enumerate() {
                    let value = tree.value(tree.leaf(columns, at * BLOCK + row));
                    sums.iter_mut().zip(value).for_each(|(sum, value)| *sum += value);
                }
            }
            Ok(())
        })
    }

    pub(in crate::engine::classical) fn read(stored: &Arrays, ensemble: bool) -> Result<Box<dyn Fitted>, StoredError> {
        let task: Task = stored.field("task")?;
        let columns: usize = stored.field("n_features_in")?;
        if columns == 0 || task.outputs() == 0 {
            return Err(StoredError::new("task", "expected at least 1 column and 1 class"));
        }
        let trees = Nodes::read(stored, columns, task.outputs())?;
        if trees.is_empty() || (!ensemble && trees.len() != 1) {
            let expected = if ensemble { "at least 1 tree" } else { "1 tree" };
            return Err(StoredError::new("node_count", format!("expected {expected}, received {}", trees.len())));
        }
        let oob_score = stored.metadata.get("oob_score").and_then(Value::as_f64);
        Ok(Box::new(Self { task, columns, trees, ensemble, oob_score }))
    }
}

impl Fitted for FittedTrees {
    fn task(&self) -> Task {
        self.task
    }

    fn columns(&self) -> usize {
        self.columns
    }

    fn predict(&self, features: &Features<'_>, cancel: &AtomicBool) -> Result<Predictions, FitError> {
        features.check_columns(self.columns)?;
        let columns = FeatureColumns::new(features)?;
        let outputs = self.task.outputs();
        let mut sums = Self::sums(&self.trees, &columns, outputs, cancel)?;
        if self.ensemble {
            let count = self.trees.len() as f64;
            sums.iter_mut().for_each(|sum| *sum /= count);
        }
        Ok(match self.task {
            Task::Regression => Predictions::values(sums),
            Task::Classification { .. } => {
                let scores = Array2::from_shape_vec((features.rows(), outputs), sums).unwrap_or_default();
                Predictions::probabilities(scores)
            }
        })
    }

    fn arrays(&self) -> Arrays {
        let mut arrays = Arrays::default();
        arrays.set("task", json!(self.task));
        arrays.set("n_features_in", self.columns);
        if let Some(score) = self.oob_score {
            arrays.set("oob_score", score);
        }
        Nodes::store(&self.trees, self.task.outputs(), &mut arrays);
        arrays
    }

    fn importances(&self) -> Option<Vec<f64>> {
        if !self.ensemble {
            return self.trees.first().map(|tree| tree.importances(self.columns));
        }
        let split: Vec<Vec<f64>> =
            self.trees.iter().filter(|tree| tree.count() > 1).map(|tree| tree.importances(self.columns)).collect();
        let mut mean = vec![0.0; self.columns];
        for importances in &split {
            mean.iter_mut().zip(importances).for_each(|(mean, importance)| *mean += importance);
        }
        mean.iter_mut().for_each(|mean| *mean /= split.len().max(1) as f64);
        let sum: f64 = mean.iter().sum();
        if sum > 0.0 {
            mean.iter_mut().for_each(|mean| *mean /= sum);
        }
        Some(mean)
    }

    fn trees(&self) -> usize {
        self.trees.len()
    }

    fn tree(&self, index: usize) -> Option<TreeView> {
        let tree = self.trees.get(index)?;
        let node = |id: usize| NodeView {
            split: (!tree.is_leaf(id)).then(|| SplitView {
                feature: tree.feature[id] as usize,
                threshold: Some(tree.threshold[id]).filter(|threshold| threshold.is_finite()),
                categories_left: None,
                missing_go_to_left: tree.missing_left[id],
                left: tree.left[id] as usize,
                right: tree.right[id] as usize,
                words: SplitWords::default(),
            }),
            n_node_samples: tree.samples[id] as usize,
            weighted_n_node_samples: Some(tree.weight[id]),
            impurity: Some(tree.impurity[id]),
            gain: None,
            value: tree.value(id).to_vec(),
        };
        Some(TreeView { nodes: (0..tree.count()).map(node).collect() })
    }

    fn summary(&self) -> Value {
        let mut summary = Map::new();
        let nodes: usize = self.trees.iter().map(Nodes::count).sum();
        summary.insert("node_count".into(), nodes.into());
        let leaves = self.trees.iter().map(|tree| tree.count().div_ceil(2)).sum::<usize>();
        summary.insert("n_leaves".into(), leaves.into());
        summary.insert("max_depth".into(), self.trees.iter().map(Nodes::depth).max().unwrap_or_default().into());
        if self.ensemble {
            summary.insert("n_estimators".into(), self.trees.len().into());
        }
        if let Some(score) = self.oob_score {
            summary.insert("oob_score".into(), score.into());
        }
        Value::Object(summary)
    }
}
