//! Gaussian naive Bayes.

use super::{
    Arrays, Features, FitError, Fitted, Predictions, Run, Size, StoredError, Target, Task, TrainingData, Traits,
    choices::expect,
    chunks::for_each_chunk,
    model::Estimator,
    numeric::{
        classes::{check_columns, check_scores, expect_columns},
        softmax::softmax,
    },
    run::check_cancel,
};
use crate::engine::field::FieldError;
use ndarray::Array2;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{f64::consts::TAU, sync::atomic::AtomicBool};
use utoipa::ToSchema;

/// Gaussian naive Bayes: within a class, columns are independent and normal.
///
/// `P(k | x)` is proportional to `prior_k Π_j N(x_j; theta_kj, var_kj + epsilon)`, with the weighted mean and variance of
/// each column in each class, and `epsilon = var_smoothing * the largest variance of a column`.
///
/// Source: <https://scikit-learn.org/1.9/modules/generated/sklearn.naive_bayes.GaussianNB.html>.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GaussianNb {
    /// Probabilities of the classes, with the sum 1. Default: null, the shares of the training rows.
    pub priors: Option<Vec<f64>>,
    /// Share of the largest variance of a column that is added to all variances. Default: 1e-9.
    pub var_smoothing: f64,
}

impl Default for GaussianNb {
    fn default() -> Self {
        Self { priors: None, var_smoothing: 1e-9 }
    }
}

impl Estimator for GaussianNb {
    fn check(&self) -> Result<(), FieldError> {
        let smoothing = self.var_smoothing;
        expect(
            "/var_smoothing",
            smoothing >= 0.0 && smoothing.is_finite(),
            "a finite number of at least 0",
            smoothing,
        )?;
        let Some(priors) = &self.priors else { return Ok(()) };
        for (at, &prior) in priors.iter().enumerate() {
            expect(&format!("/priors/{at}"), (0.0..=1.0).contains(&prior), "a number from 0 to 1", prior)?;
        }
        let sum: f64 = priors.iter().sum();
        expect("/priors", (sum - 1.0).abs() <= 1e-5, "numbers with the sum 1", sum)
    }

    fn check_task(&self, task: Task, _columns: usize) -> Result<(), FieldError> {
        let Some(priors) = &self.priors else { return Ok(()) };
        let classes = task.outputs();
        expect(
            "/priors",
            priors.len() == classes,
            &format!("one prior for each of the {classes} classes"),
            priors.len(),
        )
    }

    fn traits(&self) -> Traits {
        Traits { classifies: true, regresses: false, scaled: false, missing: false, categories: false }
    }

    fn memory_bytes(&self, size: Size) -> u64 {
        8 * size.task.outputs() as u64 * (4 * size.columns as u64 + 4) + 8 * size.rows as u64
    }

    fn fit(&self, data: &TrainingData<'_>, run: &mut Run<'_>) -> Result<Box<dyn Fitted>, FitError> {
        expect_columns(&data.features)?;
        let Target::Classes { codes, n_classes } = data.target else {
            return Err(FitError::data("target: expected classes, received numbers"));
        };
        let weight = |row: usize| data.weights.map_or(1.0, |weights| weights[row]);
        let mut counts = vec![0.0; n_classes];
        codes.iter().enumerate().for_each(|(row, &code)| counts[code as usize] += weight(row));
        let cancel = run.cancel;
        let columns: Result<Vec<Column>, FitError> = data
            .features
            .columns()
            .par_iter()
            .map(|column| {
                check_cancel(cancel)?;
                Ok(Column::new(column.values, codes, &counts, &weight))
            })
            .collect();
        let columns = columns?;
        let epsilon = self.var_smoothing * columns.iter().map(|column| column.variance).fold(0.0, f64::max);
        for (at, column) in columns.iter().enumerate() {
            if column.var.iter().chain([&column.variance]).any(|var| !var.is_finite()) {
                return Err(FitError::data(format!("column {at}: expected numbers whose squares are finite")));
            }
        }
        let present: Vec<bool> = counts.iter().map(|count| *count > 0.0).collect();
        for (at, column) in columns.iter().enumerate() {
            let is_flat = |class: &usize| present[*class] && column.var[*class] + epsilon <= 0.0;
            if let Some(class) = (0..n_classes).find(is_flat) {
                let detail = format!(
                    "column {at}: expected values that vary within class {class}, or a larger `var_smoothing`; received a \
                     variance of 0"
                );
                return Err(FitError::data(detail));
            }
        }
        let total: f64 = counts.iter().sum();
        let prior = match &self.priors {
            Some(priors) => priors.clone(),
            None => counts.iter().map(|count| count / total).collect(),
        };
        let shape = (n_classes, columns.len());
        let theta = Array2::from_shape_fn(shape, |(class, column)| columns[column].mean[class]);
        // A class without rows has a probability of 0, whatever its variance.
        let var = Array2::from_shape_fn(shape, |(class, column)| match present[class] {
            true => columns[column].var[class] + epsilon,
            false => 1.0,
        });
        Ok(Box::new(Bayes { theta, var, prior, counts, epsilon }))
    }

    fn read(&self, stored: &Arrays) -> Result<Box<dyn Fitted>, StoredError> {
        let theta = stored.get::<f64>("theta", &[None, None])?;
        let (classes, columns) = (theta.shape()[0], theta.shape()[1]);
        let matrix = |name: &str| -> Result<Array2<f64>, StoredError> {
            let elements = stored.elements::<f64>(name, &[classes, columns])?;
            Arrays::finite(name, &elements)?;
            let matrix = Array2::from_shape_vec((classes, columns), elements);
            matrix.map_err(|error| StoredError::new(name, error.to_string()))
        };
        let list = |name: &str| -> Result<Vec<f64>, StoredError> {
            let list = stored.list::<f64>(name, Some(classes))?;
            Arrays::finite(name, &list)?;
            Ok(list)
        };
        let (theta, var) = (matrix("theta")?, matrix("var")?);
        if let Some(wrong) = var.iter().find(|var| **var <= 0.0) {
            return Err(StoredError::new("var", format!("expected variances over 0, received {wrong}")));
        }
        let epsilon: f64 = stored.field("epsilon")?;
        Ok(Box::new(Bayes { theta, var, prior: list("class_prior")?, counts: list("class_count")?, epsilon }))
    }
}

/// One column: its variance, and its mean and variance in every class.
struct Column {
    variance: f64,
    mean: Vec<f64>,
    var: Vec<f64>,
}

impl Column {
    fn new(
        values: ndarray::ArrayView1<'_, f64>,
        codes: &[u32],
        counts: &[f64],
        weight: &(impl Fn(usize) -> f64 + Sync),
    ) -> Self {
        let rows = values.len() as f64;
        let overall = values.iter().sum::<f64>() / rows;
        let variance = values.iter().map(|value| (value - overall) * (value - overall)).sum::<f64>() / rows;
        let divided = |sums: Vec<f64>| -> Vec<f64> {
            let of_class = |(sum, count): (f64, &f64)| if *count > 0.0 { sum / count } else { 0.0 };
            sums.into_iter().zip(counts).map(of_class).collect()
        };
        let mut sums = vec![0.0; counts.len()];
        for (row, (value, &code)) in values.iter().zip(codes).enumerate() {
            sums[code as usize] += weight(row) * value;
        }
        let mean = divided(sums);
        let mut sums = vec![0.0; counts.len()];
        for (row, (value, &code)) in values.iter().zip(codes).enumerate() {
            let distance = value - mean[code as usize];
            sums[code as usize] += weight(row) * distance * distance;
        }
        Self { variance, mean, var: divided(sums) }
    }
}

/// A fitted model.
#[derive(Debug)]
struct Bayes {
    /// Means, [classes, columns].
    theta: Array2<f64>,
    /// Variances with `epsilon`, [classes, columns].
    var: Array2<f64>,
    prior: Vec<f64>,
    counts: Vec<f64>,
    epsilon: f64,
}

impl Fitted for Bayes {
    fn task(&self) -> Task {
        Task::Classification { n_classes: self.prior.len() }
    }

    fn columns(&self) -> usize {
        self.theta.ncols()
    }

    fn predict(&self, features: &Features<'_>, cancel: &AtomicBool) -> Result<Predictions, FitError> {
        const ROWS: usize = 256;
        check_columns(features, self.columns())?;
        let classes = self.prior.len();
        let constant: Vec<f64> = (0..classes)
            .map(|class| match self.prior[class] > 0.0 && self.counts[class] > 0.0 {
                true => {
                    self.prior[class].ln() - 0.5 * self.var.row(class).iter().map(|var| (TAU * var).ln()).sum::<f64>()
                }
                false => f64::NEG_INFINITY,
            })
            .collect();
        let mut scores = Array2::<f64>::zeros((features.rows(), classes));
        for_each_chunk(scores.as_slice_mut().unwrap_or_default(), ROWS * classes, |part, scores| {
            check_cancel(cancel)?;
            for (at, scores) in scores.chunks_exact_mut(classes).enumerate() {
                let row = part * ROWS + at;
                for (class, score) in scores.iter_mut().enumerate() {
                    let mut sum = 0.0;
                    for (column, of_column) in features.columns().iter().enumerate() {
                        let distance = of_column.values[row] - self.theta[[class, column]];
                        sum += distance * distance / self.var[[class, column]];
                    }
                    *score = constant[class] - 0.5 * sum;
                }
                softmax(scores);
            }
            check_scores(scores, classes, part * ROWS)
        })?;
        Ok(Predictions::probabilities(scores))
    }

    fn arrays(&self) -> Arrays {
        let mut arrays = Arrays::default();
        arrays.insert("theta", self.theta.clone());
        arrays.insert("var", self.var.clone());
        arrays.insert_list("class_prior", self.prior.clone());
        arrays.insert_list("class_count", self.counts.clone());
        arrays.set("epsilon", self.epsilon);
        arrays
    }

    fn summary(&self) -> Value {
        json!({ "class_prior": self.prior, "class_count": self.counts, "epsilon": self.epsilon })
    }
}
