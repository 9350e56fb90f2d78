//! [`Precision`], [`Recall`], [`F1Score`] and [`FBetaScore`]: what was found, missed and mistaken.
//!
//! One output is a yes or no. Several are one choice, and each class is asked for in turn; the mean over classes
//! (`macro`) is what is reported unless `average` says otherwise. With a `threshold`, each output is a yes or no of its
//! own; `micro` with a threshold of 0.5 is what Keras's `Precision` and `Recall` do with several outputs.

use super::{Rows, Tally, check_class, check_count, ratio};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// How several classes become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Average {
    /// The mean over classes.
    #[default]
    Macro,
    /// All classes' cells together.
    Micro,
    /// The mean over classes, each as often as it is among the targets.
    Weighted,
}

/// Found and right / found: `tp / (tp + fp)`, 0 where nothing was found.
///
/// Source: <https://keras.io/api/metrics/classification_metrics/#precision-class>
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Precision {
    /// An output over this is a yes, 0 to 1. Where absent: 0.5 for one output, the largest of several.
    #[serde(alias = "thresholds")]
    pub threshold: Option<f64>,
    /// Only so many of the largest outputs can be a yes, and without a threshold they are.
    pub top_k: Option<u32>,
    /// The only class that is asked for.
    pub class_id: Option<u32>,
    /// How several classes become one number.
    pub average: Average,
}

/// Found and right / right: `tp / (tp + fn)`, 0 where nothing was to be found.
///
/// Source: <https://keras.io/api/metrics/classification_metrics/#recall-class>
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Recall {
    /// An output over this is a yes, 0 to 1. Where absent: 0.5 for one output, the largest of several.
    #[serde(alias = "thresholds")]
    pub threshold: Option<f64>,
    /// Only so many of the largest outputs can be a yes, and without a threshold they are.
    pub top_k: Option<u32>,
    /// The only class that is asked for.
    pub class_id: Option<u32>,
    /// How several classes become one number.
    pub average: Average,
}

/// The harmonic mean of precision and recall, with Keras's epsilon of 1e-7 in each division.
///
/// Keras's own `F1Score` lists every class, which is no single number (`average` there is `null`), and takes the largest
/// of even one output, which is always a yes; ours has `macro` and a threshold of 0.5 in those places. As there, several outputs that share the largest value are all a
/// yes.
///
/// Source: <https://keras.io/api/metrics/classification_metrics/#f1score-class>
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct F1Score {
    /// An output over this is a yes, 0 to 1. Where absent: 0.5 for one output, the largest of several.
    pub threshold: Option<f64>,
    /// How several classes become one number.
    pub average: Average,
}

/// As [`F1Score`], but recall counts beta times as much as precision: `(1 + b^2) p r / (b^2 p + r)`.
///
/// Source: <https://keras.io/api/metrics/classification_metrics/#fbetascore-class>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FBetaScore {
    /// How much recall counts, more than 0.
    pub beta: f64,
    /// An output over this is a yes, 0 to 1. Where absent: 0.5 for one output, the largest of several.
    pub threshold: Option<f64>,
    /// How several classes become one number.
    pub average: Average,
}

impl Default for FBetaScore {
    fn default() -> Self {
        Self { beta: 1.0, threshold: None, average: Average::Macro }
    }
}

const SUMS: usize = 3;

/// Sums of one class, or of all.
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

/// Which outputs are a yes, and which are asked.
#[derive(Debug, Clone, Copy, Default)]
struct Question {
    threshold: Option<f64>,
    top_k: Option<u32>,
    class_id: Option<u32>,
    /// Whether outputs as large as the last of the `top_k` are a yes too, unless they are 0.
    ties: bool,
}

impl Question {
    fn check(self) -> Result<(), FieldError> {
        check_count("/top_k", self.top_k)?;
        self.threshold.map_or(Ok(()), |threshold| check::fraction("/threshold", threshold))
    }

    /// Adds, for each class: found and right, found and wrong, missed.
    fn add<F: Real>(self, rows: &Rows<'_, F>, cells: &mut [f64]) {
        let open = self.threshold.is_none() && self.top_k.is_none();
        let threshold = self.threshold.or((open && rows.width == 1).then_some(0.5)).map(F::of);
        let top_k = self.top_k.or((open && rows.width > 1).then_some(1));
        let only = self.class_id.map(|class| class as usize);
        let (counts, _) = cells.as_chunks_mut::<SUMS>();
        for (target, output) in rows.each() {
            let last = top_k.and_then(|top_k| nth_largest(output, top_k));
            let asked = output.iter().enumerate().filter(|&(index, _)| only.is_none_or(|only| only == index));
            for ([hits, mistakes, misses], (index, &output)) in counts.iter_mut().zip(asked) {
                let found = threshold.is_none_or(|threshold| output > threshold)
                    && last.is_none_or(|last| match self.ties {
                        true => output >= last.1 && output.abs() > F::of(1e-9),
                        false => !is_before(last, (index, output)),
                    });
                match (rows.is_yes(target, index), found) {
                    (true, true) => *hits += 1.0,
                    (false, true) => *mistakes += 1.0,
                    (true, false) => *misses += 1.0,
                    (false, false) => {}
                }
            }
        }
    }
}

/// Whether the first is the larger, or as large and further ahead.
fn is_before<F: Real>((index, value): (usize, F), (other_index, other): (usize, F)) -> bool {
    value > other || (value == other && index < other_index)
}

/// Where the `n`th of the values from the largest down stands, and what it is.
fn nth_largest<F: Real>(values: &[F], n: u32) -> Option<(usize, F)> {
    let mut found: Option<(usize, F)> = None;
    for _ in 0..values.len().min(n as usize) {
        let rest = values.iter().copied().enumerate();
        let rest = rest.filter(|&cell| found.is_none_or(|found| is_before(found, cell)));
        found = rest.reduce(|best, cell| if is_before(cell, best) { cell } else { best }).or(found);
    }
    found
}

fn average(cells: &[f64], average: Average, score: impl Fn(Counts) -> f64) -> f64 {
    let (classes, _) = cells.as_chunks::<SUMS>();
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

macro_rules! tally {
    ($($metric:ident: $score:expr $(, check $check:expr)?;)*) => {$(
        impl<F: Real> Tally<F> for $metric {
            fn check(&self) -> Result<(), FieldError> {
                $($check(self)?;)?
                self.question().check()
            }

            fn check_width(&self, width: usize) -> Result<(), FieldError> {
                check_class("/class_id", self.question().class_id, width)
            }

            fn cells(&self, width: usize) -> usize {
                SUMS * if self.question().class_id.is_some() { 1 } else { width }
            }

            fn update(&self, rows: &Rows<'_, F>, cells: &mut [f64]) {
                self.question().add(rows, cells);
            }

            fn result(&self, cells: &[f64]) -> f64 {
                average(cells, self.average, |counts| $score(self, counts))
            }
        }
    )*};
}

impl Precision {
    fn question(&self) -> Question {
        Question { threshold: self.threshold, top_k: self.top_k, class_id: self.class_id, ties: false }
    }
}

impl Recall {
    fn question(&self) -> Question {
        Question { threshold: self.threshold, top_k: self.top_k, class_id: self.class_id, ties: false }
    }
}

impl F1Score {
    fn question(&self) -> Question {
        Question { threshold: self.threshold, ties: true, ..Question::default() }
    }
}

impl FBetaScore {
    fn question(&self) -> Question {
        Question { threshold: self.threshold, ties: true, ..Question::default() }
    }
}

tally! {
    Precision: |_: &Self, counts: Counts| counts.precision();
    Recall: |_: &Self, counts: Counts| counts.recall();
    F1Score: |_: &Self, counts: Counts| counts.f(1.0);
    FBetaScore: |settings: &Self, counts: Counts| counts.f(settings.beta),
        check |settings: &Self| check::positive("/beta", settings.beta);
}
