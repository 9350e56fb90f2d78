//! Ordinary least squares.

use super::{
    Arrays, FitError, Fitted, Run, Size, StoredError, TrainingData, Traits,
    choices::expect,
    linear::{
        descent::{Limits, Penalties, descend},
        fitted::LinearModel,
    },
    model::Estimator,
    numeric::{
        centered::Centered,
        classes::{expect_columns, numbers},
        least_squares::{self, least_squares},
    },
};
use crate::engine::field::FieldError;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// Linear regression by ordinary least squares.
///
/// Minimizes `Σ weight_i (y_i - x_i·w - intercept)²`; of several minima the one of least norm.
///
/// Source: <https://scikit-learn.org/1.9/modules/generated/sklearn.linear_model.LinearRegression.html>.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LinearRegression {
    /// Whether there is an intercept. Default: true.
    pub fit_intercept: bool,
    /// Singular values of the features up to this share of the largest are taken for 0. Default: 1e-6.
    pub tol: f64,
    /// Whether coefficients must be at least 0. Default: false.
    pub positive: bool,
}

impl Default for LinearRegression {
    fn default() -> Self {
        Self { fit_intercept: true, tol: 1e-6, positive: false }
    }
}

/// Traits of the linear regressors.
pub(super) const REGRESSOR: Traits =
    Traits { classifies: false, regresses: true, scaled: true, missing: false, categories: false };

impl Estimator for LinearRegression {
    fn check(&self) -> Result<(), FieldError> {
        expect("/tol", (0.0..1.0).contains(&self.tol), "a number from 0 to less than 1", self.tol)
    }

    fn traits(&self) -> Traits {
        REGRESSOR
    }

    fn memory_bytes(&self, size: Size) -> u64 {
        match self.positive {
            true => Centered::gram_bytes(size.rows, size.columns, size.threads),
            false => least_squares::bytes(size.rows, size.columns, size.threads),
        }
    }

    fn fit(&self, data: &TrainingData<'_>, run: &mut Run<'_>) -> Result<Box<dyn Fitted>, FitError> {
        expect_columns(&data.features)?;
        let centered = Centered::new(&data.features, numbers(&data.target), data.weights, self.fit_intercept);
        if self.positive {
            let gram = centered.gram(run.cancel)?;
            let found = non_negative(&gram, 0.0, run)?;
            let intercept = centered.intercept(&found);
            return LinearModel::regressor(found, intercept, json!({})).finite();
        }
        let found = least_squares(&centered, self.tol, run.cancel)?;
        let intercept = centered.intercept(&found.coefficients);
        LinearModel::regressor(found.coefficients, intercept, json!({ "rank": found.rank })).finite()
    }

    fn read(&self, stored: &Arrays) -> Result<Box<dyn Fitted>, StoredError> {
        Ok(Box::new(LinearModel::read(stored, false, false)?))
    }
}

/// Least squares with coefficients of at least 0 and an l2 penalty, to the last digits.
pub(super) fn non_negative(
    gram: &super::numeric::centered::Gram,
    l2: f64,
    run: &Run<'_>,
) -> Result<Vec<f64>, FitError> {
    let penalties = Penalties { l1: 0.0, l2, positive: true };
    let limits = Limits { max_iter: 100_000, tol: 1e-14 };
    Ok(descend(gram, &penalties, limits, None, run.cancel, &mut |_| ())?.coefficients)
}
