//! [`Binning`]: the bins of every column, and rows as the numbers of their bins.

use super::percentile::{Weighted, averaged_inverted_cdf, sort_with_weights};
use crate::engine::{
    classical::{Column, Features, FitError, RandomState, check_cancel, row_draws::RowDraws},
    field::FieldError,
};
use rayon::prelude::*;
use std::sync::atomic::AtomicBool;

/// Columns that are stored side by side, so that a histogram of all of them stays in the L1 cache.
pub(super) const GROUP: usize = 4;

/// Bins of a column, with that for missing values.
pub(super) const BINS: usize = 256;

/// Rows from which thresholds are computed; of more rows so many are drawn.
const SAMPLE: usize = 200_000;

/// Thresholds are at most this.
const ALMOST_INFINITE: f64 = 1e300;

/// The bins of one column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ColumnBins {
    /// A number is in the first bin whose threshold is not less; above all of them in one more.
    Thresholds(Vec<f64>),
    /// The codes of the categories that occur, ascending; a bin each.
    Codes(Vec<u32>),
}

impl ColumnBins {
    /// Bins without that for missing values.
    pub(super) fn count(&self) -> usize {
        match self {
            Self::Thresholds(thresholds) => thresholds.len() + 1,
            Self::Codes(codes) => codes.len(),
        }
    }

    pub(super) fn is_categorical(&self) -> bool {
        matches!(self, Self::Codes(_))
    }

    /// The bin of a code that occurred.
    pub(super) fn bin_of_code(codes: &[u32], value: f64) -> Option<u8> {
        if !(value >= 0.0 && value <= f64::from(u32::MAX)) {
            return None;
        }
        codes.binary_search(&(value as u32)).ok().map(|bin| bin as u8)
    }

    fn bin(&self, value: f64, missing: u8) -> u8 {
        match self {
            _ if value.is_nan() => missing,
            Self::Thresholds(thresholds) => thresholds.partition_point(|threshold| value > *threshold) as u8,
            Self::Codes(codes) => Self::bin_of_code(codes, value).unwrap_or(missing),
        }
    }
}

/// The bins of all columns, categories first, as scikit-learn orders them.
pub(super) struct Binning {
    pub(super) columns: Vec<ColumnBins>,
    /// The column of the features at each position of `columns`.
    pub(super) order: Vec<usize>,
    /// The bin of missing values: the last one.
    pub(super) missing: u8,
}

/// Rows as the numbers of their bins.
#[derive(Default)]
pub(super) struct BinnedRows {
    /// For every group of columns, the bins of every row.
    pub(super) groups: Vec<Vec<[u8; GROUP]>>,
    pub(super) rows: usize,
}

impl BinnedRows {
    pub(super) fn bin(&self, row: usize, column: usize) -> u8 {
        self.groups[column / GROUP][row][column % GROUP]
    }
}

/// The order of the columns, and the codes of their categories.
#[derive(Default)]
pub(super) struct ColumnOrder {
    /// Columns of the features: categories first.
    pub(super) order: Vec<usize>,
    /// The codes that occur in each of them, ascending; `None` for numbers.
    pub(super) codes: Vec<Option<Vec<u32>>>,
}

impl ColumnOrder {
    /// `native` of `false` takes codes as numbers. An error says that a column has more categories than bins.
    pub(super) fn new(features: &Features<'_>, native: bool, max_bins: usize) -> Result<Self, FitError> {
        let is_category = |column: &Column<'_>| native && column.levels.is_some();
        let mut codes = Vec::new();
        for (at, column) in features.columns().iter().enumerate() {
            if !is_category(column) {
                codes.push(None);
                continue;
            }
            let mut seen = vec![false; column.levels.unwrap_or_default()];
            for value in column.values.iter().filter(|value| !value.is_nan()) {
                match seen.get_mut(*value as usize) {
                    Some(seen) if *value >= 0.0 => *seen = true,
                    _ => {
                        let detail =
                            format!("column {at}: expected codes of 0 to {}, received {value}", seen.len().max(1) - 1);
                        return Err(FitError::data(detail));
                    }
                }
            }
            let present: Vec<u32> = (0..seen.len() as u32).filter(|&code| seen[code as usize]).collect();
            if present.len() > max_bins {
                let detail = format!(
                    "expected at least the number of categories of every column, column {at} has {}, received {max_bins}; take the \
                     categories as numbers (`categorical_features`: null), or encode them",
                    present.len()
                );
                return Err(FieldError::new("/max_bins", detail).into());
            }
            codes.push(Some(present));
        }
        let (mut order, numbers): (Vec<usize>, Vec<usize>) = (0..codes.len()).partition(|&at| codes[at].is_some());
        order.extend(numbers);
        let codes = order.iter().map(|&at| codes[at].take()).collect();
        Ok(Self { order, codes })
    }
}

impl Binning {
    /// Thresholds from the training rows: midpoints of the values, or percentiles where there are more than `max_bins`.
    pub(super) fn new(
        features: &Features<'_>,
        rows: &[u32],
        weights: Option<&[f64]>,
        ColumnOrder { order, codes }: ColumnOrder,
        max_bins: usize,
        seed: u32,
        cancel: &AtomicBool,
    ) -> Result<Self, FitError> {
        let sampled = (rows.len() > SAMPLE).then(|| {
            let draws = RowDraws::new(rows.len(), weights);
            let mut random = RandomState::new(seed);
            (0..SAMPLE).map(|_| rows[draws.draw(&mut random)]).collect::<Vec<u32>>()
        });
        let weights = if sampled.is_some() { None } else { weights };
        let rows = sampled.as_deref().unwrap_or(rows);
        let column = |(at, codes): (usize, Option<Vec<u32>>)| {
            check_cancel(cancel)?;
            Ok(match codes {
                Some(codes) => ColumnBins::Codes(codes),
                None => ColumnBins::Thresholds(thresholds(&features.columns()[at], rows, weights, max_bins)),
            })
        };
        let columns = order.par_iter().copied().zip(codes).map(column).collect::<Result<_, FitError>>()?;
        Ok(Self { columns, order, missing: max_bins as u8 })
    }

    /// Some rows of the features.
    pub(super) fn rows(
        &self,
        features: &Features<'_>,
        rows: &[u32],
        cancel: &AtomicBool,
    ) -> Result<BinnedRows, FitError> {
        let group = |group: usize| {
            let mut bins = vec![[0; GROUP]; rows.len()];
            let first = group * GROUP;
            for (place, column) in self.columns.iter().skip(first).take(GROUP).enumerate() {
                check_cancel(cancel)?;
                let values = features.columns()[self.order[first + place]].values;
                for (bins, &row) in bins.iter_mut().zip(rows) {
                    bins[place] = column.bin(values[row as usize], self.missing);
                }
            }
            Ok(bins)
        };
        let groups = self.columns.len().div_ceil(GROUP);
        let groups = (0..groups).into_par_iter().map(group).collect::<Result<_, FitError>>()?;
        Ok(BinnedRows { groups, rows: rows.len() })
    }

    /// Whether each column has missing values in some rows.
    pub(super) fn has_missing(&self, rows: &BinnedRows) -> Vec<bool> {
        let column = |at: usize| rows.groups[at / GROUP].iter().any(|bins| bins[at % GROUP] == self.missing);
        (0..self.columns.len()).into_par_iter().map(column).collect()
    }
}

fn thresholds(column: &Column<'_>, rows: &[u32], weights: Option<&[f64]>, max_bins: usize) -> Vec<f64> {
    let (mut sorted, mut sorted_weights) = (Vec::with_capacity(rows.len()), Vec::new());
    match weights {
        None => {
            let present = rows.iter().map(|&row| column.values[row as usize]).filter(|value| !value.is_nan());
            sorted.extend(present);
            sorted.sort_unstable_by(f64::total_cmp);
        }
        Some(weights) => {
            let mut kept = Vec::new();
            for (&row, &weight) in rows.iter().zip(weights) {
                let value = column.values[row as usize];
                if !value.is_nan() && weight != 0.0 {
                    sorted.push(value);
                    kept.push(weight);
                }
            }
            (sorted, sorted_weights) = sort_with_weights(&sorted, &kept);
        }
    }
    let mut distinct = sorted.clone();
    distinct.dedup();
    if distinct.len() <= max_bins {
        return distinct.windows(2).map(|pair| ((pair[0] + pair[1]) / 2.0).min(ALMOST_INFINITE)).collect();
    }
    let step = 100.0 / max_bins as f64;
    let percentiles = (1..max_bins).map(|bin| bin as f64 * step);
    let mut thresholds: Vec<f64> = if weights.is_none() {
        percentiles.map(|percentile| averaged_inverted_cdf(&sorted, percentile / 100.0)).collect()
    } else {
        let weighted = Weighted::new(&sorted, &sorted_weights);
        percentiles.map(|percentile| weighted.percentile(percentile, true)).collect()
    };
    thresholds.dedup();
    thresholds.iter_mut().for_each(|threshold| *threshold = threshold.min(ALMOST_INFINITE));
    thresholds
}
