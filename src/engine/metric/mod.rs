//! Metrics: Keras's names and arithmetic, as sums that are added over lanes.
//!
//! A new metric is one file and one row below; the parity tests require a fixture for it. Metrics of classes accept
//! class indices and one-hot targets.

mod accuracy;
mod agreement;
mod auc;
mod classes;
mod confusion;
mod correlation;
mod count;
mod error;
mod iou;
mod json;
mod operating_point;
mod r2_score;
mod top_k;

pub use accuracy::{Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy};
pub use agreement::{CohenKappa, MatthewsCorrelation, Weightage};
pub use auc::{Auc, Curve, SummationMethod};
pub use confusion::{Average, F1Score, FBetaScore, Precision, Recall};
pub use correlation::{ConcordanceCorrelation, PearsonCorrelation};
pub use count::{FalseNegatives, FalsePositives, TrueNegatives, TruePositives};
pub use error::RootMeanSquaredError;
pub use iou::{BinaryIou, Iou, MeanIou};
pub use operating_point::{PrecisionAtRecall, RecallAtPrecision, SensitivityAtSpecificity, SpecificityAtSensitivity};
pub use r2_score::{Aggregation, R2Score};
pub use top_k::{SparseTopKCategoricalAccuracy, TopKCategoricalAccuracy};

use crate::engine::{
    field::FieldError,
    loss::{
        BinaryCrossentropy, CategoricalCrossentropy, CategoricalHinge, CosineSimilarity, Hinge, KlDivergence, LogCosh,
        Loss, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredError, MeanSquaredLogarithmicError, Poisson,
        SparseCategoricalCrossentropy, SquaredHinge, TargetKind,
    },
    real::Real,
    registry::registry,
};

/// Metric. A name (`"accuracy"`) or settings (`{"type": "auc", "name": "pr_auc", "curve": "PR"}`).
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Its name in events and results. Default: its type. `val_` is prepended for validation.
    pub name: String,
    /// Its type and settings.
    pub measure: Measure,
    /// Whether sample weights apply, as for Keras's `weighted_metrics`. Not part of the JSON form.
    pub weighted: bool,
}

/// Whether smaller or greater values are better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// Smaller values are better.
    Minimize,
    /// Greater values are better.
    Maximize,
}

/// The targets and outputs of some rows.
struct Rows<'a, F> {
    /// [rows, `target_width`]
    targets: &'a [F],
    /// [rows, `width`]
    output: &'a [F],
    width: usize,
    target_width: usize,
}

/// Implemented by the settings of every metric.
trait Accumulator<F: Real> {
    /// Ranges of the settings.
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }
    /// Whether smaller or greater values are better; `None` for a count, which has no direction.
    fn goal(&self) -> Option<Goal> {
        Some(Goal::Maximize)
    }
    /// Whether targets must have as many elements as outputs, and cannot be class indices.
    fn needs_target_per_output(&self) -> bool {
        false
    }
    /// Whether the settings are valid for outputs of this width.
    fn check_width(&self, _width: usize) -> Result<(), FieldError> {
        Ok(())
    }
    /// See [`Metric::elements`].
    fn sums(&self, width: usize) -> usize;
    /// See [`Metric::update`].
    fn update(&self, rows: &Rows<'_, F>, sums: &mut [f64]);
    /// See [`Metric::result`].
    fn result(&self, sums: &[f64]) -> f64;
}

registry! {
    /// The type and the settings of a metric.
    #[derive(Debug, Clone, PartialEq)]
    Measure, "a metric", dyn Accumulator<F> {
        plain {
            Accuracy = "accuracy" | "acc",
            CategoricalAccuracy = "categorical_accuracy",
            SparseCategoricalAccuracy = "sparse_categorical_accuracy",
            MeanSquaredError = "mean_squared_error" | "mse",
            MeanAbsoluteError = "mean_absolute_error" | "mae",
            RootMeanSquaredError = "root_mean_squared_error" | "rmse",
            MeanAbsolutePercentageError = "mean_absolute_percentage_error" | "mape",
            MeanSquaredLogarithmicError = "mean_squared_logarithmic_error" | "msle",
            LogCosh = "log_cosh_error" | "logcosh" | "log_cosh",
            CosineSimilarity = "cosine_similarity",
            PearsonCorrelation = "pearson_correlation",
            ConcordanceCorrelation = "concordance_correlation",
            KlDivergence = "kl_divergence" | "kld" | "kullback_leibler_divergence",
            Poisson = "poisson",
            Hinge = "hinge",
            SquaredHinge = "squared_hinge",
            CategoricalHinge = "categorical_hinge",
            MatthewsCorrelation = "matthews_corrcoef" | "mcc" | "matthews_correlation_coefficient",
        }
        settings {
            BinaryAccuracy = "binary_accuracy",
            TopKCategoricalAccuracy = "top_k_categorical_accuracy",
            SparseTopKCategoricalAccuracy = "sparse_top_k_categorical_accuracy",
            BinaryCrossentropy = "binary_crossentropy" | "bce",
            CategoricalCrossentropy = "categorical_crossentropy",
            SparseCategoricalCrossentropy = "sparse_categorical_crossentropy",
            Auc = "auc",
            Precision = "precision",
            Recall = "recall",
            F1Score = "f1_score" | "f1",
            FBetaScore = "fbeta_score",
            TruePositives = "true_positives",
            TrueNegatives = "true_negatives",
            FalsePositives = "false_positives",
            FalseNegatives = "false_negatives",
            SensitivityAtSpecificity = "sensitivity_at_specificity",
            SpecificityAtSensitivity = "specificity_at_sensitivity",
            PrecisionAtRecall = "precision_at_recall",
            RecallAtPrecision = "recall_at_precision",
            CohenKappa = "cohen_kappa" | "cohen_kappa_score",
            Iou = "iou" | "one_hot_iou",
            MeanIou = "mean_iou" | "one_hot_mean_iou",
            BinaryIou = "binary_iou",
            R2Score = "r2_score" | "r2",
        }
    }
}

impl From<Measure> for Metric {
    fn from(measure: Measure) -> Self {
        Self { name: measure.kind().into(), measure, weighted: false }
    }
}

impl Metric {
    /// Ranges of the settings; the pointer is below the metric (`/threshold`).
    pub fn check(&self) -> Result<(), FieldError> {
        json::check_name(&self.name)?;
        self.measure.behaviour::<f32>().check()
    }

    /// Whether it accepts the targets of this loss; the pointer is below the metric.
    pub fn check_against(&self, loss: &Loss, output_width: usize) -> Result<(), FieldError> {
        self.measure.behaviour::<f32>().check_width(output_width)?;
        let received = loss.target_width(output_width);
        if received == output_width || !self.measure.behaviour::<f32>().needs_target_per_output() {
            return Ok(());
        }
        let detail = format!(
            "{} compares {output_width} output elements with as many target elements, but targets of {} are one class index",
            self.measure.kind(),
            loss.kind()
        );
        Err(FieldError::new("", detail))
    }

    /// The same metric with the default `threshold` for this loss: 0.5 for a binary loss, whose outputs are independent
    /// labels; else none, since several outputs are the classes of one label.
    #[must_use]
    pub fn resolve(&self, loss: &Loss) -> Self {
        let mut resolved = self.clone();
        let threshold = match &mut resolved.measure {
            Measure::Precision(Precision { threshold, top_k: None, .. })
            | Measure::Recall(Recall { threshold, top_k: None, .. })
            | Measure::F1Score(F1Score { threshold, .. })
            | Measure::FBetaScore(FBetaScore { threshold, .. }) => threshold,
            _ => return resolved,
        };
        if let (None, TargetKind::Binary) = (&threshold, loss.target_kind()) {
            *threshold = Some(0.5);
        }
        resolved
    }

    /// The name in events and results, as written in the request (`accuracy`, `mse`, `auc`, …).
    pub fn name(&self) -> String {
        self.name.clone()
    }

    /// Whether smaller or greater values are better; `None` for a count, which has no direction.
    pub fn goal(&self) -> Option<Goal> {
        self.measure.behaviour::<f32>().goal()
    }

    /// Number of sums for outputs of this width.
    pub fn sums(&self, output_width: usize) -> usize {
        self.measure.behaviour::<f32>().sums(output_width)
    }

    /// Adds these rows to the sums. `output` holds probabilities (or values), never logits. Sums of disjoint rows may
    /// be added.
    pub fn update<F: Real>(&self, targets: &[F], output: &[F], width: usize, sums: &mut [f64]) {
        if let Some(target_width) = targets.len().checked_div(output.len() / width.max(1)) {
            self.measure.behaviour().update(&Rows { targets, output, width, target_width }, sums);
        }
    }

    /// The same for rows that count as much as `weights` say, one a row; `scratch` is as long as `elements`.
    pub fn update_weighted<F: Real>(
        &self,
        targets: &[F],
        output: &[F],
        weights: &[F],
        width: usize,
        scratch: &mut [f64],
        sums: &mut [f64],
    ) {
        let target_width = targets.len() / weights.len().max(1);
        let rows = targets.chunks_exact(target_width.max(1)).zip(output.chunks_exact(width.max(1)));
        for ((targets, output), weight) in rows.zip(weights) {
            scratch.fill(0.0);
            self.update(targets, output, width, scratch);
            sums.iter_mut().zip(&*scratch).for_each(|(element, part)| *element += weight.to_f64() * part);
        }
    }

    /// The metric of all rows that were added.
    pub fn result(&self, sums: &[f64]) -> f64 {
        self.measure.behaviour::<f32>().result(sums)
    }
}

impl<'a, F: Real> Rows<'a, F> {
    /// Each row's targets and outputs.
    fn each(&self) -> impl Iterator<Item = (&'a [F], &'a [F])> {
        self.targets.chunks_exact(self.target_width).zip(self.output.chunks_exact(self.width))
    }

    /// The class of a row's target.
    fn class(&self, target: &[F]) -> usize {
        match target {
            // A number that is no class, such as -1 for an ignored row, never equals that of an output.
            [index] if self.width > 1 && *index < F::ZERO => usize::MAX,
            [index] if self.width > 1 => index.to_f64() as usize,
            _ => argmax(target),
        }
    }

    /// Whether the target of a row's output at `index` is positive.
    fn is_positive(&self, target: &[F], index: usize) -> bool {
        if target.len() < self.width {
            self.class(target) == index
        } else {
            target.get(index).is_some_and(|&target| target != F::ZERO)
        }
    }
}

/// Fails if a count is 0.
fn check_count(pointer: &str, count: Option<u32>) -> Result<(), FieldError> {
    if count == Some(0) {
        return Err(FieldError::new(pointer, "expected at least 1, received 0"));
    }
    Ok(())
}

/// Fails if a class index is out of range.
fn check_class(pointer: &str, class: Option<u32>, classes: usize) -> Result<(), FieldError> {
    match class {
        Some(class) if class as usize >= classes => {
            Err(FieldError::new(pointer, format!("expected a class from 0 to {}, received {class}", classes - 1)))
        }
        _ => Ok(()),
    }
}

/// Index of the maximum; the first of equals.
fn argmax<F: Real>(values: &[F]) -> usize {
    let best = |best: (usize, F), (index, &value): (usize, &F)| if value > best.1 { (index, value) } else { best };
    match values.first() {
        Some(&first) => values.iter().enumerate().fold((0, first), best).0,
        None => 0,
    }
}

/// a / b, and 0 if b is 0.
fn ratio(a: f64, b: f64) -> f64 {
    if b == 0.0 { 0.0 } else { a / b }
}
