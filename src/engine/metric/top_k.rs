//! [`TopKCategoricalAccuracy`] and [`SparseTopKCategoricalAccuracy`].

use super::{Accumulator, Rows, ratio};
use crate::engine::{field::FieldError, real::Real};
use serde::{Deserialize, Serialize};

/// Fraction of rows in which fewer than `k` outputs are larger than that of the target's class.
///
/// Source: <https://keras.io/api/metrics/accuracy_metrics/#topkcategoricalaccuracy-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TopKCategoricalAccuracy {
    /// Number of largest outputs to consider, at least 1.
    pub k: u32,
}

/// The same as [`TopKCategoricalAccuracy`]: Keras's name for it where targets are class indices.
///
/// Source: <https://keras.io/api/metrics/accuracy_metrics/#sparsetopkcategoricalaccuracy-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SparseTopKCategoricalAccuracy {
    /// Number of largest outputs to consider, at least 1.
    pub k: u32,
}

impl Default for TopKCategoricalAccuracy {
    fn default() -> Self {
        Self { k: 5 }
    }
}

impl Default for SparseTopKCategoricalAccuracy {
    fn default() -> Self {
        Self { k: 5 }
    }
}

/// Whether the class's output is among the `k` largest, including ties with the last of them.
fn among<F: Real>(k: u32, class: usize, output: &[F]) -> bool {
    output.get(class).is_some_and(|&mine| {
        mine.finite() && output.iter().filter(|&&other| other > mine).count() < usize::try_from(k).unwrap_or(usize::MAX)
    })
}

macro_rules! accumulators {
    ($($metric:ident),*) => {$(
        /// Sums: correct rows, rows.
        impl<F: Real> Accumulator<F> for $metric {
            fn check(&self) -> Result<(), FieldError> {
                super::check_count("/k", Some(self.k))
            }

            fn sums(&self, _width: usize) -> usize {
                2
            }

            fn update(&self, rows: &Rows<'_, F>, sums: &mut [f64]) {
                let right = rows.each().filter(|&(target, output)| among(self.k, rows.class(target), output)).count();
                if let [sum, all] = sums {
                    *sum += right as f64;
                    *all += (rows.output.len() / rows.width) as f64;
                }
            }

            fn result(&self, sums: &[f64]) -> f64 {
                match sums {
                    [right, all] => ratio(*right, *all),
                    _ => 0.0,
                }
            }
        }
    )*};
}

accumulators! { TopKCategoricalAccuracy, SparseTopKCategoricalAccuracy }
