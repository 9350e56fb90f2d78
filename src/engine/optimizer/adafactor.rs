//! [`Adafactor`].

use super::{Form, Step, TensorInfo, TensorRule, UpdateRule, updater::squares};
use crate::engine::{
    field::FieldError,
    kernel::{sum, vectorized},
    real::{Real, check},
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// Factored second moments, one number per row and one per column of a matrix: with `s = g^2 + epsilon_1` and
/// `beta = 1 - t^beta_2_decay` in step t,
/// `r = beta r + (1 - beta) mean of s over columns; c = beta c + (1 - beta) mean of s over rows; v = r c / mean(r)`.
/// With one axis, `v = beta v + (1 - beta) s`. Then `u = g / sqrt(v)` and
/// `w -= max(epsilon_2, rms(w)) min(learning_rate, 1 / sqrt(t)) u / max(1, rms(u) / clip_threshold)`.
///
/// Keras's `relative_step` selects the minimum with `1 / sqrt(t)`, which Keras takes in any case.
///
/// # Shapes
/// `[..., rows, columns]`; earlier axes are a batch of matrices.
///
/// Source: <https://keras.io/api/optimizers/adafactor/>, <https://arxiv.org/abs/1804.04235>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Adafactor {
    /// Exponent of the decay of the second moment estimates, at most 0.
    pub beta_2_decay: f64,
    /// Small constant for numerical stability, more than 0.
    pub epsilon_1: f64,
    /// Lower bound of the RMS of a parameter, by which its step is scaled, at least 0.
    pub epsilon_2: f64,
    /// Clipping threshold of the RMS of a step, more than 0.
    pub clip_threshold: f64,
}

impl Default for Adafactor {
    fn default() -> Self {
        Self { beta_2_decay: -0.8, epsilon_1: 1e-30, epsilon_2: 1e-3, clip_threshold: 1.0 }
    }
}

impl<F: Real> UpdateRule<F> for Adafactor {
    fn check(&self) -> Result<(), FieldError> {
        check::finite("/beta_2_decay", self.beta_2_decay)?;
        if self.beta_2_decay > 0.0 {
            let detail = format!("expected a number of at most 0, received {:?}", self.beta_2_decay);
            return Err(FieldError::new("/beta_2_decay", detail));
        }
        check::positive("/epsilon_1", self.epsilon_1)?;
        check::not_negative("/epsilon_2", self.epsilon_2)?;
        check::positive("/clip_threshold", self.clip_threshold)
    }

    fn form(&self) -> Form<'_, F> {
        Form::Tensor(self)
    }
}

impl<F: Real> TensorRule<F> for Adafactor {
    fn memory(&self, tensor: TensorInfo<'_>) -> usize {
        match matrices(tensor.shape) {
            Some((count, rows, columns)) => count * (rows + columns),
            None => tensor.shape.elements(),
        }
    }

    fn step(&self, step: Step<F>, tensor: TensorInfo<'_>, weights: &mut [F], gradient: &mut [F], memory: &mut [F]) {
        let time = step.clock.iteration as f64;
        let kept = 1.0 - libm::pow(time, self.beta_2_decay);
        let rate = step.learning_rate.to_f64().min(1.0 / time.sqrt());
        let (kept, fresh, epsilon) = (F::of(kept), F::of(1.0 - kept), F::of(self.epsilon_1));
        vectorized(
            #[inline(always)]
            || weights.iter_mut().for_each(|w| *w = *w - step.decay * *w),
        );
        let size = rms(weights).max(self.epsilon_2);
        match matrices(tensor.shape) {
            Some((count, rows, columns)) => {
                let (of_rows, of_columns) = memory.split_at_mut(count * rows);
                let means = of_rows.chunks_exact_mut(rows).zip(of_columns.chunks_exact_mut(columns));
                for (g, (r, c)) in gradient.chunks_exact_mut(rows * columns).zip(means) {
                    update_moments(kept, fresh, epsilon, g, r, c);
                    normalize(g, r, c);
                }
            }
            None => vectorized(
                #[inline(always)]
                || {
                    for (g, v) in gradient.iter_mut().zip(memory.iter_mut()) {
                        *v = kept * *v + fresh * (*g * *g + epsilon);
                        *g /= v.sqrt();
                    }
                },
            ),
        }
        let rate = F::of(size * rate / (rms(gradient) / self.clip_threshold).max(1.0));
        vectorized(
            #[inline(always)]
            || weights.iter_mut().zip(&*gradient).for_each(|(w, &update)| *w -= rate * update),
        );
    }
}

/// Number of matrices of a tensor, and the rows and columns of each; `None` if it has fewer than two axes.
fn matrices(shape: &Shape) -> Option<(usize, usize, usize)> {
    match shape.0.as_slice() {
        [count @ .., rows, columns] => Some((count.iter().product(), *rows, *columns)),
        _ => None,
    }
}

/// The root mean square.
fn rms<F: Real>(elements: &[F]) -> f64 {
    (squares(elements) / elements.len() as f64).sqrt()
}

/// Updates the row and column means of the squared gradient.
fn update_moments<F: Real>(kept: F, fresh: F, epsilon: F, gradient: &[F], of_rows: &mut [F], of_columns: &mut [F]) {
    let columns = of_columns.len();
    let of_column = fresh / F::of(of_rows.len() as f64);
    of_columns.iter_mut().for_each(|mean| *mean = kept * *mean);
    for (row, mean) in gradient.chunks_exact(columns).zip(of_rows) {
        let total = sum(
            row,
            #[inline(always)]
            |g| g * g + epsilon,
        );
        *mean = kept * *mean + fresh * F::of(total / columns as f64);
        vectorized(
            #[inline(always)]
            || of_columns.iter_mut().zip(row).for_each(|(mean, &g)| *mean += of_column * (g * g + epsilon)),
        );
    }
}

/// Divides the gradient by the square root of its factored second moments.
fn normalize<F: Real>(gradient: &mut [F], of_rows: &[F], of_columns: &[F]) {
    let mean = F::of(
        sum(
            of_rows,
            #[inline(always)]
            |r| r,
        ) / of_rows.len() as f64,
    );
    for (row, &r) in gradient.chunks_exact_mut(of_columns.len()).zip(of_rows) {
        let part = r / mean;
        vectorized(
            #[inline(always)]
            || row.iter_mut().zip(of_columns).for_each(|(g, &c)| *g /= (part * c).sqrt()),
        );
    }
}
