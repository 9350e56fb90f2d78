//! [`Classes`]: the classes that have rows.

use crate::engine::classical::{Features, FitError, Target, run::check_cancel};
use std::sync::atomic::AtomicBool;

/// The classes of a target that have rows of positive weight, numbered without gaps.
#[derive(Debug)]
pub(crate) struct Classes {
    /// The code of every class that has rows.
    pub(crate) present: Vec<u32>,
    /// The rows of every class in `present`.
    pub(crate) rows: Vec<Vec<u32>>,
    /// Number of classes of the target.
    pub(crate) n_classes: usize,
}

impl Classes {
    /// The classes of a target of classes.
    pub(crate) fn of(codes: &[u32], n_classes: usize, weights: Option<&[f64]>) -> Self {
        let mut all: Vec<Vec<u32>> = vec![Vec::new(); n_classes];
        for (row, &code) in codes.iter().enumerate() {
            if weights.is_none_or(|weights| weights[row] > 0.0) {
                all[code as usize].push(row as u32);
            }
        }
        let (present, rows) = (0u32..).zip(all).filter(|(_, rows)| !rows.is_empty()).unzip();
        Self { present, rows, n_classes }
    }

    /// The number of each row's class in `present`.
    pub(crate) fn numbers(&self, codes: &[u32]) -> Vec<f64> {
        let mut number = vec![0.0; self.n_classes];
        self.present.iter().enumerate().for_each(|(at, &class)| number[class as usize] = at as f64);
        codes.iter().map(|&code| number[code as usize]).collect()
    }

    /// Fails unless at least two classes have rows.
    pub(crate) fn expect_two(&self) -> Result<(), FitError> {
        match self.present.len() {
            2.. => Ok(()),
            one => Err(FitError::data(format!("target: expected rows of at least 2 classes, received {one}"))),
        }
    }
}

/// The numbers of a target for a regressor; empty for classes.
pub(crate) fn numbers<'a>(target: &Target<'a>) -> &'a [f64] {
    match target {
        Target::Values(values) => values,
        Target::Classes { .. } => &[],
    }
}

/// Fails if the features have no column.
pub(crate) fn expect_columns(features: &Features<'_>) -> Result<(), FitError> {
    match features.columns().len() {
        0 => Err(FitError::data("expected at least 1 column, received 0")),
        _ => Ok(()),
    }
}

/// Row-major elements of the features.
pub(crate) fn row_major(features: &Features<'_>, cancel: &AtomicBool) -> Result<Vec<f64>, FitError> {
    let columns = features.columns().len();
    let mut rows = vec![0.0; features.rows() * columns];
    for (at, column) in features.columns().iter().enumerate() {
        check_cancel(cancel)?;
        rows[at..].iter_mut().step_by(columns).zip(column.values).for_each(|(to, &value)| *to = value);
    }
    Ok(rows)
}

/// Fails if `features` has another number of columns than the model was trained with, or values that are not finite.
pub(crate) fn check_columns(features: &Features<'_>, columns: usize) -> Result<(), FitError> {
    let received = features.columns().len();
    if received != columns {
        return Err(FitError::data(format!("expected {columns} columns, received {received}")));
    }
    features.check(false)
}

/// Fails at the first row whose scores are not finite; `first` is the number of the first row of `scores`.
pub(crate) fn check_scores(scores: &[f64], outputs: usize, first: usize) -> Result<(), FitError> {
    match scores.iter().position(|score| !score.is_finite()) {
        Some(at) => {
            let row = first + at / outputs;
            Err(FitError::data(format!("row {row}: expected numbers of a smaller size: the prediction overflowed")))
        }
        None => Ok(()),
    }
}
