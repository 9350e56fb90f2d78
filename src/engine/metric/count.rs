//! [`TruePositives`], [`TrueNegatives`], [`FalsePositives`] and [`FalseNegatives`]: counts of independent binary
//! outputs.

use super::{Accumulator, Goal, Rows};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

macro_rules! counts {
    ($($metric:ident: $right:literal $found:literal, $what:literal, $anchor:literal;)*) => {$(
        #[doc = $what]
        ///
        #[doc = concat!("Source: <https://keras.io/api/metrics/classification_metrics/#", $anchor, "-class>")]
        #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct $metric {
            /// Outputs above this threshold are positive, 0 to 1.
            #[serde(alias = "thresholds")]
            pub threshold: f64,
        }

        impl Default for $metric {
            fn default() -> Self {
                Self { threshold: 0.5 }
            }
        }

        /// One sum: the count.
        impl<F: Real> Accumulator<F> for $metric {
            fn check(&self) -> Result<(), FieldError> {
                check::fraction("/threshold", self.threshold)
            }

            fn goal(&self) -> Option<Goal> {
                None
            }

            fn sums(&self, _width: usize) -> usize {
                1
            }

            fn update(&self, rows: &Rows<'_, F>, sums: &mut [f64]) {
                let threshold = F::of(self.threshold);
                let counted = |target: &[F], (index, &output): (usize, &F)| {
                    rows.is_positive(target, index) == $right && (output > threshold) == $found
                };
                let row = |(target, output): (&[F], &[F])| {
                    output.iter().enumerate().filter(|&element| counted(target, element)).count()
                };
                if let [count] = sums {
                    *count += rows.each().map(row).sum::<usize>() as f64;
                }
            }

            fn result(&self, sums: &[f64]) -> f64 {
                sums.iter().sum()
            }
        }
    )*};
}

counts! {
    TruePositives: true true, "Number of true positives.", "truepositives";
    TrueNegatives: false false, "Number of true negatives.", "truenegatives";
    FalsePositives: false true, "Number of false positives.", "falsepositives";
    FalseNegatives: true false, "Number of false negatives.", "falsenegatives";
}
