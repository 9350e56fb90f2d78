//! [`CohenKappa`] and [`MatthewsCorrelation`]: agreement of targets and outputs beyond chance.
//!
//! A single output above 0.5 is positive. Keras 3 has neither; the arithmetic is scikit-learn's.

use super::{
    Accumulator, Rows,
    classes::{self, Counts, counts},
    ratio,
};
use crate::engine::real::Real;
use serde::{Deserialize, Serialize};

/// `1 - o / e` with the observed disagreement o and that expected by chance e; 0 if e is 0.
///
/// Source: <https://scikit-learn.org/stable/modules/generated/sklearn.metrics.cohen_kappa_score.html>, with every class
/// among its `labels`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CohenKappa {
    /// Weight of a disagreement by the distance of the class indices; null for 1.
    #[serde(alias = "weights")]
    pub weightage: Option<Weightage>,
}

/// Weight of a disagreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Weightage {
    /// The distance of the class indices.
    Linear,
    /// The square of the distance.
    Quadratic,
}

/// Matthews correlation coefficient of targets and outputs: 1 for perfect agreement, 0 for chance or if either is
/// constant.
///
/// Source: <https://scikit-learn.org/stable/modules/generated/sklearn.metrics.matthews_corrcoef.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatthewsCorrelation;

impl CohenKappa {
    fn cost(self, target: usize, output: usize) -> f64 {
        let distance = target.abs_diff(output) as f64;
        match self.weightage {
            None => f64::from(u8::from(target != output)),
            Some(Weightage::Linear) => distance,
            Some(Weightage::Quadratic) => distance * distance,
        }
    }
}

fn is_positive<F: Real>(output: F) -> bool {
    output > F::of(0.5)
}

/// Sums: the cost of all rows, and then those of each class.
impl<F: Real> Accumulator<F> for CohenKappa {
    fn sums(&self, width: usize) -> usize {
        1 + classes::SUMS * classes::classes(width)
    }

    fn update(&self, rows: &Rows<'_, F>, sums: &mut [f64]) {
        let Some((cost, sums)) = sums.split_first_mut() else { return };
        for (target, output) in rows.pairs(is_positive) {
            *cost += self.cost(target, output);
            classes::add(sums, target, output);
        }
    }

    fn result(&self, sums: &[f64]) -> f64 {
        let Some((observed, sums)) = sums.split_first() else { return 0.0 };
        let rows: f64 = counts(sums).map(|class| class.targets).sum();
        let expected: f64 = counts(sums)
            .enumerate()
            .flat_map(|(target, row)| {
                counts(sums)
                    .enumerate()
                    .map(move |(output, column)| self.cost(target, output) * row.targets * column.outputs)
            })
            .sum();
        if expected == 0.0 { 0.0 } else { 1.0 - observed * rows / expected }
    }
}

/// Sums: those of each class.
impl<F: Real> Accumulator<F> for MatthewsCorrelation {
    fn sums(&self, width: usize) -> usize {
        classes::SUMS * classes::classes(width)
    }

    fn update(&self, rows: &Rows<'_, F>, sums: &mut [f64]) {
        rows.pairs(is_positive).for_each(|(target, output)| classes::add(sums, target, output));
    }

    fn result(&self, sums: &[f64]) -> f64 {
        let sum = |f: fn(Counts) -> f64| counts(sums).map(f).sum::<f64>();
        let rows = sum(|class| class.targets);
        let together = sum(|class| class.both) * rows - sum(|class| class.targets * class.outputs);
        let targets = rows * rows - sum(|class| class.targets * class.targets);
        let outputs = rows * rows - sum(|class| class.outputs * class.outputs);
        ratio(together, (targets * outputs).sqrt())
    }
}
