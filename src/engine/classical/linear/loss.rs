//! [`Loss`]: the mean loss of a linear model with its penalty, its gradient and its second derivatives.

use super::row_loss::Kind;
use crate::engine::{
    classical::{
        Features, FitError, Size,
        numeric::cholesky::{add_multiple, dot},
        run::check_cancel,
    },
    kernel::{Matrix, MatrixMut, product_into, vectorized},
};
use ndarray::ArrayView1;
use rayon::prelude::*;
use std::sync::atomic::AtomicBool;

/// Parameters up to which the matrix of second derivatives is computed.
pub(crate) const MAX_HESSIAN: usize = 640;
/// Rows that are computed together, which stay in the L2 cache.
const TILE: usize = 256;
/// Parts whose sums are added in their order: at most so many threads compute.
const TASKS: usize = 32;

/// `1/S Σ weight_i loss_i + penalty/2 ‖w‖²`, where S is the sum of the weights.
///
/// Parameters: for each output the coefficients and the intercept.
#[derive(Debug, Clone)]
pub(crate) struct Loss<'a> {
    columns: Vec<ArrayView1<'a, f64>>,
    kind: Kind,
    /// One per row: see [`Kind`].
    targets: Vec<f64>,
    weights: Option<Vec<f64>>,
    /// Number of outputs.
    outputs: usize,
    intercept: Intercept,
    penalty: f64,
    total: f64,
    /// Every so many tiles are computed.
    step: usize,
}

/// The intercept, a coefficient of a constant column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Intercept {
    /// 0.
    None,
    /// Without penalty.
    Free,
    /// With the penalty of the other coefficients, for a column of this number.
    Penalized(f64),
}

/// The value of a [`Loss`] with its derivatives.
#[derive(Debug, Clone)]
pub(crate) struct Value {
    /// Without the penalty.
    pub(crate) loss: f64,
    pub(crate) objective: f64,
    pub(crate) gradient: Vec<f64>,
    /// Row-major; only the blocks on and below the diagonal of outputs. Empty if it was not asked for.
    pub(crate) hessian: Vec<f64>,
}

/// What a task sums up.
struct Sums {
    loss: f64,
    gradient: Vec<f64>,
    hessian: Vec<f64>,
}

/// Tasks for this many parameters: fewer where each has a large matrix of second derivatives.
fn tasks_for(parameters: usize) -> usize {
    if parameters <= MAX_HESSIAN { TASKS } else { TASKS / 8 }
}

/// Bytes that the minimization of a loss takes, beside a few numbers per row; `hessian` if it always needs the second
/// derivatives.
pub(crate) fn fit_bytes(size: Size, outputs: usize, hessian: bool) -> u64 {
    let (outputs, columns) = (outputs as u64, size.columns as u64);
    let parameters = outputs * (columns + 1);
    let has_hessian = hessian || parameters as usize <= MAX_HESSIAN;
    let hessians = if has_hessian { tasks_for(parameters as usize) as u64 + 3 } else { 0 };
    let tiles = (size.threads * TILE) as u64 * (2 * columns + 4 * outputs + 8);
    8 * (hessians * parameters * parameters + (TASKS as u64 + 8) * parameters + tiles)
}

/// The rows of a tile: columns one after the other, with a column of ones at the end.
struct Tile {
    elements: Vec<f64>,
    /// [outputs, rows]: scores, then probabilities; second derivatives where there is one output.
    scores: Vec<f64>,
    /// [outputs, rows]
    residuals: Vec<f64>,
    scaled: Vec<f64>,
    weights: Vec<f64>,
    factors: Vec<f64>,
}

impl<'a> Loss<'a> {
    /// The loss of `targets`, whose penalty is `1/(c S)`; `None` for no penalty.
    pub(crate) fn new(
        features: &Features<'a>,
        kind: Kind,
        targets: Vec<f64>,
        weights: Option<Vec<f64>>,
        c: Option<f64>,
        intercept: Intercept,
    ) -> Self {
        let total = weights.as_ref().map_or(targets.len() as f64, |weights| weights.iter().sum());
        let penalty = c.map_or(0.0, |c| 1.0 / (c * total));
        let outputs = if let Kind::Multinomial(outputs) = kind { outputs } else { 1 };
        let columns = features.columns().iter().map(|column| column.values).collect();
        Self { columns, kind, targets, weights, outputs, intercept, penalty, total, step: 1 }
    }

    /// The loss of every `step`th tile.
    pub(crate) fn part(&self, step: usize) -> Self {
        let mut part = self.clone();
        part.step = step;
        let rows = (0..part.targets.len()).filter(|row| (row / TILE).is_multiple_of(step));
        part.total = rows.map(|row| self.weight(row)).sum();
        part
    }

    fn weight(&self, row: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |weights| weights[row])
    }

    /// Parameters of an output.
    fn size(&self) -> usize {
        self.columns.len() + 1
    }

    /// Number of parameters.
    pub(crate) fn parameters(&self) -> usize {
        self.outputs * self.size()
    }

    /// Whether a loss is possible only if every row has more than half of the probability for its class.
    pub(crate) fn is_separated(&self, loss: f64) -> bool {
        let rows = 0..self.targets.len();
        let least = rows.map(|row| self.weight(row)).filter(|weight| *weight > 0.0).fold(f64::INFINITY, f64::min);
        loss * self.total < std::f64::consts::LN_2 * least
    }

    /// Turns a share of the penalty into an l1 penalty, whose factor is the answer.
    pub(crate) fn take_l1(&mut self, share: f64) -> f64 {
        let l1 = self.penalty * share;
        self.penalty -= l1;
        l1
    }

    /// Whether a parameter has no penalty.
    pub(crate) fn is_free(&self, parameter: usize) -> bool {
        parameter % self.size() == self.size() - 1 && !matches!(self.intercept, Intercept::Penalized(_))
    }

    /// Sums over the tiles, by tasks.
    fn sum(
        &self,
        hessian: bool,
        cancel: &AtomicBool,
        of_tile: impl Fn(&mut Tile, usize, usize, &mut Sums) + Sync,
    ) -> Result<Sums, FitError> {
        let (rows, parameters) = (self.targets.len(), self.parameters());
        let tiles: Vec<usize> = (0..rows.div_ceil(TILE)).step_by(self.step).collect();
        let tasks: Vec<&[usize]> = tiles.chunks(tiles.len().div_ceil(tasks_for(parameters)).max(1)).collect();
        let sums: Result<Vec<Sums>, FitError> = tasks
            .par_iter()
            .map(|tiles| {
                let size = if hessian { parameters * parameters } else { 0 };
                let mut sums = Sums { loss: 0.0, gradient: vec![0.0; parameters], hessian: vec![0.0; size] };
                let per_output = || vec![0.0; self.outputs * TILE];
                let mut tile = Tile {
                    elements: vec![0.0; self.size() * TILE],
                    scores: per_output(),
                    residuals: per_output(),
                    scaled: if hessian { vec![0.0; self.size() * TILE] } else { Vec::new() },
                    weights: vec![1.0; TILE],
                    factors: vec![0.0; TILE],
                };
                for &number in *tiles {
                    check_cancel(cancel)?;
                    let first = number * TILE;
                    let count = TILE.min(rows - first);
                    self.load(first, count, &mut tile);
                    of_tile(&mut tile, first, count, &mut sums);
                }
                Ok(sums)
            })
            .collect();
        let mut sums = sums?.into_iter();
        let empty = Sums { loss: 0.0, gradient: Vec::new(), hessian: Vec::new() };
        let mut all = sums.next().unwrap_or(empty);
        for other in sums {
            all.loss += other.loss;
            add_multiple(&mut all.gradient, 1.0, &other.gradient);
            add_multiple(&mut all.hessian, 1.0, &other.hessian);
        }
        Ok(all)
    }

    fn load(&self, first: usize, count: usize, tile: &mut Tile) {
        for (to, column) in tile.elements.chunks_exact_mut(count).zip(&self.columns) {
            match column.as_slice() {
                Some(values) => to.copy_from_slice(&values[first..first + count]),
                None => to.iter_mut().zip(column.iter().skip(first)).for_each(|(to, value)| *to = *value),
            }
        }
        let constant = match self.intercept {
            Intercept::None => 0.0,
            Intercept::Free => 1.0,
            Intercept::Penalized(constant) => constant,
        };
        tile.elements[self.columns.len() * count..][..count].fill(constant);
        if let Some(weights) = &self.weights {
            tile.weights[..count].copy_from_slice(&weights[first..first + count]);
        }
    }

    /// Writes x·w of every output into `scores`, [outputs, count].
    fn scores(&self, elements: &[f64], count: usize, parameters: &[f64], scores: &mut [f64]) {
        let size = self.size();
        for (scores, parameters) in scores.chunks_exact_mut(count).zip(parameters.chunks_exact(size)) {
            scores.fill(0.0);
            for (column, parameter) in elements.chunks_exact(count).zip(parameters) {
                add_multiple(scores, *parameter, column);
            }
        }
    }

    /// Adds Xᵀ r of every output to `gradient`.
    fn add_gradient(&self, elements: &[f64], count: usize, residuals: &[f64], gradient: &mut [f64]) {
        let size = self.size();
        for (residuals, gradient) in residuals.chunks_exact(count).zip(gradient.chunks_exact_mut(size)) {
            for (column, gradient) in elements.chunks_exact(count).zip(gradient) {
                *gradient += dot(column, residuals);
            }
        }
    }

    /// Scores, then probabilities or second derivatives, and first derivatives of a tile; answers its loss.
    fn evaluate(&self, tile: &mut Tile, first: usize, count: usize, parameters: &[f64]) -> f64 {
        self.scores(&tile.elements[..self.size() * count], count, parameters, &mut tile.scores[..self.outputs * count]);
        let (scores, residuals) =
            (&mut tile.scores[..self.outputs * count], &mut tile.residuals[..self.outputs * count]);
        let (targets, weights) = (&self.targets[first..first + count], &tile.weights[..count]);
        self.kind.evaluate(scores, residuals, targets, weights)
    }

    /// Adds the second derivatives of a tile, blocks on and below the diagonal.
    fn add_hessian(&self, tile: &mut Tile, count: usize, hessian: &mut [f64]) {
        let (size, parameters) = (self.size(), self.parameters());
        for a in 0..self.outputs {
            for b in 0..=a {
                if self.outputs == 1 {
                    tile.factors[..count].copy_from_slice(&tile.scores[..count]);
                } else {
                    let (of_a, of_b) = (&tile.scores[a * count..][..count], &tile.scores[b * count..][..count]);
                    let rows = of_a.iter().zip(of_b).zip(&tile.weights);
                    for (factor, ((of_a, of_b), weight)) in tile.factors.iter_mut().zip(rows) {
                        *factor = weight * of_a * (f64::from(a == b) - of_b);
                    }
                }
                let (factors, scaled) = (&tile.factors[..count], &mut tile.scaled[..size * count]);
                let elements = &tile.elements[..size * count];
                vectorized(
                    #[inline(always)]
                    || {
                        for (scaled, column) in scaled.chunks_exact_mut(count).zip(elements.chunks_exact(count)) {
                            for ((scaled, element), factor) in scaled.iter_mut().zip(column).zip(factors) {
                                *scaled = element * factor;
                            }
                        }
                    },
                );
                let block = &mut hessian[a * size * parameters + b * size..];
                let block = MatrixMut::strided(block, size, size, parameters);
                product_into(Matrix::new(elements, count), Matrix::new(scaled, count).transposed(), block, true);
            }
        }
    }

    /// The loss with its gradient, and with the second derivatives if `hessian`.
    pub(crate) fn value(&self, parameters: &[f64], hessian: bool, cancel: &AtomicBool) -> Result<Value, FitError> {
        let sums = self.sum(hessian, cancel, |tile, first, count, sums| {
            sums.loss += self.evaluate(tile, first, count, parameters);
            let elements = &tile.elements[..self.size() * count];
            self.add_gradient(elements, count, &tile.residuals[..self.outputs * count], &mut sums.gradient);
            if hessian {
                self.add_hessian(tile, count, &mut sums.hessian);
            }
        })?;
        let Sums { loss, mut gradient, mut hessian } = sums;
        let scale = 1.0 / self.total;
        let loss = loss * scale;
        gradient.iter_mut().chain(&mut hessian).for_each(|it| *it *= scale);
        let mut square = 0.0;
        let count = parameters.len();
        for (at, parameter) in parameters.iter().enumerate() {
            if !self.is_free(at) {
                square += parameter * parameter;
                gradient[at] += self.penalty * parameter;
                if !hessian.is_empty() {
                    hessian[at * count + at] += self.penalty;
                }
            }
        }
        self.fix_intercepts(&mut hessian);
        Ok(Value { loss, objective: loss + 0.5 * self.penalty * square, gradient, hessian })
    }

    /// Directions along which the loss is constant have a curvature, so that steps along them are 0: intercepts that are
    /// not fitted, and the sum of the intercepts of several classes.
    fn fix_intercepts(&self, hessian: &mut [f64]) {
        if hessian.is_empty() {
            return;
        }
        let (size, count) = (self.size(), self.parameters());
        for a in 0..self.outputs {
            for b in 0..=a {
                let at = (a * size + size - 1) * count + b * size + size - 1;
                if self.intercept == Intercept::None {
                    hessian[at] = f64::from(a == b);
                } else if self.outputs > 1 && self.intercept == Intercept::Free {
                    hessian[at] += 1.0;
                }
            }
        }
    }

    /// The second derivatives times a direction.
    pub(crate) fn curvature(
        &self,
        parameters: &[f64],
        direction: &[f64],
        cancel: &AtomicBool,
    ) -> Result<Vec<f64>, FitError> {
        let sums = self.sum(false, cancel, |tile, first, count, sums| {
            self.evaluate(tile, first, count, parameters);
            let elements = &tile.elements[..self.size() * count];
            let along = &mut tile.residuals[..self.outputs * count];
            self.scores(elements, count, direction, along);
            for row in 0..count {
                let of = |output: usize| output * count + row;
                let probability = |output: usize| tile.scores[of(output)];
                if self.outputs == 1 {
                    along[row] *= tile.scores[row];
                    continue;
                }
                let mean: f64 = (0..self.outputs).map(|output| probability(output) * along[of(output)]).sum();
                for output in 0..self.outputs {
                    along[of(output)] = tile.weights[row] * probability(output) * (along[of(output)] - mean);
                }
            }
            self.add_gradient(elements, count, along, &mut sums.gradient);
        })?;
        let mut product = sums.gradient;
        for (at, product) in product.iter_mut().enumerate() {
            *product /= self.total;
            if !self.is_free(at) {
                *product += self.penalty * direction[at];
            }
        }
        Ok(product)
    }
}
