//! [`GradientBoosting`].

use super::{
    bins::{BINS, ColumnOrder, GROUP},
    fit::{BoostingRules, fit},
    fitted::FittedBoosting,
    grown::GrowRules,
    histogram::GroupHistogram,
    loss::Loss,
    nodes::NODE_BYTES,
    options::{BoostingLoss, CategoricalFeatures, EarlyStopping, InteractionCst, Scoring},
};
use crate::engine::{
    classical::{
        Arrays, ClassWeight, FitError, Fitted, Run, Share, Size, StoredError, Target, Task, TrainingData, Traits, Unit,
        choices::{expect, only_for_classes, row_weights},
        model::Estimator,
        tree::settings::check_monotonic,
    },
    field::FieldError,
};
use serde::{Deserialize, Serialize};

/// Rows from which `early_stopping` of `auto` is on.
const AUTO_ROWS: usize = 10_000;

/// Histogram gradient boosting: every round adds a tree that is grown on the gradients and hessians of the loss. Features are
/// divided into at most 255 bins. Missing values go to the side where the loss decreases most, and categories are divided in two
/// sets.
///
/// `gain = G_L^2 / (H_L + l2) + G_R^2 / (H_R + l2) - G^2 / (H + l2)` of the sums of gradients `G` and hessians `H` chooses the
/// split, and a leaf adds `-learning_rate G / (H + l2)`.
///
/// Source: <https://scikit-learn.org/stable/modules/generated/sklearn.ensemble.HistGradientBoostingClassifier.html>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GradientBoosting {
    /// The loss. Null: `log_loss` for classes, `squared_error` for numbers.
    pub loss: Option<BoostingLoss>,
    /// The quantile of the loss `quantile`, 0 to 1.
    pub quantile: Option<f64>,
    /// Factor of the value of every leaf, more than 0.
    pub learning_rate: f64,
    /// Maximum number of rounds, at least 1. For more than two classes a round is a tree per class.
    pub max_iter: usize,
    /// Maximum number of leaves of a tree. Null: no limit.
    pub max_leaf_nodes: Option<usize>,
    /// Maximum depth of a tree. Null: no limit.
    pub max_depth: Option<usize>,
    /// Fewest rows of a leaf, at least 1.
    pub min_samples_leaf: usize,
    /// L2 regularization of the values of the leaves, at least 0.
    pub l2_regularization: f64,
    /// Fraction of the features that a split looks at, more than 0 to 1.
    pub max_features: f64,
    /// Maximum number of bins of a feature, 2 to 255. Missing values have one more.
    pub max_bins: usize,
    /// `from_dtype`: the categories of the table are divided in sets. Null: their codes are numbers.
    pub categorical_features: Option<CategoricalFeatures>,
    /// Direction in which the prediction may change with each column: 1 (up), -1 (down) or 0 (any). For numbers and two classes.
    pub monotonic_cst: Option<Vec<i8>>,
    /// Which columns may be on one path of a tree. Null: any.
    pub interaction_cst: Option<InteractionCst>,
    /// Whether to stop when the loss stops to decrease. `auto`: for more than 10,000 rows.
    pub early_stopping: EarlyStopping,
    /// What early stopping watches.
    pub scoring: Scoring,
    /// Rows held out for early stopping, where the job has no validation rows: a fraction or a count. Null: it watches the
    /// training rows.
    pub validation_fraction: Option<Share>,
    /// Rounds without a decrease of the loss after which early stopping ends the fit.
    pub n_iter_no_change: usize,
    /// Decrease of the loss that counts as one.
    pub tol: f64,
    /// Seed. Null: that of the job.
    pub random_state: Option<u32>,
    /// Weights of the classes. Null: 1.
    pub class_weight: Option<ClassWeight>,
}

impl Default for GradientBoosting {
    fn default() -> Self {
        Self {
            loss: None,
            quantile: None,
            learning_rate: 0.1,
            max_iter: 100,
            max_leaf_nodes: Some(31),
            max_depth: None,
            min_samples_leaf: 20,
            l2_regularization: 0.0,
            max_features: 1.0,
            max_bins: 255,
            categorical_features: Some(CategoricalFeatures::FromDtype),
            monotonic_cst: None,
            interaction_cst: None,
            early_stopping: EarlyStopping::Auto,
            scoring: Scoring::Loss,
            validation_fraction: Some(Share::Fraction(0.1)),
            n_iter_no_change: 10,
            tol: 1e-7,
            random_state: None,
            class_weight: None,
        }
    }
}

impl GradientBoosting {
    fn rules(&self, data: &TrainingData<'_>, seed: u32) -> Result<BoostingRules, FitError> {
        let native_categories = self.categorical_features.is_some();
        let columns = ColumnOrder::new(&data.features, native_categories, self.max_bins)?;
        let ColumnOrder { order, codes } = &columns;
        let mut monotonic = vec![0; order.len()];
        if let Some(signs) = &self.monotonic_cst {
            for (place, &column) in order.iter().enumerate() {
                if signs[column] != 0 && codes[place].is_some() {
                    let detail = format!("expected 0 for a column of categories, received {}", signs[column]);
                    return Err(FieldError::new(format!("/monotonic_cst/{column}"), detail).into());
                }
                monotonic[place] = signs[column];
            }
        }
        let mut place_of = vec![0; order.len()];
        order.iter().enumerate().for_each(|(place, &column)| place_of[column] = place);
        let placed = |group: Vec<usize>| {
            let mut group: Vec<usize> = group.into_iter().map(|column| place_of[column]).collect();
            group.sort_unstable();
            group
        };
        let groups = self.interaction_cst.as_ref().map(|groups| groups.groups(order.len()));
        let interactions = groups.map(|groups| groups.into_iter().map(placed).collect());
        let rows = data.features.rows();
        Ok(BoostingRules {
            grow: GrowRules {
                max_leaf_nodes: self.max_leaf_nodes,
                max_depth: self.max_depth,
                min_samples_leaf: self.min_samples_leaf,
                l2_regularization: self.l2_regularization,
                max_features: self.max_features,
                learning_rate: self.learning_rate,
                monotonic,
                interactions,
            },
            loss: match data.target {
                Target::Classes { n_classes, .. } => Loss::of_classes(n_classes),
                Target::Values(_) => Loss::of_values(self.loss.unwrap_or(BoostingLoss::SquaredError), self.quantile),
            },
            max_iter: self.max_iter,
            max_bins: self.max_bins,
            columns,
            early_stopping: match self.early_stopping {
                EarlyStopping::Auto => rows > AUTO_ROWS,
                EarlyStopping::Given(given) => given,
            },
            validation_fraction: self.validation_fraction,
            n_iter_no_change: self.n_iter_no_change,
            tol: self.tol,
            seed,
        })
    }

    fn check_targets(&self, target: Target<'_>) -> Result<(), FitError> {
        let Target::Values(values) = target else { return Ok(()) };
        let (is_wrong, expected): (fn(f64) -> bool, _) = match self.loss {
            Some(BoostingLoss::Gamma) => (|value| value <= 0.0, "more than 0 for `gamma`"),
            Some(BoostingLoss::Poisson) => (|value| value < 0.0, "at least 0 for `poisson`"),
            _ => return Ok(()),
        };
        if let Some(row) = values.iter().position(|value| is_wrong(*value)) {
            return Err(FitError::data(format!("target, row {row}: expected {expected}, received {}", values[row])));
        }
        if values.iter().sum::<f64>() <= 0.0 {
            return Err(FitError::data("target: expected a sum of more than 0 for `poisson`, received 0"));
        }
        Ok(())
    }
}

impl Estimator for GradientBoosting {
    fn check(&self) -> Result<(), FieldError> {
        let rate = self.learning_rate;
        expect("/learning_rate", rate > 0.0 && rate.is_finite(), "a number of more than 0", rate)?;
        expect("/max_iter", (1..=1_000_000).contains(&self.max_iter), "1 to 1000000", self.max_iter)?;
        if let Some(leaves) = self.max_leaf_nodes {
            expect("/max_leaf_nodes", leaves >= 2, "at least 2, or null", leaves)?;
        }
        if let Some(depth) = self.max_depth {
            expect("/max_depth", depth >= 1, "at least 1, or null", depth)?;
        }
        let rows = self.min_samples_leaf;
        expect("/min_samples_leaf", (1..=u32::MAX as usize / 2).contains(&rows), "1 to 2147483647", rows)?;
        let l2 = self.l2_regularization;
        expect("/l2_regularization", l2 >= 0.0 && l2.is_finite(), "a number of at least 0", l2)?;
        expect(
            "/max_features",
            self.max_features > 0.0 && self.max_features <= 1.0,
            "more than 0 to 1",
            self.max_features,
        )?;
        expect("/max_bins", (2..BINS).contains(&self.max_bins), "2 to 255", self.max_bins)?;
        if let Some(fraction) = self.validation_fraction {
            fraction.check("/validation_fraction", 1)?;
            let is_whole = fraction == Share::Fraction(1.0);
            expect("/validation_fraction", !is_whole, "a fraction below 1.0", 1.0)?;
        }
        expect("/n_iter_no_change", self.n_iter_no_change >= 1, "at least 1", self.n_iter_no_change)?;
        expect("/tol", self.tol >= 0.0 && self.tol.is_finite(), "a number of at least 0", self.tol)?;
        if let Some(at) =
            self.monotonic_cst.as_ref().and_then(|signs| signs.iter().position(|sign| !(-1..=1).contains(sign)))
        {
            return Err(FieldError::new(format!("/monotonic_cst/{at}"), "expected -1, 0 or 1"));
        }
        match (self.loss, self.quantile) {
            (Some(BoostingLoss::Quantile), None) => {
                Err(FieldError::new("/quantile", "expected 0 to 1 for the loss `quantile`, received null"))
            }
            (Some(BoostingLoss::Quantile), Some(quantile)) => {
                expect("/quantile", quantile > 0.0 && quantile < 1.0, "more than 0 and less than 1", quantile)
            }
            (_, Some(quantile)) => expect("/quantile", false, "null for another loss than `quantile`", quantile),
            (_, None) => Ok(()),
        }
    }

    fn check_task(&self, task: Task, columns: usize) -> Result<(), FieldError> {
        only_for_classes("/class_weight", task, self.class_weight.is_some())?;
        match (task, self.loss) {
            (Task::Classification { n_classes }, _) if n_classes < 2 => {
                let detail = format!("expected a target of at least 2 classes, received {n_classes}");
                return Err(FieldError::new("/type", detail));
            }
            (Task::Classification { .. }, Some(loss)) if loss != BoostingLoss::LogLoss => {
                return Err(FieldError::new("/loss", "expected `log_loss` for classes, received a loss for numbers"));
            }
            (Task::Regression, Some(BoostingLoss::LogLoss)) => {
                return Err(FieldError::new("/loss", "expected a loss for numbers, received `log_loss`"));
            }
            _ => {}
        }
        if let Some(groups) = &self.interaction_cst {
            groups.check(columns)?;
        }
        self.monotonic_cst.as_ref().map_or(Ok(()), |signs| check_monotonic(signs, task, columns))
    }

    fn reports_progress(&self) -> bool {
        true
    }

    fn traits(&self) -> Traits {
        let categories = self.categorical_features.is_some();
        Traits { classifies: true, regresses: true, scaled: false, missing: true, categories }
    }

    fn unit(&self) -> Unit {
        Unit::Rounds
    }

    fn model_bytes(&self, size: Size) -> u64 {
        let trees = match size.task {
            Task::Classification { n_classes } => Loss::of_classes(n_classes).trees() as u64,
            Task::Regression => 1,
        };
        let leaves = (size.rows / self.min_samples_leaf.max(1)).max(1);
        let leaves = leaves.min(self.max_leaf_nodes.unwrap_or(leaves)) as u64;
        (self.max_iter as u64).saturating_mul(trees * 2 * leaves * NODE_BYTES)
    }

    fn memory_bytes(&self, size: Size) -> u64 {
        let trees = match size.task {
            Task::Classification { n_classes } => Loss::of_classes(n_classes).trees() as u64,
            Task::Regression => 1,
        };
        let (rows, groups) = (size.rows as u64, size.columns.div_ceil(GROUP) as u64);
        let leaves = (size.rows / self.min_samples_leaf.max(1)).max(1);
        let leaves = leaves.min(self.max_leaf_nodes.unwrap_or(leaves)) as u64;
        // Bins; targets, rows, weights, ordered pairs and three partitions; raw predictions and pairs of every tree of a round.
        let of_rows = rows * (4 * groups + 8 + 4 + 8 + 8 + 12 + 16 * trees);
        let of_histograms = (leaves + 2) * groups * GroupHistogram::bytes();
        of_rows.saturating_add(of_histograms).saturating_add(self.model_bytes(size))
    }

    fn fit(&self, data: &TrainingData<'_>, run: &mut Run<'_>) -> Result<Box<dyn Fitted>, FitError> {
        self.check_targets(data.target)?;
        if let Some(validation) = &run.validation {
            self.check_targets(validation.target)?;
        }
        let weights = row_weights(self.class_weight, data.target, data.weights);
        let mut rules = self.rules(data, self.random_state.unwrap_or(run.seed))?;
        Ok(Box::new(fit(&mut rules, data, weights.as_deref(), run)?))
    }

    fn read(&self, stored: &Arrays) -> Result<Box<dyn Fitted>, StoredError> {
        FittedBoosting::read(stored)
    }
}
