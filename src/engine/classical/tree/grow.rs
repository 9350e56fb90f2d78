//! [`grow`]: a tree from its rows, depth first, or best first where the number of leaves is limited.

use super::{
    criterion::{Bounds, Criterion},
    nodes::{NewNode, Nodes},
    splitter::{Split, Splitter},
};
use crate::engine::classical::{
    FitError, check_cancel,
    heap::{pop_heap, push_heap},
};
use std::sync::atomic::AtomicBool;

/// When a node is a leaf.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop {
    pub(super) max_depth: usize,
    pub(super) min_samples_split: usize,
    pub(super) min_samples_leaf: usize,
    pub(super) min_weight_leaf: f64,
    pub(super) min_impurity_decrease: f64,
    pub(super) max_leaf_nodes: Option<usize>,
}

/// A node that is to be searched.
struct Pending {
    start: usize,
    end: usize,
    depth: usize,
    parent: Option<(usize, bool)>,
    /// `None` for the root.
    impurity: Option<f64>,
    n_constant: usize,
    bounds: Bounds,
}

/// A node that was searched and added.
struct Searched {
    id: usize,
    split: Option<Split>,
    n_constant: usize,
    middle: f64,
}

/// Grows the tree.
pub(super) fn grow<C: Criterion>(
    splitter: &mut Splitter<'_, C>,
    stop: Stop,
    outputs: usize,
    cancel: &AtomicBool,
) -> Result<Nodes, FitError> {
    let mut nodes = Nodes::new(outputs);
    let root = Pending {
        start: 0,
        end: splitter.rows(),
        depth: 0,
        parent: None,
        impurity: None,
        n_constant: 0,
        bounds: Bounds::NONE,
    };
    match stop.max_leaf_nodes {
        None => depth_first(splitter, stop, root, &mut nodes, cancel)?,
        Some(max_leaf_nodes) => best_first(splitter, stop, root, max_leaf_nodes, &mut nodes, cancel)?,
    }
    nodes.shrink();
    Ok(nodes)
}

fn depth_first<C: Criterion>(
    splitter: &mut Splitter<'_, C>,
    stop: Stop,
    root: Pending,
    nodes: &mut Nodes,
    cancel: &AtomicBool,
) -> Result<(), FitError> {
    let mut stack = vec![root];
    while let Some(pending) = stack.pop() {
        let searched = search(splitter, stop, &pending, nodes, cancel)?;
        if let Some(split) = searched.split {
            let [left, right] = children(splitter, &pending, &searched, &split);
            stack.push(right);
            stack.push(left);
        }
    }
    Ok(())
}

/// Searches a node and adds it to the tree.
fn search<C: Criterion>(
    splitter: &mut Splitter<'_, C>,
    stop: Stop,
    pending: &Pending,
    nodes: &mut Nodes,
    cancel: &AtomicBool,
) -> Result<Searched, FitError> {
    check_cancel(cancel)?;
    let rows = pending.end - pending.start;
    let weight = splitter.reset(pending.start, pending.end);
    let impurity = pending.impurity.unwrap_or_else(|| splitter.impurity());
    let is_leaf = pending.depth >= stop.max_depth
        || rows < stop.min_samples_split
        || rows < 2 * stop.min_samples_leaf
        || weight < 2.0 * stop.min_weight_leaf
        || impurity <= f64::EPSILON;
    let mut n_constant = pending.n_constant;
    let split = if is_leaf { None } else { splitter.split(impurity, pending.bounds, &mut n_constant) };
    let split = split.filter(|split| {
        let is_weak = split.improvement + f64::EPSILON < stop.min_impurity_decrease;
        split.position < pending.end && !is_weak
    });
    check_cancel(cancel)?;
    let id = nodes.push(NewNode {
        parent: pending.parent,
        split: split.map(|split| (split.feature, split.threshold, split.missing_left)),
        impurity,
        samples: rows,
        weight,
    });
    let bounds = splitter.is_monotonic().then_some(pending.bounds);
    splitter.criterion.push_value(bounds, &mut nodes.value);
    Ok(Searched { id, split, n_constant, middle: splitter.criterion.middle_value() })
}

/// The children of a node. A constraint on the feature puts the middle of their values between their bounds.
fn children<C: Criterion>(
    splitter: &Splitter<'_, C>,
    pending: &Pending,
    searched: &Searched,
    split: &Split,
) -> [Pending; 2] {
    let (bounds, middle) = (pending.bounds, searched.middle);
    let (left, right) = match splitter.monotonic(split.feature) {
        0 => (bounds, bounds),
        1 => (Bounds { upper: middle, ..bounds }, Bounds { lower: middle, ..bounds }),
        _ => (Bounds { lower: middle, ..bounds }, Bounds { upper: middle, ..bounds }),
    };
    let child = |start, end, is_left, impurity, bounds| Pending {
        start,
        end,
        depth: pending.depth + 1,
        parent: Some((searched.id, is_left)),
        impurity: Some(impurity),
        n_constant: searched.n_constant,
        bounds,
    };
    [
        child(pending.start, split.position, true, split.impurity_left, left),
        child(split.position, pending.end, false, split.impurity_right, right),
    ]
}

/// A node at the frontier of a best-first tree.
struct Frontier {
    pending: Pending,
    searched: Searched,
}

fn best_first<C: Criterion>(
    splitter: &mut Splitter<'_, C>,
    stop: Stop,
    root: Pending,
    max_leaf_nodes: usize,
    nodes: &mut Nodes,
    cancel: &AtomicBool,
) -> Result<(), FitError> {
    let mut splits_left = max_leaf_nodes - 1;
    let improvement = |node: &Frontier| node.searched.split.map_or(0.0, |split| split.improvement);
    let is_less = |first: &Frontier, second: &Frontier| improvement(first) < improvement(second);
    let mut frontier = Vec::new();
    let searched = search(splitter, stop, &root, nodes, cancel)?;
    push_heap(&mut frontier, Frontier { pending: root, searched }, is_less);
    while let Some(Frontier { pending, searched }) = pop_heap(&mut frontier, is_less) {
        let Some(split) = searched.split.filter(|_| splits_left > 0) else {
            nodes.make_leaf(searched.id);
            continue;
        };
        splits_left -= 1;
        let both = children(splitter, &pending, &searched, &split);
        let mut added = Vec::with_capacity(2);
        for child in both {
            // A best-first tree does not hand down which columns are constant.
            let child = Pending { n_constant: 0, ..child };
            let searched = search(splitter, stop, &child, nodes, cancel)?;
            added.push(Frontier { pending: child, searched });
        }
        added.into_iter().for_each(|node| push_heap(&mut frontier, node, is_less));
    }
    Ok(())
}
