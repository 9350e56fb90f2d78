//! [`Centered`]: features and a target of numbers without their means.

use crate::engine::{
    classical::{Features, FitError, run::check_cancel},
    kernel::{Matrix, product},
};
use ndarray::ArrayView1;
use rayon::prelude::*;
use std::sync::atomic::AtomicBool;

/// Most rows of a chunk.
const CHUNK: usize = 256;
/// Products of a chunk: a few milliseconds, so that a fit ends soon after it was cancelled.
const CHUNK_PRODUCTS: usize = 1 << 27;
/// Rows whose products are summed by one task; the sums of tasks are added in their order.
const TASK: usize = 64 * CHUNK;

/// Features and target, of which each row is scaled with the root of its weight after the weighted means were subtracted.
#[derive(Debug)]
pub(crate) struct Centered<'a> {
    columns: Vec<ArrayView1<'a, f64>>,
    target: &'a [f64],
    weights: Option<&'a [f64]>,
    /// Means of the columns; 0 without intercept.
    pub(crate) means: Vec<f64>,
    /// Mean of the target; 0 without intercept.
    pub(crate) target_mean: f64,
    /// Sum of the weights.
    pub(crate) total: f64,
}

/// Products of [`Centered`] columns.
#[derive(Debug)]
pub(crate) struct Gram {
    /// XᵀX, row-major.
    pub(crate) matrix: Vec<f64>,
    /// Xᵀy
    pub(crate) target: Vec<f64>,
    /// yᵀy
    pub(crate) square: f64,
}

impl<'a> Centered<'a> {
    pub(crate) fn new(
        features: &Features<'a>,
        target: &'a [f64],
        weights: Option<&'a [f64]>,
        fit_intercept: bool,
    ) -> Self {
        let total = weights.map_or(target.len() as f64, |weights| weights.iter().sum());
        let mean = |values: &mut dyn Iterator<Item = f64>| -> f64 {
            match weights {
                None => values.sum::<f64>() / total,
                Some(weights) => values.zip(weights).map(|(value, weight)| value * weight).sum::<f64>() / total,
            }
        };
        let mut means = vec![0.0; features.columns().len()];
        let mut target_mean = 0.0;
        if fit_intercept {
            means = features.columns().iter().map(|column| mean(&mut column.values.iter().copied())).collect();
            target_mean = mean(&mut target.iter().copied());
        }
        let columns = features.columns().iter().map(|column| column.values).collect();
        Self { columns, target, weights, means, target_mean, total }
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.target.len()
    }

    /// Number of columns of the features.
    pub(crate) fn columns(&self) -> usize {
        self.means.len()
    }

    /// The intercept for these coefficients.
    pub(crate) fn intercept(&self, coefficients: &[f64]) -> f64 {
        self.target_mean
            - self.means.iter().zip(coefficients).map(|(mean, coefficient)| mean * coefficient).sum::<f64>()
    }

    /// Writes the rows from `first` on as columns of `chunk`, `stride` elements apart, the target as the last one.
    pub(crate) fn write_columns(&self, first: usize, rows: usize, chunk: &mut [f64], stride: usize) {
        let roots: Option<Vec<f64>> =
            self.weights.map(|weights| weights[first..first + rows].iter().map(|weight| weight.sqrt()).collect());
        let mut write = |at: usize, mean: f64, values: &mut dyn Iterator<Item = f64>| {
            let column = &mut chunk[at * stride..][..rows];
            column.iter_mut().zip(values).for_each(|(to, value)| *to = value - mean);
            if let Some(roots) = &roots {
                column.iter_mut().zip(roots).for_each(|(to, root)| *to *= root);
            }
        };
        for (at, (column, mean)) in self.columns.iter().zip(&self.means).enumerate() {
            write(at, *mean, &mut column.iter().skip(first).copied());
        }
        write(self.means.len(), self.target_mean, &mut self.target[first..].iter().copied());
    }

    /// Bytes of [`Self::gram`].
    pub(crate) fn gram_bytes(rows: usize, columns: usize, threads: usize) -> u64 {
        let size = columns as u64 + 1;
        8 * size * size * (rows.div_ceil(TASK) as u64 + 1) + 8 * size * (CHUNK * threads) as u64
    }

    /// The products of all columns.
    pub(crate) fn gram(&self, cancel: &AtomicBool) -> Result<Gram, FitError> {
        let (rows, columns) = (self.rows(), self.columns());
        let size = columns + 1;
        let step = (CHUNK_PRODUCTS / (size * size)).clamp(8, CHUNK);
        let tasks: Vec<usize> = (0..rows).step_by(TASK).collect();
        let sums: Result<Vec<Vec<f64>>, FitError> = tasks
            .par_iter()
            .map(|&start| {
                let mut sums = vec![0.0; size * size];
                let mut chunk = vec![0.0; size * step];
                for first in (start..rows.min(start + TASK)).step_by(step) {
                    check_cancel(cancel)?;
                    let count = step.min(rows.min(start + TASK) - first);
                    self.write_columns(first, count, &mut chunk, count);
                    let chunk = Matrix::new(&chunk[..size * count], count);
                    product(chunk, chunk.transposed(), &mut sums, true);
                }
                Ok(sums)
            })
            .collect();
        let mut all = vec![0.0; size * size];
        for sums in sums? {
            all.iter_mut().zip(sums).for_each(|(all, sum)| *all += sum);
        }
        let (mut matrix, mut target) = (Vec::with_capacity(columns * columns), Vec::with_capacity(columns));
        for row in all.chunks_exact(size).take(columns) {
            matrix.extend_from_slice(&row[..columns]);
            target.push(row[columns]);
        }
        Ok(Gram { matrix, target, square: all[size * size - 1] })
    }
}
