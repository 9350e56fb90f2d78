//! [`CohenKappa`] and [`MatthewsCorrelation`]: how far targets and outputs agree beyond chance.
//!
//! A single output is a yes over 0.5. Keras has neither any more; the arithmetic is scikit-learn's.

use super::{
    Rows, Tally,
    classes::{self, Counts, counts},
    ratio,
};
use crate::engine::real::Real;
use serde::{Deserialize, Serialize};

/// `1 - o / e`: o is how far outputs stray from their targets, e how far they would by chance. 0 where chance could not err.
///
/// Source: <https://scikit-learn.org/stable/modules/generated/sklearn.metrics.cohen_kappa_score.html>, with every class
/// among its `labels`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CohenKappa {
    /// What it costs to take one class for another: null for 1, or by the distance between their indices.
    #[serde(alias = "weights")]
    pub weightage: Option<Weightage>,
}

/// By what the distance of two classes is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Weightage {
    /// Their distance.
    Linear,
    /// The square of their distance.
    Quadratic,
}

/// The correlation of targets and outputs: 1 where they agree, 0 by chance or where either is constant.
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

fn yes<F: Real>(output: F) -> bool {
    output > F::of(0.5)
}

/// Sums: the cost of all rows, and then those of each class.
impl<F: Real> Tally<F> for CohenKappa {
    fn cells(&self, width: usize) -> usize {
        1 + classes::SUMS * classes::classes(width)
    }

    fn update(&self, rows: &Rows<'_, F>, cells: &mut [f64]) {
        let Some((cost, cells)) = cells.split_first_mut() else { return };
        for (target, output) in rows.pairs(yes) {
            *cost += self.cost(target, output);
            classes::add(cells, target, output);
        }
    }

    fn result(&self, cells: &[f64]) -> f64 {
        let Some((observed, cells)) = cells.split_first() else { return 0.0 };
        let rows: f64 = counts(cells).map(|class| class.targets).sum();
        let expected: f64 = counts(cells)
            .enumerate()
            .flat_map(|(target, row)| {
                counts(cells)
                    .enumerate()
                    .map(move |(output, column)| self.cost(target, output) * row.targets * column.outputs)
            })
            .sum();
        if expected == 0.0 { 0.0 } else { 1.0 - observed * rows / expected }
    }
}

/// Sums: those of each class.
impl<F: Real> Tally<F> for MatthewsCorrelation {
    fn cells(&self, width: usize) -> usize {
        classes::SUMS * classes::classes(width)
    }

    fn update(&self, rows: &Rows<'_, F>, cells: &mut [f64]) {
        rows.pairs(yes).for_each(|(target, output)| classes::add(cells, target, output));
    }

    fn result(&self, cells: &[f64]) -> f64 {
        let sum = |f: fn(Counts) -> f64| counts(cells).map(f).sum::<f64>();
        let rows = sum(|class| class.targets);
        let together = sum(|class| class.both) * rows - sum(|class| class.targets * class.outputs);
        let targets = rows * rows - sum(|class| class.targets * class.targets);
        let outputs = rows * rows - sum(|class| class.outputs * class.outputs);
        ratio(together, (targets * outputs).sqrt())
    }
}
