//! [`Precision`], [`Recall`] and [`F1Score`]: what was found, missed and mistaken.
//!
//! One output is a yes or no. Several are one choice, and each class is asked for in turn; the mean over classes
//! (`macro`) is what is reported unless `average` says otherwise. With a `threshold`, each output is a yes or no of its
//! own; `micro` with a threshold of 0.5 is what Keras's `Precision` and `Recall` do with several outputs.

use super::{Rows, Tally, largest, ratio};
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
    pub threshold: Option<f64>,
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
    pub threshold: Option<f64>,
    /// How several classes become one number.
    pub average: Average,
}

/// The harmonic mean of precision and recall, with Keras's epsilon of 1e-7 in each division.
///
/// Keras's own `F1Score` lists every class, which is no single number (`average` there is `null`), and takes the largest
/// of even one output, which is always a yes; ours has `macro` and a threshold of 0.5 in those places.
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

    fn f1(self) -> f64 {
        const EPSILON: f64 = 1e-7;
        let precision = self.true_positives / (self.true_positives + self.false_positives + EPSILON);
        let recall = self.true_positives / (self.true_positives + self.false_negatives + EPSILON);
        2.0 * precision * recall / (precision + recall + EPSILON)
    }
}

fn check(threshold: Option<f64>) -> Result<(), FieldError> {
    threshold.map_or(Ok(()), |threshold| check::fraction("/threshold", threshold))
}

/// Adds, for each class: found and right, found and wrong, missed.
fn add<F: Real>(rows: &Rows<'_, F>, threshold: Option<f64>, cells: &mut [f64]) {
    let threshold = threshold.or((rows.width == 1).then_some(0.5)).map(F::of);
    let (counts, _) = cells.as_chunks_mut::<SUMS>();
    for (target, output) in rows.each() {
        let class = (target.len() < output.len()).then(|| rows.class(target));
        let choice = largest(output);
        for (index, ([hits, mistakes, misses], &output)) in counts.iter_mut().zip(output).enumerate() {
            let right = match class {
                Some(class) => class == index,
                None => target.get(index).is_some_and(|&target| target != F::ZERO),
            };
            let found = threshold.map_or(choice == index, |threshold| output > threshold);
            match (right, found) {
                (true, true) => *hits += 1.0,
                (false, true) => *mistakes += 1.0,
                (true, false) => *misses += 1.0,
                (false, false) => {}
            }
        }
    }
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
    ($($metric:ident: $score:ident),*) => {$(
        impl<F: Real> Tally<F> for $metric {
            fn check(&self) -> Result<(), FieldError> {
                check(self.threshold)
            }

            fn cells(&self, width: usize) -> usize {
                SUMS * width
            }

            fn update(&self, rows: &Rows<'_, F>, cells: &mut [f64]) {
                add(rows, self.threshold, cells);
            }

            fn result(&self, cells: &[f64]) -> f64 {
                average(cells, self.average, Counts::$score)
            }
        }
    )*};
}

tally! { Precision: precision, Recall: recall, F1Score: f1 }
