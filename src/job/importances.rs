//! [`PermutationImportances`].

use crate::data::recipe::CountedRows;
use serde::{Deserialize, Serialize};

/// How much worse a model predicts when one column of the table is permuted, as scikit-learn's `permutation_importance`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PermutationImportances {
    /// The metric.
    pub metric: String,
    /// The metric of the rows as they are.
    pub baseline: f64,
    /// Which rows.
    pub rows: CountedRows,
    /// How many rows.
    pub n_rows: usize,
    /// Permutations per column.
    pub n_repeats: usize,
    /// The feature columns in their order.
    pub columns: Vec<ColumnImportance>,
}

/// The importance of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnImportance {
    /// The column of the table.
    pub column: String,
    /// How much worse the metric is, on average over the permutations.
    pub mean: f64,
    /// The standard deviation over the permutations.
    pub std: f64,
}
