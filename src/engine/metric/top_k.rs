//! [`TopKCategoricalAccuracy`] and [`SparseTopKCategoricalAccuracy`].

use super::{Rows, Tally, ratio};
use crate::engine::{field::FieldError, real::Real};
use serde::{Deserialize, Serialize};

/// The fraction of rows in which fewer than `k` outputs are larger than that of the target's class.
///
/// Source: <https://keras.io/api/metrics/accuracy_metrics/#topkcategoricalaccuracy-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TopKCategoricalAccuracy {
    /// How many outputs count, 1 or more.
    pub k: u32,
}

/// The same as [`TopKCategoricalAccuracy`]: Keras's name for it where targets are class indices.
///
/// Source: <https://keras.io/api/metrics/accuracy_metrics/#sparsetopkcategoricalaccuracy-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SparseTopKCategoricalAccuracy {
    /// How many outputs count, 1 or more.
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

/// Whether the class's output is among the `k` largest; ties with the last of them are.
fn among<F: Real>(k: u32, class: usize, output: &[F]) -> bool {
    output.get(class).is_some_and(|&mine| {
        mine.finite() && output.iter().filter(|&&other| other > mine).count() < usize::try_from(k).unwrap_or(usize::MAX)
    })
}

macro_rules! tally {
    ($($metric:ident),*) => {$(
        /// Sums: rows that are right, rows.
        impl<F: Real> Tally<F> for $metric {
            fn check(&self) -> Result<(), FieldError> {
                super::check_count("/k", Some(self.k))
            }

            fn cells(&self, _width: usize) -> usize {
                2
            }

            fn update(&self, rows: &Rows<'_, F>, cells: &mut [f64]) {
                let right = rows.each().filter(|&(target, output)| among(self.k, rows.class(target), output)).count();
                if let [sum, all] = cells {
                    *sum += right as f64;
                    *all += (rows.output.len() / rows.width) as f64;
                }
            }

            fn result(&self, cells: &[f64]) -> f64 {
                match cells {
                    [right, all] => ratio(*right, *all),
                    _ => 0.0,
                }
            }
        }
    )*};
}

tally! { TopKCategoricalAccuracy, SparseTopKCategoricalAccuracy }
