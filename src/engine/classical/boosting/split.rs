//! [`SplitSearch`]: the best bin of a column to split at. Formulas, limits and their order are scikit-learn's.

use super::{categories::CategorySet, histogram::Bin};

/// The least hessian of a child.
const MIN_HESSIAN: f64 = 1e-3;

/// The least support of a category that is sorted, and the smoothing of its value.
const MIN_CATEGORY_SUPPORT: f64 = 10.0;

/// Sums of a node and the bounds of its children.
#[derive(Debug, Clone, Copy)]
pub(super) struct NodeSums {
    pub(super) count: u32,
    pub(super) gradient: f64,
    pub(super) hessian: f64,
    pub(super) value: f64,
    pub(super) lower: f64,
    pub(super) upper: f64,
}

/// A split.
#[derive(Debug, Clone, Copy)]
pub(super) struct Split {
    pub(super) gain: f64,
    /// The position of the column in the binning.
    pub(super) column: usize,
    /// The last bin on the left, of numbers.
    pub(super) bin: u8,
    /// The bins on the left, of categories.
    pub(super) categories: Option<CategorySet>,
    pub(super) missing_left: bool,
    pub(super) gradient_left: f64,
    pub(super) hessian_left: f64,
    pub(super) value_left: f64,
    pub(super) value_right: f64,
}

/// What the search needs to know of a column.
#[derive(Debug, Clone, Copy)]
pub(super) struct SearchedColumn {
    pub(super) column: usize,
    /// Bins without that for missing values.
    pub(super) bins: usize,
    pub(super) missing: Option<u8>,
    pub(super) is_categorical: bool,
    /// -1, 0 or 1.
    pub(super) monotonic: i8,
}

/// The settings of the search.
#[derive(Debug, Clone, Copy)]
pub(super) struct SplitSearch {
    pub(super) min_samples_leaf: u32,
    pub(super) l2_regularization: f64,
}

/// Running sums of one side.
#[derive(Clone, Copy, Default)]
struct Side {
    gradient: f64,
    hessian: f64,
    count: u32,
}

impl Side {
    fn add(&mut self, bin: Bin) {
        self.gradient += bin.gradient;
        self.hessian += bin.hessian;
        self.count += bin.count;
    }

    /// The other side.
    fn rest(self, node: &NodeSums) -> Self {
        Self {
            gradient: node.gradient - self.gradient,
            hessian: node.hessian - self.hessian,
            count: node.count.wrapping_sub(self.count),
        }
    }
}

impl SplitSearch {
    /// The best split of a column; `None` if none has a gain of more than 0.
    pub(super) fn best(&self, node: &NodeSums, column: SearchedColumn, bins: impl Fn(usize) -> Bin) -> Option<Split> {
        if column.is_categorical {
            return self.best_of_categories(node, column, bins);
        }
        let mut best = self.left_to_right(node, column, &bins);
        if column.missing.is_some() {
            let gain = best.map_or(0.0, |(gain, _)| gain);
            best = self.right_to_left(node, column, &bins, gain).or(best);
        }
        best.map(|(gain, (left, bin, missing_left))| {
            self.split(node, column, gain, left, Split { bin, missing_left, ..EMPTY })
        })
    }

    /// Missing values go right.
    fn left_to_right(
        &self,
        node: &NodeSums,
        column: SearchedColumn,
        bins: &impl Fn(usize) -> Bin,
    ) -> Option<(f64, (Side, u8, bool))> {
        let end = column.bins - 1 + usize::from(column.missing.is_some());
        let (mut left, mut best) = (Side::default(), None);
        for bin in 0..end {
            left.add(bins(bin));
            let right = left.rest(node);
            if left.count < self.min_samples_leaf {
                continue;
            }
            if right.count < self.min_samples_leaf {
                break;
            }
            if left.hessian < MIN_HESSIAN {
                continue;
            }
            if right.hessian < MIN_HESSIAN {
                break;
            }
            let gain = self.gain(node, column.monotonic, left, right);
            if gain > best.map_or(0.0, |(best, _)| best) {
                best = Some((gain, (left, bin as u8, false)));
            }
        }
        best
    }

    /// Missing values go left.
    fn right_to_left(
        &self,
        node: &NodeSums,
        column: SearchedColumn,
        bins: &impl Fn(usize) -> Bin,
        least: f64,
    ) -> Option<(f64, (Side, u8, bool))> {
        let (mut right, mut best) = (Side::default(), None);
        for bin in (0..column.bins.saturating_sub(1)).rev() {
            right.add(bins(bin + 1));
            let left = right.rest(node);
            if right.count < self.min_samples_leaf {
                continue;
            }
            if left.count < self.min_samples_leaf {
                break;
            }
            if right.hessian < MIN_HESSIAN {
                continue;
            }
            if left.hessian < MIN_HESSIAN {
                break;
            }
            let gain = self.gain(node, column.monotonic, left, right);
            if gain > best.map_or(least, |(best, _)| best) {
                best = Some((gain, (left, bin as u8, true)));
            }
        }
        best
    }

    /// Categories are sorted by their value and searched from both ends to the middle (Fisher, 1958).
    fn best_of_categories(
        &self,
        node: &NodeSums,
        column: SearchedColumn,
        bins: impl Fn(usize) -> Bin,
    ) -> Option<Split> {
        let support = f64::from(node.count) / node.hessian;
        let mut sorted: Vec<(f64, u8)> = (0..column.bins)
            .chain(column.missing.map(usize::from))
            .filter_map(|bin| {
                let Bin { gradient, hessian, .. } = bins(bin);
                let is_used = hessian * support >= MIN_CATEGORY_SUPPORT;
                is_used.then(|| (gradient / (hessian + MIN_CATEGORY_SUPPORT), bin as u8))
            })
            .collect();
        if sorted.len() <= 1 {
            return None;
        }
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let half = sorted.len().div_ceil(2);
        let mut best: Option<(f64, Side, usize, bool)> = None;
        for (forward, length) in [(true, half), (false, half - 1)] {
            let mut left = Side::default();
            for step in 0..length {
                let at = if forward { step } else { sorted.len() - 1 - step };
                left.add(bins(usize::from(sorted[at].1)));
                let right = left.rest(node);
                if left.count < self.min_samples_leaf || left.hessian < MIN_HESSIAN {
                    continue;
                }
                if right.count < self.min_samples_leaf || right.hessian < MIN_HESSIAN {
                    break;
                }
                let gain = self.gain(node, column.monotonic, left, right);
                if gain > best.map_or(0.0, |(best, ..)| best) {
                    best = Some((gain, left, at, forward));
                }
            }
        }
        best.map(|(gain, left, at, forward)| {
            let chosen = if forward { &sorted[..=at] } else { &sorted[at..] };
            let mut categories = CategorySet::default();
            chosen.iter().for_each(|(_, bin)| categories.insert(*bin));
            let missing_left = column.missing.is_some_and(|missing| categories.contains(missing));
            self.split(node, column, gain, left, Split { categories: Some(categories), missing_left, ..EMPTY })
        })
    }

    fn split(&self, node: &NodeSums, column: SearchedColumn, gain: f64, left: Side, split: Split) -> Split {
        let right = left.rest(node);
        Split {
            gain,
            column: column.column,
            gradient_left: left.gradient,
            hessian_left: left.hessian,
            value_left: self.value(node, left),
            value_right: self.value(node, right),
            ..split
        }
    }

    /// The Newton step of a child, within the bounds.
    fn value(&self, node: &NodeSums, side: Side) -> f64 {
        let value = -side.gradient / (side.hessian + self.l2_regularization + 1e-15);
        if value < node.lower {
            node.lower
        } else if value > node.upper {
            node.upper
        } else {
            value
        }
    }

    /// Decrease of the loss; -1 against the direction of a constraint.
    fn gain(&self, node: &NodeSums, monotonic: i8, left: Side, right: Side) -> f64 {
        let (value_left, value_right) = (self.value(node, left), self.value(node, right));
        if (monotonic == 1 && value_left > value_right) || (monotonic == -1 && value_left < value_right) {
            return -1.0;
        }
        let mut gain = node.gradient * node.value;
        gain -= left.gradient * value_left;
        gain -= right.gradient * value_right;
        gain
    }
}

const EMPTY: Split = Split {
    gain: 0.0,
    column: 0,
    bin: 0,
    categories: None,
    missing_left: false,
    gradient_left: 0.0,
    hessian_left: 0.0,
    value_left: 0.0,
    value_right: 0.0,
};
