//! Dual coordinate descent: one row after the other, in random order.
//!
//! Source: Hsieh et al., "A Dual Coordinate Descent Method for Large-scale Linear SVM" (2008), algorithm 3; Ho and Lin,
//! "Large-scale Linear Support Vector Regression" (2012), algorithm 4.

use super::Found;
use crate::engine::classical::{
    Features, FitError, RandomState,
    numeric::cholesky::{add_multiple, dot},
    run::check_cancel,
};
use std::sync::atomic::AtomicBool;

/// Rows between two looks at the cancel flag.
const BETWEEN_CHECKS: usize = 1024;

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) tol: f64,
    pub(super) max_iter: usize,
}

/// A problem with its state.
#[derive(Debug)]
pub(super) struct Dual {
    /// Row-major, with the constant column.
    rows: Vec<f64>,
    size: usize,
    targets: Vec<f64>,
    /// Largest absolute value of a variable.
    bounds: Vec<f64>,
    /// x·x
    squares: Vec<f64>,
    /// Σ variable_i x_i
    w: Vec<f64>,
    variables: Vec<f64>,
}

impl Dual {
    pub(super) fn new(
        features: &Features<'_>,
        constant: f64,
        targets: Vec<f64>,
        bounds: Vec<f64>,
        cancel: &AtomicBool,
    ) -> Result<Self, FitError> {
        let size = features.columns().len() + 1;
        let mut rows = vec![constant; targets.len() * size];
        for (at, column) in features.columns().iter().enumerate() {
            check_cancel(cancel)?;
            rows[at..].iter_mut().step_by(size).zip(column.values).for_each(|(to, &value)| *to = value);
        }
        let squares = rows.chunks_exact(size).map(|row| dot(row, row)).collect();
        let variables = vec![0.0; targets.len()];
        Ok(Self { rows, size, targets, bounds, squares, w: vec![0.0; size], variables })
    }

    /// Adds to a variable.
    fn step(&mut self, row: usize, step: f64) {
        self.variables[row] += step;
        add_multiple(&mut self.w, step, &self.rows[row * self.size..][..self.size]);
    }

    fn score(&self, row: usize) -> f64 {
        dot(&self.w, &self.rows[row * self.size..][..self.size])
    }

    /// The rows that can change: those with a bound over 0 and an element that is not 0.
    fn rows(&self) -> Vec<u32> {
        let can_change = |row: &u32| self.bounds[*row as usize] > 0.0 && self.squares[*row as usize] > 0.0;
        (0..self.targets.len() as u32).filter(can_change).collect()
    }

    /// The hinge loss: the variables are y_i alpha_i with 0 <= alpha_i <= bound_i.
    pub(super) fn classify(&mut self, limits: Limits, seed: u32, cancel: &AtomicBool) -> Result<Found, FitError> {
        let mut random = RandomState::new(seed);
        let all = self.rows();
        let mut active = all.clone();
        // Bounds of the projected gradient in the last pass, beyond which a variable at its bound is left out.
        let (mut above, mut below) = (f64::INFINITY, f64::NEG_INFINITY);
        let (mut iterations, mut converged) = (0, false);
        while iterations < limits.max_iter && !converged {
            iterations += 1;
            random.shuffle(&mut active);
            let (mut largest, mut least) = (f64::NEG_INFINITY, f64::INFINITY);
            let mut kept = Vec::with_capacity(active.len());
            for (at, &number) in active.iter().enumerate() {
                if at % BETWEEN_CHECKS == 0 {
                    check_cancel(cancel)?;
                }
                let row = number as usize;
                let (target, bound) = (self.targets[row], self.bounds[row]);
                let alpha = target * self.variables[row];
                let gradient = target * self.score(row) - 1.0;
                let projected = if alpha <= 0.0 {
                    if gradient > above {
                        continue;
                    }
                    gradient.min(0.0)
                } else if alpha >= bound {
                    if gradient < below {
                        continue;
                    }
                    gradient.max(0.0)
                } else {
                    gradient
                };
                kept.push(number);
                largest = largest.max(projected);
                least = least.min(projected);
                if projected != 0.0 {
                    let moved = (alpha - gradient / self.squares[row]).clamp(0.0, bound);
                    self.step(row, target * (moved - alpha));
                    self.variables[row] = target * moved;
                }
            }
            let is_whole = kept.len() == all.len();
            active = kept;
            if largest - least <= limits.tol || active.is_empty() {
                converged = is_whole;
                active.clone_from(&all);
                (above, below) = (f64::INFINITY, f64::NEG_INFINITY);
                continue;
            }
            above = if largest > 0.0 { largest } else { f64::INFINITY };
            below = if least < 0.0 { least } else { f64::NEG_INFINITY };
        }
        Ok(Found { parameters: self.w.clone(), iterations, converged })
    }

    /// The epsilon-insensitive loss: -bound_i <= variable_i <= bound_i.
    pub(super) fn regress(
        &mut self,
        epsilon: f64,
        limits: Limits,
        seed: u32,
        cancel: &AtomicBool,
    ) -> Result<Found, FitError> {
        let mut random = RandomState::new(seed);
        let mut order = self.rows();
        let (mut iterations, mut converged) = (0, false);
        while iterations < limits.max_iter && !converged {
            iterations += 1;
            random.shuffle(&mut order);
            let mut violation = 0.0f64;
            for (at, &number) in order.iter().enumerate() {
                if at % BETWEEN_CHECKS == 0 {
                    check_cancel(cancel)?;
                }
                let row = number as usize;
                let (bound, before, square) = (self.bounds[row], self.variables[row], self.squares[row]);
                let gradient = self.score(row) - self.targets[row];
                let (up, down) = (gradient + epsilon, gradient - epsilon);
                // The minimum over one variable of a parabola and epsilon times its absolute value.
                let wanted = if up < square * before {
                    before - up / square
                } else if down > square * before {
                    before - down / square
                } else {
                    0.0
                };
                let moved = wanted.clamp(-bound, bound);
                violation = violation.max((moved - before).abs() * square);
                if moved != before {
                    self.step(row, moved - before);
                    self.variables[row] = moved;
                }
            }
            converged = violation <= limits.tol;
        }
        Ok(Found { parameters: self.w.clone(), iterations, converged })
    }
}
