//! [`Numbers`]: a column of numbers as one element, with one more that says where the cell is missing.
//!
//! Missing values are filled first, then the steps of the scale follow. The steps are fitted with missing values filled, as
//! scikit-learn's `make_pipeline(SimpleImputer(strategy="median"), StandardScaler())` fits them. A column that is constant in the
//! training rows, or missing in all of them, is zero whatever its value, unless it is not scaled: its weights are not trained.

use super::{
    missing::{Missing, MissingStrategy},
    scale::{Scale, Scaler},
};
use crate::engine::{cancel::until_cancelled, real::Real};
use ndarray::ArrayViewMut2;
use serde::{Deserialize, Serialize};

/// What is fitted on a column of numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Numbers {
    /// Takes the place of missing values; null where these stay NaN.
    fill: Option<f64>,
    /// Whether a second element says where the cell is missing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    indicator: bool,
    /// Whether every training row has this value, so that the element is 0 throughout.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    constant: bool,
    /// What keeps unscaled numbers apart for trees; before the steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<Scaler>,
    /// One after the other.
    scale: Vec<Scaler>,
}

/// Cells that are scaled at a time: they stay in the first cache.
const BLOCK: usize = 512;

impl Numbers {
    /// Fits on the training rows; NaN is a missing value. `has_missing` of the whole column decides whether an indicator exists.
    /// A constant column becomes zero where `zero_constant`. Ends early once cancelled, with results without meaning.
    pub fn fit(
        values: impl Iterator<Item = f64>,
        scale: &Scale,
        missing: &Missing,
        has_missing: bool,
        zero_constant: bool,
    ) -> Self {
        let indicator = missing.indicator && has_missing;
        let mut all = Vec::with_capacity(values.size_hint().0);
        all.extend(until_cancelled(values));
        let mut values = all;
        let mut present = Vec::with_capacity(values.len());
        present.extend(values.iter().copied().filter(|value| !value.is_nan()));
        let none_present = present.is_empty();
        let fill = match missing.strategy {
            MissingStrategy::Keep => None,
            _ if none_present => Some(0.0),
            MissingStrategy::Mean => Some(present.iter().sum::<f64>() / present.len() as f64),
            MissingStrategy::MostFrequent => Some(most_frequent(&mut present)),
            MissingStrategy::Constant => Some(missing.number().unwrap_or_default()),
            MissingStrategy::Median | MissingStrategy::Level | MissingStrategy::Zeros => Some(median(&mut present)),
        };
        drop(present);
        match fill {
            Some(fill) => values.iter_mut().filter(|value| value.is_nan()).for_each(|value| *value = fill),
            None => values.retain(|value| !value.is_nan()),
        }
        let is_constant = match values.first() {
            Some(first) => values.iter().all(|value| value == first),
            None => true,
        } || none_present;
        let constant = is_constant && (zero_constant || none_present) && fill.is_some();
        let scale = if is_constant { Vec::new() } else { scale.fit(values) };
        Self { fill, indicator, constant, origin: None, scale }
    }

    /// Elements.
    pub fn width(&self) -> usize {
        1 + usize::from(self.indicator)
    }

    /// Whether the element is 0 throughout.
    pub fn is_constant(&self) -> bool {
        self.constant
    }

    /// Whether numbers are scaled.
    pub fn is_scaled(&self) -> bool {
        self.constant || !self.scale.is_empty()
    }

    /// The steps of the scale; none of a column that is constant.
    pub fn steps(&self) -> &[Scaler] {
        &self.scale
    }

    /// Moves the numbers before anything else.
    pub fn move_to(&mut self, origin: Scaler) {
        self.origin = Some(origin);
    }

    /// What moved the numbers.
    pub fn origin(&self) -> Option<&Scaler> {
        self.origin.as_ref()
    }

    /// What takes the place of a missing value.
    pub fn fill(&self) -> Option<f64> {
        self.fill
    }

    /// A scaled number; NaN is a missing one.
    #[inline]
    pub fn scaled(&self, value: f64) -> f64 {
        if self.constant {
            return 0.0;
        }
        let value = if value.is_nan() { self.fill.unwrap_or(f64::NAN) } else { value };
        self.origin.iter().chain(&self.scale).fold(value, |value, step| step.apply(value))
    }

    /// Fills the elements of one number.
    #[inline]
    pub fn encode<F: Real>(&self, value: f64, elements: &mut [F]) {
        if let Some(first) = elements.first_mut() {
            *first = F::of(self.scaled(value));
        }
        if let (true, Some(second)) = (self.indicator, elements.get_mut(1)) {
            *second = F::of(f64::from(u8::from(value.is_nan())));
        }
    }

    /// Fills `elements` [rows, width], row by row from `value`.
    pub fn encode_rows<F: Real>(
        &self,
        rows: &[usize],
        mut elements: ArrayViewMut2<'_, F>,
        value: impl Fn(usize) -> f64,
    ) {
        let mut block = [0.0; BLOCK];
        for (chunk, rows) in rows.chunks(BLOCK).enumerate() {
            let first = chunk * BLOCK;
            let block = block.get_mut(..rows.len()).unwrap_or_default();
            block.iter_mut().zip(rows).for_each(|(cell, &row)| *cell = value(row));
            if self.indicator {
                let mut missing = elements.column_mut(1);
                let missing = missing.iter_mut().skip(first);
                missing
                    .zip(block.iter())
                    .for_each(|(element, cell)| *element = F::of(f64::from(u8::from(cell.is_nan()))));
            }
            if self.constant {
                block.fill(0.0);
            } else if let Some(fill) = self.fill {
                block.iter_mut().for_each(|cell| *cell = if cell.is_nan() { fill } else { *cell });
            }
            if !self.constant {
                self.origin.iter().chain(&self.scale).for_each(|step| step.apply_all(block));
            }
            let mut column = elements.slice_mut(ndarray::s![first..first + rows.len(), 0]);
            column.iter_mut().zip(block.iter()).for_each(|(element, cell)| *element = F::of(*cell));
        }
    }

    /// The bounds that a step clips a number to, and whether they are of the number itself; else they are of what the steps before
    /// leave of it. `None` for a number within them.
    pub fn clipped(&self, number: f64) -> Option<(f64, f64, bool)> {
        if self.scale.iter().all(|step| step.bounds().is_none()) {
            return None;
        }
        let mut value = number;
        for (index, step) in self.scale.iter().enumerate() {
            if let Some((min, max)) = step.bounds().filter(|(min, max)| value < *min || value > *max) {
                return Some((min, max, index == 0));
            }
            value = step.apply(value);
        }
        None
    }
}

/// The middle value, or the mean of the middle two.
pub(super) fn median(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    let even = values.len().is_multiple_of(2);
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    let lower = if even { below.iter().copied().max_by(f64::total_cmp).unwrap_or(upper) } else { upper };
    lower + (upper - lower) / 2.0
}

/// The most frequent value, the least of several.
fn most_frequent(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let mut best = (0, 0.0);
    for run in values.chunk_by(|a, b| a == b) {
        if let (true, Some(&value)) = (run.len() > best.0, run.first()) {
            best = (run.len(), value);
        }
    }
    best.1
}
