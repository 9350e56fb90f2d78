//! [`Scan`]: the best threshold of a column from sorted keys, for sums that are exact in any order.

use super::{
    candidate::{Candidate, Limits, THRESHOLD},
    criterion::ClassImpurity,
    keys::RankedColumn,
};

/// Sums of the left part of a node; those of the whole node are known.
trait Tally {
    /// Empties the left part.
    fn clear(&mut self);
    /// Moves a row to the left part.
    fn add(&mut self, payload: u32);
    /// Weights of both parts.
    fn weights(&self) -> (f64, f64);
    /// See [`super::criterion::Criterion::proxy`].
    fn proxy(&self) -> f64;
}

/// What the scan knows about the rows of a tree.
pub(in crate::engine::classical) enum Scan<'a> {
    /// Counts of classes; a row's payload is its class, and its weight, a small integer, above bit 16.
    Classes { impurity: ClassImpurity, n_classes: usize },
    /// Sums of integers; a row's payload is its number.
    Integers { targets: &'a [f64], weights: Option<&'a [f64]> },
}

/// Class and weight of a row in its payload.
pub(super) fn class_payload(class: u32, weight: u32) -> u32 {
    (weight << 16) | class
}

/// Weights up to this are in payloads, and so are classes.
pub(super) const MAX_PAYLOAD: u32 = u16::MAX as u32;

impl Scan<'_> {
    /// The best split of the column: of `keys`, sorted, of one node.
    pub(super) fn best(&self, column: &RankedColumn, keys: &[u64], limits: Limits) -> Candidate {
        match *self {
            Self::Classes { impurity: ClassImpurity::Gini, n_classes: 2 } => {
                let mut tally = TwoClasses::default();
                keys.iter().for_each(|key| tally.add(*key as u32));
                tally.total = tally.left;
                search(column, keys, limits, &mut tally)
            }
            Self::Classes { impurity, n_classes } => {
                let none = vec![0.0; n_classes];
                let mut tally = ManyClasses {
                    impurity,
                    total: none.clone(),
                    left: none.clone(),
                    right: none,
                    weight: 0.0,
                    weight_left: 0.0,
                };
                keys.iter().for_each(|key| tally.add(*key as u32));
                tally.total.copy_from_slice(&tally.left);
                tally.right.fill(0.0);
                tally.weight = tally.weight_left;
                search(column, keys, limits, &mut tally)
            }
            Self::Integers { targets, weights } => {
                let mut tally = Sums { targets, weights, total: 0.0, left: 0.0, weight: 0.0, weight_left: 0.0 };
                keys.iter().for_each(|key| tally.add(*key as u32));
                (tally.total, tally.weight) = (tally.left, tally.weight_left);
                search(column, keys, limits, &mut tally)
            }
        }
    }
}

fn search(column: &RankedColumn, keys: &[u64], limits: Limits, tally: &mut impl Tally) -> Candidate {
    let missing_rank = column.values.len() as u64;
    let n_missing =
        if column.has_missing() { keys.len() - keys.partition_point(|key| key >> 32 < missing_rank) } else { 0 };
    let present = keys.len() - n_missing;
    let value = |at: usize| column.values[(keys[at] >> 32) as usize];
    if present == 0 || (n_missing == 0 && value(present - 1) <= value(0) + THRESHOLD) {
        return Candidate::CONSTANT;
    }
    // Equal ranks are equal values; other ranks are too where values are closer than the threshold.
    let differs = |at: usize| {
        let (before, rank) = (keys[at - 1] >> 32, keys[at] >> 32);
        rank - before > u64::from(column.near) || (before != rank && value(at) > value(at - 1) + THRESHOLD)
    };
    let mut best = Candidate::NONE;
    for missing_left in [false, true] {
        if missing_left && n_missing == 0 {
            break;
        }
        tally.clear();
        let offset = if missing_left {
            keys[present..].iter().for_each(|key| tally.add(*key as u32));
            n_missing
        } else {
            0
        };
        let mut consider = |at: usize, (weight_left, weight_right): (f64, f64), proxy: f64| {
            let n_left = at + offset;
            let n_right = keys.len() - n_left;
            let is_large = n_left >= limits.min_samples_leaf
                && n_right >= limits.min_samples_leaf
                && weight_left >= limits.min_weight_leaf
                && weight_right >= limits.min_weight_leaf;
            if proxy > best.proxy && is_large {
                best.proxy = proxy;
                best.position = n_left;
                best.at = at;
                best.missing_left = if n_missing == 0 { n_left > n_right } else { missing_left };
            }
        };
        for at in 1..present {
            tally.add(keys[at - 1] as u32);
            if differs(at) {
                consider(at, tally.weights(), tally.proxy());
            }
        }
        if n_missing > 0 && !missing_left {
            tally.add(keys[present - 1] as u32);
            consider(present, tally.weights(), tally.proxy());
        }
    }
    if best.position > 0 {
        best.threshold = if best.at == present && !best.missing_left && n_missing > 0 {
            f64::INFINITY
        } else {
            f64::from(value(best.at - 1)) / 2.0 + f64::from(value(best.at)) / 2.0
        };
    }
    best
}

/// Gini impurity of two classes.
#[derive(Default)]
struct TwoClasses {
    total: [f64; 2],
    left: [f64; 2],
}

impl Tally for TwoClasses {
    fn clear(&mut self) {
        self.left = [0.0; 2];
    }

    #[inline(always)]
    fn add(&mut self, payload: u32) {
        let weight = f64::from(payload >> 16);
        let second = f64::from(payload & 1) * weight;
        self.left[0] += weight - second;
        self.left[1] += second;
    }

    #[inline(always)]
    fn weights(&self) -> (f64, f64) {
        (self.left[0] + self.left[1], (self.total[0] - self.left[0]) + (self.total[1] - self.left[1]))
    }

    #[inline(always)]
    fn proxy(&self) -> f64 {
        let right = [self.total[0] - self.left[0], self.total[1] - self.left[1]];
        let (weight_left, weight_right) = self.weights();
        let squares_left = self.left[0] * self.left[0] + self.left[1] * self.left[1];
        let squares_right = right[0] * right[0] + right[1] * right[1];
        let left = 1.0 - squares_left / (weight_left * weight_left);
        let right = 1.0 - squares_right / (weight_right * weight_right);
        -weight_right * right - weight_left * left
    }
}

/// Any impurity of any number of classes.
struct ManyClasses {
    impurity: ClassImpurity,
    total: Vec<f64>,
    left: Vec<f64>,
    right: Vec<f64>,
    weight: f64,
    weight_left: f64,
}

impl Tally for ManyClasses {
    fn clear(&mut self) {
        self.left.fill(0.0);
        self.right.copy_from_slice(&self.total);
        self.weight_left = 0.0;
    }

    #[inline(always)]
    fn add(&mut self, payload: u32) {
        let (class, weight) = ((payload & MAX_PAYLOAD) as usize, f64::from(payload >> 16));
        self.left[class] += weight;
        self.right[class] -= weight;
        self.weight_left += weight;
    }

    fn weights(&self) -> (f64, f64) {
        (self.weight_left, self.weight - self.weight_left)
    }

    fn proxy(&self) -> f64 {
        let (weight_left, weight_right) = self.weights();
        let left = self.impurity.of(&self.left, weight_left);
        let right = self.impurity.of(&self.right, weight_right);
        -weight_right * right - weight_left * left
    }
}

/// Squared error of integers.
struct Sums<'a> {
    targets: &'a [f64],
    weights: Option<&'a [f64]>,
    total: f64,
    left: f64,
    weight: f64,
    weight_left: f64,
}

impl Tally for Sums<'_> {
    fn clear(&mut self) {
        self.left = 0.0;
        self.weight_left = 0.0;
    }

    #[inline(always)]
    fn add(&mut self, payload: u32) {
        let weight = self.weights.map_or(1.0, |weights| weights[payload as usize]);
        self.left += weight * self.targets[payload as usize];
        self.weight_left += weight;
    }

    #[inline(always)]
    fn weights(&self) -> (f64, f64) {
        (self.weight_left, self.weight - self.weight_left)
    }

    #[inline(always)]
    fn proxy(&self) -> f64 {
        let right = self.total - self.left;
        let (weight_left, weight_right) = self.weights();
        self.left * self.left / weight_left + right * right / weight_right
    }
}
