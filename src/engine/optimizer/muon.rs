//! [`Muon`].

use super::{Adam, Cells, Form, Options, Place, Step, Tensors, Update, updater::squares};
use crate::engine::{
    field::FieldError,
    kernel::{Matrix, product, vectorized},
    real::{Real, check},
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// Momentum whose matrices are brought near to orthogonal ones:
/// `m = momentum m + g; x = g + momentum m` (without `nesterov`: `x = m`)`; x = x / |x|`, then `ns_steps` times
/// `A = x xT; x = muon_a x + (muon_b A + muon_c A A) x`, and
/// `w -= learning_rate rms_rate sqrt(max(rows, columns)) x`.
///
/// What is no matrix, embeddings and `exclude_layers` follow [`Adam`](super::Adam) at `adam_lr_ratio` times the learning
/// rate, with `adam_weight_decay`. Both decays are 0.004 where a client names none.
///
/// Source: <https://keras.io/api/optimizers/muon/>, <https://arxiv.org/abs/2502.16982>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Muon {
    /// How slowly Adam's mean gradient changes, 0 to less than 1.
    pub adam_beta_1: f64,
    /// How slowly Adam's mean squared gradient changes, 0 to less than 1.
    pub adam_beta_2: f64,
    /// The part of each weight of Adam's, times the learning rate, that is taken away each step.
    pub adam_weight_decay: Option<f64>,
    /// Keeps Adam's division finite, more than 0.
    pub epsilon: f64,
    /// Words: parameters in whose `layer/parameter` one of them stands follow Adam.
    pub exclude_layers: Vec<String>,
    /// Whether parameters in whose `layer/parameter` stands `embedding` follow Adam.
    pub exclude_embeddings: bool,
    /// The factor of x.
    pub muon_a: f64,
    /// The factor of A x.
    pub muon_b: f64,
    /// The factor of A A x.
    pub muon_c: f64,
    /// Adam's learning rate as a multiple of the learning rate, at least 0.
    pub adam_lr_ratio: f64,
    /// How much of the mean gradient is kept, 0 to 1.
    pub momentum: f64,
    /// How often a matrix is brought nearer to an orthogonal one, at most 100.
    pub ns_steps: u32,
    /// Whether the gradient is followed from where the momentum leads.
    pub nesterov: bool,
    /// The size of a step beside its matrix's; null leaves its length as it is.
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

/// Keeps a division by a length finite.
const LEAST_NORM: f64 = 1e-7;
const MOST_STEPS: u32 = 100;

impl Muon {
    fn adam(&self) -> Adam {
        Adam { beta_1: self.adam_beta_1, beta_2: self.adam_beta_2, epsilon: self.epsilon, amsgrad: false }
    }

    /// Rows and columns of a matrix that is brought near to an orthogonal one; `None` for what follows Adam.
    fn matrix(&self, tensor: Place<'_>) -> Option<(usize, usize)> {
        let Shape(axes) = tensor.shape;
        let [rows, columns] = axes[..] else { return None };
        let embedding = self.exclude_embeddings && has_word(tensor.name, "embedding");
        let excluded = self.exclude_layers.iter().any(|word| tensor.name.contains(word.as_str()));
        (!embedding && !excluded).then_some((rows, columns))
    }
}

/// Whether `word` stands in `name`, in any case of its letters.
fn has_word(name: &str, word: &str) -> bool {
    name.as_bytes().windows(word.len()).any(|letters| letters.eq_ignore_ascii_case(word.as_bytes()))
}

impl<F: Real> Update<F> for Muon {
    fn check(&self) -> Result<(), FieldError> {
        check::below_one("/adam_beta_1", self.adam_beta_1)?;
        check::below_one("/adam_beta_2", self.adam_beta_2)?;
        check::not_negative("/adam_weight_decay", self.adam_weight_decay.unwrap_or_default())?;
        check::positive("/epsilon", self.epsilon)?;
        for (index, word) in self.exclude_layers.iter().enumerate() {
            // Keras searches for a regular expression; in these letters it is the word itself.
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
        if self.ns_steps > MOST_STEPS {
            let detail = format!("expected at most {MOST_STEPS}, received {}", self.ns_steps);
            return Err(FieldError::new("/ns_steps", detail));
        }
        check::not_negative("/rms_rate", self.rms_rate.unwrap_or_default())
    }

    fn defaults(&self) -> Options {
        Options { weight_decay: Some(4e-3), ..Options::default() }
    }

    fn form(&self) -> Form<'_, F> {
        Form::Tensors(self)
    }
}

impl<F: Real> Tensors<F> for Muon {
    fn memory(&self, tensor: Place<'_>) -> usize {
        let cells = tensor.shape.cells();
        // The momentum and the next x, and A and what A becomes; or Adam's two.
        self.matrix(tensor).map_or(2 * cells, |(rows, columns)| 2 * cells + 2 * rows.min(columns).pow(2))
    }

    fn step(&self, step: Step<F>, tensor: Place<'_>, weights: &mut [F], gradient: &mut [F], memory: &mut [F]) {
        let (m, rest) = memory.split_at_mut(tensor.shape.cells());
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
        let scale = F::of(1.0 / (squares(gradient).sqrt() + LEAST_NORM));
        vectorized(
            #[inline(always)]
            || gradient.iter_mut().for_each(|x| *x *= scale),
        );
        let (next, squares) = rest.split_at_mut(tensor.shape.cells());
        let (a, b) = squares.split_at_mut(rows.min(columns).pow(2));
        for _ in 0..self.ns_steps {
            self.approach(rows <= columns, columns, gradient, next, a, b);
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
    /// One step of x towards an orthogonal matrix. A tall x is treated as its transpose, which Keras writes out: with the
    /// square of its columns, multiplied from the right.
    fn approach<F: Real>(&self, wide: bool, columns: usize, x: &mut [F], next: &mut [F], a: &mut [F], b: &mut [F]) {
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
