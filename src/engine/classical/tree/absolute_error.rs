//! [`AbsoluteError`]: the criterion whose value is the median.

use super::{
    criterion::{Bounds, Criterion, Weights},
    sort::sort_both,
};
use std::sync::atomic::{AtomicBool, Ordering};

/// Prefix sums of weights and weighted targets by rank (Fenwick, 1994).
#[derive(Default)]
struct PrefixSums {
    weights: Vec<f64>,
    weighted: Vec<f64>,
    size: usize,
    highest_bit: usize,
    weight: f64,
    weighted_total: f64,
}

/// Where half of the weight is.
struct Half {
    weight_before: f64,
    weighted_before: f64,
    previous: usize,
    rank: usize,
}

impl PrefixSums {
    fn reset(&mut self, size: usize) {
        self.weights.clear();
        self.weights.resize(size + 1, 0.0);
        self.weighted.clear();
        self.weighted.resize(size + 1, 0.0);
        self.size = size;
        self.weight = 0.0;
        self.weighted_total = 0.0;
        self.highest_bit = size.checked_ilog2().map_or(0, |bits| 1 << bits);
    }

    fn add(&mut self, rank: usize, target: f64, weight: f64) {
        let weighted = weight * target;
        let mut at = rank + 1;
        while at <= self.size {
            self.weights[at] += weight;
            self.weighted[at] += weighted;
            at += at & at.wrapping_neg();
        }
        self.weight += weight;
        self.weighted_total += weighted;
    }

    /// The rank at which the cumulative weight reaches `target`, and the last rank before it where both differ.
    fn search(&self, mut target: f64) -> Half {
        let mut found = Half { weight_before: 0.0, weighted_before: 0.0, previous: 0, rank: 0 };
        let mut bit = self.highest_bit;
        let mut equal = None;
        while bit != 0 {
            let next = found.rank + bit;
            if next <= self.size {
                let weight = self.weights[next];
                if target == weight {
                    equal = Some((target, bit));
                    break;
                } else if target > weight {
                    target -= weight;
                    found.rank = next;
                    found.weight_before += weight;
                    found.weighted_before += self.weighted[next];
                }
            }
            bit >>= 1;
        }
        found.previous = found.rank;
        let Some((equal_target, equal_bit)) = equal else { return found };
        while bit != 0 {
            let next = found.previous + bit;
            if next <= self.size && target > self.weights[next] {
                target -= self.weights[next];
                found.previous = next;
            }
            bit >>= 1;
        }
        (target, bit) = (equal_target, equal_bit);
        while bit != 0 {
            let next = found.rank + bit;
            if next <= self.size && target >= self.weights[next] {
                target -= self.weights[next];
                found.rank = next;
                found.weight_before += self.weights[next];
                found.weighted_before += self.weighted[next];
            }
            bit >>= 1;
        }
        found
    }
}

/// Mean absolute deviation from the median. The errors of all possible parts are computed once per order of the rows.
pub(super) struct AbsoluteError<'a> {
    targets: &'a [f64],
    row_weights: Option<&'a [f64]>,
    cancel: &'a AtomicBool,
    weights: Weights,
    start: usize,
    position: usize,
    end: usize,
    sums: PrefixSums,
    sorted: Vec<f64>,
    order: Vec<u32>,
    ranks: Vec<u32>,
    left_errors: Vec<f64>,
    right_errors: Vec<f64>,
    left_medians: Vec<f64>,
    right_medians: Vec<f64>,
}

impl<'a> AbsoluteError<'a> {
    pub(super) fn new(targets: &'a [f64], row_weights: Option<&'a [f64]>, all: f64, cancel: &'a AtomicBool) -> Self {
        Self {
            targets,
            row_weights,
            cancel,
            weights: Weights { all, ..Weights::default() },
            start: 0,
            position: 0,
            end: 0,
            sums: PrefixSums::default(),
            sorted: Vec::new(),
            order: Vec::new(),
            ranks: Vec::new(),
            left_errors: Vec::new(),
            right_errors: Vec::new(),
            left_medians: Vec::new(),
            right_medians: Vec::new(),
        }
    }

    fn weight(&self, sample: u32) -> f64 {
        self.row_weights.map_or(1.0, |weights| weights[sample as usize])
    }

    /// Activates the row at `at`, counted from the start of the node: median and absolute error of the active rows.
    fn activate(&mut self, at: usize, samples: &[u32]) -> (f64, f64) {
        let rank = self.ranks[at] as usize;
        let weight = self.weight(samples[self.start + at]);
        self.sums.add(rank, self.sorted[rank], weight);
        let half = self.sums.search(0.5 * self.sums.weight);
        let of = |rank: usize| self.sorted.get(rank).or(self.sorted.last()).copied().unwrap_or_default();
        let median = if half.rank == half.previous { of(half.rank) } else { (of(half.previous) + of(half.rank)) / 2.0 };
        let weight_right = self.sums.weight - half.weight_before;
        let weighted_right = self.sums.weighted_total - half.weighted_before;
        let error = (weighted_right - median * weight_right) + (median * half.weight_before - half.weighted_before);
        (median, 0.0 + error)
    }

    /// A cancelled fit drops the tree: the rest of a long node need not be right.
    fn is_cancelled(&self, at: usize) -> bool {
        at.is_multiple_of(4096) && self.cancel.load(Ordering::Relaxed)
    }
}

impl Criterion for AbsoluteError<'_> {
    fn init(&mut self, samples: &[u32], start: usize, end: usize) {
        (self.start, self.position, self.end) = (start, start, end);
        self.weights.node = 0.0;
        for &sample in &samples[start..end] {
            self.weights.node += self.weight(sample);
        }
        self.reset(samples);
    }

    fn reset(&mut self, samples: &[u32]) {
        self.weights.left = 0.0;
        self.weights.right = self.weights.node;
        self.position = self.start;
        let count = self.end - self.start;
        self.sorted.clear();
        self.sorted.extend(samples[self.start..self.end].iter().map(|&sample| self.targets[sample as usize]));
        self.order.clear();
        self.order.extend(0..count as u32);
        sort_both(&mut self.sorted, &mut self.order);
        self.ranks.resize(count, 0);
        for (rank, &at) in self.order.iter().enumerate() {
            self.ranks[at as usize] = rank as u32;
        }
        for list in [&mut self.left_errors, &mut self.right_errors, &mut self.left_medians, &mut self.right_medians] {
            list.resize(count, 0.0);
        }
        self.sums.reset(count);
        for at in 0..count {
            if self.is_cancelled(at) {
                return;
            }
            (self.left_medians[at], self.left_errors[at]) = self.activate(at, samples);
        }
        self.sums.reset(count);
        for at in (0..count).rev() {
            if self.is_cancelled(at) {
                return;
            }
            (self.right_medians[at], self.right_errors[at]) = self.activate(at, samples);
        }
    }

    fn update(&mut self, samples: &[u32], position: usize) {
        for &sample in &samples[self.position..position] {
            self.weights.left += self.weight(sample);
        }
        self.weights.right = self.weights.node - self.weights.left;
        self.position = position;
    }

    fn weights(&self) -> Weights {
        self.weights
    }

    fn node_impurity(&self, _samples: &[u32]) -> f64 {
        self.right_errors[0] / self.weights.node
    }

    fn children_impurity(&self, _samples: &[u32]) -> (f64, f64) {
        let at = self.position - self.start;
        let left = if at > 0 { self.left_errors[at - 1] } else { 0.0 };
        let right = if self.position < self.end { self.right_errors[at] } else { 0.0 };
        (left / self.weights.left, right / self.weights.right)
    }

    fn push_value(&self, bounds: Option<Bounds>, values: &mut Vec<f64>) {
        let value = self.right_medians[0];
        values.push(bounds.map_or(value, |bounds| bounds.clip(value)));
    }

    fn middle_value(&self) -> f64 {
        let (left, right) = self.part_values();
        (left + right) / 2.0
    }

    fn part_values(&self) -> (f64, f64) {
        let at = (self.position - self.start).min(self.right_medians.len() - 1);
        (self.left_medians[at.saturating_sub(1)], self.right_medians[at])
    }
}
