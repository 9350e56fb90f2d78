//! [`Auc`].

use super::{Accumulator, Average, Rows, ratio};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// Area under the ROC, precision-recall (PR) or precision-recall-gain (PRGAIN) curve, approximated at thresholds as in
/// Keras.
///
/// With several outputs, `macro` is the mean of the areas of the outputs (that have both positive and negative
/// targets), and `micro`, Keras's default, the area of all outputs together. Keras's `multi_label` takes precedence
/// over `average`: true for the mean over all outputs, false for all outputs together.
///
/// Source: <https://keras.io/api/metrics/classification_metrics/#auc-class>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Auc {
    /// Number of thresholds, 2 to 10000.
    pub num_thresholds: u32,
    /// Curve.
    pub curve: Curve,
    /// Riemann summation method.
    pub summation_method: SummationMethod,
    /// Thresholds between 0 and 1, instead of `num_thresholds`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<Vec<f64>>,
    /// Averaging over several outputs: `macro` or `micro`.
    pub average: Average,
    /// Whether to average over the outputs. Default: see `average`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi_label: Option<bool>,
    /// Number of outputs; only with `multi_label`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_labels: Option<u32>,
    /// Weights of the outputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_weights: Option<Vec<f64>>,
    /// Whether outputs are logits.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub from_logits: bool,
}

/// Curve of [`Auc`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub enum Curve {
    /// True positive rate against false positive rate.
    #[default]
    #[serde(rename = "ROC", alias = "roc")]
    Roc,
    /// Precision against recall.
    #[serde(rename = "PR", alias = "pr")]
    Pr,
    /// Precision gain against recall gain.
    #[serde(rename = "PRGAIN", alias = "prgain")]
    PrGain,
}

/// Riemann summation method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SummationMethod {
    /// Mid-point summation for ROC; for PR, interpolation of true and false positives.
    #[default]
    Interpolation,
    /// Left summation for increasing intervals, right summation for decreasing ones.
    Minoring,
    /// The opposite of `minoring`.
    Majoring,
}

impl Default for Auc {
    fn default() -> Self {
        Self {
            num_thresholds: 200,
            curve: Curve::Roc,
            summation_method: SummationMethod::Interpolation,
            thresholds: None,
            average: Average::Macro,
            multi_label: None,
            num_labels: None,
            label_weights: None,
            from_logits: false,
        }
    }
}

/// Maximum number of thresholds.
const MAX: usize = 10_000;

impl Auc {
    /// Number of thresholds, including one just below 0 and one just above 1.
    fn thresholds(&self) -> usize {
        self.thresholds.as_ref().map_or(self.num_thresholds as usize, |between| between.len() + 2)
    }

    /// Whether all outputs are measured together.
    fn is_pooled(&self) -> bool {
        self.multi_label.map_or(self.average == Average::Micro, |each| !each)
    }

    /// Number of thresholds below an output.
    fn passed<F: Real>(&self, output: F) -> usize {
        match &self.thresholds {
            Some(between) => {
                let outer = [-EPSILON, 1.0 + EPSILON];
                between.iter().chain(&outer).filter(|&&threshold| output > F::of(threshold)).count()
            }
            None => {
                let last = F::of(f64::from(self.num_thresholds - 1));
                (output.maximum(F::ZERO).minimum(F::ONE) * last).to_f64().ceil().max(1.0) as usize
            }
        }
    }

    fn label_weight(&self, label: usize) -> f64 {
        self.label_weights.as_ref().and_then(|weights| weights.get(label)).copied().unwrap_or(1.0)
    }
}

/// Keras's epsilon: the distance of the outer thresholds from 0 and 1.
const EPSILON: f64 = 1e-7;

/// Sums, per output: positive and negative targets by the number of thresholds below the output.
impl<F: Real> Accumulator<F> for Auc {
    fn check(&self) -> Result<(), FieldError> {
        if !(2..=MAX as u32).contains(&self.num_thresholds) {
            let detail = format!("expected 2 to {MAX}, received {}", self.num_thresholds);
            return Err(FieldError::new("/num_thresholds", detail));
        }
        let between = self.thresholds.as_deref().unwrap_or_default();
        if between.len() + 2 > MAX {
            let detail = format!("expected at most {} numbers, received {}", MAX - 2, between.len());
            return Err(FieldError::new("/thresholds", detail));
        }
        for (index, &threshold) in between.iter().enumerate() {
            check::fraction(&format!("/thresholds/{index}"), threshold)?;
        }
        if self.average == Average::Weighted {
            return Err(FieldError::new("/average", "expected `macro` or `micro`, received `weighted`"));
        }
        if let (Some(labels), false) = (self.num_labels, self.multi_label == Some(true)) {
            let detail = format!("expected null where multi_label is not true, received {labels}");
            return Err(FieldError::new("/num_labels", detail));
        }
        let weights = self.label_weights.as_deref().unwrap_or_default().iter().enumerate();
        weights
            .into_iter()
            .try_for_each(|(index, &weight)| check::not_negative(&format!("/label_weights/{index}"), weight))
    }

    fn check_width(&self, width: usize) -> Result<(), FieldError> {
        let labels = self.num_labels.map(|labels| ("/num_labels", labels as usize));
        let weights = self.label_weights.as_ref().map(|weights| ("/label_weights", weights.len()));
        match labels.into_iter().chain(weights).find(|(_, received)| *received != width) {
            None => Ok(()),
            Some((pointer, received)) => {
                Err(FieldError::new(pointer, format!("expected the {width} output elements, received {received}")))
            }
        }
    }

    fn sums(&self, width: usize) -> usize {
        2 * (self.thresholds() + 1) * if self.is_pooled() { 1 } else { width }
    }

    fn update(&self, rows: &Rows<'_, F>, sums: &mut [f64]) {
        let (counts, pooled) = (self.thresholds() + 1, self.is_pooled());
        for (target, output) in rows.each() {
            for (index, &output) in output.iter().enumerate() {
                let positive = rows.is_positive(target, index);
                let passed = self.passed(if self.from_logits { output.sigmoid() } else { output });
                let (group, weight) = if pooled { (0, self.label_weight(index)) } else { (index, 1.0) };
                let element = (2 * group + usize::from(!positive)) * counts + passed;
                if let Some(element) = sums.get_mut(element) {
                    *element += weight;
                }
            }
        }
    }

    fn result(&self, sums: &[f64]) -> f64 {
        let counts = self.thresholds() + 1;
        let all = self.multi_label.is_some() || sums.len() == 2 * counts;
        let (mut areas, mut weights) = (0.0, 0.0);
        for (label, group) in sums.chunks_exact(2 * counts).enumerate() {
            let (positive, negative) = group.split_at(counts);
            let both = positive.iter().any(|&count| count > 0.0) && negative.iter().any(|&count| count > 0.0);
            if all || both {
                let weight = if self.is_pooled() { 1.0 } else { self.label_weight(label) };
                areas += weight * self.area(positive, negative);
                weights += weight;
            }
        }
        ratio(areas, weights)
    }
}

/// Counts above a threshold.
#[derive(Debug, Clone, Copy, Default)]
struct Passed {
    true_positives: f64,
    false_positives: f64,
}

/// Counts above a threshold and above the next higher one, from the highest down.
fn steps(positive: &[f64], negative: &[f64]) -> impl Iterator<Item = (Passed, Passed)> {
    let passed = positive.iter().zip(negative).rev().scan(Passed::default(), |passed, (&positive, &negative)| {
        let higher = *passed;
        passed.true_positives += positive;
        passed.false_positives += negative;
        Some((*passed, higher))
    });
    // There is no threshold above the highest, and the last count is below all of them.
    passed.take(positive.len().saturating_sub(1)).skip(1)
}

impl Auc {
    fn area(&self, positive: &[f64], negative: &[f64]) -> f64 {
        let (positives, negatives) = (positive.iter().sum(), negative.iter().sum());
        if (self.curve, self.summation_method) == (Curve::Pr, SummationMethod::Interpolation) {
            return area_under_pr(positive, negative, positives);
        }
        let point = |passed: Passed| self.curve.point(passed, positives, negatives);
        steps(positive, negative)
            .map(|(passed, higher)| {
                let ((x, y), (next_x, next_y)) = (point(passed), point(higher));
                let height = match self.summation_method {
                    SummationMethod::Interpolation => (y + next_y) / 2.0,
                    SummationMethod::Minoring => y.min(next_y),
                    SummationMethod::Majoring => y.max(next_y),
                };
                (x - next_x) * height
            })
            .sum()
    }
}

impl Curve {
    /// The point of the curve at a threshold.
    fn point(self, passed: Passed, positives: f64, negatives: f64) -> (f64, f64) {
        let Passed { true_positives: tp, false_positives: fp } = passed;
        let scaling = ratio(positives, negatives);
        match self {
            Self::Roc => (ratio(fp, negatives), ratio(tp, positives)),
            Self::Pr => (ratio(tp, positives), ratio(tp, tp + fp)),
            Self::PrGain if tp == 0.0 => (0.0, 1.0),
            Self::PrGain => ((1.0 - scaling * ratio(positives - tp, tp)).max(0.0), 1.0 - scaling * ratio(fp, tp)),
        }
    }
}

/// Interpolates true and false positives between thresholds, <https://www.biostat.wisc.edu/~page/rocpr.pdf>; the
/// integral of precision over recall then has a closed form.
fn area_under_pr(positive: &[f64], negative: &[f64], positives: f64) -> f64 {
    let area = steps(positive, negative).map(|(passed, higher)| {
        let (all, higher_all) =
            (passed.true_positives + passed.false_positives, higher.true_positives + higher.false_positives);
        let found = passed.true_positives - higher.true_positives;
        let slope = ratio(found, all - higher_all);
        let intercept = higher.true_positives - slope * higher_all;
        let growth = if all > 0.0 && higher_all > 0.0 { all / higher_all } else { 1.0 };
        slope * (found + intercept * growth.ln())
    });
    ratio(area.sum(), positives)
}
