//! Linear support vector machines.

mod dual;

use super::{
    Arrays, ClassWeight, FitError, Fitted, Progress, Run, Size, StoredError, Target, Task, TrainingData, Traits, Unit,
    choices::{expect, only_for_classes},
    linear::{
        fitted::{LinearModel, Output},
        loss::{Intercept, Loss, fit_bytes},
        newton::{Stop, minimize},
        row_loss::Kind,
    },
    model::Estimator,
    numeric::classes::{Classes, expect_columns},
};
use crate::engine::field::FieldError;
use dual::{Dual, Limits};
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// A support vector machine without a kernel: for classes one against the rest, or for numbers.
///
/// Minimizes `1/2 ‖w‖² + C Σ weight_i loss_i`. The constant `intercept_scaling` is a column of the features, so that its
/// coefficient has the penalty too. Squared losses are minimized by Newton's method; the others in the dual, one row at a
/// time (Hsieh et al., 2008; Ho and Lin, 2012), as in LIBLINEAR.
///
/// Source: <https://scikit-learn.org/1.9/modules/generated/sklearn.svm.LinearSVC.html> and `LinearSVR`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LinearSvm {
    /// Inverse strength of the penalty, over 0. Default: 1.
    #[serde(rename = "C")]
    pub c: f64,
    /// Loss of a row. Default: null, `squared_hinge` for classes and `epsilon_insensitive` for numbers.
    pub loss: Option<LinearSvmLoss>,
    /// Half the width of the tube around the prediction in which errors do not count. Only for numbers. Default: 0.
    pub epsilon: Option<f64>,
    /// Largest violation of the optimality conditions at which the solver stops. Default: 0.0001.
    pub tol: f64,
    /// Maximum number of iterations. Default: 1000.
    pub max_iter: usize,
    /// Whether there is an intercept. Default: true.
    pub fit_intercept: bool,
    /// Number in the constant column whose coefficient is the intercept, over 0: the larger, the weaker its penalty.
    /// Default: 1.
    pub intercept_scaling: f64,
    /// `balanced`: every class weighs the same in total. Only for classes. Default: null, equal weights.
    pub class_weight: Option<ClassWeight>,
    /// Seed of the order of the rows for losses without square. Default: null, the seed of the job.
    pub random_state: Option<u32>,
}

/// Loss of a row with the decision function f.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinearSvmLoss {
    /// `max(0, 1 - y f)`, for classes.
    Hinge,
    /// `max(0, 1 - y f)²`, for classes.
    SquaredHinge,
    /// `max(0, |y - f| - epsilon)`, for numbers.
    EpsilonInsensitive,
    /// `max(0, |y - f| - epsilon)²`, for numbers.
    SquaredEpsilonInsensitive,
}

impl Default for LinearSvm {
    fn default() -> Self {
        Self {
            c: 1.0,
            loss: None,
            epsilon: None,
            tol: 1e-4,
            max_iter: 1000,
            fit_intercept: true,
            intercept_scaling: 1.0,
            class_weight: None,
            random_state: None,
        }
    }
}

impl LinearSvm {
    fn loss_for(&self, task: Task) -> LinearSvmLoss {
        self.loss.unwrap_or(match task {
            Task::Classification { .. } => LinearSvmLoss::SquaredHinge,
            Task::Regression => LinearSvmLoss::EpsilonInsensitive,
        })
    }
}

impl Estimator for LinearSvm {
    fn check(&self) -> Result<(), FieldError> {
        expect("/C", self.c > 0.0 && self.c.is_finite(), "a finite number over 0", self.c)?;
        if let Some(epsilon) = self.epsilon {
            expect("/epsilon", epsilon >= 0.0 && epsilon.is_finite(), "a finite number of at least 0", epsilon)?;
        }
        expect("/tol", self.tol > 0.0 && self.tol.is_finite(), "a finite number over 0", self.tol)?;
        expect("/max_iter", self.max_iter >= 1, "an integer of at least 1", self.max_iter)?;
        let scaling = self.intercept_scaling;
        expect("/intercept_scaling", scaling > 0.0 && scaling.is_finite(), "a finite number over 0", scaling)
    }

    fn check_task(&self, task: Task, _columns: usize) -> Result<(), FieldError> {
        use LinearSvmLoss::{EpsilonInsensitive, Hinge, SquaredEpsilonInsensitive, SquaredHinge};
        only_for_classes("/class_weight", task, self.class_weight.is_some())?;
        let loss = self.loss_for(task);
        let (fits, expected) = match task {
            Task::Classification { .. } => {
                (matches!(loss, Hinge | SquaredHinge), "`hinge` or `squared_hinge` for a target of classes")
            }
            Task::Regression => (
                matches!(loss, EpsilonInsensitive | SquaredEpsilonInsensitive),
                "`epsilon_insensitive` or `squared_epsilon_insensitive` for a target of numbers",
            ),
        };
        expect("/loss", fits, expected, loss)?;
        if matches!(task, Task::Classification { .. }) && self.epsilon.is_some() {
            let detail = "expected no `epsilon` for a target of classes: it is for numbers";
            return Err(FieldError::new("/epsilon", detail));
        }
        Ok(())
    }

    fn reports_progress(&self) -> bool {
        true
    }

    fn traits(&self) -> Traits {
        Traits { classifies: true, regresses: true, scaled: true, missing: false, categories: false }
    }

    fn memory_bytes(&self, size: Size) -> u64 {
        let rows = size.rows as u64;
        match self.loss_for(size.task) {
            LinearSvmLoss::Hinge | LinearSvmLoss::EpsilonInsensitive => {
                8 * rows * (size.columns as u64 + 1) + 56 * rows
            }
            _ => fit_bytes(size, 1, false) + 24 * rows,
        }
    }

    fn fit(&self, data: &TrainingData<'_>, run: &mut Run<'_>) -> Result<Box<dyn Fitted>, FitError> {
        expect_columns(&data.features)?;
        let columns = data.features.columns().len();
        match data.target {
            Target::Values(values) => {
                let weights = data.weights.map(<[f64]>::to_vec);
                let found = self.solve(data, values.to_vec(), weights, run)?;
                let output = Output::Number;
                self.model(columns, vec![found], output).finite()
            }
            Target::Classes { codes, n_classes } => {
                let classes = Classes::of(codes, n_classes, data.weights);
                classes.expect_two()?;
                let balanced = self.class_weight.map(|it| it.of_classes(codes, n_classes, data.weights));
                let by_class: Option<Vec<f64>> = match (balanced, data.class_weights) {
                    (Some(balanced), Some(given)) => Some(balanced.iter().zip(given).map(|(a, b)| a * b).collect()),
                    (balanced, given) => balanced.or(given.map(<[f64]>::to_vec)),
                };
                let of: &[u32] = if let [_, second] = classes.present[..] { &[second] } else { &classes.present };
                let mut found = Vec::with_capacity(of.len());
                for (done, class) in of.iter().enumerate() {
                    let targets = codes.iter().map(|code| if code == class { 1.0 } else { -1.0 }).collect();
                    // Of several classes, only the one that is separated from the others has its weight, as in LIBLINEAR.
                    let of_class = |code: u32| match &by_class {
                        Some(by_class) if of.len() == 1 || code == *class => by_class[code as usize],
                        _ => 1.0,
                    };
                    let weight =
                        |(row, &code): (usize, &u32)| of_class(code) * data.weights.map_or(1.0, |weights| weights[row]);
                    let equal = by_class.is_none() && data.weights.is_none();
                    let weights = (!equal).then(|| codes.iter().enumerate().map(weight).collect());
                    found.push(self.solve(data, targets, weights, run)?);
                    let (done, total, unit) = (done + 1, of.len(), Unit::Iterations);
                    (run.progress)(Progress { done, total, unit, loss: None, training: None, validation: None });
                }
                let present = classes.present.clone();
                let output = Output::Classes { n_classes, present, probabilities: false };
                self.model(columns, found, output).finite()
            }
        }
    }

    fn read(&self, stored: &Arrays) -> Result<Box<dyn Fitted>, StoredError> {
        Ok(Box::new(LinearModel::read(stored, stored.metadata.contains_key("n_classes"), false)?))
    }
}

/// The minimum of a problem: coefficients, the last one of the constant column.
struct Found {
    parameters: Vec<f64>,
    iterations: usize,
    converged: bool,
}

impl LinearSvm {
    /// Minimizes for targets of -1 and 1, or for numbers.
    fn solve(
        &self,
        data: &TrainingData<'_>,
        targets: Vec<f64>,
        weights: Option<Vec<f64>>,
        run: &Run<'_>,
    ) -> Result<Found, FitError> {
        let intercept = if self.fit_intercept { Intercept::Penalized(self.intercept_scaling) } else { Intercept::None };
        let epsilon = self.epsilon.unwrap_or(0.0);
        let kind = match self.loss_for(data.target.task()) {
            LinearSvmLoss::SquaredHinge => Kind::SquaredHinge,
            LinearSvmLoss::SquaredEpsilonInsensitive => Kind::SquaredEpsilon(epsilon),
            loss => {
                let constant = if self.fit_intercept { self.intercept_scaling } else { 0.0 };
                let bounds = match weights {
                    None => vec![self.c; targets.len()],
                    Some(weights) => weights.iter().map(|weight| self.c * weight).collect(),
                };
                let mut problem = Dual::new(&data.features, constant, targets, bounds, run.cancel)?;
                let limits = Limits { tol: self.tol, max_iter: self.max_iter };
                let seed = self.random_state.unwrap_or(run.seed);
                return match loss {
                    LinearSvmLoss::Hinge => problem.classify(limits, seed, run.cancel),
                    _ => problem.regress(epsilon, limits, seed, run.cancel),
                };
            }
        };
        let loss = Loss::new(&data.features, kind, targets, weights, Some(self.c), intercept);
        let stop = Stop { tol: self.tol, max_iter: self.max_iter };
        let start = vec![0.0; loss.parameters()];
        let found = minimize(&loss, &start, stop, run.cancel, &mut |_, _| ())?;
        Ok(Found { parameters: found.parameters, iterations: found.iterations, converged: found.converged })
    }

    fn model(&self, columns: usize, found: Vec<Found>, output: Output) -> LinearModel {
        let shape = (found.len(), columns);
        let coefficients = Array2::from_shape_fn(shape, |(output, column)| found[output].parameters[column]);
        let scaling = if self.fit_intercept { self.intercept_scaling } else { 0.0 };
        let intercepts = found.iter().map(|it| scaling * it.parameters[columns]).collect();
        let iterations: Vec<usize> = found.iter().map(|it| it.iterations).collect();
        let facts = json!({ "n_iter": iterations, "converged": found.iter().all(|it| it.converged) });
        LinearModel { coefficients, intercepts, output, facts: facts.as_object().cloned().unwrap_or_default() }
    }
}
