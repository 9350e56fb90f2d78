//! [`Precision`], [`Recall`], [`F1Score`] and [`FBetaScore`].
//!
//! One output is a binary prediction. Several outputs are the classes of one prediction, whose metrics are averaged
//! over classes (`macro` by default). With a `threshold`, each output is an independent binary prediction; `micro` with
//! a threshold of 0.5 is what Keras's `Precision` and `Recall` do with several outputs.

use super::{Accumulator, Rows, check_class, check_count, ratio};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// Averaging over several classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Average {
    /// Mean over classes.
    #[default]
    Macro,
    /// All classes together.
    Micro,
    /// Mean over classes, weighted by their number of targets.
    Weighted,
}

/// `tp / (tp + fp)`; 0 if nothing is predicted positive.
///
/// Source: <https://keras.io/api/metrics/classification_metrics/#precision-class>
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Precision {
    /// Outputs above this threshold are positive, 0 to 1. Default: 0.5 for one output, the maximum of several.
    #[serde(alias = "thresholds")]
    pub threshold: Option<f64>,
    /// Only the `top_k` largest outputs can be positive; without a threshold they are.
    pub top_k: Option<u32>,
    /// The only class that is measured.
    pub class_id: Option<u32>,
    /// Averaging over several classes.
    pub average: Average,
}

/// `tp / (tp + fn)`; 0 if there are no positive targets.
///
/// Source: <https://keras.io/api/metrics/classification_metrics/#recall-class>
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Recall {
    /// Outputs above this threshold are positive, 0 to 1. Default: 0.5 for one output, the maximum of several.
    #[serde(alias = "thresholds")]
    pub threshold: Option<f64>,
    /// Only the `top_k` largest outputs can be positive; without a threshold they are.
    pub top_k: Option<u32>,
    /// The only class that is measured.
    pub class_id: Option<u32>,
    /// Averaging over several classes.
    pub average: Average,
}

/// The harmonic mean of precision and recall, with Keras's epsilon of 1e-7 in each division.
///
/// Keras's `F1Score` defaults to one value per class (`average` null) and to the maximum even of one output, which is
/// always positive; here the defaults are `macro` and a threshold of 0.5. As in Keras, all outputs equal to the maximum
/// are positive.
///
/// Source: <https://keras.io/api/metrics/classification_metrics/#f1score-class>
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct F1Score {
    /// Outputs above this threshold are positive, 0 to 1. Default: 0.5 for one output, the maximum of several.
    pub threshold: Option<f64>,
    /// Averaging over several classes.
    pub average: Average,
}

/// As [`F1Score`], with recall weighted beta times as much as precision: `(1 + b^2) p r / (b^2 p + r)`.
///
/// Source: <https://keras.io/api/metrics/classification_metrics/#fbetascore-class>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FBetaScore {
    /// Weight of recall, more than 0.
    pub beta: f64,
    /// Outputs above this threshold are positive, 0 to 1. Default: 0.5 for one output, the maximum of several.
    pub threshold: Option<f64>,
    /// Averaging over several classes.
    pub average: Average,
}

impl Default for FBetaScore {
    fn default() -> Self {
        Self { beta: 1.0, threshold: None, average: Average::Macro }
    }
}

const SUMS: usize = 3;

/// The sums of a class, or of all.
#[derive(Debug, Clone, Copy)]
struct Counts {
    true_positives: f64,
    false_positives: f64,
    false_negatives: f64,
}

impl Counts {
    fn of(&[true_positives, false_positives, false_negatives]: &[f64; SUMS]) -> Self {
        Self { true_positives, false_positives, false_negatives }
    }

    fn precision(self) -> f64 {
        ratio(self.true_positives, self.true_positives + self.false_positives)
    }

    fn recall(self) -> f64 {
        ratio(self.true_positives, self.true_positives + self.false_negatives)
    }

    fn f(self, beta: f64) -> f64 {
        const EPSILON: f64 = 1e-7;
        let precision = self.true_positives / (self.true_positives + self.false_positives + EPSILON);
        let recall = self.true_positives / (self.true_positives + self.false_negatives + EPSILON);
        let square = beta * beta;
        (1.0 + square) * precision * recall / (square * precision + recall + EPSILON)
    }
}

/// Which outputs are predicted positive, and which are measured.
#[derive(Debug, Clone, Copy, Default)]
struct Decision {
    threshold: Option<f64>,
    top_k: Option<u32>,
    class_id: Option<u32>,
    /// Whether outputs equal to the last of the `top_k` are positive too, unless they are 0.
    ties: bool,
}

impl Decision {
    fn check(self) -> Result<(), FieldError> {
        check_count("/top_k", self.top_k)?;
        self.threshold.map_or(Ok(()), |threshold| check::fraction("/threshold", threshold))
    }

    /// Adds true positives, false positives and false negatives of each class.
    fn add<F: Real>(self, rows: &Rows<'_, F>, sums: &mut [f64]) {
        let open = self.threshold.is_none() && self.top_k.is_none();
        let threshold = self.threshold.or((open && rows.width == 1).then_some(0.5)).map(F::of);
        let top_k = self.top_k.or((open && rows.width > 1).then_some(1));
        let only = self.class_id.map(|class| class as usize);
        let (counts, _) = sums.as_chunks_mut::<SUMS>();
        for (target, output) in rows.each() {
            let last = top_k.and_then(|top_k| nth_largest(output, top_k));
            let measured = output.iter().enumerate().filter(|&(index, _)| only.is_none_or(|only| only == index));
            for ([hits, mistakes, misses], (index, &output)) in counts.iter_mut().zip(measured) {
                let positive = threshold.is_none_or(|threshold| output > threshold)
                    && last.is_none_or(|last| match self.ties {
                        true => output >= last.1 && output.abs() > F::of(1e-9),
                        false => !is_before(last, (index, output)),
                    });
                match (rows.is_positive(target, index), positive) {
                    (true, true) => *hits += 1.0,
                    (false, true) => *mistakes += 1.0,
                    (true, false) => *misses += 1.0,
                    (false, false) => {}
                }
            }
        }
    }
}

/// Whether the first is larger, or equal with a smaller index.
fn is_before<F: Real>((index, value): (usize, F), (other_index, other): (usize, F)) -> bool {
    value > other || (value == other && index < other_index)
}

/// Index and value of the `n`th largest value.
fn nth_largest<F: Real>(values: &[F], n: u32) -> Option<(usize, F)> {
    let mut found: Option<(usize, F)> = None;
    for _ in 0..values.len().min(n as usize) {
        let rest = values.iter().copied().enumerate();
        let rest = rest.filter(|&element| found.is_none_or(|found| is_before(found, element)));
        found = rest.reduce(|best, element| if is_before(element, best) { element } else { best }).or(found);
    }
    found
}

fn average(sums: &[f64], average: Average, score: impl Fn(Counts) -> f64) -> f64 {
    let (classes, _) = sums.as_chunks::<SUMS>();
    match average {
        Average::Macro => ratio(classes.iter().map(|class| score(Counts::of(class))).sum(), classes.len() as f64),
        Average::Micro => {
            let mut all = [0.0; SUMS];
            for class in classes {
                all.iter_mut().zip(class).for_each(|(sum, count)| *sum += count);
            }
            score(Counts::of(&all))
        }
        Average::Weighted => {
            let support = |counts: Counts| counts.true_positives + counts.false_negatives;
            let total: f64 = classes.iter().map(|class| support(Counts::of(class))).sum();
            let weighted = classes.iter().map(|class| support(Counts::of(class)) * score(Counts::of(class)));
            ratio(weighted.sum(), total)
        }
    }
}

macro_rules! accumulators {
    ($($metric:ident: $score:expr $(, check $check:expr)?;)*) => {$(
        impl<F: Real> Accumulator<F> for $metric {
            fn check(&self) -> Result<(), FieldError> {
                $($check(self)?;)?
                self.decision().check()
            }

            fn check_width(&self, width: usize) -> Result<(), FieldError> {
                check_class("/class_id", self.decision().class_id, width)
            }

            fn sums(&self, width: usize) -> usize {
                SUMS * if self.decision().class_id.is_some() { 1 } else { width }
            }

            fn update(&self, rows: &Rows<'_, F>, sums: &mut [f64]) {
                self.decision().add(rows, sums);
            }

            fn result(&self, sums: &[f64]) -> f64 {
                average(sums, self.average, |counts| $score(self, counts))
            }
        }
    )*};
}

impl Precision {
    fn decision(&self) -> Decision {
        Decision { threshold: self.threshold, top_k: self.top_k, class_id: self.class_id, ties: false }
    }
}

impl Recall {
    fn decision(&self) -> Decision {
        Decision { threshold: self.threshold, top_k: self.top_k, class_id: self.class_id, ties: false }
    }
}

impl F1Score {
    fn decision(&self) -> Decision {
        Decision { threshold: self.threshold, ties: true, ..Decision::default() }
    }
}

impl FBetaScore {
    fn decision(&self) -> Decision {
        Decision { threshold: self.threshold, ties: true, ..Decision::default() }
    }
}

accumulators! {
    Precision: |_: &Self, counts: Counts| counts.precision();
    Recall: |_: &Self, counts: Counts| counts.recall();
    F1Score: |_: &Self, counts: Counts| counts.f(1.0);
    FBetaScore: |settings: &Self, counts: Counts| counts.f(settings.beta),
        check |settings: &Self| check::positive("/beta", settings.beta);
}
