//! [`RandomForest`].

use super::{ForestClassWeight, ForestFeatures, fit::ForestRules};
use crate::engine::{
    classical::{
        Arrays, Criterion, FitError, Fitted, Run, Share, Size, StoredError, Task, TrainingData, Traits, Unit,
        model::Estimator,
        tree::{FittedTrees, TreeRules},
    },
    field::FieldError,
};
use serde::{Deserialize, Serialize};

/// A random forest: trees of bootstrap samples, whose splits look at a random part of the features. The prediction is the mean of
/// the trees' shares or values.
///
/// Source: <https://scikit-learn.org/stable/modules/generated/sklearn.ensemble.RandomForestClassifier.html>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RandomForest {
    /// Number of trees, 1 to 1000000.
    pub n_estimators: usize,
    /// Measures the quality of a split. Null: `gini` for classes, `squared_error` for numbers.
    pub criterion: Option<Criterion>,
    /// Maximum depth of a tree. Null: until all leaves are pure or have fewer than `min_samples_split` rows.
    pub max_depth: Option<usize>,
    /// Fewest rows of a node that is divided: a count, or a fraction of the rows.
    pub min_samples_split: Share,
    /// Fewest rows of a leaf: a count, or a fraction of the rows.
    pub min_samples_leaf: Share,
    /// Least weight of a leaf as a fraction of the weight of all rows, 0 to 0.5.
    pub min_weight_fraction_leaf: f64,
    /// How many features a split looks at. `auto`: `sqrt` for classes, all for numbers, as scikit-learn's two defaults. Null: all.
    pub max_features: ForestFeatures,
    /// Maximum number of leaves of a tree, which then grows where the impurity decreases most. Null: no limit.
    pub max_leaf_nodes: Option<usize>,
    /// Least decrease of the impurity by a split, weighted with the share of the node's rows.
    pub min_impurity_decrease: f64,
    /// Whether every tree has its own rows, drawn with replacement; otherwise all rows.
    pub bootstrap: bool,
    /// Whether to score the rows with the trees that were grown without them: accuracy, or R2. Requires `bootstrap`.
    pub oob_score: bool,
    /// Seed. Null: that of the job.
    pub random_state: Option<u32>,
    /// Weights of the classes. Null: 1.
    pub class_weight: Option<ForestClassWeight>,
    /// Complexity parameter of the cost-complexity pruning, at least 0; 0 is no pruning.
    pub ccp_alpha: f64,
    /// Rows drawn for a tree: a count, or a fraction of the rows' number (or weight, where they have weights). Null: as many as
    /// there are. Requires `bootstrap`.
    pub max_samples: Option<Share>,
    /// Direction in which the prediction may change with each column: 1 (up), -1 (down) or 0 (any). For numbers and two classes.
    pub monotonic_cst: Option<Vec<i8>>,
}

impl Default for RandomForest {
    fn default() -> Self {
        Self {
            n_estimators: 100,
            criterion: None,
            max_depth: None,
            min_samples_split: Share::Count(2),
            min_samples_leaf: Share::Count(1),
            min_weight_fraction_leaf: 0.0,
            max_features: ForestFeatures::Auto,
            max_leaf_nodes: None,
            min_impurity_decrease: 0.0,
            bootstrap: true,
            oob_score: false,
            random_state: None,
            class_weight: None,
            ccp_alpha: 0.0,
            max_samples: None,
            monotonic_cst: None,
        }
    }
}

impl RandomForest {
    fn rules(&self, task: Task) -> ForestRules<'_> {
        ForestRules {
            n_estimators: self.n_estimators,
            bootstrap: self.bootstrap,
            oob_score: self.oob_score,
            max_samples: self.max_samples,
            class_weight: self.class_weight,
            random_state: self.random_state,
            criterion: self.criterion,
            tree: TreeRules {
                criterion: Criterion::or_default(self.criterion, task),
                random: false,
                max_depth: self.max_depth,
                min_samples_split: self.min_samples_split,
                min_samples_leaf: self.min_samples_leaf,
                min_weight_fraction_leaf: self.min_weight_fraction_leaf,
                max_features: self.max_features.of(task),
                max_leaf_nodes: self.max_leaf_nodes,
                min_impurity_decrease: self.min_impurity_decrease,
                ccp_alpha: self.ccp_alpha,
                monotonic_cst: self.monotonic_cst.as_deref(),
            },
        }
    }
}

impl Estimator for RandomForest {
    fn check(&self) -> Result<(), FieldError> {
        self.rules(Task::Regression).check()
    }

    fn check_task(&self, task: Task, columns: usize) -> Result<(), FieldError> {
        self.rules(task).check_task(task, columns)
    }

    fn reports_progress(&self) -> bool {
        true
    }

    fn traits(&self) -> Traits {
        Traits { classifies: true, regresses: true, scaled: false, missing: true, categories: false }
    }

    fn unit(&self) -> Unit {
        Unit::Trees
    }

    fn memory_bytes(&self, size: Size) -> u64 {
        self.rules(size.task).memory_bytes(size)
    }

    fn model_bytes(&self, size: Size) -> u64 {
        self.rules(size.task).model_bytes(size)
    }

    fn fit(&self, data: &TrainingData<'_>, run: &mut Run<'_>) -> Result<Box<dyn Fitted>, FitError> {
        self.rules(data.target.task()).fit(data, run)
    }

    fn read(&self, stored: &Arrays) -> Result<Box<dyn Fitted>, StoredError> {
        FittedTrees::read(stored, true)
    }
}
