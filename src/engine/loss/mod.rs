//! Losses: Keras's names and arithmetic, value and gradient in one pass.
//!
//! A new loss is one file and one line below; the gradient test and the parity fixture then ask for it.

mod binary_crossentropy;
mod categorical_crossentropy;
mod huber;
mod mean_absolute_error;
mod mean_squared_error;
mod sparse_categorical_crossentropy;

pub use binary_crossentropy::BinaryCrossentropy;
pub use categorical_crossentropy::CategoricalCrossentropy;
pub use huber::Huber;
pub use mean_absolute_error::MeanAbsoluteError;
pub use mean_squared_error::MeanSquaredError;
pub use sparse_categorical_crossentropy::SparseCategoricalCrossentropy;

use crate::engine::{activation::Activation, field::FieldError, kernel::vectorized, real::Real, registry::registry};

/// Keras's epsilon: probabilities are kept this far from 0 and 1 before their logarithm is taken.
const EPSILON: f64 = 1e-7;

/// Outputs beside what they should have been.
struct Rows<'a, F> {
    targets: &'a [F],
    output: &'a [F],
    /// Cells of an output row.
    width: usize,
    /// Whether the output is before its sigmoid or softmax.
    logits: bool,
    weights: Option<&'a [F]>,
    /// What the gradient is multiplied with.
    scale: F,
}

/// What every loss's settings implement.
trait Objective<F: Real> {
    /// Ranges of the settings.
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }
    /// Whether a target row is one class index.
    fn sparse(&self) -> bool {
        false
    }
    /// The final activation whose input the loss can take.
    fn absorbs(&self) -> Option<Activation> {
        None
    }
    /// See [`Loss::evaluate`].
    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64;
}

registry! {
    /// What training minimizes. A name (`"mse"`) or settings (`{"type": "huber", "delta": 1.0}`).
    #[derive(Debug, Clone, Copy, PartialEq)]
    Loss, "a loss", dyn Objective {
        plain {
            MeanSquaredError = "mean_squared_error" | "mse",
            MeanAbsoluteError = "mean_absolute_error" | "mae",
        }
        settings {
            BinaryCrossentropy = "binary_crossentropy" | "bce",
            CategoricalCrossentropy = "categorical_crossentropy",
            SparseCategoricalCrossentropy = "sparse_categorical_crossentropy",
            Huber = "huber" | "huber_loss",
        }
    }
}

impl Loss {
    /// Ranges of the settings; the pointer is below the loss (`/delta`).
    pub fn check(&self) -> Result<(), FieldError> {
        self.behaviour::<f32>().check()
    }

    /// Cells of one target row for an output of `output_width` cells: 1 for sparse labels, else the output's own.
    pub fn target_width(&self, output_width: usize) -> usize {
        if self.behaviour::<f32>().sparse() { 1 } else { output_width }
    }

    /// The final activation that this loss can absorb: given it, the network skips that activation in training and
    /// passes logits to [`Self::evaluate`] with `logits` true.
    pub fn absorbs(&self) -> Option<Activation> {
        self.behaviour::<f32>().absorbs()
    }

    /// The sum over rows of weight times the row's loss (the row's loss is the mean over its `width` cells, as Keras's),
    /// and in `gradient` (as long as `output`) `scale` times that sum's gradient.
    ///
    /// `targets` is [rows, `target_width`], `output` [rows, `width`] (logits where `logits`), `weights` [rows].
    #[allow(clippy::too_many_arguments, reason = "one hot call; a struct would be built for it alone")]
    pub fn evaluate<F: Real>(
        &self,
        targets: &[F],
        output: &[F],
        width: usize,
        logits: bool,
        weights: Option<&[F]>,
        scale: F,
        gradient: &mut [F],
    ) -> f64 {
        self.behaviour().evaluate(&Rows { targets, output, width, logits, weights, scale }, gradient)
    }
}

impl<F: Real> Rows<'_, F> {
    #[inline(always)]
    fn weight(&self, row: usize) -> F {
        self.weights.and_then(|weights| weights.get(row).copied()).unwrap_or(F::ONE)
    }

    /// For losses that are a mean over cells: `f` takes a target and an output, and gives that cell's loss and
    /// derivative.
    #[inline(always)]
    fn each_cell(&self, gradient: &mut [F], f: impl Fn(F, F) -> (F, F)) -> f64 {
        const PARTS: usize = 8;
        vectorized(
            #[inline(always)]
            || {
                let mut total = 0.0;
                if self.width == 1 && self.weights.is_none() {
                    // One long row of cells with the same scale: summed in eight parts, so that it vectorizes.
                    for ((gradient, targets), output) in gradient
                        .chunks_mut(32 * PARTS)
                        .zip(self.targets.chunks(32 * PARTS))
                        .zip(self.output.chunks(32 * PARTS))
                    {
                        total += self.block(gradient, targets, output, self.scale, &f);
                    }
                    return total;
                }
                let rows = gradient.chunks_exact_mut(self.width).zip(self.targets.chunks_exact(self.width));
                for (row, ((gradient, targets), output)) in rows.zip(self.output.chunks_exact(self.width)).enumerate() {
                    let weight = self.weight(row) / F::of(self.width as f64);
                    total += weight.to_f64() * self.block(gradient, targets, output, self.scale * weight, &f);
                }
                total
            },
        )
    }

    /// The sum of a few cells' losses, and their gradient times `scale`.
    #[inline(always)]
    fn block(&self, gradient: &mut [F], targets: &[F], output: &[F], scale: F, f: &impl Fn(F, F) -> (F, F)) -> f64 {
        const PARTS: usize = 8;
        let mut parts = [F::ZERO; PARTS];
        let (gradients, gradient_rest) = gradient.as_chunks_mut::<PARTS>();
        let (all_targets, target_rest) = targets.as_chunks::<PARTS>();
        let (outputs, output_rest) = output.as_chunks::<PARTS>();
        for ((gradient, target), output) in gradients.iter_mut().zip(all_targets).zip(outputs) {
            for part in 0..PARTS {
                let (loss, derivative) = f(target[part], output[part]);
                parts[part] += loss;
                gradient[part] = scale * derivative;
            }
        }
        let rest = gradient_rest.iter_mut().zip(target_rest).zip(output_rest);
        for (part, ((gradient, &target), &output)) in parts.iter_mut().zip(rest) {
            let (loss, derivative) = f(target, output);
            *part += loss;
            *gradient = scale * derivative;
        }
        parts.iter().map(|part| part.to_f64()).sum()
    }
}

/// Writes exp(x - the largest x) to `powers`; the answer is that largest x and the powers' sum.
#[inline(always)]
fn exponentials<F: Real>(x: &[F], powers: &mut [F]) -> (F, F) {
    let mut largest = F::of(f64::NEG_INFINITY);
    for &x in x {
        largest = largest.maximum(x);
    }
    for (power, &x) in powers.iter_mut().zip(x) {
        *power = (x - largest).exp();
    }
    let mut sum = F::ZERO;
    for &power in powers.iter() {
        sum += power;
    }
    (largest, sum)
}
