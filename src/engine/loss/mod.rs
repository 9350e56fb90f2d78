//! Losses: Keras's names and arithmetic, value and gradient in one pass.
//!
//! A new loss is one file and one line below; the gradient test and the parity fixture then ask for it.

mod binary_crossentropy;
mod binary_focal_crossentropy;
mod categorical_crossentropy;
mod categorical_focal_crossentropy;
mod categorical_generalized_cross_entropy;
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
mod overlap;
mod poisson;
mod reduction;
mod sparse_categorical_crossentropy;
mod squared_hinge;
mod tversky;

pub use binary_crossentropy::BinaryCrossentropy;
pub use binary_focal_crossentropy::BinaryFocalCrossentropy;
pub use categorical_crossentropy::CategoricalCrossentropy;
pub use categorical_focal_crossentropy::CategoricalFocalCrossentropy;
pub use categorical_generalized_cross_entropy::CategoricalGeneralizedCrossEntropy;
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
pub use overlap::BatchSums;
pub use poisson::Poisson;
pub use reduction::{ReducedLoss, Reduction};
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
    /// The activation that the output has not gone through, where the loss takes its input, the logits.
    left_out: Option<Activation>,
    weights: Option<&'a [F]>,
    /// What the gradient is multiplied with.
    scale: F,
    /// Sums over the whole batch, for a loss that is made of them.
    batch: BatchSums,
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
    /// See [`Loss::takes_logits_of`].
    fn takes_logits_of(&self, _last: Activation) -> bool {
        false
    }
    /// What makes probabilities of logits, for a loss that can read these.
    fn probabilities(&self) -> Option<Activation> {
        None
    }
    /// See [`Loss::reads_logits`].
    fn reads_logits(&self) -> bool {
        false
    }
    /// See [`Loss::ignore_class`].
    fn ignore_class(&self) -> Option<i64> {
        None
    }
    /// See [`Loss::of_batch`].
    fn of_batch(&self, _sums: &BatchSums) -> Option<f64> {
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
            CategoricalGeneralizedCrossEntropy = "categorical_generalized_cross_entropy",
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

    /// Whether the loss of an output whose last activation is `last` is computed from the input of that activation. The
    /// network then leaves the activation out in training and passes logits to [`Self::evaluate`]. As in Keras on
    /// TensorFlow, a cross-entropy takes the logits of a sigmoid and of a softmax alike, whichever it is made for.
    pub fn takes_logits_of(&self, last: Activation) -> bool {
        self.behaviour::<f32>().takes_logits_of(last)
    }

    /// Whether the settings say that outputs are logits.
    pub fn reads_logits(&self) -> bool {
        self.behaviour::<f32>().reads_logits()
    }

    /// What makes probabilities of an output whose last activation is `last`: nothing where that activation does, or where
    /// the loss does not read logits.
    pub fn answers_through(&self, last: Option<Activation>) -> Option<Activation> {
        let gives_probabilities = last.is_some_and(is_of_probabilities);
        self.behaviour::<f32>().probabilities().filter(|_| self.reads_logits() && !gives_probabilities)
    }

    /// The class whose rows do not count: they lose nothing, and the mean is taken over the others.
    pub fn ignore_class(&self) -> Option<i64> {
        self.behaviour::<f32>().ignore_class()
    }

    /// Whether what a row loses, or what its loss is divided by, follows from the whole batch.
    pub fn needs_batch(&self) -> bool {
        self.ignore_class().is_some() || self.of_batch(&BatchSums::default()).is_some()
    }

    /// For a loss that a whole batch has together: that loss, as often as the rows weigh. Nothing for a loss of rows.
    pub fn of_batch(&self, sums: &BatchSums) -> Option<f64> {
        self.behaviour::<f32>().of_batch(sums)
    }

    /// These rows' part in the sums that [`Self::of_batch`] needs.
    pub fn batch_sums<F: Real>(targets: &[F], output: &[F], width: usize, weights: Option<&[F]>) -> BatchSums {
        let (left_out, scale, batch) = (None, F::ONE, BatchSums::default());
        Rows { targets, output, width, left_out, weights, scale, batch }.batch_sums()
    }

    /// The sum over rows of weight times the row's loss (the row's loss is the mean over its `width` cells, as Keras's),
    /// and in `gradient` (as long as `output`) `scale` times that sum's gradient.
    ///
    /// `targets` is [rows, `target_width`], `output` [rows, `width`] (before the activation `left_out`), `weights` `[rows]`. The rows are
    /// a whole batch; see [`Self::evaluate_part`].
    #[allow(clippy::too_many_arguments, reason = "one hot call; a struct would be built for it alone")]
    pub fn evaluate<F: Real>(
        &self,
        targets: &[F],
        output: &[F],
        width: usize,
        left_out: Option<Activation>,
        weights: Option<&[F]>,
        scale: F,
        gradient: &mut [F],
    ) -> f64 {
        let batch = match self.of_batch(&BatchSums::default()) {
            Some(_) => Self::batch_sums(targets, output, width, weights),
            None => BatchSums::default(),
        };
        self.evaluate_part(targets, output, width, left_out, weights, batch, scale, gradient)
    }

    /// The same for some rows of a batch that has these sums; they are not read by a loss of rows.
    #[allow(clippy::too_many_arguments, reason = "one hot call; a struct would be built for it alone")]
    pub fn evaluate_part<F: Real>(
        &self,
        targets: &[F],
        output: &[F],
        width: usize,
        left_out: Option<Activation>,
        weights: Option<&[F]>,
        batch: BatchSums,
        scale: F,
        gradient: &mut [F],
    ) -> f64 {
        self.behaviour().evaluate(&Rows { targets, output, width, left_out, weights, scale, batch }, gradient)
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

/// Whether an activation gives probabilities, whose logits are its input.
fn is_of_probabilities(activation: Activation) -> bool {
    matches!(activation, Activation::Sigmoid | Activation::Softmax)
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
