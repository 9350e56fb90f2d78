//! Ridge regression.

use super::{
    Arrays, FitError, Fitted, Run, Size, StoredError, TrainingData, Traits,
    choices::expect,
    linear::fitted::LinearModel,
    linear_regression::{REGRESSOR, non_negative},
    model::Estimator,
    numeric::{
        centered::Centered,
        cholesky,
        classes::{expect_columns, numbers},
        least_squares::{self, least_squares},
    },
    run::check_cancel,
};
use crate::engine::{
    field::FieldError,
    kernel::{Matrix, product},
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::atomic::AtomicBool;
use utoipa::ToSchema;

/// Rows of the kernel matrix that one task computes.
const ROWS: usize = 16;

/// Linear regression with an l2 penalty.
///
/// Minimizes `Σ weight_i (y_i - x_i·w - intercept)² + alpha ‖w‖²` exactly, by a Cholesky factorization.
///
/// Source: <https://scikit-learn.org/1.9/modules/generated/sklearn.linear_model.Ridge.html>.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ridge {
    /// Strength of the penalty, at least 0. Default: 1.
    pub alpha: f64,
    /// Whether there is an intercept, which has no penalty. Default: true.
    pub fit_intercept: bool,
    /// Whether coefficients must be at least 0. Default: false.
    pub positive: bool,
}

impl Default for Ridge {
    fn default() -> Self {
        Self { alpha: 1.0, fit_intercept: true, positive: false }
    }
}

impl Estimator for Ridge {
    fn check(&self) -> Result<(), FieldError> {
        let accepted = self.alpha >= 0.0 && self.alpha.is_finite();
        expect("/alpha", accepted, "a finite number of at least 0", self.alpha)
    }

    fn traits(&self) -> Traits {
        REGRESSOR
    }

    fn memory_bytes(&self, size: Size) -> u64 {
        let gram = Centered::gram_bytes(size.rows, size.columns, size.threads);
        gram.max(least_squares::bytes(size.rows, size.columns, size.threads)) + 8 * (size.columns as u64).pow(2)
    }

    fn fit(&self, data: &TrainingData<'_>, run: &mut Run<'_>) -> Result<Box<dyn Fitted>, FitError> {
        expect_columns(&data.features)?;
        let centered = Centered::new(&data.features, numbers(&data.target), data.weights, self.fit_intercept);
        let found = if self.positive {
            Some(non_negative(&centered.gram(run.cancel)?, self.alpha, run)?)
        } else if self.alpha == 0.0 {
            None
        } else if centered.columns() > centered.rows() {
            dual(&centered, self.alpha, run.cancel)?
        } else {
            primal(&centered, self.alpha, run.cancel)?
        };
        let coefficients = match found {
            Some(coefficients) => coefficients,
            None => {
                // Directions that only rounding distinguishes from 0 are left out.
                let cut = f64::EPSILON * centered.rows().max(centered.columns()) as f64;
                least_squares(&centered, cut, run.cancel)?.coefficients
            }
        };
        let intercept = centered.intercept(&coefficients);
        LinearModel::regressor(coefficients, intercept, json!({})).finite()
    }

    fn read(&self, stored: &Arrays) -> Result<Box<dyn Fitted>, StoredError> {
        Ok(Box::new(LinearModel::read(stored, false, false)?))
    }
}

/// (XᵀX + alpha) w = Xᵀy; `None` if the matrix is singular.
fn primal(data: &Centered<'_>, alpha: f64, cancel: &AtomicBool) -> Result<Option<Vec<f64>>, FitError> {
    let mut gram = data.gram(cancel)?;
    let columns = data.columns();
    gram.matrix.iter_mut().step_by(columns + 1).for_each(|element| *element += alpha);
    Ok(cholesky::factor(&mut gram.matrix, columns, cancel)?.then(|| {
        cholesky::solve(&gram.matrix, columns, &mut gram.target);
        gram.target
    }))
}

/// w = Xᵀ z with (X Xᵀ + alpha) z = y, for more columns than rows.
fn dual(data: &Centered<'_>, alpha: f64, cancel: &AtomicBool) -> Result<Option<Vec<f64>>, FitError> {
    let (rows, columns) = (data.rows(), data.columns());
    let mut matrix = vec![0.0; rows * (columns + 1)];
    data.write_columns(0, rows, &mut matrix, rows);
    let (features, target) = matrix.split_at_mut(rows * columns);
    let transposed = Matrix::new(features, rows);
    let mut kernel = vec![0.0; rows * rows];
    kernel.par_chunks_mut(ROWS * rows).enumerate().try_for_each(|(part, some)| {
        check_cancel(cancel)?;
        let first = part * ROWS;
        let columns = transposed.columns(first..first + some.len() / rows);
        product(columns.transposed(), transposed, some, false);
        Ok::<(), FitError>(())
    })?;
    kernel.iter_mut().step_by(rows + 1).for_each(|element| *element += alpha);
    Ok(cholesky::factor(&mut kernel, rows, cancel)?.then(|| {
        cholesky::solve(&kernel, rows, target);
        features.chunks_exact(rows).map(|column| cholesky::dot(column, target)).collect()
    }))
}
