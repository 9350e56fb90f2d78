//! The maximum of one rate at the thresholds where another rate reaches a bound: [`SensitivityAtSpecificity`] and
//! similar.
//!
//! Thresholds are evenly spaced from 0 to 1; the result is 0 if the bound is reached at none. As in Keras, several
//! outputs are measured together, or a single one with `class_id`.

use super::{Accumulator, Rows, check_class, ratio};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// Counts above a threshold, and totals.
#[derive(Debug, Clone, Copy)]
struct Passed {
    true_positives: f64,
    false_positives: f64,
    positives: f64,
    negatives: f64,
}

impl Passed {
    /// The same as recall.
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

fn add<F: Real>(rows: &Rows<'_, F>, num_thresholds: u32, class_id: Option<u32>, sums: &mut [f64]) {
    let last = F::of(f64::from(num_thresholds.saturating_sub(1)));
    let half = sums.len() / 2;
    let only = class_id.map(|class| class as usize);
    for (target, output) in rows.each() {
        for (index, &output) in output.iter().enumerate().filter(|&(index, _)| only.is_none_or(|only| only == index)) {
            let passed = match num_thresholds {
                1 => usize::from(output > F::of(0.5)),
                _ => (output.maximum(F::ZERO).minimum(F::ONE) * last).to_f64().ceil() as usize,
            };
            let element = passed + if rows.is_positive(target, index) { 0 } else { half };
            if let Some(element) = sums.get_mut(element) {
                *element += 1.0;
            }
        }
    }
}

/// The maximum of `rates(..).1` over the thresholds at which `rates(..).0` is at least `bound`.
fn best(sums: &[f64], bound: f64, rates: impl Fn(Passed) -> (f64, f64)) -> f64 {
    let (positive, negative) = sums.split_at(sums.len() / 2);
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
            /// Bound of this rate, 0 to 1.
            pub $bounded: f64,
            /// Number of thresholds, 1 to 10000; a single one is 0.5.
            pub num_thresholds: u32,
            /// The only output that is measured.
            pub class_id: Option<u32>,
        }

        impl Default for $metric {
            fn default() -> Self {
                Self { $bounded: 0.5, num_thresholds: 200, class_id: None }
            }
        }

        /// Sums: positive and negative targets by the number of thresholds below the output.
        impl<F: Real> Accumulator<F> for $metric {
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

            fn sums(&self, _width: usize) -> usize {
                2 * (self.num_thresholds as usize + 1)
            }

            fn update(&self, rows: &Rows<'_, F>, sums: &mut [f64]) {
                add(rows, self.num_thresholds, self.class_id, sums);
            }

            fn result(&self, sums: &[f64]) -> f64 {
                best(sums, self.$bounded, |passed| (passed.$bounded_rate(), passed.$rate()))
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
