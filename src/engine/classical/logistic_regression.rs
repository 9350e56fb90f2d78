//! Logistic regression.

use super::{
    Arrays, ClassWeight, FitError, Fitted, Progress, Run, Size, StoredError, Target, Task, TrainingData, Traits, Unit,
    choices::expect,
    linear::{
        fitted::{LinearModel, Output},
        loss::{Intercept, Loss, fit_bytes},
        newton::{Minimum, Stop, minimize},
        proximal::{MAX_PARAMETERS, minimize_with_l1},
        row_loss::Kind,
    },
    model::Estimator,
    numeric::classes::{Classes, expect_columns},
};
use crate::engine::field::FieldError;
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// Rows from which on a fit starts with the coefficients of a part of the rows.
const MANY_ROWS: usize = 50_000;
/// Share of the tiles in that part.
const PART: usize = 16;

/// Logistic regression with an l2 penalty, an l1 penalty or both.
///
/// Minimizes `Σ weight_i loss_i + (1 - l1_ratio)/(2C) ‖w‖² + l1_ratio/C ‖w‖₁`, where the loss is `-ln P(y_i | x_i)`. For two classes `P(1 | x)` is
/// `1 / (1 + exp(-x·w - intercept))`, for more classes `P(k | x)` is the softmax of `x·w_k + intercept_k`. Intercepts have
/// no penalty. Newton's method finds the minimum to the last digits, where scikit-learn's lbfgs stops before it.
///
/// Source: <https://scikit-learn.org/1.9/modules/generated/sklearn.linear_model.LogisticRegression.html>.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogisticRegression {
    /// Inverse strength of the penalty, over 0; null for no penalty. Default: 1.
    #[serde(rename = "C")]
    pub c: Option<f64>,
    /// Share of the l1 penalty, 0 to 1; over 0 for at most 2000 coefficients. Default: 0.
    pub l1_ratio: f64,
    /// Whether there is an intercept. Default: true.
    pub fit_intercept: bool,
    /// Largest derivative of the mean loss at which the solver stops. Default: 0.0001.
    pub tol: f64,
    /// Maximum number of iterations. Default: 100.
    pub max_iter: usize,
    /// `balanced`: every class weighs the same in total. Default: null, equal weights.
    pub class_weight: Option<ClassWeight>,
}

impl Default for LogisticRegression {
    fn default() -> Self {
        Self { c: Some(1.0), l1_ratio: 0.0, fit_intercept: true, tol: 1e-4, max_iter: 100, class_weight: None }
    }
}

impl Estimator for LogisticRegression {
    fn check(&self) -> Result<(), FieldError> {
        if let Some(c) = self.c {
            expect("/C", c > 0.0 && c.is_finite(), "a finite number over 0, or null", c)?;
        }
        expect("/l1_ratio", (0.0..=1.0).contains(&self.l1_ratio), "a number from 0 to 1", self.l1_ratio)?;
        let penalized = self.c.is_some() || self.l1_ratio == 0.0;
        expect("/l1_ratio", penalized, "0 without a penalty (`C` is null)", self.l1_ratio)?;
        expect("/tol", self.tol > 0.0 && self.tol.is_finite(), "a finite number over 0", self.tol)?;
        expect("/max_iter", self.max_iter >= 1, "an integer of at least 1", self.max_iter)
    }

    fn check_task(&self, task: Task, columns: usize) -> Result<(), FieldError> {
        let outputs = if task.outputs() > 2 { task.outputs() } else { 1 };
        let coefficients = outputs.saturating_mul(columns + 1);
        let accepted = self.l1_ratio == 0.0 || coefficients <= MAX_PARAMETERS;
        let expected = format!("0 for more than {MAX_PARAMETERS} coefficients with intercepts (here {coefficients})");
        expect("/l1_ratio", accepted, &expected, self.l1_ratio)
    }

    fn reports_progress(&self) -> bool {
        true
    }

    fn traits(&self) -> Traits {
        Traits { classifies: true, regresses: false, scaled: true, missing: false, categories: false }
    }

    fn memory_bytes(&self, size: Size) -> u64 {
        let outputs = if size.task.outputs() > 2 { size.task.outputs() } else { 1 };
        fit_bytes(size, outputs, self.l1_ratio > 0.0) + 32 * size.rows as u64
    }

    fn fit(&self, data: &TrainingData<'_>, run: &mut Run<'_>) -> Result<Box<dyn Fitted>, FitError> {
        expect_columns(&data.features)?;
        let Target::Classes { codes, n_classes } = data.target else {
            return Err(FitError::data("target: expected classes, received numbers"));
        };
        let classes = Classes::of(codes, n_classes, data.weights);
        classes.expect_two()?;
        let weights = match self.class_weight {
            None => data.weights.map(<[f64]>::to_vec),
            Some(class_weight) => {
                let by_class = class_weight.of_classes(codes, n_classes, data.weights);
                let of_row = |(row, &code): (usize, &u32)| {
                    by_class[code as usize] * data.weights.map_or(1.0, |weights| weights[row])
                };
                Some(codes.iter().enumerate().map(of_row).collect())
            }
        };
        let kind = match classes.present.len() {
            2 => Kind::Binary,
            outputs => Kind::Multinomial(outputs),
        };
        let intercept = if self.fit_intercept { Intercept::Free } else { Intercept::None };
        let mut loss = Loss::new(&data.features, kind, classes.numbers(codes), weights, self.c, intercept);
        let l1 = loss.take_l1(self.l1_ratio);
        let mut start = vec![0.0; loss.parameters()];
        if l1 == 0.0 && data.features.rows() >= MANY_ROWS {
            let part = loss.part(PART);
            let stop = Stop { tol: 1e-3, max_iter: 20 };
            let found = minimize(&part, &start, stop, run.cancel, &mut |_, _| ())?;
            if found.parameters.iter().all(|it| it.is_finite()) {
                start = found.parameters;
            }
        }
        let stop = Stop { tol: self.tol, max_iter: self.max_iter };
        let cancel = run.cancel;
        let mut report = |done, loss| {
            let (total, unit) = (self.max_iter, Unit::Iterations);
            let (name, training) = (Some("log_loss"), Some(loss));
            (run.progress)(Progress { done, total, unit, loss: name, training, validation: None });
        };
        let found = match l1 > 0.0 {
            true => minimize_with_l1(&loss, l1, stop, cancel, &mut report)?,
            false => minimize(&loss, &start, stop, cancel, &mut report)?,
        };
        if self.c.is_none() && loss.is_separated(found.loss) {
            let detail = "expected a number: the classes are separated perfectly, and without a penalty the coefficients \
                          grow without bound";
            return Err(FieldError::new("/C", detail).into());
        }
        self.model(found, &classes, data.features.columns().len()).finite()
    }

    fn read(&self, stored: &Arrays) -> Result<Box<dyn Fitted>, StoredError> {
        Ok(Box::new(LinearModel::read(stored, true, true)?))
    }
}

impl LogisticRegression {
    fn model(&self, found: Minimum, classes: &Classes, columns: usize) -> LinearModel {
        // Per output: the coefficients, and the intercept.
        let size = columns + 1;
        let shape = (found.parameters.len() / size, columns);
        let coefficients = Array2::from_shape_fn(shape, |(output, column)| found.parameters[output * size + column]);
        let mut intercepts: Vec<f64> = found.parameters.iter().skip(columns).step_by(size).copied().collect();
        if intercepts.len() > 1 {
            // A constant on all intercepts changes nothing: their sum is 0.
            let mean = intercepts.iter().sum::<f64>() / intercepts.len() as f64;
            intercepts.iter_mut().for_each(|intercept| *intercept -= mean);
        }
        let output =
            Output::Classes { n_classes: classes.n_classes, present: classes.present.clone(), probabilities: true };
        let facts = json!({ "n_iter": found.iterations, "converged": found.converged });
        let facts = facts.as_object().cloned().unwrap_or_default();
        LinearModel { coefficients, intercepts, output, facts }
    }
}
