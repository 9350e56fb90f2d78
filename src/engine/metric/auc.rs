//! [`Auc`].

use super::{Average, Rows, Tally, ratio};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// The area under a curve of true against false positives (ROC), of precision against recall (PR) or of their gains
/// (PRGAIN), measured at thresholds and summed up between them as Keras does.
///
/// Several outputs are several one-against-the-rest questions: `macro` is the mean of their areas (over those with both
/// answers among the targets), `micro`, as Keras's AUC has it, the area of all their cells together. Keras's own word for
/// that is `multi_label`, which goes before `average`: true for the mean over every output, false for all cells together.
///
/// Source: <https://keras.io/api/metrics/classification_metrics/#auc-class>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Auc {
    /// How many thresholds from 0 to 1, 2 to 10000.
    pub num_thresholds: u32,
    /// Which curve.
    pub curve: Curve,
    /// How high the area between two thresholds is.
    pub summation_method: SummationMethod,
    /// The thresholds between 0 and 1 themselves, in place of `num_thresholds`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<Vec<f64>>,
    /// How several outputs become one number: `macro` or `micro`.
    pub average: Average,
    /// Whether each output is measured by itself; as `average` says where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi_label: Option<bool>,
    /// How many outputs there are; only with `multi_label`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_labels: Option<u32>,
    /// What each output weighs in the mean, or its cells where all are measured together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_weights: Option<Vec<f64>>,
    /// Whether outputs are logits.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub from_logits: bool,
}

/// What an area is measured under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub enum Curve {
    /// True positives against false positives.
    #[default]
    #[serde(rename = "ROC", alias = "roc")]
    Roc,
    /// Precision against recall.
    #[serde(rename = "PR", alias = "pr")]
    Pr,
    /// What precision and recall gain over those of a constant yes.
    #[serde(rename = "PRGAIN", alias = "prgain")]
    PrGain,
}

/// How high the area between two neighbouring thresholds is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SummationMethod {
    /// As high as the curve is on average; of precision against recall, true and false positives grow evenly.
    #[default]
    Interpolation,
    /// As high as the lower end.
    Minoring,
    /// As high as the higher end.
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

/// Most thresholds.
const MOST: usize = 10_000;

impl Auc {
    /// How many thresholds there are, one just below 0 and one just over 1 among them.
    fn thresholds(&self) -> usize {
        self.thresholds.as_ref().map_or(self.num_thresholds as usize, |between| between.len() + 2)
    }

    /// Whether the cells of all outputs are one question.
    fn is_one_question(&self) -> bool {
        self.multi_label.map_or(self.average == Average::Micro, |each| !each)
    }

    /// How many thresholds an output passes.
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

/// Keras's epsilon: how far below 0 and over 1 the outer thresholds lie.
const EPSILON: f64 = 1e-7;

/// Sums, for each question: targets that are true and those that are false, by how many thresholds their output passes.
impl<F: Real> Tally<F> for Auc {
    fn check(&self) -> Result<(), FieldError> {
        if !(2..=MOST as u32).contains(&self.num_thresholds) {
            let detail = format!("expected 2 to {MOST}, received {}", self.num_thresholds);
            return Err(FieldError::new("/num_thresholds", detail));
        }
        let between = self.thresholds.as_deref().unwrap_or_default();
        if between.len() + 2 > MOST {
            let detail = format!("expected at most {} numbers, received {}", MOST - 2, between.len());
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
                Err(FieldError::new(pointer, format!("expected the {width} output cells, received {received}")))
            }
        }
    }

    fn cells(&self, width: usize) -> usize {
        2 * (self.thresholds() + 1) * if self.is_one_question() { 1 } else { width }
    }

    fn update(&self, rows: &Rows<'_, F>, cells: &mut [f64]) {
        let (counts, one) = (self.thresholds() + 1, self.is_one_question());
        for (target, output) in rows.each() {
            for (index, &output) in output.iter().enumerate() {
                let positive = rows.is_yes(target, index);
                let passed = self.passed(if self.from_logits { output.sigmoid() } else { output });
                let (question, weight) = if one { (0, self.label_weight(index)) } else { (index, 1.0) };
                let cell = (2 * question + usize::from(!positive)) * counts + passed;
                if let Some(cell) = cells.get_mut(cell) {
                    *cell += weight;
                }
            }
        }
    }

    fn result(&self, cells: &[f64]) -> f64 {
        let counts = self.thresholds() + 1;
        let all = self.multi_label.is_some() || cells.len() == 2 * counts;
        let (mut areas, mut weights) = (0.0, 0.0);
        for (label, question) in cells.chunks_exact(2 * counts).enumerate() {
            let (positive, negative) = question.split_at(counts);
            let both = positive.iter().any(|&count| count > 0.0) && negative.iter().any(|&count| count > 0.0);
            if all || both {
                let weight = if self.is_one_question() { 1.0 } else { self.label_weight(label) };
                areas += weight * self.area(positive, negative);
                weights += weight;
            }
        }
        ratio(areas, weights)
    }
}

/// What passes a threshold.
#[derive(Debug, Clone, Copy, Default)]
struct Passed {
    true_positives: f64,
    false_positives: f64,
}

/// What passes a threshold and what passes the next higher one, from the highest down.
fn steps(positive: &[f64], negative: &[f64]) -> impl Iterator<Item = (Passed, Passed)> {
    let passed = positive.iter().zip(negative).rev().scan(Passed::default(), |passed, (&positive, &negative)| {
        let higher = *passed;
        passed.true_positives += positive;
        passed.false_positives += negative;
        Some((*passed, higher))
    });
    // Over the highest threshold there is no other, and what passes none is under the lowest.
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
    /// Where the curve is for what passes a threshold.
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

/// Between neighbouring thresholds true and false positives grow together, <https://www.biostat.wisc.edu/~page/rocpr.pdf>;
/// the integral of precision over recall is then known in closed form.
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
