//! Losses: Keras's names and arithmetic, value and gradient in one pass.
//!
//! A new loss is one file and one row below; the gradient test and the parity tests cover it.

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

/// Keras's epsilon: probabilities are clipped to `EPSILON..=1 - EPSILON` before their logarithm.
const EPSILON: f64 = 1e-7;

/// The targets and outputs of some rows.
struct Rows<'a, F> {
    targets: &'a [F],
    output: &'a [F],
    /// Elements of an output row.
    width: usize,
    /// The activation that is fused with the loss: `output` is its input, the logits.
    fused: Option<Activation>,
    weights: Option<&'a [F]>,
    /// Factor of the gradient.
    scale: F,
    /// Sums over the whole batch, for a loss that is computed from them.
    batch: BatchSums,
}

/// What the targets of a loss are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetKind {
    /// The index of a class.
    ClassIndex,
    /// The probability of each class, which sum to 1: one-hot where the class is known.
    Probabilities,
    /// 1 or 0 in each element, or the probability of 1.
    Binary,
    /// 1, or -1 or 0, in each element: the class is the sign of the output.
    SignedBinary,
    /// Any number in each element.
    Continuous,
}

/// A loss that is the mean over the elements of a row.
pub(in crate::engine) trait ElementwiseLoss {
    /// The loss of an element and its derivative by the output.
    fn element<F: Real>(&self, target: F, output: F) -> (F, F);
}

/// A loss of a whole row.
pub(in crate::engine) trait RowLoss {
    /// The loss of a row.
    fn row<F: Real>(&self, targets: &[F], output: &[F]) -> F;
}

/// Implemented by the settings of every loss.
trait Objective<F: Real> {
    /// Ranges of the settings.
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }
    /// See [`Loss::target_kind`].
    fn target_kind(&self) -> TargetKind {
        TargetKind::Continuous
    }
    /// See [`Loss::is_fused_with`].
    fn is_fused_with(&self, _last: Activation) -> bool {
        false
    }
    /// The activation from logits to probabilities, for a loss with `from_logits`.
    fn probability_activation(&self) -> Option<Activation> {
        None
    }
    /// See [`Loss::expects_logits`].
    fn expects_logits(&self) -> bool {
        false
    }
    /// See [`Loss::ignore_class`].
    fn ignore_class(&self) -> Option<i64> {
        None
    }
    /// See [`Loss::batch_loss`].
    fn batch_loss(&self, _sums: &BatchSums) -> Option<f64> {
        None
    }
    /// See [`Loss::evaluate`].
    fn evaluate(&self, rows: &Rows<'_, F>, gradient: &mut [F]) -> f64;
}

registry! {
    /// Loss. A name (`"mse"`) or settings (`{"type": "huber", "delta": 1.0}`).
    #[derive(Debug, Clone, Copy, PartialEq)]
    Loss, "a loss", dyn Objective<F> {
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

    /// Width of a target row for an output of `output_width` elements: 1 for class indices, else the same.
    pub fn target_width(&self, output_width: usize) -> usize {
        if self.target_kind() == TargetKind::ClassIndex { 1 } else { output_width }
    }

    /// What its targets are.
    pub fn target_kind(&self) -> TargetKind {
        self.behaviour::<f32>().target_kind()
    }

    /// Whether the loss is computed from the input of the output's last activation. Training then skips the activation
    /// and passes logits to [`Self::evaluate`]. As in Keras on TensorFlow, any cross-entropy is fused with both sigmoid
    /// and softmax.
    pub fn is_fused_with(&self, last: Activation) -> bool {
        self.behaviour::<f32>().is_fused_with(last)
    }

    /// The setting `from_logits`: whether outputs are logits.
    pub fn expects_logits(&self) -> bool {
        self.behaviour::<f32>().expects_logits()
    }

    /// Whether outputs are probabilities: of a loss of classes or of probabilities, without `from_logits`.
    pub fn reads_probabilities(&self) -> bool {
        let of_classes =
            matches!(self.target_kind(), TargetKind::Binary | TargetKind::Probabilities | TargetKind::ClassIndex);
        of_classes && !matches!(self, Self::CategoricalHinge) && !self.expects_logits()
    }

    /// The activation from logits to probabilities; `None` if `last` already outputs probabilities, or without
    /// `from_logits`.
    pub fn probability_activation(&self, last: Option<Activation>) -> Option<Activation> {
        let is_probability = last.is_some_and(outputs_probabilities);
        self.behaviour::<f32>().probability_activation().filter(|_| self.expects_logits() && !is_probability)
    }

    /// The class whose rows are ignored: the mean is taken over the others.
    pub fn ignore_class(&self) -> Option<i64> {
        self.behaviour::<f32>().ignore_class()
    }

    /// Whether the loss of a row, or its divisor, depends on the whole batch.
    pub fn needs_batch(&self) -> bool {
        self.ignore_class().is_some() || self.batch_loss(&BatchSums::default()).is_some()
    }

    /// For a loss of the whole batch: the loss times the total weight of the rows. `None` for a loss of rows.
    pub fn batch_loss(&self, sums: &BatchSums) -> Option<f64> {
        self.behaviour::<f32>().batch_loss(sums)
    }

    /// The partial sums of these rows for [`Self::batch_loss`].
    pub fn batch_sums<F: Real>(targets: &[F], output: &[F], width: usize, weights: Option<&[F]>) -> BatchSums {
        let (fused, scale, batch) = (None, F::ONE, BatchSums::default());
        Rows { targets, output, width, fused, weights, scale, batch }.batch_sums()
    }

    /// The weighted sum of the rows' losses (as in Keras, the loss of a row is the mean over its `width` elements);
    /// writes `scale` times its gradient to `gradient`.
    ///
    /// `targets` is [rows, `target_width`], `output` [rows, `width`] (before the activation `fused`), `weights`
    /// `[rows]`. The rows are a whole batch; see [`Self::evaluate_part`].
    #[allow(clippy::too_many_arguments, reason = "one hot call; a struct would be built for it alone")]
    pub fn evaluate<F: Real>(
        &self,
        targets: &[F],
        output: &[F],
        width: usize,
        fused: Option<Activation>,
        weights: Option<&[F]>,
        scale: F,
        gradient: &mut [F],
    ) -> f64 {
        let batch = match self.batch_loss(&BatchSums::default()) {
            Some(_) => Self::batch_sums(targets, output, width, weights),
            None => BatchSums::default(),
        };
        self.evaluate_part(targets, output, width, fused, weights, batch, scale, gradient)
    }

    /// The same for a part of a batch with these sums, which a loss of rows ignores.
    #[allow(clippy::too_many_arguments, reason = "one hot call; a struct would be built for it alone")]
    pub fn evaluate_part<F: Real>(
        &self,
        targets: &[F],
        output: &[F],
        width: usize,
        fused: Option<Activation>,
        weights: Option<&[F]>,
        batch: BatchSums,
        scale: F,
        gradient: &mut [F],
    ) -> f64 {
        self.behaviour().evaluate(&Rows { targets, output, width, fused, weights, scale, batch }, gradient)
    }
}

impl<F: Real> Rows<'_, F> {
    #[inline(always)]
    fn weight(&self, row: usize) -> F {
        self.weights.and_then(|weights| weights.get(row).copied()).unwrap_or(F::ONE)
    }

    /// For losses of whole rows: `f` takes a row's targets, its output, its gradient and the factor of the gradient,
    /// and returns the loss.
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

    /// See [`ElementwiseLoss`].
    #[inline(always)]
    fn mean_of_elements(&self, loss: &impl ElementwiseLoss, gradient: &mut [F]) -> f64 {
        self.each_element(
            gradient,
            #[inline(always)]
            |target, output| loss.element(target, output),
        )
    }

    /// For losses that are a mean over elements: `f` takes a target and an output, and returns the loss and its
    /// derivative.
    #[inline(always)]
    fn each_element(&self, gradient: &mut [F], f: impl Fn(F, F) -> (F, F)) -> f64 {
        const PARTS: usize = 8;
        vectorized(
            #[inline(always)]
            || {
                let mut total = 0.0;
                if self.width == 1 && self.weights.is_none() {
                    // One long row with a constant scale: summed in eight parts, which vectorizes.
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

    /// The sum of the losses of a block of elements; writes `scale` times their gradient.
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

/// Whether an activation outputs probabilities.
fn outputs_probabilities(activation: Activation) -> bool {
    matches!(activation, Activation::Sigmoid | Activation::Softmax)
}

/// Writes `exp(x - max(x))` to `powers`; returns `max(x)` and the sum of the powers.
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

/// `ln(sum(exp(x)))`, without overflow.
#[inline(always)]
fn log_sum_of_exponentials<F: Real>(x: &[F]) -> F {
    let largest = x.iter().fold(F::of(f64::NEG_INFINITY), |largest, &x| largest.maximum(x));
    largest + x.iter().map(|&x| (x - largest).exp()).sum::<F>().ln()
}

/// Clips a probability to `EPSILON..=1 - EPSILON`.
#[inline(always)]
fn clip_probability<F: Real>(probability: F) -> F {
    let (min, max) = (F::of(EPSILON), F::of(1.0 - EPSILON));
    if probability < min { min } else { probability.minimum_or_nan(max) }
}

/// `x` to the power of `exponent`, and its derivative by x.
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
