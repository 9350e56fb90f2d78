//! The best of one rate where another reaches a bound: [`SensitivityAtSpecificity`] and its like.
//!
//! Each output is a yes or no at evenly spaced thresholds from 0 to 1; of those thresholds at which the bounded rate is
//! large enough, the one with the largest other rate is reported, and 0 where there is none. Several outputs are all asked
//! together, as Keras does, or one alone by `class_id`.

use super::{Rows, Tally, check_class, ratio};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// What passed a threshold, rightly and wrongly, of all that should and should not.
#[derive(Debug, Clone, Copy)]
struct Passed {
    true_positives: f64,
    false_positives: f64,
    positives: f64,
    negatives: f64,
}

impl Passed {
    /// Recall by another name.
    fn sensitivity(self) -> f64 {
        ratio(self.true_positives, self.positives)
    }

    fn specificity(self) -> f64 {
        ratio(self.negatives - self.false_positives, self.negatives)
    }

    fn precision(self) -> f64 {
        ratio(self.true_positives, self.true_positives + self.false_positives)
    }
}

fn add<F: Real>(rows: &Rows<'_, F>, num_thresholds: u32, class_id: Option<u32>, cells: &mut [f64]) {
    let last = F::of(f64::from(num_thresholds.saturating_sub(1)));
    let half = cells.len() / 2;
    let only = class_id.map(|class| class as usize);
    for (target, output) in rows.each() {
        for (index, &output) in output.iter().enumerate().filter(|&(index, _)| only.is_none_or(|only| only == index)) {
            let passed = match num_thresholds {
                1 => usize::from(output > F::of(0.5)),
                _ => (output.maximum(F::ZERO).minimum(F::ONE) * last).to_f64().ceil() as usize,
            };
            let cell = passed + if rows.is_yes(target, index) { 0 } else { half };
            if let Some(cell) = cells.get_mut(cell) {
                *cell += 1.0;
            }
        }
    }
}

/// The largest `rates(..).1` of all thresholds at which `rates(..).0` is at least `bound`.
fn best(cells: &[f64], bound: f64, rates: impl Fn(Passed) -> (f64, f64)) -> f64 {
    let (positive, negative) = cells.split_at(cells.len() / 2);
    let (positives, negatives) = (positive.iter().sum(), negative.iter().sum());
    let (mut true_positives, mut false_positives) = (positives, negatives);
    let mut largest = 0.0f64;
    for (below, wrongly_below) in positive.iter().zip(negative).take(positive.len().saturating_sub(1)) {
        true_positives -= below;
        false_positives -= wrongly_below;
        let (bounded, rate) = rates(Passed { true_positives, false_positives, positives, negatives });
        if bounded >= bound {
            largest = largest.max(rate);
        }
    }
    largest
}

macro_rules! operating_points {
    ($($metric:ident, $bounded:ident $bounded_rate:ident, $rate:ident, $what:literal, $anchor:literal;)*) => {$(
        #[doc = $what]
        ///
        /// Keras has no default for the bound; here it is 0.5.
        ///
        #[doc = concat!("Source: <https://keras.io/api/metrics/classification_metrics/#", $anchor, "-class>")]
        #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct $metric {
            /// What the bounded rate must reach, 0 to 1.
            pub $bounded: f64,
            /// How many thresholds from 0 to 1, 1 to 10000; a single one stands at 0.5.
            pub num_thresholds: u32,
            /// The only output that is asked.
            pub class_id: Option<u32>,
        }

        impl Default for $metric {
            fn default() -> Self {
                Self { $bounded: 0.5, num_thresholds: 200, class_id: None }
            }
        }

        /// Sums: cells that should be a yes and those that should not, each by how many thresholds they pass.
        impl<F: Real> Tally<F> for $metric {
            fn check(&self) -> Result<(), FieldError> {
                if !(1..=10_000).contains(&self.num_thresholds) {
                    let detail = format!("expected 1 to 10000, received {}", self.num_thresholds);
                    return Err(FieldError::new("/num_thresholds", detail));
                }
                check::fraction(concat!("/", stringify!($bounded)), self.$bounded)
            }

            fn check_width(&self, width: usize) -> Result<(), FieldError> {
                check_class("/class_id", self.class_id, width)
            }

            fn cells(&self, _width: usize) -> usize {
                2 * (self.num_thresholds as usize + 1)
            }

            fn update(&self, rows: &Rows<'_, F>, cells: &mut [f64]) {
                add(rows, self.num_thresholds, self.class_id, cells);
            }

            fn result(&self, cells: &[f64]) -> f64 {
                best(cells, self.$bounded, |passed| (passed.$bounded_rate(), passed.$rate()))
            }
        }
    )*};
}

operating_points! {
    SensitivityAtSpecificity, specificity specificity, sensitivity,
        "The largest `tp / (tp + fn)` where `tn / (tn + fp)` is at least `specificity`.", "sensitivityatspecificity";
    SpecificityAtSensitivity, sensitivity sensitivity, specificity,
        "The largest `tn / (tn + fp)` where `tp / (tp + fn)` is at least `sensitivity`.", "specificityatsensitivity";
    PrecisionAtRecall, recall sensitivity, precision,
        "The largest `tp / (tp + fp)` where `tp / (tp + fn)` is at least `recall`.", "precisionatrecall";
    RecallAtPrecision, precision precision, sensitivity,
        "The largest `tp / (tp + fn)` where `tp / (tp + fp)` is at least `precision`.", "recallatprecision";
}
