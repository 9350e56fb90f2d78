//! [`Muon`].

use super::{Adam, ElementwiseRule, Form, Options, Step, TensorInfo, TensorRule, UpdateRule, updater::squares};
use crate::engine::{
    field::FieldError,
    kernel::{Matrix, product, vectorized},
    real::{Real, check},
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// Momentum with orthogonalized updates of matrices (Newton-Schulz iteration):
/// `m = momentum m + g; x = g + momentum m` (without `nesterov`: `x = m`)`; x = x / |x|`, then `ns_steps` times
/// `A = x xT; x = muon_a x + (muon_b A + muon_c A A) x`, and
/// `w -= learning_rate rms_rate sqrt(max(rows, columns)) x`.
///
/// Other tensors, embeddings and `exclude_layers` are updated by [`Adam`](super::Adam) with `adam_lr_ratio` times the
/// learning rate and with `adam_weight_decay`. Both weight decays are 0.004 by default.
///
/// Source: <https://keras.io/api/optimizers/muon/>, <https://arxiv.org/abs/2502.16982>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Muon {
    /// Adam's `beta_1`, 0 to less than 1.
    pub adam_beta_1: f64,
    /// Adam's `beta_2`, 0 to less than 1.
    pub adam_beta_2: f64,
    /// Weight decay of the parameters that Adam updates.
    pub adam_weight_decay: Option<f64>,
    /// Adam's `epsilon`, more than 0.
    pub epsilon: f64,
    /// Parameters whose name (`layer/parameter`) contains one of these words are updated by Adam.
    pub exclude_layers: Vec<String>,
    /// Whether parameters whose name contains `embedding` are updated by Adam.
    pub exclude_embeddings: bool,
    /// Coefficient of x in the Newton-Schulz iteration.
    pub muon_a: f64,
    /// Coefficient of `A x`.
    pub muon_b: f64,
    /// Coefficient of `A A x`.
    pub muon_c: f64,
    /// Ratio of Adam's learning rate to the learning rate, at least 0.
    pub adam_lr_ratio: f64,
    /// Momentum, 0 to 1.
    pub momentum: f64,
    /// Number of Newton-Schulz iterations, at most 100.
    pub ns_steps: u32,
    /// Whether to apply Nesterov momentum.
    pub nesterov: bool,
    /// RMS of a step; null for no scaling.
    pub rms_rate: Option<f64>,
}

impl Default for Muon {
    fn default() -> Self {
        Self {
            adam_beta_1: 0.9,
            adam_beta_2: 0.999,
            adam_weight_decay: Some(4e-3),
            epsilon: 1e-7,
            exclude_layers: Vec::new(),
            exclude_embeddings: true,
            muon_a: 3.4445,
            muon_b: -4.7750,
            muon_c: 2.0315,
            adam_lr_ratio: 1.0,
            momentum: 0.95,
            ns_steps: 5,
            nesterov: true,
            rms_rate: Some(0.2),
        }
    }
}

/// Small constant for numerical stability.
const MIN_NORM: f64 = 1e-7;
const MAX_STEPS: u32 = 100;

impl Muon {
    fn adam(&self) -> Adam {
        Adam { beta_1: self.adam_beta_1, beta_2: self.adam_beta_2, epsilon: self.epsilon, amsgrad: false }
    }

    /// Rows and columns of a tensor with orthogonalized updates; `None` if Adam updates it.
    fn matrix(&self, tensor: TensorInfo<'_>) -> Option<(usize, usize)> {
        let Shape(axes) = tensor.shape;
        let [rows, columns] = axes[..] else { return None };
        let embedding = self.exclude_embeddings && has_word(tensor.name, "embedding");
        let excluded = self.exclude_layers.iter().any(|word| tensor.name.contains(word.as_str()));
        (!embedding && !excluded).then_some((rows, columns))
    }
}

/// Whether `name` contains `word`, ignoring ASCII case.
fn has_word(name: &str, word: &str) -> bool {
    name.as_bytes().windows(word.len()).any(|letters| letters.eq_ignore_ascii_case(word.as_bytes()))
}

impl<F: Real> UpdateRule<F> for Muon {
    fn check(&self) -> Result<(), FieldError> {
        check::below_one("/adam_beta_1", self.adam_beta_1)?;
        check::below_one("/adam_beta_2", self.adam_beta_2)?;
        check::not_negative("/adam_weight_decay", self.adam_weight_decay.unwrap_or_default())?;
        check::positive("/epsilon", self.epsilon)?;
        for (index, word) in self.exclude_layers.iter().enumerate() {
            // Keras searches for a regular expression; one of these characters only matches itself.
            let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-/".contains(letter);
            if word.is_empty() || !word.chars().all(plain) {
                let detail = format!("expected letters, digits, `_`, `-` or `/`, received {word:?}");
                return Err(FieldError::new(format!("/exclude_layers/{index}"), detail));
            }
        }
        check::finite("/muon_a", self.muon_a)?;
        check::finite("/muon_b", self.muon_b)?;
        check::finite("/muon_c", self.muon_c)?;
        check::not_negative("/adam_lr_ratio", self.adam_lr_ratio)?;
        check::fraction("/momentum", self.momentum)?;
        if self.ns_steps > MAX_STEPS {
            let detail = format!("expected at most {MAX_STEPS}, received {}", self.ns_steps);
            return Err(FieldError::new("/ns_steps", detail));
        }
        check::not_negative("/rms_rate", self.rms_rate.unwrap_or_default())
    }

    fn defaults(&self) -> Options {
        Options { weight_decay: Some(4e-3), ..Options::default() }
    }

    fn form(&self) -> Form<'_, F> {
        Form::Tensor(self)
    }
}

impl<F: Real> TensorRule<F> for Muon {
    fn memory(&self, tensor: TensorInfo<'_>) -> usize {
        let elements = tensor.shape.elements();
        // The momentum, the next x, A and A A; or Adam's two moments.
        self.matrix(tensor).map_or(2 * elements, |(rows, columns)| 2 * elements + 2 * rows.min(columns).pow(2))
    }

    fn step(&self, step: Step<F>, tensor: TensorInfo<'_>, weights: &mut [F], gradient: &mut [F], memory: &mut [F]) {
        let (m, rest) = memory.split_at_mut(tensor.shape.elements());
        let Some((rows, columns)) = self.matrix(tensor) else {
            let decay = F::of(self.adam_weight_decay.unwrap_or_default()) * step.learning_rate;
            let learning_rate = step.learning_rate * F::of(self.adam_lr_ratio);
            return self.adam().step(Step { learning_rate, decay, ..step }, weights, gradient, &mut [m, rest]);
        };
        let (momentum, forgotten) = (F::of(self.momentum), F::of(self.momentum - 1.0));
        let nesterov = self.nesterov;
        vectorized(
            #[inline(always)]
            || {
                for (g, m) in gradient.iter_mut().zip(m.iter_mut()) {
                    *m = (*m + (*g + *m * forgotten)).flushed();
                    *g = if nesterov { *g + momentum * *m } else { *m };
                }
            },
        );
        let scale = F::of(1.0 / (squares(gradient).sqrt() + MIN_NORM));
        vectorized(
            #[inline(always)]
            || gradient.iter_mut().for_each(|x| *x *= scale),
        );
        let (next, squares) = rest.split_at_mut(tensor.shape.elements());
        let (a, b) = squares.split_at_mut(rows.min(columns).pow(2));
        for _ in 0..self.ns_steps {
            self.orthogonalize(rows <= columns, columns, gradient, next, a, b);
        }
        let size = self.rms_rate.map_or(1.0, |rate| rate * (rows.max(columns) as f64).sqrt());
        let rate = step.learning_rate * F::of(size);
        vectorized(
            #[inline(always)]
            || weights.iter_mut().zip(&*gradient).for_each(|(w, &x)| *w = (*w - step.decay * *w) - rate * x),
        );
    }
}

impl Muon {
    /// One Newton-Schulz iteration. A tall x is multiplied from the right instead of being transposed as in Keras.
    fn orthogonalize<F: Real>(
        &self,
        wide: bool,
        columns: usize,
        x: &mut [F],
        next: &mut [F],
        a: &mut [F],
        b: &mut [F],
    ) {
        let (of_x, of_a, of_square) = (F::of(self.muon_a), F::of(self.muon_b), F::of(self.muon_c));
        let matrix = Matrix::new(x, columns);
        let side = a.len().isqrt();
        if wide {
            product(matrix, matrix.transposed(), a, false);
        } else {
            product(matrix.transposed(), matrix, a, false);
        }
        product(Matrix::new(a, side), Matrix::new(a, side), b, false);
        vectorized(
            #[inline(always)]
            || b.iter_mut().zip(&*a).for_each(|(b, &a)| *b = of_a * a + of_square * *b),
        );
        if wide {
            product(Matrix::new(b, side), matrix, next, false);
        } else {
            product(matrix, Matrix::new(b, side).transposed(), next, false);
        }
        vectorized(
            #[inline(always)]
            || x.iter_mut().zip(&*next).for_each(|(x, &next)| *x = of_x * *x + next),
        );
    }
}
