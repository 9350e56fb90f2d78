//! Rows and targets: [`Features`], [`Target`], [`TrainingData`].

use super::FitError;
use ndarray::{Array2, ArrayView1};
use rayon::prelude::*;

/// Numbers from which columns are checked in parallel. A prediction of a few rows waits for no other thread.
const PARALLEL: usize = 1 << 16;

/// One column of the features.
#[derive(Debug, Clone, Copy)]
pub struct Column<'a> {
    /// One number per row. NaN is a missing value. A category has its code: 0 to `levels - 1`.
    pub values: ArrayView1<'a, f64>,
    /// The number of levels of a category; `None` for a number.
    pub levels: Option<usize>,
}

/// The columns that a model reads, all of the same length.
#[derive(Debug, Clone)]
pub struct Features<'a> {
    rows: usize,
    columns: Vec<Column<'a>>,
}

impl<'a> Features<'a> {
    /// Columns of `rows` rows each; an error names the first column of another length.
    pub fn new(rows: usize, columns: Vec<Column<'a>>) -> Result<Self, FitError> {
        match columns.iter().position(|column| column.values.len() != rows) {
            Some(at) => {
                let received = columns[at].values.len();
                Err(FitError::data(format!("column {at}: expected {rows} rows, received {received}")))
            }
            None => Ok(Self { rows, columns }),
        }
    }

    /// The columns of a matrix of numbers, one row per row.
    pub fn numbers(matrix: &'a Array2<f64>) -> Self {
        let columns = matrix.columns().into_iter().map(|values| Column { values, levels: None }).collect();
        Self { rows: matrix.nrows(), columns }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The columns.
    pub fn columns(&self) -> &[Column<'a>] {
        &self.columns
    }

    /// The first infinite number, and the first missing value unless `missing` is accepted, as an error.
    pub fn check(&self, missing: bool) -> Result<(), FitError> {
        let is_wrong = |value: &f64| value.is_infinite() || (!missing && value.is_nan());
        let wrong = |(at, column): (usize, &Column<'_>)| {
            // without a branch for each number: nearly all columns are right
            let is_right = !column.values.iter().fold(false, |any, value| any | is_wrong(value));
            let row = if is_right { None } else { column.values.iter().position(is_wrong) }?;
            let found = if column.values[row].is_nan() { "a missing value" } else { "an infinite number" };
            Some(FitError::data(format!("column {at}, row {row}: expected a finite number, received {found}")))
        };
        let first = match self.rows * self.columns.len() < PARALLEL {
            true => self.columns.iter().enumerate().find_map(wrong),
            false => self.columns.par_iter().enumerate().find_map_first(wrong),
        };
        first.map_or(Ok(()), Err)
    }

    /// Fails unless there are `expected` columns.
    pub fn check_columns(&self, expected: usize) -> Result<(), FitError> {
        match self.columns.len() {
            received if received == expected => Ok(()),
            received => Err(FitError::data(format!("expected {expected} columns, received {received}"))),
        }
    }

    /// Row-major copy.
    pub fn to_matrix(&self) -> Array2<f64> {
        Array2::from_shape_fn((self.rows, self.columns.len()), |(row, column)| self.columns[column].values[row])
    }
}

/// What a model learns.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// A class per row: 0 to `n_classes - 1`. A class may be absent.
    Classes {
        /// One code per row.
        codes: &'a [u32],
        /// The number of classes.
        n_classes: usize,
    },
    /// A number per row.
    Values(&'a [f64]),
}

impl Target<'_> {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        match self {
            Self::Classes { codes, .. } => codes.len(),
            Self::Values(values) => values.len(),
        }
    }

    /// What kind of target this is.
    pub fn task(&self) -> Task {
        match self {
            Self::Classes { n_classes, .. } => Task::Classification { n_classes: *n_classes },
            Self::Values(_) => Task::Regression,
        }
    }
}

/// Classifier or regressor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// The target is one of some classes.
    Classification {
        /// The number of classes.
        n_classes: usize,
    },
    /// The target is a number.
    Regression,
}

impl Task {
    /// Number of outputs per row: one per class, or one.
    pub fn outputs(self) -> usize {
        match self {
            Self::Classification { n_classes } => n_classes,
            Self::Regression => 1,
        }
    }
}

/// Rows with their targets and weights.
#[derive(Debug, Clone)]
pub struct TrainingData<'a> {
    /// The features.
    pub features: Features<'a>,
    /// One target per row.
    pub target: Target<'a>,
    /// One weight per row, at least 0; `None` for equal weights.
    pub weights: Option<&'a [f64]>,
    /// One weight per class beside those of the rows, for a model that does not multiply the two (see
    /// [`super::ClassicalModel::weighs_classes`]); other models ignore it.
    pub class_weights: Option<&'a [f64]>,
}

impl TrainingData<'_> {
    /// Checks lengths, codes, finite targets and weights: what every model expects.
    pub fn check(&self) -> Result<(), FitError> {
        let rows = self.features.rows();
        if rows == 0 {
            return Err(FitError::data("expected at least 1 row, received 0"));
        }
        if self.target.rows() != rows {
            return Err(FitError::data(format!("target: expected {rows} rows, received {}", self.target.rows())));
        }
        match self.target {
            Target::Classes { codes, n_classes } => {
                if let Some(row) = codes.iter().position(|&code| code as usize >= n_classes) {
                    let code = codes[row];
                    return Err(FitError::data(format!(
                        "target, row {row}: expected a class below {n_classes}, received {code}"
                    )));
                }
            }
            Target::Values(values) => {
                if let Some(row) = values.iter().position(|value| !value.is_finite()) {
                    let value = values[row];
                    return Err(FitError::data(format!(
                        "target, row {row}: expected a finite number, received {value}"
                    )));
                }
            }
        }
        let Some(weights) = self.weights else { return Ok(()) };
        if weights.len() != rows {
            return Err(FitError::data(format!("weights: expected {rows} rows, received {}", weights.len())));
        }
        if let Some(row) = weights.iter().position(|weight| !weight.is_finite() || *weight < 0.0) {
            let weight = weights[row];
            return Err(FitError::data(format!(
                "weights, row {row}: expected a finite number of at least 0, received {weight}"
            )));
        }
        if weights.iter().all(|weight| *weight == 0.0) {
            return Err(FitError::data("weights: expected one more than 0, received only 0"));
        }
        Ok(())
    }
}
