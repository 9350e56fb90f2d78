//! Confusion matrices.

use super::{Recipe, decode::chosen};
use ndarray::{Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::ops::Range;

/// Maximum labels of a matrix.
const MAX_LABELS: usize = 100;

/// Confusion matrix: how often each class was predicted as each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ConfusionMatrix {
    /// In label order.
    pub labels: Vec<Value>,
    /// For each true label, the number of its rows by predicted label.
    pub counts: Vec<Vec<u64>>,
    /// Which rows were counted.
    pub rows: CountedRows,
}

/// Which rows of a job were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ConfusionMatrixRows)]
#[serde(rename_all = "snake_case")]
pub enum CountedRows {
    /// The validation rows.
    Validation,
    /// The training rows, if there are no validation rows.
    Training,
}

impl Recipe {
    /// Counts `targets` [rows, target elements], each row once, against what `predict` answers for a range of at most `rows_at_once` rows,
    /// [rows, output elements]. Nothing for a regression, for several outputs, for more than 100 labels, and where `predict` answers nothing.
    pub fn confusion_matrix(
        &self,
        rows: CountedRows,
        targets: ArrayView2<'_, f32>,
        rows_at_once: usize,
        mut predict: impl FnMut(Range<usize>) -> Option<Array2<f32>>,
    ) -> Option<ConfusionMatrix> {
        let labels = self.labels().to_vec();
        let output = self.outputs.first()?;
        let task = output.task;
        if labels.is_empty() || labels.len() > MAX_LABELS {
            return None;
        }
        let mut counts = vec![vec![0; labels.len()]; labels.len()];
        for (part, targets) in targets.axis_chunks_iter(Axis(0), rows_at_once.max(1)).enumerate() {
            let first = part * rows_at_once.max(1);
            let predicted = predict(first..first + targets.nrows())?;
            for (target, answer) in targets.rows().into_iter().zip(output.answers(predicted.view()).rows()) {
                let class = match task.is_one_hot() {
                    true => chosen(task, target),
                    false => target.first().filter(|class| **class >= 0.0).map_or(usize::MAX, |&class| class as usize),
                };
                let row = counts.get_mut(class);
                if let Some(count) = row.and_then(|row: &mut Vec<u64>| row.get_mut(chosen(task, answer))) {
                    *count += 1;
                }
            }
        }
        Some(ConfusionMatrix { labels, counts, rows })
    }
}
