//! [`TreeRules`]: the settings of a tree, resolved for its rows, and [`Grower`], which grows trees of the same rows.

use super::{
    Criterion as Named,
    absolute_error::AbsoluteError,
    candidate::Limits,
    columns::FeatureColumns,
    criterion::{ClassImpurity, Classes, Criterion, Mean, MeanImpurity},
    grow::{Stop, grow},
    keys::Ranks,
    nodes::Nodes,
    prune::prune,
    scan::{MAX_PAYLOAD, Scan, class_payload},
    splitter::{Search, Splitter},
};
use crate::engine::classical::{
    FitError, MaxFeatures, RandomState, Share, Size, Target, numpy_sum::numpy_sum, random_state::Xorshift,
};
use std::sync::atomic::AtomicBool;

/// Integers up to this have exact sums of their products.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// The settings that every tree of an ensemble has.
#[derive(Debug, Clone)]
pub(in crate::engine::classical) struct TreeRules<'a> {
    pub(in crate::engine::classical) criterion: Named,
    /// Whether thresholds are drawn.
    pub(in crate::engine::classical) random: bool,
    pub(in crate::engine::classical) max_depth: Option<usize>,
    pub(in crate::engine::classical) min_samples_split: Share,
    pub(in crate::engine::classical) min_samples_leaf: Share,
    pub(in crate::engine::classical) min_weight_fraction_leaf: f64,
    pub(in crate::engine::classical) max_features: Option<MaxFeatures>,
    pub(in crate::engine::classical) max_leaf_nodes: Option<usize>,
    pub(in crate::engine::classical) min_impurity_decrease: f64,
    pub(in crate::engine::classical) ccp_alpha: f64,
    pub(in crate::engine::classical) monotonic_cst: Option<&'a [i8]>,
}

/// Nodes of a tree that grows until its leaves are pure, or as its settings allow.
pub(in crate::engine::classical) fn nodes(rules: &TreeRules<'_>, size: Size) -> u64 {
    let rows = size.rows;
    let by_leaf = match rules.min_samples_leaf {
        Share::Count(count) => rows / count.max(1),
        Share::Fraction(fraction) => (1.0 / fraction) as usize,
    };
    let by_depth = rules.max_depth.and_then(|depth| 1usize.checked_shl(depth as u32)).filter(|leaves| *leaves > 0);
    let leaves = size
        .share(size.impurity)
        .rows
        .min(by_leaf)
        .min(by_depth.unwrap_or(rows))
        .min(rules.max_leaf_nodes.unwrap_or(rows))
        .max(1);
    2 * leaves as u64 - 1
}

/// What the trees of an ensemble share.
pub(in crate::engine::classical) struct Grower<'a> {
    rules: TreeRules<'a>,
    columns: &'a FeatureColumns,
    target: Target<'a>,
    /// Ranks of the columns, where the search may use them.
    ranks: Option<Ranks>,
    /// The signs of the constraints as the criterion compares values.
    signs: Option<Vec<i8>>,
    cancel: &'a AtomicBool,
}

impl<'a> Grower<'a> {
    pub(in crate::engine::classical) fn new(
        rules: TreeRules<'a>,
        columns: &'a FeatureColumns,
        target: Target<'a>,
        cancel: &'a AtomicBool,
    ) -> Result<Self, FitError> {
        if let (Target::Values(values), Named::Poisson) = (target, rules.criterion) {
            if let Some(row) = values.iter().position(|value| *value < 0.0) {
                let detail = format!("target, row {row}: expected at least 0 for `poisson`, received {}", values[row]);
                return Err(FitError::data(detail));
            }
            if values.iter().sum::<f64>() <= 0.0 {
                return Err(FitError::data("target: expected a sum of more than 0 for `poisson`, received 0"));
            }
        }
        // Values of two classes are those of the first; constraints are on the second.
        let flip = if matches!(target, Target::Classes { .. }) { -1 } else { 1 };
        let signs = rules.monotonic_cst.filter(|signs| signs.iter().any(|sign| *sign != 0));
        let signs = signs.map(|signs| signs.iter().map(|sign| sign * flip).collect());
        let in_any_order = !rules.random
            && signs.is_none()
            && match target {
                Target::Classes { n_classes, .. } => n_classes <= MAX_PAYLOAD as usize,
                Target::Values(values) => {
                    rules.criterion == Named::SquaredError && values.iter().all(|it| it.fract() == 0.0)
                }
            };
        let ranks = in_any_order.then(|| Ranks::new(columns, cancel)).transpose()?;
        Ok(Self { rules, columns, target, ranks, signs, cancel })
    }

    /// Grows a tree of the rows with a weight above 0. `weights` of `None` are all 1.
    pub(in crate::engine::classical) fn grow(&self, weights: Option<&[f64]>, seed: u32) -> Result<Nodes, FitError> {
        let rows = self.columns.rows();
        let all = match weights {
            None => rows as f64,
            Some(weights) => weights.iter().sum(),
        };
        let nodes = match self.target {
            Target::Classes { codes, n_classes } => {
                let impurity = match self.rules.criterion {
                    Named::Entropy | Named::LogLoss => ClassImpurity::Entropy,
                    _ => ClassImpurity::Gini,
                };
                let small = weights.is_none_or(|weights| {
                    weights.iter().all(|weight| weight.fract() == 0.0 && *weight <= f64::from(MAX_PAYLOAD))
                });
                let payloads: Option<Vec<u32>> = (small && self.ranks.is_some()).then(|| match weights {
                    None => codes.iter().map(|&code| class_payload(code, 1)).collect(),
                    Some(weights) => {
                        codes.iter().zip(weights).map(|(&code, &weight)| class_payload(code, weight as u32)).collect()
                    }
                });
                let scan = Scan::Classes { impurity, n_classes };
                let criterion = Classes::new(impurity, codes, n_classes, weights, all);
                self.grow_with(criterion, n_classes, weights, payloads.map(|payloads| (scan, payloads)), seed)
            }
            Target::Values(targets) => match self.rules.criterion {
                Named::AbsoluteError => {
                    let criterion = AbsoluteError::new(targets, weights, all, self.cancel);
                    self.grow_with(criterion, 1, weights, None, seed)
                }
                criterion => {
                    let exact = self.ranks.is_some() && sums_are_exact(targets, weights);
                    let payloads = exact.then(|| (0..rows as u32).collect());
                    let scan = Scan::Integers { targets, weights };
                    let impurity = match criterion {
                        Named::Poisson => MeanImpurity::Poisson,
                        _ => MeanImpurity::SquaredError,
                    };
                    let criterion = Mean::new(impurity, targets, weights, all);
                    self.grow_with(criterion, 1, weights, payloads.map(|payloads| (scan, payloads)), seed)
                }
            },
        }?;
        if self.rules.ccp_alpha > 0.0 { prune(&nodes, self.rules.ccp_alpha, self.cancel) } else { Ok(nodes) }
    }

    fn grow_with<C: Criterion>(
        &self,
        criterion: C,
        outputs: usize,
        weights: Option<&[f64]>,
        scan: Option<(Scan<'_>, Vec<u32>)>,
        seed: u32,
    ) -> Result<Nodes, FitError> {
        let rows = self.columns.rows();
        let rules = &self.rules;
        let of_rows = |share: Share| match share {
            Share::Count(count) => count,
            Share::Fraction(fraction) => (fraction * rows as f64).ceil() as usize,
        };
        let min_samples_leaf = of_rows(rules.min_samples_leaf).max(1);
        let weight = weights.map_or(rows as f64, numpy_sum);
        let limits = Limits { min_samples_leaf, min_weight_leaf: rules.min_weight_fraction_leaf * weight };
        let stop = Stop {
            max_depth: rules.max_depth.unwrap_or(usize::MAX),
            min_samples_split: of_rows(rules.min_samples_split).max(2).max(2 * min_samples_leaf),
            min_samples_leaf,
            min_weight_leaf: limits.min_weight_leaf,
            min_impurity_decrease: rules.min_impurity_decrease,
            max_leaf_nodes: rules.max_leaf_nodes,
        };
        let columns = self.columns.count();
        let search = Search {
            max_features: rules.max_features.map_or(columns, |features| features.count(columns)),
            limits,
            monotonic: self.signs.as_deref(),
            random: rules.random,
            cancel: self.cancel,
            ranked: match (&self.ranks, &scan) {
                (Some(ranks), Some((scan, payloads))) => Some((ranks, scan, payloads)),
                _ => None,
            },
        };
        let is_used = |row: &u32| weights.is_none_or(|weights| weights[*row as usize] != 0.0);
        let samples = (0..rows as u32).filter(is_used).collect();
        let random = Xorshift::new(RandomState::new(seed).seed());
        let mut splitter = Splitter::new(self.columns, search, criterion, samples, random);
        grow(&mut splitter, stop, outputs, self.cancel)
    }
}

/// Whether all sums of weighted targets and of their squares are exact, so that they do not depend on the order of the rows.
fn sums_are_exact(targets: &[f64], weights: Option<&[f64]>) -> bool {
    let mut bound = 0.0;
    for (row, target) in targets.iter().enumerate() {
        let weight = weights.map_or(1.0, |weights| weights[row]);
        if weight.fract() != 0.0 || target.fract() != 0.0 {
            return false;
        }
        bound += weight * target.abs() * target.abs().max(1.0);
    }
    bound < MAX_EXACT
}
