//! Association of two columns over the rows in which both have a value.

use crate::data::table::MISSING;
use serde::Serialize;
use std::{borrow::Cow, collections::HashMap};

/// How an association is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Of two number columns, -1 to 1: Pearson's correlation.
    Pearson,
    /// Of classes with numbers, 0 to 1: the correlation ratio, the root of the share of the variance that is between classes.
    CorrelationRatio,
    /// Of two columns of classes, 0 to 1: Cramér's V.
    CramersV,
}

/// An association with the target.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Association {
    /// How it is measured.
    pub measure: Measure,
    /// Its value.
    pub value: f64,
    /// Rows in which both have a value.
    pub rows: u64,
}

/// A column's cells.
#[derive(Debug, Clone)]
pub(super) enum View<'a> {
    /// NaN where missing.
    Numbers(&'a [f64]),
    /// [`MISSING`] where missing.
    Codes { codes: Cow<'a, [u32]>, levels: usize },
}

impl View<'_> {
    /// The association of two columns; none where one of them does not vary.
    pub fn with(&self, other: &View<'_>) -> Option<Association> {
        match (self, other) {
            (View::Numbers(a), View::Numbers(b)) => pearson(a, b),
            (View::Numbers(numbers), View::Codes { codes, levels })
            | (View::Codes { codes, levels }, View::Numbers(numbers)) => correlation_ratio(numbers, codes, *levels),
            (View::Codes { codes: a, .. }, View::Codes { codes: b, .. }) => cramers_v(a, b),
        }
    }
}

fn pearson(a: &[f64], b: &[f64]) -> Option<Association> {
    let pairs = || a.iter().zip(b).filter(|(a, b)| !a.is_nan() && !b.is_nan());
    let rows = pairs().count() as u64;
    let mean = |of: fn((&f64, &f64)) -> f64| pairs().map(of).sum::<f64>() / rows as f64;
    let (mean_a, mean_b) = (mean(|(a, _)| *a), mean(|(_, b)| *b));
    let (mut products, mut squares_a, mut squares_b) = (0.0, 0.0, 0.0);
    for (a, b) in pairs() {
        let (a, b) = (a - mean_a, b - mean_b);
        products += a * b;
        squares_a += a * a;
        squares_b += b * b;
    }
    let value = products / squares_a.sqrt() / squares_b.sqrt();
    value.is_finite().then(|| Association { measure: Measure::Pearson, value: value.clamp(-1.0, 1.0), rows })
}

fn correlation_ratio(numbers: &[f64], codes: &[u32], levels: usize) -> Option<Association> {
    let pairs = || numbers.iter().zip(codes).filter(|(number, code)| !number.is_nan() && **code != MISSING);
    let rows = pairs().count() as u64;
    let mean = pairs().map(|(number, _)| number).sum::<f64>() / rows as f64;
    let mut classes = vec![(0.0, 0u64); levels];
    let mut total = 0.0;
    for (number, code) in pairs() {
        let difference = number - mean;
        total += difference * difference;
        if let Some((sum, count)) = classes.get_mut(*code as usize) {
            *sum += difference;
            *count += 1;
        }
    }
    let present = || classes.iter().filter(|(_, count)| *count > 0);
    let between: f64 = present().map(|(sum, count)| sum * sum / *count as f64).sum();
    let value = (between / total).sqrt();
    (present().count() > 1 && value.is_finite()).then(|| Association {
        measure: Measure::CorrelationRatio,
        value: value.min(1.0),
        rows,
    })
}

fn cramers_v(a: &[u32], b: &[u32]) -> Option<Association> {
    let mut both: HashMap<(u32, u32), u64> = HashMap::new();
    let (mut of_a, mut of_b): (HashMap<u32, u64>, HashMap<u32, u64>) = (HashMap::new(), HashMap::new());
    let mut rows = 0;
    for (&a, &b) in a.iter().zip(b).filter(|(a, b)| **a != MISSING && **b != MISSING) {
        *both.entry((a, b)).or_default() += 1;
        *of_a.entry(a).or_default() += 1;
        *of_b.entry(b).or_default() += 1;
        rows += 1;
    }
    // in order, so that the sum has the same bits in every run
    let mut cells: Vec<_> = both.into_iter().collect();
    cells.sort_unstable();
    let expected = |a, b| of_a.get(a).copied().unwrap_or(1) as f64 * of_b.get(b).copied().unwrap_or(1) as f64;
    let share: f64 = cells.iter().map(|((a, b), count)| (*count as f64).powi(2) / expected(a, b)).sum();
    let freedom = of_a.len().min(of_b.len()).saturating_sub(1);
    let value = ((share - 1.0).max(0.0) / freedom as f64).sqrt();
    (freedom > 0).then(|| Association { measure: Measure::CramersV, value: value.min(1.0), rows })
}
