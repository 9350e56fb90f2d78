//! Linear regression with an l1 penalty: elastic net and lasso.

use super::{
    Arrays, FitError, Fitted, Progress, RandomState, Run, Size, StoredError, TrainingData, Traits, Unit,
    choices::expect,
    linear::{
        descent::{Limits, Penalties, descend},
        fitted::LinearModel,
    },
    linear_regression::REGRESSOR,
    model::Estimator,
    numeric::{
        centered::Centered,
        classes::{expect_columns, numbers},
    },
};
use crate::engine::field::FieldError;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// Linear regression with l1 and l2 penalties.
///
/// Minimizes `1/(2n) Σ weight_i (y_i - x_i·w - intercept)² + alpha l1_ratio ‖w‖₁ + alpha (1 - l1_ratio)/2 ‖w‖²` by
/// coordinate descent, with weights of the sum n.
///
/// Source: <https://scikit-learn.org/1.9/modules/generated/sklearn.linear_model.ElasticNet.html>.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ElasticNet {
    /// Strength of the penalties, at least 0. Default: 1.
    pub alpha: f64,
    /// Share of the l1 penalty, 0 to 1. Default: 0.5.
    pub l1_ratio: f64,
    /// Whether there is an intercept, which has no penalty. Default: true.
    pub fit_intercept: bool,
    /// Maximum number of passes over the coefficients. Default: 1000.
    pub max_iter: usize,
    /// The duality gap at which the solver stops, as a share of `Σ (y - mean)²`. Default: 0.0001.
    pub tol: f64,
    /// Whether coefficients must be at least 0. Default: false.
    pub positive: bool,
    /// Order of the coefficients in a pass. Default: `cyclic`.
    pub selection: Selection,
    /// Seed of the selection `random`. Default: null, the seed of the job.
    pub random_state: Option<u32>,
}

/// Linear regression with an l1 penalty, which makes coefficients 0.
///
/// Minimizes `1/(2n) Σ weight_i (y_i - x_i·w - intercept)² + alpha ‖w‖₁` by coordinate descent, with weights of the sum n.
///
/// Source: <https://scikit-learn.org/1.9/modules/generated/sklearn.linear_model.Lasso.html>.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Lasso {
    /// Strength of the penalty, at least 0. Default: 1.
    pub alpha: f64,
    /// Whether there is an intercept, which has no penalty. Default: true.
    pub fit_intercept: bool,
    /// Maximum number of passes over the coefficients. Default: 1000.
    pub max_iter: usize,
    /// The duality gap at which the solver stops, as a share of `Σ (y - mean)²`. Default: 0.0001.
    pub tol: f64,
    /// Whether coefficients must be at least 0. Default: false.
    pub positive: bool,
    /// Order of the coefficients in a pass. Default: `cyclic`.
    pub selection: Selection,
    /// Seed of the selection `random`. Default: null, the seed of the job.
    pub random_state: Option<u32>,
}

/// Order of the coefficients in a pass of coordinate descent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// One after the other.
    Cyclic,
    /// Drawn with replacement.
    Random,
}

impl Default for ElasticNet {
    fn default() -> Self {
        Self {
            alpha: 1.0,
            l1_ratio: 0.5,
            fit_intercept: true,
            max_iter: 1000,
            tol: 1e-4,
            positive: false,
            selection: Selection::Cyclic,
            random_state: None,
        }
    }
}

impl Default for Lasso {
    fn default() -> Self {
        ElasticNet::default().into()
    }
}

impl From<ElasticNet> for Lasso {
    fn from(net: ElasticNet) -> Self {
        let ElasticNet { alpha, fit_intercept, max_iter, tol, positive, selection, random_state, .. } = net;
        Self { alpha, fit_intercept, max_iter, tol, positive, selection, random_state }
    }
}

impl Lasso {
    fn net(&self) -> ElasticNet {
        let Self { alpha, fit_intercept, max_iter, tol, positive, selection, random_state } = self.clone();
        ElasticNet { alpha, l1_ratio: 1.0, fit_intercept, max_iter, tol, positive, selection, random_state }
    }
}

impl Estimator for ElasticNet {
    fn check(&self) -> Result<(), FieldError> {
        expect("/alpha", self.alpha >= 0.0 && self.alpha.is_finite(), "a finite number of at least 0", self.alpha)?;
        expect("/l1_ratio", (0.0..=1.0).contains(&self.l1_ratio), "a number from 0 to 1", self.l1_ratio)?;
        expect("/max_iter", self.max_iter >= 1, "an integer of at least 1", self.max_iter)?;
        expect("/tol", self.tol >= 0.0 && self.tol.is_finite(), "a finite number of at least 0", self.tol)?;
        let drawn = self.selection == Selection::Random || self.random_state.is_none();
        expect("/random_state", drawn, "null with the `selection` `cyclic`", self.random_state)
    }

    fn reports_progress(&self) -> bool {
        true
    }

    fn traits(&self) -> Traits {
        REGRESSOR
    }

    fn memory_bytes(&self, size: Size) -> u64 {
        Centered::gram_bytes(size.rows, size.columns, size.threads) + 8 * (size.columns as u64).pow(2)
    }

    fn fit(&self, data: &TrainingData<'_>, run: &mut Run<'_>) -> Result<Box<dyn Fitted>, FitError> {
        expect_columns(&data.features)?;
        let centered = Centered::new(&data.features, numbers(&data.target), data.weights, self.fit_intercept);
        let mut gram = centered.gram(run.cancel)?;
        let scale = 1.0 / centered.total;
        gram.matrix.iter_mut().chain(&mut gram.target).for_each(|element| *element *= scale);
        gram.square *= scale;
        let penalties = Penalties {
            l1: self.alpha * self.l1_ratio,
            l2: self.alpha * (1.0 - self.l1_ratio),
            positive: self.positive,
        };
        let limits = Limits { max_iter: self.max_iter, tol: self.tol };
        let random =
            (self.selection == Selection::Random).then(|| RandomState::new(self.random_state.unwrap_or(run.seed)));
        let cancel = run.cancel;
        let mut report = |done| {
            let total = self.max_iter;
            let unit = Unit::Iterations;
            (run.progress)(Progress { done, total, unit, loss: None, training: None, validation: None });
        };
        let found = descend(&gram, &penalties, limits, random, cancel, &mut report)?;
        let intercept = centered.intercept(&found.coefficients);
        let mut facts = json!({ "n_iter": found.iterations, "converged": found.converged });
        if found.gap.is_finite() {
            facts["dual_gap"] = json!(found.gap);
        }
        LinearModel::regressor(found.coefficients, intercept, facts).finite()
    }

    fn read(&self, stored: &Arrays) -> Result<Box<dyn Fitted>, StoredError> {
        Ok(Box::new(LinearModel::read(stored, false, false)?))
    }
}

impl Estimator for Lasso {
    fn check(&self) -> Result<(), FieldError> {
        self.net().check()
    }

    fn reports_progress(&self) -> bool {
        true
    }

    fn traits(&self) -> Traits {
        REGRESSOR
    }

    fn memory_bytes(&self, size: Size) -> u64 {
        self.net().memory_bytes(size)
    }

    fn fit(&self, data: &TrainingData<'_>, run: &mut Run<'_>) -> Result<Box<dyn Fitted>, FitError> {
        self.net().fit(data, run)
    }

    fn read(&self, stored: &Arrays) -> Result<Box<dyn Fitted>, StoredError> {
        self.net().read(stored)
    }
}
