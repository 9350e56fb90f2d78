//! Support vector machines with kernels.

mod cache;
mod function;
mod gamma;
mod machine;
mod matrix;
mod solver;
mod train;
mod working_set;

pub use gamma::Gamma;

use super::{
    Arrays, ClassWeight, Features, FitError, Fitted, Run, Size, StoredError, Task, TrainingData, Traits,
    choices::{expect, only_for_classes},
    model::Estimator,
    numeric::points::Points,
};
use crate::engine::field::FieldError;
use cache::RowCache;
use function::Function;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A support vector machine: C-support vector classification for classes, epsilon-support vector regression for numbers.
///
/// Minimizes `1/2 ‖w‖² + C Σ weight_i loss_i` in the feature space of the kernel. The loss is the hinge loss
/// `max(0, 1 - y f(x))` of a classifier, or `max(0, |y - f(x)| - epsilon)` of a regressor, with
/// `f(x) = Σ dual_coef_i k(x_i, x) + intercept`. Several classes are trained one against one. The dual problem is solved by
/// sequential minimal optimization (Fan, Chen and Lin, 2005), as in LIBSVM.
///
/// Source: <https://scikit-learn.org/1.9/modules/generated/sklearn.svm.SVC.html> and `sklearn.svm.SVR`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Svm {
    /// Inverse strength of the regularization, over 0. Default: 1.
    #[serde(rename = "C")]
    pub c: f64,
    /// Kernel function. Default: `rbf`.
    pub kernel: KernelName,
    /// Degree of the kernel `poly`; other kernels ignore it. Default: 3.
    pub degree: u32,
    /// Coefficient of the kernels `rbf`, `poly` and `sigmoid`. Default: `scale`.
    pub gamma: Gamma,
    /// Constant term of the kernels `poly` and `sigmoid`. Default: 0.
    pub coef0: f64,
    /// Whether the solver leaves out variables that are likely to stay at their bounds. The solution is the same within
    /// `tol`. Default: true.
    pub shrinking: bool,
    /// Largest violation of the optimality conditions at which the solver stops. Default: 0.001.
    pub tol: f64,
    /// Size of the cache of kernel rows in MB. Default: 200.
    pub cache_size: f64,
    /// Maximum number of iterations of the solver; -1 for no limit. Default: -1.
    pub max_iter: i64,
    /// Half the width of the tube around the prediction in which errors do not count. Only for numbers. Default: 0.1.
    pub epsilon: Option<f64>,
    /// `balanced`: every class weighs the same in total. Only for classes. Default: null, equal weights.
    pub class_weight: Option<ClassWeight>,
    /// Scores of several classes: one per class (`ovr`) or one per pair of classes (`ovo`). Only for classes. Default:
    /// `ovr`.
    pub decision_function_shape: DecisionFunctionShape,
    /// Whether the label is the class of the largest `ovr` score, where votes could tie. Only for classes. Default: false.
    pub break_ties: bool,
}

/// Name of a kernel function k(x, y).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KernelName {
    /// `x·y`
    Linear,
    /// `(gamma x·y + coef0)^degree`
    Poly,
    /// `exp(-gamma ‖x - y‖²)`
    Rbf,
    /// `tanh(gamma x·y + coef0)`
    Sigmoid,
}

/// Scores of a classifier of several classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecisionFunctionShape {
    /// One score per class: its votes, and less than half a vote for how clear they are.
    Ovr,
    /// One score per pair of classes, positive for the first.
    Ovo,
}

impl Default for Svm {
    fn default() -> Self {
        Self {
            c: 1.0,
            kernel: KernelName::Rbf,
            degree: 3,
            gamma: Gamma::Scale,
            coef0: 0.0,
            shrinking: true,
            tol: 1e-3,
            cache_size: 200.0,
            max_iter: -1,
            epsilon: None,
            class_weight: None,
            decision_function_shape: DecisionFunctionShape::Ovr,
            break_ties: false,
        }
    }
}

impl Svm {
    fn function(&self, features: &Features<'_>) -> Function {
        let (coef0, degree) = (self.coef0, self.degree);
        match self.kernel {
            KernelName::Linear => Function::Linear,
            KernelName::Poly => Function::Poly { gamma: self.gamma.resolve(features), coef0, degree },
            KernelName::Rbf => Function::Rbf { gamma: self.gamma.resolve(features) },
            KernelName::Sigmoid => Function::Sigmoid { gamma: self.gamma.resolve(features), coef0 },
        }
    }

    fn cache_bytes(&self) -> u64 {
        (self.cache_size * 1024.0 * 1024.0) as u64
    }
}

impl Estimator for Svm {
    fn check(&self) -> Result<(), FieldError> {
        expect("/C", self.c > 0.0 && self.c.is_finite(), "a finite number over 0", self.c)?;
        if let Gamma::Number(gamma) = self.gamma {
            expect(
                "/gamma",
                gamma >= 0.0 && gamma.is_finite(),
                "`scale`, `auto` or a finite number of at least 0",
                gamma,
            )?;
        }
        expect("/coef0", self.coef0.is_finite(), "a finite number", self.coef0)?;
        expect("/tol", self.tol > 0.0 && self.tol.is_finite(), "a finite number over 0", self.tol)?;
        let cache_size = self.cache_size;
        expect("/cache_size", cache_size > 0.0 && cache_size.is_finite(), "a finite number of MB over 0", cache_size)?;
        expect("/max_iter", self.max_iter == -1 || self.max_iter > 0, "-1 or at least 1", self.max_iter)?;
        if let Some(epsilon) = self.epsilon {
            expect("/epsilon", epsilon >= 0.0 && epsilon.is_finite(), "a finite number of at least 0", epsilon)?;
        }
        let tied = self.break_ties && self.decision_function_shape == DecisionFunctionShape::Ovo;
        expect("/break_ties", !tied, "false with the `decision_function_shape` `ovo`", self.break_ties)
    }

    fn check_task(&self, task: Task, _columns: usize) -> Result<(), FieldError> {
        only_for_classes("/class_weight", task, self.class_weight.is_some())?;
        let ovo = self.decision_function_shape == DecisionFunctionShape::Ovo;
        only_for_classes("/decision_function_shape", task, ovo)?;
        only_for_classes("/break_ties", task, self.break_ties)?;
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

    fn model_bytes(&self, size: Size) -> u64 {
        8 * size.rows as u64 * (size.columns as u64 + size.task.outputs() as u64)
    }

    fn memory_bytes(&self, size: Size) -> u64 {
        let (rows, columns) = (size.rows as u64, size.columns as u64);
        let (variables, outputs) = match size.task {
            Task::Classification { n_classes } => (rows, n_classes.max(2) as u64 - 1),
            Task::Regression => (2 * rows, 1),
        };
        let threads = size.threads as u64;
        let points = Points::bytes(size.rows, size.columns) + 16 * rows;
        // Each thread solves the problem of a pair of classes, with its share of the cache.
        let solvers = if outputs > 1 { threads.min(outputs * (outputs + 1) / 2) } else { 1 };
        let solver = points + variables * (9 * 8 + 3 * 4 + 32);
        let cache = RowCache::bytes(size.rows, self.cache_bytes());
        let fitted = 2 * points + rows * outputs * 8 + rows * columns * 8;
        solvers * solver + cache + fitted
    }

    fn fit(&self, data: &TrainingData<'_>, run: &mut Run<'_>) -> Result<Box<dyn Fitted>, FitError> {
        Ok(Box::new(train::train(self, data, run)?))
    }

    fn read(&self, stored: &Arrays) -> Result<Box<dyn Fitted>, StoredError> {
        Ok(Box::new(machine::Machine::read(self, stored)?))
    }
}
