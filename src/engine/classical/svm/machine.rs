//! [`Machine`]: a trained support vector machine.

use super::{
    DecisionFunctionShape, Svm,
    function::{Function, Normed, squared_norm},
};
use crate::engine::classical::{
    Arrays, Coefficients, Features, FitError, Fitted, Predictions, Scores, StoredError, Task,
    argmax::first_largest,
    chunks::for_each_pair,
    numeric::{
        classes::{check_columns, check_scores},
        points::Points,
    },
    run::check_cancel,
};
use ndarray::Array2;
use serde_json::{Value, json};
use std::sync::atomic::AtomicBool;

/// Facts about the fit.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Facts {
    /// Iterations of every problem.
    pub(super) iterations: Vec<u64>,
    /// Whether every problem reached the tolerance.
    pub(super) converged: bool,
}

/// Classifier or regressor.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// One against one.
    Classifier {
        /// Classes of the target.
        n_classes: usize,
        /// The classes that had rows.
        present: Vec<u32>,
        /// Support vectors of each of them.
        n_support: Vec<usize>,
        /// Scores of several classes.
        shape: DecisionFunctionShape,
        /// Whether the largest score decides.
        break_ties: bool,
    },
    /// Numbers.
    Regressor,
}

impl Kind {
    /// Coefficients of a support vector.
    pub(super) fn outputs(&self) -> usize {
        match self {
            Self::Classifier { present, .. } => present.len() - 1,
            Self::Regressor => 1,
        }
    }

    /// Decision functions: one per pair of classes, or one.
    fn functions(&self) -> usize {
        match self {
            Self::Classifier { present, .. } => present.len() * (present.len() - 1) / 2,
            Self::Regressor => 1,
        }
    }
}

/// A trained support vector machine.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) kind: Kind,
    pub(super) columns: usize,
    pub(super) function: Function,
    /// The training rows that are support vectors, by class.
    pub(super) support: Vec<u32>,
    pub(super) vectors: Normed,
    /// [outputs, support vectors]
    pub(super) dual_coef: Array2<f64>,
    /// One per decision function.
    pub(super) intercepts: Vec<f64>,
    pub(super) facts: Facts,
}

impl Machine {
    /// The decision functions of a row: of a pair of classes, positive for the first. `kernels` has one element per support
    /// vector.
    fn decide(&self, x: &[f64], kernels: &mut [f64], decisions: &mut [f64]) {
        self.function.row(&self.vectors, 0, x, squared_norm(x), kernels);
        let sum = |output: usize, from: usize, to: usize| -> f64 {
            let coefficients = self.dual_coef.row(output);
            coefficients
                .iter()
                .zip(&*kernels)
                .skip(from)
                .take(to - from)
                .map(|(coefficient, kernel)| coefficient * kernel)
                .sum()
        };
        let Kind::Classifier { n_support, .. } = &self.kind else {
            decisions[0] = sum(0, 0, self.support.len()) + self.intercepts[0];
            return;
        };
        let starts: Vec<usize> =
            n_support.iter().scan(0, |at, count| Some(std::mem::replace(at, *at + count))).collect();
        let mut pair = 0;
        for i in 0..n_support.len() {
            for j in i + 1..n_support.len() {
                let of_first = sum(j - 1, starts[i], starts[i] + n_support[i]);
                let of_second = sum(i, starts[j], starts[j] + n_support[j]);
                decisions[pair] = of_first + of_second + self.intercepts[pair];
                pair += 1;
            }
        }
    }

    /// Fails if products of the features overflowed.
    pub(super) fn finite(self) -> Result<Self, FitError> {
        if self.dual_coef.iter().chain(&self.intercepts).any(|number| !number.is_finite()) {
            return Err(FitError::data("expected features of a smaller size: the kernel function overflowed"));
        }
        Ok(self)
    }

    /// The scores of a row, and its label.
    fn scores(&self, decisions: &[f64], scores: &mut [f64]) -> u32 {
        let Kind::Classifier { present, break_ties, .. } = &self.kind else {
            scores[0] = decisions[0];
            return 0;
        };
        let count = present.len();
        let (mut votes, mut clear) = (vec![0.0; count], vec![0.0; count]);
        let pairs = (0..count).flat_map(|i| (i + 1..count).map(move |j| (i, j)));
        for ((i, j), &decision) in pairs.zip(decisions) {
            votes[if decision > 0.0 { i } else { j }] += 1.0;
            clear[i] += decision;
            clear[j] -= decision;
        }
        let by_class: Vec<f64> = if let [decision] = decisions {
            vec![*decision, -decision]
        } else {
            votes.iter().zip(&clear).map(|(votes, clear)| votes + clear / (3.0 * (clear.abs() + 1.0))).collect()
        };
        let label = first_largest(if *break_ties && count > 2 { &by_class } else { &votes }.iter().copied());
        if self.scores_pairs() {
            scores.copy_from_slice(decisions);
        } else {
            // A class without training rows is below all others.
            let least = by_class.iter().copied().fold(f64::INFINITY, f64::min);
            scores.fill(least - 1.0);
            present.iter().zip(&by_class).for_each(|(&class, &score)| scores[class as usize] = score);
        }
        present[label as usize]
    }

    /// Whether there is a score per pair of classes. Where a class has no training rows there is one per class.
    fn scores_pairs(&self) -> bool {
        let Kind::Classifier { n_classes, present, shape, .. } = &self.kind else { return false };
        *shape == DecisionFunctionShape::Ovo && *n_classes > 2 && present.len() == *n_classes
    }

    fn score_columns(&self) -> usize {
        match &self.kind {
            Kind::Classifier { .. } if self.scores_pairs() => self.kind.functions(),
            Kind::Classifier { n_classes, .. } => *n_classes,
            Kind::Regressor => 1,
        }
    }

    /// Reads what [`Fitted::arrays`] gave.
    pub(super) fn read(settings: &Svm, stored: &Arrays) -> Result<Self, StoredError> {
        let columns: usize = stored.field("columns")?;
        let number = |name| -> Result<f64, StoredError> {
            let number: f64 = stored.field(name)?;
            Arrays::finite(name, &[number]).map(|()| number)
        };
        let function = match settings.kernel {
            super::KernelName::Linear => Function::Linear,
            super::KernelName::Rbf => Function::Rbf { gamma: number("gamma")? },
            super::KernelName::Poly => {
                Function::Poly { gamma: number("gamma")?, coef0: settings.coef0, degree: settings.degree }
            }
            super::KernelName::Sigmoid => Function::Sigmoid { gamma: number("gamma")?, coef0: settings.coef0 },
        };
        let support: Vec<u32> = indices("support", stored.list::<i64>("support", None)?)?;
        let kind = match stored.metadata.contains_key("n_classes") {
            false => Kind::Regressor,
            true => {
                let n_classes: usize = stored.field("n_classes")?;
                let present: Vec<u32> = stored.field("classes")?;
                let n_support: Vec<usize> = stored.field("n_support")?;
                if present.len() < 2
                    || !present.is_sorted_by(|a, b| a < b)
                    || present.iter().any(|&it| it as usize >= n_classes)
                {
                    return Err(StoredError::new(
                        "classes",
                        format!("expected rising classes below {n_classes}, at least 2"),
                    ));
                }
                let sum = n_support.iter().try_fold(0usize, |sum, count| sum.checked_add(*count));
                if n_support.len() != present.len() || sum != Some(support.len()) {
                    let expected = format!("expected {} counts with the sum {}", present.len(), support.len());
                    return Err(StoredError::new("n_support", expected));
                }
                let (shape, break_ties) = (settings.decision_function_shape, settings.break_ties);
                Kind::Classifier { n_classes, present, n_support, shape, break_ties }
            }
        };
        let vectors = stored.elements::<f64>("support_vectors", &[support.len(), columns])?;
        let dual = stored.elements::<f64>("dual_coef", &[kind.outputs(), support.len()])?;
        let intercepts = stored.list::<f64>("intercept", Some(kind.functions()))?;
        Arrays::finite("support_vectors", &vectors)?;
        Arrays::finite("dual_coef", &dual)?;
        Arrays::finite("intercept", &intercepts)?;
        let shape = (kind.outputs(), support.len());
        let dual_coef =
            Array2::from_shape_vec(shape, dual).map_err(|error| StoredError::new("dual_coef", error.to_string()))?;
        let vectors = Normed::new(Points::of_rows(&vectors, columns), columns);
        let facts = Facts { iterations: stored.field("n_iter")?, converged: stored.field("converged")? };
        Ok(Self { kind, columns, function, support, vectors, dual_coef, intercepts, facts })
    }
}

/// Row numbers that fit `u32`.
fn indices(name: &str, numbers: Vec<i64>) -> Result<Vec<u32>, StoredError> {
    let index = |number: &i64| {
        u32::try_from(*number).map_err(|_| StoredError::new(name, format!("expected row numbers, received {number}")))
    };
    numbers.iter().map(index).collect()
}

impl Fitted for Machine {
    fn task(&self) -> Task {
        match self.kind {
            Kind::Classifier { n_classes, .. } => Task::Classification { n_classes },
            Kind::Regressor => Task::Regression,
        }
    }

    fn columns(&self) -> usize {
        self.columns
    }

    fn predict(&self, features: &Features<'_>, cancel: &AtomicBool) -> Result<Predictions, FitError> {
        check_columns(features, self.columns)?;
        let (rows, outputs) = (features.rows(), self.score_columns());
        let mut scores = Array2::<f64>::zeros((rows, outputs));
        let mut labels = vec![0; rows];
        // Rows that one task predicts: enough work for a task, little enough to be cancelled soon.
        let some = ((1 << 20) / (self.support.len() * (self.columns + 8)).max(1)).clamp(1, 256);
        let lists = (scores.as_slice_mut().unwrap_or_default(), labels.as_mut_slice());
        for_each_pair(lists, (some * outputs, some), |part, scores, labels| {
            check_cancel(cancel)?;
            let (mut kernels, mut decisions) = (vec![0.0; self.support.len()], vec![0.0; self.kind.functions()]);
            let mut x = vec![0.0; self.columns];
            for (at, (scores, label)) in scores.chunks_exact_mut(outputs).zip(labels).enumerate() {
                let row = part * some + at;
                x.iter_mut().zip(features.columns()).for_each(|(x, column)| *x = column.values[row]);
                self.decide(&x, &mut kernels, &mut decisions);
                *label = self.scores(&decisions, scores);
            }
            check_scores(scores, outputs, part * some)
        })?;
        Ok(match self.kind {
            Kind::Classifier { .. } => {
                let kind = if self.scores_pairs() { Scores::PairDecision } else { Scores::Decision };
                Predictions { kind, scores, labels }
            }
            Kind::Regressor => Predictions::values(scores.into_raw_vec_and_offset().0),
        })
    }

    fn arrays(&self) -> Arrays {
        let mut arrays = Arrays::default();
        let mut vectors = Array2::zeros((self.support.len(), self.columns));
        for (at, mut row) in vectors.rows_mut().into_iter().enumerate() {
            if let Some(row) = row.as_slice_mut() {
                self.vectors.points.copy(at, row);
            }
        }
        arrays.insert("support_vectors", vectors);
        arrays.insert_list("support", self.support.iter().map(|&row| i64::from(row)).collect());
        arrays.insert("dual_coef", self.dual_coef.clone());
        arrays.insert_list("intercept", self.intercepts.clone());
        arrays.set("columns", self.columns);
        arrays.set("n_iter", self.facts.iterations.clone());
        arrays.set("converged", self.facts.converged);
        if let Some(gamma) = self.function.gamma() {
            arrays.set("gamma", gamma);
        }
        if let Kind::Classifier { n_classes, present, n_support, .. } = &self.kind {
            arrays.set("n_classes", *n_classes);
            arrays.set("classes", present.clone());
            arrays.set("n_support", n_support.clone());
        }
        arrays
    }

    fn coefficients(&self) -> Option<Coefficients> {
        if self.function != Function::Linear || self.kind.functions() != 1 {
            return None;
        }
        let mut coefficients = Array2::<f64>::zeros((1, self.columns));
        let mut x = vec![0.0; self.columns];
        for (at, &coefficient) in self.dual_coef.iter().enumerate() {
            self.vectors.points.copy(at, &mut x);
            coefficients.iter_mut().zip(&x).for_each(|(sum, x)| *sum += coefficient * x);
        }
        // The decision function of two classes is positive for the first of them, coefficients are for the second.
        let sign = if matches!(self.kind, Kind::Regressor) { 1.0 } else { -1.0 };
        coefficients.mapv_inplace(|coefficient| sign * coefficient);
        Some(Coefficients { coefficients, intercepts: vec![sign * self.intercepts[0]] })
    }

    fn summary(&self) -> Value {
        let n_support = match &self.kind {
            Kind::Classifier { n_support, .. } => json!(n_support),
            Kind::Regressor => json!([self.support.len()]),
        };
        let mut facts = json!({
            "n_support": n_support,
            "support_vectors": self.support.len(),
            "n_iter": self.facts.iterations,
            "converged": self.facts.converged,
        });
        if let Some(gamma) = self.function.gamma() {
            facts["gamma"] = json!(gamma);
        }
        facts
    }
}
