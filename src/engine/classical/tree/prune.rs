//! [`prune`]: minimal cost-complexity pruning (Breiman, Friedman, Olshen and Stone, 1984, chapter 3).

use super::nodes::{NewNode, Nodes};
use crate::engine::classical::{FitError, check_cancel};
use std::sync::atomic::AtomicBool;

/// The smallest subtree whose cost is at most that of any other at `alpha`.
pub(super) fn prune(nodes: &Nodes, alpha: f64, cancel: &AtomicBool) -> Result<Nodes, FitError> {
    let leaves = leaves(nodes, alpha, cancel)?;
    let mut pruned = Nodes::new(nodes.outputs);
    let mut stack = vec![(0, None)];
    while let Some((id, parent)) = stack.pop() {
        let split = (!leaves[id]).then(|| (nodes.feature[id] as usize, nodes.threshold[id], nodes.missing_left[id]));
        let new = pruned.push(NewNode {
            parent,
            split,
            impurity: nodes.impurity[id],
            samples: nodes.samples[id] as usize,
            weight: nodes.weight[id],
        });
        pruned.value.extend_from_slice(nodes.value(id));
        if split.is_some() {
            stack.push((nodes.right[id] as usize, Some((new, false))));
            stack.push((nodes.left[id] as usize, Some((new, true))));
        }
    }
    pruned.shrink();
    Ok(pruned)
}

/// Which nodes are leaves of the pruned tree.
fn leaves(nodes: &Nodes, alpha: f64, cancel: &AtomicBool) -> Result<Vec<bool>, FitError> {
    let count = nodes.count();
    let risk: Vec<f64> = (0..count).map(|id| nodes.weight[id] * nodes.impurity[id] / nodes.weight[0]).collect();
    let mut parent = vec![None; count];
    let mut leaves: Vec<bool> = (0..count).map(|id| nodes.is_leaf(id)).collect();
    for id in (0..count).filter(|&id| !leaves[id]) {
        parent[nodes.left[id] as usize] = Some(id);
        parent[nodes.right[id] as usize] = Some(id);
    }
    let mut n_leaves = vec![0i64; count];
    let mut branch = vec![0.0; count];
    for leaf in (0..count).filter(|&id| leaves[id]) {
        branch[leaf] = risk[leaf];
        let mut at = leaf;
        while let Some(above) = parent[at] {
            branch[above] += risk[leaf];
            n_leaves[above] += 1;
            at = above;
        }
    }
    let mut candidates: Vec<bool> = leaves.iter().map(|is_leaf| !is_leaf).collect();
    let mut inside = vec![true; count];
    while candidates[0] {
        check_cancel(cancel)?;
        let mut weakest = (f64::MAX, 0);
        for id in (0..count).filter(|&id| candidates[id]) {
            let effective = (risk[id] - branch[id]) / (n_leaves[id] - 1) as f64;
            if effective < weakest.0 {
                weakest = (effective, id);
            }
        }
        let (effective, pruned) = weakest;
        if alpha < effective {
            break;
        }
        let mut stack = vec![pruned];
        while let Some(id) = stack.pop() {
            if !std::mem::replace(&mut inside[id], false) {
                continue;
            }
            candidates[id] = false;
            leaves[id] = false;
            if !nodes.is_leaf(id) {
                stack.extend([nodes.left[id] as usize, nodes.right[id] as usize]);
            }
        }
        leaves[pruned] = true;
        inside[pruned] = true;
        let removed = n_leaves[pruned] - 1;
        n_leaves[pruned] = 0;
        let difference = risk[pruned] - branch[pruned];
        branch[pruned] = risk[pruned];
        let mut at = parent[pruned];
        while let Some(id) = at {
            n_leaves[id] -= removed;
            branch[id] += difference;
            at = parent[id];
        }
    }
    Ok(leaves)
}
