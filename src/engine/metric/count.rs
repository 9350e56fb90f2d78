//! [`TruePositives`], [`TrueNegatives`], [`FalsePositives`] and [`FalseNegatives`]: counts, each output a yes or no of its
//! own.

use super::{Better, Rows, Tally};
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
            /// An output over this is a yes, 0 to 1.
            #[serde(alias = "thresholds")]
            pub threshold: f64,
        }

        impl Default for $metric {
            fn default() -> Self {
                Self { threshold: 0.5 }
            }
        }

        /// One sum: the count.
        impl<F: Real> Tally<F> for $metric {
            fn check(&self) -> Result<(), FieldError> {
                check::fraction("/threshold", self.threshold)
            }

            fn better(&self) -> Option<Better> {
                None
            }

            fn cells(&self, _width: usize) -> usize {
                1
            }

            fn update(&self, rows: &Rows<'_, F>, cells: &mut [f64]) {
                let threshold = F::of(self.threshold);
                let counted = |target: &[F], (index, &output): (usize, &F)| {
                    rows.is_yes(target, index) == $right && (output > threshold) == $found
                };
                let row = |(target, output): (&[F], &[F])| {
                    output.iter().enumerate().filter(|&cell| counted(target, cell)).count()
                };
                if let [count] = cells {
                    *count += rows.each().map(row).sum::<usize>() as f64;
                }
            }

            fn result(&self, cells: &[f64]) -> f64 {
                cells.iter().sum()
            }
        }
    )*};
}

counts! {
    TruePositives: true true, "How often a yes was found.", "truepositives";
    TrueNegatives: false false, "How often a no was left alone.", "truenegatives";
    FalsePositives: false true, "How often a no was taken for a yes.", "falsepositives";
    FalseNegatives: true false, "How often a yes was missed.", "falsenegatives";
}
