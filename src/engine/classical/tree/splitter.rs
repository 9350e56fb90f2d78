//! [`Splitter`]: the search for the best split of a node, and the partition of its rows.

use super::{
    candidate::{Candidate, Limits, THRESHOLD},
    columns::FeatureColumns,
    criterion::{Bounds, Criterion, Weights},
    keys::Ranks,
    scan::Scan,
    sort::sort_both,
};
use crate::engine::classical::random_state::Xorshift;
use rayon::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};

/// Rows times columns of a node from which its columns are searched in parallel.
const PARALLEL: usize = 1 << 16;

/// The chosen split of a node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Split {
    pub(super) feature: usize,
    pub(super) threshold: f64,
    pub(super) missing_left: bool,
    /// First row of the right part in the samples.
    pub(super) position: usize,
    pub(super) improvement: f64,
    pub(super) impurity_left: f64,
    pub(super) impurity_right: f64,
}

/// How a split is searched.
#[derive(Clone, Copy)]
pub(super) struct Search<'a> {
    pub(super) max_features: usize,
    pub(super) limits: Limits,
    /// -1, 0 or 1 per column.
    pub(super) monotonic: Option<&'a [i8]>,
    /// Whether thresholds are drawn instead of searched.
    pub(super) random: bool,
    /// Ends a search early; the caller then drops the tree.
    pub(super) cancel: &'a AtomicBool,
    /// Ranks and payloads, where sums are exact in any order.
    pub(super) ranked: Option<(&'a Ranks, &'a Scan<'a>, &'a [u32])>,
}

/// Rows in the order of the nodes, and what a search needs.
pub(super) struct Splitter<'a, C> {
    columns: &'a FeatureColumns,
    search: Search<'a>,
    pub(super) criterion: C,
    random: Xorshift,
    samples: Vec<u32>,
    values: Vec<f32>,
    features: Vec<usize>,
    constant: Vec<usize>,
    keys: Vec<u64>,
    scratch: Vec<u64>,
    moved: Vec<u32>,
    start: usize,
    end: usize,
}

impl<'a, C: Criterion> Splitter<'a, C> {
    /// `samples` are the rows of a weight above 0.
    pub(super) fn new(
        columns: &'a FeatureColumns,
        search: Search<'a>,
        criterion: C,
        samples: Vec<u32>,
        random: Xorshift,
    ) -> Self {
        let values = if search.ranked.is_some() { Vec::new() } else { vec![0.0; samples.len()] };
        Self {
            columns,
            search,
            criterion,
            random,
            samples,
            values,
            features: (0..columns.count()).collect(),
            constant: vec![0; columns.count()],
            keys: Vec::new(),
            scratch: Vec::new(),
            moved: Vec::new(),
            start: 0,
            end: 0,
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.samples.len()
    }

    /// Starts with the node of these rows, and returns its weight.
    pub(super) fn reset(&mut self, start: usize, end: usize) -> f64 {
        (self.start, self.end) = (start, end);
        self.criterion.init(&self.samples, start, end);
        self.criterion.weights().node
    }

    pub(super) fn impurity(&self) -> f64 {
        self.criterion.node_impurity(&self.samples)
    }

    pub(super) fn monotonic(&self, feature: usize) -> i8 {
        self.search.monotonic.map_or(0, |signs| signs[feature])
    }

    pub(super) fn is_monotonic(&self) -> bool {
        self.search.monotonic.is_some()
    }

    /// The best split, with the samples partitioned by it; `None` if there is none. `n_constant` is the number of columns that
    /// are known to be constant, and is updated.
    pub(super) fn split(&mut self, impurity: f64, bounds: Bounds, n_constant: &mut usize) -> Option<Split> {
        let known = *n_constant;
        let prepared = self.prepare(known);
        let columns = self.features.len();
        let (mut remaining, mut visited, mut found, mut drawn, mut total) = (columns, 0, 0, 0, known);
        let mut best: Option<(usize, Candidate)> = None;
        let mut last = None;
        // Draws columns without replacement. A column that is constant does not count, until one that is not was seen.
        while remaining > total && (visited < self.search.max_features || visited <= found + drawn) {
            if self.is_cancelled() {
                return None;
            }
            visited += 1;
            let mut at = self.random.between(drawn, remaining - found);
            if at < known {
                self.features.swap(drawn, at);
                drawn += 1;
                continue;
            }
            at += found;
            let feature = self.features[at];
            last = Some(feature);
            let candidate = match prepared.get(feature).copied().flatten() {
                Some(candidate) => candidate,
                None if self.search.random => self.draw_threshold(feature, bounds),
                None => self.best_threshold(feature, bounds, best.map_or(f64::NEG_INFINITY, |(_, best)| best.proxy)),
            };
            if candidate.constant {
                self.features.swap(at, total);
                found += 1;
                total += 1;
                continue;
            }
            remaining -= 1;
            self.features.swap(remaining, at);
            if candidate.proxy > best.map_or(f64::NEG_INFINITY, |(_, best)| best.proxy) {
                best = Some((feature, candidate));
            }
        }
        let split = best.map(|(feature, candidate)| {
            // A drawn threshold has partitioned the samples, if no other column was looked at since.
            if !(self.search.random && last == Some(feature)) {
                self.partition(feature, candidate);
            }
            self.finish(feature, candidate, impurity)
        });
        // Siblings rely on the order of the columns that were known to be constant.
        self.features[..known].copy_from_slice(&self.constant[..known]);
        self.constant[known..total].copy_from_slice(&self.features[known..total]);
        *n_constant = total;
        split
    }

    fn is_cancelled(&self) -> bool {
        self.search.cancel.load(Ordering::Relaxed)
    }

    /// The candidates of all columns of a large node, searched in parallel, where all of them are looked at anyway.
    fn prepare(&self, known: usize) -> Vec<Option<Candidate>> {
        let Some((ranks, scan, payloads)) = self.search.ranked else { return Vec::new() };
        let samples = &self.samples[self.start..self.end];
        let columns = self.features.len();
        let is_large = samples.len() * (columns - known) >= PARALLEL;
        if self.search.max_features < columns || !is_large || rayon::current_num_threads() == 1 {
            return Vec::new();
        }
        let limits = self.search.limits;
        let search = |(keys, scratch): &mut (Vec<u64>, Vec<u64>), at: usize| {
            if self.constant[..known].contains(&at) || self.is_cancelled() {
                return None;
            }
            ranks.0[at].sorted_keys(samples, payloads, keys, scratch);
            Some(scan.best(&ranks.0[at], keys, limits))
        };
        (0..columns).into_par_iter().map_init(|| (Vec::new(), Vec::new()), search).collect()
    }

    /// The first best threshold of a column, if it is better than `least`.
    fn best_threshold(&mut self, feature: usize, bounds: Bounds, least: f64) -> Candidate {
        if let Some((ranks, scan, payloads)) = self.search.ranked {
            let samples = &self.samples[self.start..self.end];
            ranks.0[feature].sorted_keys(samples, payloads, &mut self.keys, &mut self.scratch);
            return scan.best(&ranks.0[feature], &self.keys, self.search.limits);
        }
        let (start, end) = (self.start, self.end);
        let n_missing = self.sort_by(feature);
        let present = end - n_missing;
        if present == start || (n_missing == 0 && self.values[present - 1] <= self.values[start] + THRESHOLD) {
            return Candidate::CONSTANT;
        }
        let mut best = Candidate { proxy: least, ..Candidate::NONE };
        for missing_left in [false, true] {
            if missing_left && n_missing == 0 {
                break;
            }
            if missing_left {
                self.samples[start..end].rotate_right(n_missing);
                self.values[start..end].rotate_right(n_missing);
            }
            let (first, last) = if missing_left { (start + n_missing, end) } else { (start, present) };
            self.criterion.reset(&self.samples);
            let mut position = first;
            while position < end {
                if position == last {
                    break;
                }
                position += 1;
                while position < last && self.values[position] <= self.values[position - 1] + THRESHOLD {
                    position += 1;
                }
                if position == end {
                    break;
                }
                let Some(proxy) = self.try_position(feature, position, bounds) else { continue };
                if proxy > best.proxy {
                    let only_missing = position == present && !missing_left;
                    best.proxy = proxy;
                    best.position = position - start;
                    best.threshold = if only_missing {
                        f64::INFINITY
                    } else {
                        f64::from(self.values[position - 1]) / 2.0 + f64::from(self.values[position]) / 2.0
                    };
                    best.missing_left = if n_missing == 0 { position - start > end - position } else { missing_left };
                }
            }
        }
        if best.position == 0 { Candidate::NONE } else { best }
    }

    /// The proxy of the improvement, if both parts are large enough and constraints allow the split.
    fn try_position(&mut self, feature: usize, position: usize, bounds: Bounds) -> Option<f64> {
        let Limits { min_samples_leaf, min_weight_leaf } = self.search.limits;
        if position - self.start < min_samples_leaf || self.end - position < min_samples_leaf {
            return None;
        }
        self.criterion.update(&self.samples, position);
        let sign = self.monotonic(feature);
        if sign != 0 {
            let (left, right) = self.criterion.part_values();
            if !bounds.allow(sign, left, right) {
                return None;
            }
        }
        let Weights { left, right, .. } = self.criterion.weights();
        if left < min_weight_leaf || right < min_weight_leaf {
            return None;
        }
        Some(self.criterion.proxy(&self.samples))
    }

    /// Sorts the rows of the node by a column, missing values last, and returns the number of those.
    fn sort_by(&mut self, feature: usize) -> usize {
        let column = self.columns.column(feature);
        let (start, end) = (self.start, self.end);
        let mut n_missing = 0;
        if self.columns.has_missing(feature) {
            let (mut at, mut last) = (start, end);
            while at < last {
                if column[self.samples[last - 1] as usize].is_nan() {
                    n_missing += 1;
                    last -= 1;
                    continue;
                }
                if column[self.samples[at] as usize].is_nan() {
                    self.samples.swap(at, last - 1);
                    n_missing += 1;
                    last -= 1;
                }
                self.values[at] = column[self.samples[at] as usize];
                at += 1;
            }
        } else {
            for (value, &sample) in self.values[start..end].iter_mut().zip(&self.samples[start..end]) {
                *value = column[sample as usize];
            }
        }
        let present = end - n_missing;
        sort_both(&mut self.values[start..present], &mut self.samples[start..present]);
        n_missing
    }

    /// A threshold that is drawn uniformly between the least and the largest value.
    fn draw_threshold(&mut self, feature: usize, bounds: Bounds) -> Candidate {
        let column = self.columns.column(feature);
        let (start, end) = (self.start, self.end);
        let (mut least, mut largest, mut n_missing) = (f32::INFINITY, f32::NEG_INFINITY, 0);
        for (value, &sample) in self.values[start..end].iter_mut().zip(&self.samples[start..end]) {
            *value = column[sample as usize];
            if value.is_nan() {
                n_missing += 1;
            } else {
                least = least.min(*value);
                largest = largest.max(*value);
            }
        }
        if n_missing == end - start || (n_missing == 0 && largest <= least + THRESHOLD) {
            return Candidate::CONSTANT;
        }
        let mut threshold = self.random.uniform(f64::from(least), f64::from(largest));
        let missing_left = n_missing > 0 && self.random.between(0, 2) == 1;
        if threshold == f64::from(largest) {
            threshold = f64::from(least);
        }
        let (mut at, mut last) = (start, end);
        while at < last {
            let value = self.values[at];
            let goes_left = if value.is_nan() { missing_left } else { f64::from(value) <= threshold };
            if goes_left {
                at += 1;
            } else {
                last -= 1;
                self.values.swap(at, last);
                self.samples.swap(at, last);
            }
        }
        let position = last;
        let none = Candidate::NONE;
        let Limits { min_samples_leaf, .. } = self.search.limits;
        if position - start < min_samples_leaf || end - position < min_samples_leaf {
            return none;
        }
        self.criterion.reset(&self.samples);
        let Some(proxy) = self.try_position(feature, position, bounds) else { return none };
        let missing_left = if n_missing > 0 { missing_left } else { position - start > end - position };
        Candidate { proxy, position: position - start, threshold, missing_left, ..none }
    }

    /// Partitions the samples by a split.
    fn partition(&mut self, feature: usize, candidate: Candidate) {
        let column = self.columns.column(feature);
        let (start, end) = (self.start, self.end);
        let goes_left = |sample: u32| {
            let value = column[sample as usize];
            if value.is_nan() { candidate.missing_left } else { f64::from(value) <= candidate.threshold }
        };
        if self.search.ranked.is_some() {
            self.moved.clear();
            let mut kept = start;
            for at in start..end {
                let sample = self.samples[at];
                if goes_left(sample) {
                    self.samples[kept] = sample;
                    kept += 1;
                } else {
                    self.moved.push(sample);
                }
            }
            self.samples[kept..end].copy_from_slice(&self.moved);
        } else {
            let (mut at, mut last) = (start, end);
            while at < last {
                if goes_left(self.samples[at]) {
                    at += 1;
                } else {
                    last -= 1;
                    self.samples.swap(at, last);
                }
            }
        }
    }

    /// Computes what the tree stores of a split by which the samples are partitioned.
    fn finish(&mut self, feature: usize, candidate: Candidate, impurity: f64) -> Split {
        let position = self.start + candidate.position;
        self.criterion.reset(&self.samples);
        self.criterion.update(&self.samples, position);
        let (impurity_left, impurity_right) = self.criterion.children_impurity(&self.samples);
        let improvement = self.criterion.improvement(impurity, impurity_left, impurity_right);
        let Candidate { threshold, missing_left, .. } = candidate;
        Split { feature, threshold, missing_left, position, improvement, impurity_left, impurity_right }
    }
}
