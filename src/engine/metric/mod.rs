//! Metrics: Keras's names and arithmetic, as sums that lanes add up.
//!
//! A new metric is one file and one line below; the parity fixture then asks for it. Classes may come as an index or
//! one-hot: every metric of classes understands both.

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
        BinaryCrossentropy, CategoricalCrossentropy, CategoricalHinge, CosineSimilarity, Hinge, KlDivergence, Learns,
        LogCosh, Loss, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredError, MeanSquaredLogarithmicError,
        Poisson, SparseCategoricalCrossentropy, SquaredHinge,
    },
    real::Real,
    registry::registry,
};

/// What is reported beside the loss. A name (`"accuracy"`) or settings (`{"type": "auc", "name": "pr_auc", "curve": "PR"}`).
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// How events and results call it: what its author called it, else its kind. `val_` goes before it on validation rows.
    pub name: String,
    /// What it measures.
    pub measure: Measure,
    /// Whether rows count as much as they weigh in the loss, one of Keras's `weighted_metrics`. It is no part of the JSON form.
    pub weighted: bool,
}

/// Which of two values is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// The smaller one.
    Less,
    /// The greater one.
    More,
}

/// Outputs beside what they should have been.
struct Rows<'a, F> {
    /// [rows, `target_width`]
    targets: &'a [F],
    /// [rows, `width`]
    output: &'a [F],
    width: usize,
    target_width: usize,
}

/// What every metric's settings implement.
trait Tally<F: Real> {
    /// Ranges of the settings.
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }
    /// Which values are better; `None` for what is neither.
    fn better(&self) -> Option<Better> {
        Some(Better::More)
    }
    /// Whether a target must have a cell for each of the output's, and cannot be a class index.
    fn needs_wide_targets(&self) -> bool {
        false
    }
    /// Whether the settings go with outputs of this width.
    fn check_width(&self, _width: usize) -> Result<(), FieldError> {
        Ok(())
    }
    /// See [`Metric::cells`].
    fn cells(&self, width: usize) -> usize;
    /// See [`Metric::update`].
    fn update(&self, rows: &Rows<'_, F>, cells: &mut [f64]);
    /// See [`Metric::result`].
    fn result(&self, cells: &[f64]) -> f64;
}

registry! {
    /// What a metric measures.
    #[derive(Debug, Clone, PartialEq)]
    Measure, "a metric", dyn Tally {
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

    /// Whether it can be measured on what this loss is trained with; the pointer is below the metric.
    pub fn check_against(&self, loss: &Loss, output_width: usize) -> Result<(), FieldError> {
        self.measure.behaviour::<f32>().check_width(output_width)?;
        let received = loss.target_width(output_width);
        if received == output_width || !self.measure.behaviour::<f32>().needs_wide_targets() {
            return Ok(());
        }
        let detail = format!(
            "{} compares {output_width} output cells with as many target cells, but targets of {} are one class index",
            self.measure.kind(),
            loss.kind()
        );
        Err(FieldError::new("", detail))
    }

    /// The metric with the threshold that follows from the loss: 0.5 for a loss of independent binary outputs.
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
        if let (None, Learns::Yes) = (&threshold, loss.learns()) {
            *threshold = Some(0.5);
        }
        resolved
    }

    /// The name in events and results, as Keras prints it: as the author wrote it (`accuracy`, `mse`, `auc`, …).
    pub fn name(&self) -> String {
        self.name.clone()
    }

    /// Which values are better; `None` for what is neither.
    pub fn better(&self) -> Option<Better> {
        self.measure.behaviour::<f32>().better()
    }

    /// How many sums [`Self::update`] adds to, for outputs of this width.
    pub fn cells(&self, output_width: usize) -> usize {
        self.measure.behaviour::<f32>().cells(output_width)
    }

    /// Adds these rows to the sums. `output` holds probabilities (or values), never logits. Sums of disjoint rows may be added.
    pub fn update<F: Real>(&self, targets: &[F], output: &[F], width: usize, cells: &mut [f64]) {
        if let Some(target_width) = targets.len().checked_div(output.len() / width.max(1)) {
            self.measure.behaviour().update(&Rows { targets, output, width, target_width }, cells);
        }
    }

    /// The same for rows that count as much as `weights` say, one a row; `scratch` is as long as `cells`.
    pub fn update_weighted<F: Real>(
        &self,
        targets: &[F],
        output: &[F],
        weights: &[F],
        width: usize,
        scratch: &mut [f64],
        cells: &mut [f64],
    ) {
        let target_width = targets.len() / weights.len().max(1);
        let rows = targets.chunks_exact(target_width.max(1)).zip(output.chunks_exact(width.max(1)));
        for ((targets, output), weight) in rows.zip(weights) {
            scratch.fill(0.0);
            self.update(targets, output, width, scratch);
            cells.iter_mut().zip(&*scratch).for_each(|(cell, part)| *cell += weight.to_f64() * part);
        }
    }

    /// The metric of everything added.
    pub fn result(&self, cells: &[f64]) -> f64 {
        self.measure.behaviour::<f32>().result(cells)
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
            // What is no class, such as -1 for what a loss leaves out, is never the one of an output.
            [index] if self.width > 1 && *index < F::ZERO => usize::MAX,
            [index] if self.width > 1 => index.to_f64() as usize,
            _ => largest(target),
        }
    }

    /// Whether a row's output at `index` should be a yes.
    fn is_yes(&self, target: &[F], index: usize) -> bool {
        if target.len() < self.width {
            self.class(target) == index
        } else {
            target.get(index).is_some_and(|&target| target != F::ZERO)
        }
    }
}

/// Refuses a count of none.
fn check_count(pointer: &str, count: Option<u32>) -> Result<(), FieldError> {
    if count == Some(0) {
        return Err(FieldError::new(pointer, "expected at least 1, received 0"));
    }
    Ok(())
}

/// Refuses a class that there is not.
fn check_class(pointer: &str, class: Option<u32>, classes: usize) -> Result<(), FieldError> {
    match class {
        Some(class) if class as usize >= classes => {
            Err(FieldError::new(pointer, format!("expected a class from 0 to {}, received {class}", classes - 1)))
        }
        _ => Ok(()),
    }
}

/// Where the largest value stands; the first of equals.
fn largest<F: Real>(values: &[F]) -> usize {
    let best = |best: (usize, F), (index, &value): (usize, &F)| if value > best.1 { (index, value) } else { best };
    match values.first() {
        Some(&first) => values.iter().enumerate().fold((0, first), best).0,
        None => 0,
    }
}

/// a / b, and 0 where b is 0.
fn ratio(a: f64, b: f64) -> f64 {
    if b == 0.0 { 0.0 } else { a / b }
}
