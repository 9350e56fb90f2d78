//! [`DecisionTree`].

use super::{
    Criterion, FeatureColumns, FittedTrees, Grower, TreeRules, TreeSplitter, node_bytes, nodes, settings,
    training_bytes,
};
use crate::engine::{
    classical::{
        Arrays, ClassWeight, FitError, Fitted, MaxFeatures, Run, Share, Size, StoredError, Task, TrainingData, Traits,
        choices::{only_for_classes, row_weights},
        model::Estimator,
    },
    field::FieldError,
};
use serde::{Deserialize, Serialize};

/// A decision tree (CART): every node divides its rows at a threshold of one feature, so that the impurity decreases most. A
/// leaf predicts the shares of its classes, or the mean or median of its targets.
///
/// `impurity - weight_left / weight * impurity_left - weight_right / weight * impurity_right` is largest. Features are
/// compared in the order in which they are drawn, so that equal improvements depend on `random_state`.
///
/// Source: <https://scikit-learn.org/stable/modules/generated/sklearn.tree.DecisionTreeClassifier.html>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DecisionTree {
    /// Measures the quality of a split. Null: `gini` for classes, `squared_error` for numbers.
    pub criterion: Option<Criterion>,
    /// How the threshold of a feature is chosen.
    pub splitter: TreeSplitter,
    /// Maximum depth. Null: until all leaves are pure or have fewer than `min_samples_split` rows.
    pub max_depth: Option<usize>,
    /// Fewest rows of a node that is divided: a count, or a fraction of the rows.
    pub min_samples_split: Share,
    /// Fewest rows of a leaf: a count, or a fraction of the rows.
    pub min_samples_leaf: Share,
    /// Least weight of a leaf as a fraction of the weight of all rows, 0 to 0.5.
    pub min_weight_fraction_leaf: f64,
    /// How many features a split looks at. Null: all.
    pub max_features: Option<MaxFeatures>,
    /// Seed. Null: that of the job.
    pub random_state: Option<u32>,
    /// Maximum number of leaves; the tree then grows where the impurity decreases most. Null: no limit.
    pub max_leaf_nodes: Option<usize>,
    /// Least decrease of the impurity by a split, weighted with the share of the node's rows.
    pub min_impurity_decrease: f64,
    /// Weights of the classes. Null: 1.
    pub class_weight: Option<ClassWeight>,
    /// Complexity parameter of the cost-complexity pruning, at least 0; 0 is no pruning.
    pub ccp_alpha: f64,
    /// Direction in which the prediction may change with each column: 1 (up), -1 (down) or 0 (any). For numbers and two classes.
    pub monotonic_cst: Option<Vec<i8>>,
}

impl Default for DecisionTree {
    fn default() -> Self {
        Self {
            criterion: None,
            splitter: TreeSplitter::Best,
            max_depth: None,
            min_samples_split: Share::Count(2),
            min_samples_leaf: Share::Count(1),
            min_weight_fraction_leaf: 0.0,
            max_features: None,
            random_state: None,
            max_leaf_nodes: None,
            min_impurity_decrease: 0.0,
            class_weight: None,
            ccp_alpha: 0.0,
            monotonic_cst: None,
        }
    }
}

impl DecisionTree {
    fn rules(&self, task: Task) -> TreeRules<'_> {
        TreeRules {
            criterion: Criterion::or_default(self.criterion, task),
            random: self.splitter == TreeSplitter::Random,
            max_depth: self.max_depth,
            min_samples_split: self.min_samples_split,
            min_samples_leaf: self.min_samples_leaf,
            min_weight_fraction_leaf: self.min_weight_fraction_leaf,
            max_features: self.max_features,
            max_leaf_nodes: self.max_leaf_nodes,
            min_impurity_decrease: self.min_impurity_decrease,
            ccp_alpha: self.ccp_alpha,
            monotonic_cst: self.monotonic_cst.as_deref(),
        }
    }
}

impl Estimator for DecisionTree {
    fn check(&self) -> Result<(), FieldError> {
        settings::check(&self.rules(Task::Regression))
    }

    fn check_task(&self, task: Task, columns: usize) -> Result<(), FieldError> {
        only_for_classes("/class_weight", task, self.class_weight.is_some())?;
        settings::check_task(&self.rules(task), self.criterion, task, columns)
    }

    fn traits(&self) -> Traits {
        Traits { classifies: true, regresses: true, scaled: false, missing: true, categories: false }
    }

    fn memory_bytes(&self, size: Size) -> u64 {
        training_bytes(size.rows, size.columns, 1).saturating_add(2 * self.model_bytes(size))
    }

    fn model_bytes(&self, size: Size) -> u64 {
        nodes(&self.rules(size.task), size) * node_bytes(size.task.outputs())
    }

    fn fit(&self, data: &TrainingData<'_>, run: &mut Run<'_>) -> Result<Box<dyn Fitted>, FitError> {
        let task = data.target.task();
        let columns = FeatureColumns::new(&data.features)?;
        let weights = row_weights(self.class_weight, data.target, data.weights);
        let grower = Grower::new(self.rules(task), &columns, data.target, run.cancel)?;
        let tree = grower.grow(weights.as_deref(), self.random_state.unwrap_or(run.seed))?;
        Ok(Box::new(FittedTrees {
            task,
            columns: columns.count(),
            trees: vec![tree],
            ensemble: false,
            oob_score: None,
        }))
    }

    fn read(&self, stored: &Arrays) -> Result<Box<dyn Fitted>, StoredError> {
        FittedTrees::read(stored, false)
    }
}
