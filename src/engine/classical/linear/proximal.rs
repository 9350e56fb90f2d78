//! Newton's method for a loss with an l1 penalty: each step minimizes the quadratic model with the penalty.
//!
//! Source: Lee, Sun and Saunders, "Proximal Newton-Type Methods for Minimizing Composite Functions" (2014); the model is
//! minimized by coordinate descent as in Yuan, Ho and Lin, "An Improved GLMNET for L1-regularized Logistic Regression" (2012).

use super::{
    loss::{Loss, Value},
    newton::{Minimum, Stop},
};
use crate::engine::classical::{
    FitError,
    numeric::cholesky::{add_multiple, dot},
    run::check_cancel,
};
use std::sync::atomic::AtomicBool;

/// Parameters up to which there is an l1 penalty: the matrix of second derivatives is needed.
pub(crate) const MAX_PARAMETERS: usize = 2000;
/// Passes over the parameters of a quadratic model.
const MAX_PASSES: usize = 2000;
/// Halvings of a step.
const MAX_HALVINGS: usize = 40;

/// Minimizes a loss plus `l1` times the sum of the absolute parameters that have a penalty.
pub(crate) fn minimize_with_l1(
    loss: &Loss<'_>,
    l1: f64,
    stop: Stop,
    cancel: &AtomicBool,
    report: &mut dyn FnMut(usize, f64),
) -> Result<Minimum, FitError> {
    let penalties: Vec<f64> = (0..loss.parameters()).map(|at| if loss.is_free(at) { 0.0 } else { l1 }).collect();
    let mut parameters = vec![0.0; loss.parameters()];
    let mut value = loss.value(&parameters, true, cancel)?;
    let (mut iterations, mut converged) = (0, false);
    while iterations < stop.max_iter && !converged {
        let before = violation(&parameters, &value.gradient, &penalties);
        // One more step than the tolerance asks for squares the remaining error.
        let is_last = before <= stop.tol;
        let step = model_step(&parameters, &mut value, &penalties, before, cancel)?;
        iterations += 1;
        let norm = |parameters: &[f64]| -> f64 { parameters.iter().zip(&penalties).map(|(w, l1)| l1 * w.abs()).sum() };
        let objective = value.objective + norm(&parameters);
        let mut whole = parameters.clone();
        add_multiple(&mut whole, 1.0, &step);
        let slope = dot(&value.gradient, &step) + norm(&whole) - norm(&parameters);
        let (mut length, mut next) = (1.0, None);
        for _ in 0..MAX_HALVINGS {
            let mut moved = parameters.clone();
            add_multiple(&mut moved, length, &step);
            let at = loss.value(&moved, true, cancel)?;
            let reached = at.objective + norm(&moved);
            let tiny = 1e-14 * objective.abs();
            let is_flatter = reached <= objective + tiny && violation(&moved, &at.gradient, &penalties) < before;
            if reached <= objective + 1e-4 * length * slope && slope < 0.0 || is_flatter {
                next = Some((moved, at));
                break;
            }
            if -slope * length <= tiny {
                break;
            }
            length *= 0.5;
        }
        converged = is_last;
        let Some((moved, at)) = next else {
            converged |= before <= stop.tol.max(1e-10);
            break;
        };
        (parameters, value) = (moved, at);
        report(iterations, value.loss);
    }
    converged |= violation(&parameters, &value.gradient, &penalties) <= stop.tol;
    Ok(Minimum { parameters, iterations, converged, loss: value.loss })
}

/// The largest element of the least subgradient.
fn violation(parameters: &[f64], gradient: &[f64], penalties: &[f64]) -> f64 {
    let of = |((w, gradient), l1): ((&f64, &f64), &f64)| match *w {
        0.0 => (gradient.abs() - l1).max(0.0),
        w => (gradient + l1 * w.signum()).abs(),
    };
    parameters.iter().zip(gradient).zip(penalties).map(of).fold(0.0, f64::max)
}

/// The step to the minimum of the quadratic model with the penalty, by coordinate descent.
fn model_step(
    parameters: &[f64],
    value: &mut Value,
    penalties: &[f64],
    violation: f64,
    cancel: &AtomicBool,
) -> Result<Vec<f64>, FitError> {
    let count = parameters.len();
    let Value { gradient, hessian, .. } = value;
    // Only the lower triangle is given.
    for row in 0..count {
        for column in row + 1..count {
            hessian[row * count + column] = hessian[column * count + row];
        }
    }
    let enough = (violation * violation.min(1e-2)).max(1e-16);
    let (mut step, mut slopes) = (vec![0.0; count], gradient.clone());
    for _ in 0..MAX_PASSES {
        let mut largest = 0.0f64;
        for at in 0..count {
            if at % 128 == 0 {
                check_cancel(cancel)?;
            }
            let row = &hessian[at * count..][..count];
            let curvature = row[at].max(1e-12);
            let now = parameters[at] + step[at];
            let wanted = now - slopes[at] / curvature;
            let shrunk = wanted.signum() * (wanted.abs() - penalties[at] / curvature).max(0.0);
            let change = shrunk - now;
            if change != 0.0 {
                // A parameter that becomes 0 is exactly 0.
                step[at] = shrunk - parameters[at];
                add_multiple(&mut slopes, change, row);
                largest = largest.max(change.abs() * curvature);
            }
        }
        if largest <= enough {
            break;
        }
    }
    Ok(step)
}
