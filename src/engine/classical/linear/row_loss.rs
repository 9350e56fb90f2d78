//! [`Kind`]: losses of rows, with their derivatives.

use crate::engine::{classical::numeric::exp::exp, kernel::vectorized};

/// The loss of a row with the scores z and the target y.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// ln(1 + exp(z)) - y z, for y of 0 or 1.
    Binary,
    /// ln Σ exp(z_k) - z_y, for classes y below the number of outputs.
    Multinomial(usize),
    /// max(0, 1 - y z)², for y of -1 or 1.
    SquaredHinge,
    /// max(0, |y - z| - epsilon)²
    SquaredEpsilon(f64),
}

impl Kind {
    /// Replaces the scores of some rows by second derivatives (by probabilities for several outputs), writes the first
    /// derivatives, and answers the loss. Scores and derivatives are [outputs, rows].
    pub(super) fn evaluate(self, scores: &mut [f64], derivatives: &mut [f64], targets: &[f64], weights: &[f64]) -> f64 {
        match self {
            Self::Multinomial(_) => multinomial(scores, derivatives, targets, weights),
            Self::Binary => vectorized(
                #[inline(always)]
                || binary(scores, derivatives, targets, weights),
            ),
            Self::SquaredHinge => squared(scores, derivatives, weights, targets, |score, target| {
                let short = target * score - 1.0;
                if short < 0.0 { target * short } else { 0.0 }
            }),
            Self::SquaredEpsilon(epsilon) => squared(scores, derivatives, weights, targets, |score, target| {
                let error = score - target;
                if error.abs() > epsilon { error - epsilon.copysign(error) } else { 0.0 }
            }),
        }
    }
}

/// First and second derivatives of a squared loss, whose root with its sign is `root`; answers the loss.
#[inline(always)]
fn squared(
    scores: &mut [f64],
    residuals: &mut [f64],
    weights: &[f64],
    targets: &[f64],
    root: impl Fn(f64, f64) -> f64,
) -> f64 {
    let mut loss = 0.0;
    for (((score, residual), weight), target) in scores.iter_mut().zip(residuals).zip(weights).zip(targets) {
        let root = root(*score, *target);
        loss += weight * root * root;
        *residual = 2.0 * weight * root;
        *score = if root == 0.0 { 0.0 } else { 2.0 * weight };
    }
    loss
}

/// First and second derivatives of the log loss of two classes; answers the loss.
#[inline(always)]
fn binary(scores: &mut [f64], residuals: &mut [f64], targets: &[f64], weights: &[f64]) -> f64 {
    const PARTS: usize = 8;
    let mut loss = 0.0;
    let rows = scores.chunks_mut(PARTS).zip(residuals.chunks_mut(PARTS));
    for ((scores, residuals), (targets, weights)) in rows.zip(targets.chunks(PARTS).zip(weights.chunks(PARTS))) {
        let mut odds = [0.0; PARTS];
        for at in 0..scores.len() {
            let (score, class) = (scores[at], targets[at]);
            let power = exp(-score.abs());
            let larger = 1.0 / (1.0 + power);
            let probability = if score >= 0.0 { larger } else { power * larger };
            // 0 where the score has the sign of the class.
            let wrong = score * (f64::from(score >= 0.0) - class);
            loss += weights[at] * wrong;
            odds[at] = power;
            residuals[at] = weights[at] * (probability - class);
            scores[at] = weights[at] * power * larger * larger;
        }
        loss += odds.iter().zip(weights).map(|(power, weight)| weight * power.ln_1p()).sum::<f64>();
    }
    loss
}

/// Probabilities of all classes, and residuals, [outputs, rows]; answers the loss.
fn multinomial(scores: &mut [f64], residuals: &mut [f64], targets: &[f64], weights: &[f64]) -> f64 {
    let count = targets.len();
    let mut largest = vec![f64::NEG_INFINITY; count];
    for scores in scores.chunks_exact(count) {
        largest.iter_mut().zip(scores).for_each(|(largest, score)| *largest = largest.max(*score));
    }
    let own: Vec<f64> = targets.iter().enumerate().map(|(row, &class)| scores[class as usize * count + row]).collect();
    let mut totals = vec![0.0; count];
    vectorized(
        #[inline(always)]
        || {
            for scores in scores.chunks_exact_mut(count) {
                for ((score, largest), total) in scores.iter_mut().zip(&largest).zip(&mut totals) {
                    *score = exp(*score - largest);
                    *total += *score;
                }
            }
        },
    );
    for (class, (scores, residuals)) in
        scores.chunks_exact_mut(count).zip(residuals.chunks_exact_mut(count)).enumerate()
    {
        for row in 0..count {
            scores[row] /= totals[row];
            residuals[row] = weights[row] * (scores[row] - f64::from(targets[row] == class as f64));
        }
    }
    (0..count).map(|row| weights[row] * (totals[row].ln() + largest[row] - own[row])).sum()
}
