//! Coordinate descent for linear regression with penalties.

use crate::engine::classical::{
    FitError, RandomState,
    numeric::{
        centered::Gram,
        cholesky::{add_multiple, dot},
    },
    run::check_cancel,
};
use std::sync::atomic::AtomicBool;

/// Minimize 1/2 wᵀGw - qᵀw + l1 ‖w‖₁ + l2/2 ‖w‖².
#[derive(Debug)]
pub(crate) struct Penalties {
    pub(crate) l1: f64,
    pub(crate) l2: f64,
    /// Whether coefficients must be at least 0.
    pub(crate) positive: bool,
}

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) max_iter: usize,
    pub(crate) tol: f64,
}

/// A minimum.
#[derive(Debug)]
pub(crate) struct Descent {
    pub(crate) coefficients: Vec<f64>,
    pub(crate) iterations: usize,
    /// The duality gap; infinite where it was not computed.
    pub(crate) gap: f64,
    pub(crate) converged: bool,
}

/// Cyclic or random coordinate descent until the duality gap is below `tol` times yᵀy.
///
/// Source: Friedman, Hastie and Tibshirani, "Regularization Paths for Generalized Linear Models via Coordinate Descent"
/// (2010); the gap: Kim et al., "An Interior-Point Method for Large-Scale l1-Regularized Least Squares" (2007).
pub(crate) fn descend(
    gram: &Gram,
    penalties: &Penalties,
    limits: Limits,
    mut random: Option<RandomState>,
    cancel: &AtomicBool,
    report: &mut dyn FnMut(usize),
) -> Result<Descent, FitError> {
    let columns = gram.target.len();
    let mut w = vec![0.0; columns];
    // Gw
    let mut product = vec![0.0; columns];
    let (mut gap, mut converged, mut iterations) = (f64::INFINITY, false, 0);
    while iterations < limits.max_iter && !converged {
        iterations += 1;
        check_cancel(cancel)?;
        let (mut largest, mut largest_step) = (0.0f64, 0.0f64);
        for at in 0..columns {
            if at % 64 == 63 {
                check_cancel(cancel)?;
            }
            let at = random.as_mut().map_or(at, |random| random.below(columns as u64) as usize);
            let row = &gram.matrix[at * columns..][..columns];
            let curvature = row[at];
            if curvature == 0.0 {
                continue;
            }
            let before = w[at];
            let along = gram.target[at] - product[at] + curvature * before;
            let shrunk = along.signum() * (along.abs() - penalties.l1).max(0.0);
            let after = if penalties.positive && along < 0.0 { 0.0 } else { shrunk / (curvature + penalties.l2) };
            if after != before {
                w[at] = after;
                add_multiple(&mut product, after - before, row);
            }
            largest_step = largest_step.max((after - before).abs());
            largest = largest.max(after.abs());
        }
        if iterations % 16 == 0 {
            report(iterations);
            // Rounding errors of the updates do not pile up.
            for (at, product) in product.iter_mut().enumerate() {
                *product = dot(&gram.matrix[at * columns..][..columns], &w);
            }
        }
        if largest == 0.0 || largest_step <= limits.tol * largest || iterations == limits.max_iter {
            if penalties.l1 > 0.0 {
                gap = duality_gap(gram, penalties, &w, &product);
                converged = gap <= limits.tol * gram.square;
            } else {
                // Without the l1 penalty the gap has no finite dual: the steps decide.
                converged = largest_step <= limits.tol * largest;
            }
        }
    }
    Ok(Descent { coefficients: w, iterations, gap, converged })
}

fn duality_gap(gram: &Gram, penalties: &Penalties, w: &[f64], product: &[f64]) -> f64 {
    let along_target = dot(w, &gram.target);
    let residual = (gram.square - 2.0 * along_target + dot(w, product)).max(0.0);
    let square = dot(w, w);
    let mut dual_norm = 0.0f64;
    for ((target, product), w) in gram.target.iter().zip(product).zip(w) {
        let slope = target - product - penalties.l2 * w;
        dual_norm = dual_norm.max(if penalties.positive { slope } else { slope.abs() });
    }
    let l1_norm: f64 = w.iter().map(|w| w.abs()).sum();
    let scale = if dual_norm > penalties.l1 { penalties.l1 / dual_norm } else { 1.0 };
    let quadratic = 0.5 * residual * (1.0 + scale * scale);
    let residual_target = gram.square - along_target;
    quadratic + penalties.l1 * l1_norm - scale * residual_target + 0.5 * penalties.l2 * (1.0 + scale * scale) * square
}
