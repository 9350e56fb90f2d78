//! Losses: Keras's names and arithmetic, value and gradient in one pass.
//!
//! A new loss is one file and one line below; the gradient test and the parity fixture then ask for it.

mod binary_crossentropy;
mod binary_focal_crossentropy;
mod categorical_crossentropy;
mod categorical_focal_crossentropy;
mod categorical_hinge;
mod cosine_similarity;
mod dice;
mod hinge;
mod huber;
mod kl_divergence;
mod log_cosh;
mod mean_absolute_error;
mod mean_absolute_percentage_error;
mod mean_squared_error;
mod mean_squared_logarithmic_error;
mod poisson;
mod sparse_categorical_crossentropy;
mod squared_hinge;
mod tversky;

pub use binary_crossentropy::BinaryCrossentropy;
pub use binary_focal_crossentropy::BinaryFocalCrossentropy;
pub use categorical_crossentropy::CategoricalCrossentropy;
pub use categorical_focal_crossentropy::CategoricalFocalCrossentropy;
pub use categorical_hinge::CategoricalHinge;
pub use cosine_similarity::CosineSimilarity;
pub use dice::Dice;
pub use hinge::Hinge;
pub use huber::Huber;
pub use kl_divergence::KlDivergence;
pub use log_cosh::LogCosh;
pub use mean_absolute_error::MeanAbsoluteError;
pub use mean_absolute_percentage_error::MeanAbsolutePercentageError;
pub use mean_squared_error::MeanSquaredError;
pub use mean_squared_logarithmic_error::MeanSquaredLogarithmicError;
pub use poisson::Poisson;
pub use sparse_categorical_crossentropy::SparseCategoricalCrossentropy;
pub use squared_hinge::SquaredHinge;
pub use tversky::Tversky;

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

/// What the targets of a loss say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Learns {
    /// One class by its index.
    ClassIndex,
    /// How much of a row each class has, all together 1: one-hot where the class is known.
    Shares,
    /// Yes (1) or no (0) in each cell, or how probable a yes is.
    Yes,
    /// Yes (1) or no (0 or -1) in each cell, which the output says by its side of 0.
    Sides,
    /// Any number in each cell.
    Numbers,
}

/// A loss that is a mean over cells.
pub(in crate::engine) trait Cellwise {
    /// A cell's loss and its derivative by the output.
    fn cell<F: Real>(&self, target: F, output: F) -> (F, F);
}

/// A loss that a row's cells have together.
pub(in crate::engine) trait Rowwise {
    /// A row's loss.
    fn row<F: Real>(&self, targets: &[F], output: &[F]) -> F;
}

/// What every loss's settings implement.
trait Objective<F: Real> {
    /// Ranges of the settings.
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }
    /// See [`Loss::learns`].
    fn learns(&self) -> Learns {
        Learns::Numbers
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
            MeanAbsolutePercentageError = "mean_absolute_percentage_error" | "mape",
            MeanSquaredLogarithmicError = "mean_squared_logarithmic_error" | "msle",
            LogCosh = "log_cosh" | "logcosh",
            CosineSimilarity = "cosine_similarity",
            Hinge = "hinge",
            SquaredHinge = "squared_hinge",
            CategoricalHinge = "categorical_hinge",
            KlDivergence = "kl_divergence" | "kld" | "kullback_leibler_divergence",
            Poisson = "poisson",
        }
        settings {
            BinaryCrossentropy = "binary_crossentropy" | "bce",
            CategoricalCrossentropy = "categorical_crossentropy",
            SparseCategoricalCrossentropy = "sparse_categorical_crossentropy",
            BinaryFocalCrossentropy = "binary_focal_crossentropy",
            CategoricalFocalCrossentropy = "categorical_focal_crossentropy",
            Huber = "huber" | "huber_loss",
            Dice = "dice",
            Tversky = "tversky",
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
        if self.learns() == Learns::ClassIndex { 1 } else { output_width }
    }

    /// What its targets say.
    pub fn learns(&self) -> Learns {
        self.behaviour::<f32>().learns()
    }

    /// The final activation that this loss can absorb: given it, the network skips that activation in training and
    /// passes logits to [`Self::evaluate`] with `logits` true.
    pub fn absorbs(&self) -> Option<Activation> {
        self.behaviour::<f32>().absorbs()
    }

    /// The sum over rows of weight times the row's loss (the row's loss is the mean over its `width` cells, as Keras's),
    /// and in `gradient` (as long as `output`) `scale` times that sum's gradient.
    ///
    /// `targets` is [rows, `target_width`], `output` [rows, `width`] (logits where `logits`), `weights` `[rows]`.
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

    /// For losses of whole rows: `f` takes a row's targets, its output, where its gradient goes and what that is multiplied
    /// with, and gives the row's loss.
    #[inline(always)]
    fn each_row(&self, target_width: usize, gradient: &mut [F], f: impl Fn(&[F], &[F], &mut [F], F) -> F) -> f64 {
        vectorized(
            #[inline(always)]
            || {
                let mut total = 0.0;
                let rows = gradient.chunks_exact_mut(self.width).zip(self.output.chunks_exact(self.width));
                for (row, ((gradient, output), targets)) in
                    rows.zip(self.targets.chunks_exact(target_width)).enumerate()
                {
                    let weight = self.weight(row);
                    total += weight.to_f64() * f(targets, output, gradient, self.scale * weight).to_f64();
                }
                total
            },
        )
    }

    /// See [`Cellwise`].
    #[inline(always)]
    fn mean_of_cells(&self, loss: &impl Cellwise, gradient: &mut [F]) -> f64 {
        self.each_cell(
            gradient,
            #[inline(always)]
            |target, output| loss.cell(target, output),
        )
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

/// ln of the sum of exp(x), without overflow.
#[inline(always)]
fn log_sum_of_exponentials<F: Real>(x: &[F]) -> F {
    let largest = x.iter().fold(F::of(f64::NEG_INFINITY), |largest, &x| largest.maximum(x));
    largest + x.iter().map(|&x| (x - largest).exp()).sum::<F>().ln()
}

/// A probability kept where its logarithm, and that of the rest to 1, are known.
#[inline(always)]
fn keep<F: Real>(probability: F) -> F {
    let (least, most) = (F::of(EPSILON), F::of(1.0 - EPSILON));
    if probability < least { least } else { probability.minimum_or_nan(most) }
}

/// x to the power of `exponent`, and the derivative of that by x.
#[inline(always)]
fn power<F: Real>(x: F, exponent: f64) -> (F, F) {
    if exponent == 2.0 {
        return (x * x, x + x);
    }
    if exponent == 0.0 {
        return (F::ONE, F::ZERO);
    }
    let log = if x < F::ZERO { F::ZERO } else { x }.ln();
    let slope = if exponent == 1.0 { F::ONE } else { (F::of(exponent - 1.0) * log).exp() };
    ((F::of(exponent) * log).exp(), F::of(exponent) * slope)
}
