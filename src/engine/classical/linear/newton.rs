//! Newton's method with a line search; for many parameters, directions come from conjugate gradients.

use super::loss::{Loss, MAX_HESSIAN, Value};
use crate::engine::classical::{
    FitError,
    numeric::cholesky::{self, add_multiple, dot},
};
use std::sync::atomic::AtomicBool;

/// Halvings of a step.
const MAX_HALVINGS: usize = 40;

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stop {
    /// Largest derivative.
    pub(crate) tol: f64,
    pub(crate) max_iter: usize,
}

/// The minimum of a loss.
#[derive(Debug)]
pub(crate) struct Minimum {
    pub(crate) parameters: Vec<f64>,
    pub(crate) iterations: usize,
    pub(crate) converged: bool,
    /// The loss without the penalty.
    pub(crate) loss: f64,
}

/// Minimizes a loss. When the derivatives are below the tolerance, one more step squares the remaining error.
pub(crate) fn minimize(
    loss: &Loss<'_>,
    start: &[f64],
    stop: Stop,
    cancel: &AtomicBool,
    report: &mut dyn FnMut(usize, f64),
) -> Result<Minimum, FitError> {
    let by_matrix = start.len() <= MAX_HESSIAN;
    let mut parameters = start.to_vec();
    let mut value = loss.value(&parameters, by_matrix, cancel)?;
    let (mut iterations, mut converged) = (0, false);
    while iterations < stop.max_iter {
        let is_last = largest(&value.gradient) <= stop.tol;
        let step = match by_matrix {
            true => by_factor(&value, cancel)?,
            false => by_conjugate_gradients(loss, &parameters, &value.gradient, cancel)?,
        };
        iterations += 1;
        let next = line_search(loss, &parameters, &value, &step, by_matrix, cancel)?;
        converged = is_last;
        let Some((moved, better)) = next else {
            // No step is better: rounding decides, or this is the minimum.
            converged |= largest(&value.gradient) <= stop.tol.max(1e-10);
            break;
        };
        (parameters, value) = (moved, better);
        report(iterations, value.loss);
        if is_last {
            break;
        }
    }
    converged |= largest(&value.gradient) <= stop.tol;
    Ok(Minimum { parameters, iterations, converged, loss: value.loss })
}

fn largest(gradient: &[f64]) -> f64 {
    gradient.iter().fold(0.0, |largest, it| it.abs().max(largest))
}

/// The first halving of the step that is better, with its value.
fn line_search(
    loss: &Loss<'_>,
    parameters: &[f64],
    value: &Value,
    step: &[f64],
    by_matrix: bool,
    cancel: &AtomicBool,
) -> Result<Option<(Vec<f64>, Value)>, FitError> {
    let slope = dot(&value.gradient, step);
    let mut length = 1.0;
    for _ in 0..MAX_HALVINGS {
        let mut moved = parameters.to_vec();
        add_multiple(&mut moved, length, step);
        let next = loss.value(&moved, by_matrix, cancel)?;
        // Near the minimum the objective cannot tell any more: the derivatives do.
        let tiny = 1e-14 * value.objective.abs();
        let is_less = next.objective <= value.objective + 1e-4 * length * slope;
        let is_flatter = next.objective <= value.objective + tiny && largest(&next.gradient) < largest(&value.gradient);
        if is_less && slope < 0.0 || is_flatter {
            return Ok(Some((moved, next)));
        }
        if -slope * length <= tiny {
            return Ok(None);
        }
        length *= 0.5;
    }
    Ok(None)
}

/// -H⁻¹ g. A matrix that is singular gets a small multiple of its trace on the diagonal.
fn by_factor(value: &Value, cancel: &AtomicBool) -> Result<Vec<f64>, FitError> {
    let size = value.gradient.len();
    let trace: f64 = value.hessian.iter().step_by(size + 1).sum();
    let mut more = 0.0;
    loop {
        let mut matrix = value.hessian.clone();
        matrix.iter_mut().step_by(size + 1).for_each(|element| *element += more);
        if cholesky::factor(&mut matrix, size, cancel)? {
            let mut step: Vec<f64> = value.gradient.iter().map(|it| -it).collect();
            cholesky::solve(&matrix, size, &mut step);
            return Ok(step);
        }
        more = if more == 0.0 { (trace / size as f64).max(f64::MIN_POSITIVE) * 1e-10 } else { more * 100.0 };
        if !more.is_finite() {
            return Ok(value.gradient.iter().map(|it| -it).collect());
        }
    }
}

/// An approximate solution of H d = -g.
///
/// Source: Dembo and Steihaug, "Truncated-Newton Algorithms for Large-Scale Unconstrained Optimization" (1983).
fn by_conjugate_gradients(
    loss: &Loss<'_>,
    parameters: &[f64],
    gradient: &[f64],
    cancel: &AtomicBool,
) -> Result<Vec<f64>, FitError> {
    let norm = dot(gradient, gradient).sqrt();
    let limit = norm * norm.sqrt().min(0.1);
    let mut step = vec![0.0; gradient.len()];
    let mut residual: Vec<f64> = gradient.iter().map(|it| -it).collect();
    let mut direction = residual.clone();
    let mut square = norm * norm;
    for _ in 0..gradient.len().min(400) {
        if square.sqrt() <= limit {
            break;
        }
        let curved = loss.curvature(parameters, &direction, cancel)?;
        let curvature = dot(&direction, &curved);
        if curvature <= 0.0 {
            break;
        }
        let length = square / curvature;
        add_multiple(&mut step, length, &direction);
        add_multiple(&mut residual, -length, &curved);
        let next = dot(&residual, &residual);
        let ratio = next / square;
        direction
            .iter_mut()
            .zip(&residual)
            .for_each(|(direction, residual)| *direction = residual + ratio * *direction);
        square = next;
    }
    Ok(step)
}
