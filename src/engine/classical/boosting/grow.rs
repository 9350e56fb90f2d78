//! [`Grower`]: a tree from the gradients of its rows, leaf by leaf where the loss decreases most.

use super::{
    bins::{BINS, BinnedRows, Binning, GROUP},
    generator::Generator,
    grown::{GrowRules, Grown, Node, bin_test, finish},
    histogram::{AHEAD, Bin, GroupHistogram, Histogram, NodeRows, PARALLEL},
    split::{NodeSums, SearchedColumn, Split, SplitSearch},
};
use crate::engine::{
    classical::{
        FitError, check_cancel,
        heap::{pop_heap, push_heap},
        numpy_sum::numpy_sum,
    },
    kernel::prefetch_element,
};
use rayon::prelude::*;
use std::sync::atomic::AtomicBool;

/// Rows that are divided at once.
const BLOCK: usize = 1 << 15;

/// Grows trees of the same rows.
pub(super) struct Grower<'a> {
    rules: &'a GrowRules,
    binning: &'a Binning,
    rows: &'a BinnedRows,
    has_missing: Vec<bool>,
    constant_hessian: bool,
    cancel: &'a AtomicBool,
    partition: Vec<u32>,
    ordered: Vec<[f32; 2]>,
    left: Vec<u32>,
    right: Vec<u32>,
    /// Histograms of nodes that are divided or leaves.
    unused: Vec<Histogram>,
}

impl<'a> Grower<'a> {
    pub(super) fn new(
        rules: &'a GrowRules,
        binning: &'a Binning,
        rows: &'a BinnedRows,
        constant_hessian: bool,
        cancel: &'a AtomicBool,
    ) -> Self {
        let has_missing = binning.has_missing(rows);
        let (ordered, left, right) = (vec![[0.0; 2]; rows.rows], vec![0; rows.rows], vec![0; rows.rows]);
        let partition = Vec::with_capacity(rows.rows);
        Self {
            rules,
            binning,
            rows,
            has_missing,
            constant_hessian,
            cancel,
            partition,
            ordered,
            left,
            right,
            unused: Vec::new(),
        }
    }

    /// The rows in the order of the last tree's leaves.
    pub(super) fn partition(&self) -> &[u32] {
        &self.partition
    }

    /// Grows a tree. `pairs` are the gradients and hessians of the rows.
    pub(super) fn grow(&mut self, pairs: &[[f32; 2]], random: &mut Generator) -> Result<Grown, FitError> {
        self.partition.clear();
        self.partition.extend(0..self.rows.rows as u32);
        let mut nodes = vec![self.root(pairs)];
        let mut leaves = 0;
        let mut frontier: Vec<(f64, usize)> = Vec::new();
        let is_less = |first: &(f64, usize), second: &(f64, usize)| first.0 < second.0;
        let is_leaf = nodes[0].rows() < 2 * self.rules.min_samples_leaf || nodes[0].sums.hessian < 1e-3;
        if !is_leaf {
            self.search_one(&mut nodes[0], random);
        }
        match nodes[0].split {
            Some(split) => push_heap(&mut frontier, (split.gain, 0), is_less),
            None => leaves += 1,
        }
        while let Some((_, id)) = pop_heap(&mut frontier, is_less) {
            check_cancel(self.cancel)?;
            let Some(split) = nodes[id].split else { continue };
            let middle = self.divide(&nodes[id], &split);
            let both = self.children(&nodes[id], &split, middle);
            let column_missing = self.has_missing[split.column];
            nodes[id].missing_left = if column_missing { split.missing_left } else { both[0].rows() > both[1].rows() };
            let children = [nodes.len(), nodes.len() + 1];
            nodes[id].children = Some(children);
            let depth = both[0].depth;
            let histogram = nodes[id].histogram.take();
            nodes.extend(both);
            let is_full = self.rules.max_leaf_nodes == Some(leaves + frontier.len() + 2);
            if is_full || self.rules.max_depth == Some(depth) {
                self.unused.extend(histogram);
                leaves += 2;
                if is_full {
                    break;
                }
                continue;
            }
            let is_searched = children.map(|child| nodes[child].rows() >= 2 * self.rules.min_samples_leaf);
            if let (true, Some(histogram)) = (is_searched.contains(&true), histogram)
                && let [left, right] = &mut nodes[children[0]..]
            {
                self.search_both(left, right, histogram, is_searched, pairs, random);
            }
            for (child, is_searched) in children.into_iter().zip(is_searched) {
                match nodes[child].split.filter(|_| is_searched) {
                    Some(split) => push_heap(&mut frontier, (split.gain, child), is_less),
                    None => {
                        leaves += 1;
                        self.unused.extend(nodes[child].histogram.take());
                    }
                }
            }
        }
        for node in &mut nodes {
            self.unused.extend(node.histogram.take());
        }
        Ok(finish(&nodes, self.binning, self.rules.learning_rate))
    }

    fn histogram(&mut self) -> Histogram {
        let groups = self.rows.groups.len();
        let new = || (0..groups).map(|_| GroupHistogram::new(self.constant_hessian)).collect();
        self.unused.pop().unwrap_or_else(new)
    }

    fn root(&mut self, pairs: &[[f32; 2]]) -> Node {
        let mut histogram = self.histogram();
        self.fill(&mut histogram, NodeRows { rows: None, pairs });
        let groups = self.rules.interactions.as_ref().map(|groups| allowed(groups, (0..groups.len()).collect()));
        let any = groups.as_ref().and_then(|(_, columns)| columns.first()).copied().unwrap_or_default();
        let all = |of: fn(Bin) -> f64| {
            let bins = (0..BINS).map(histogram[any / GROUP].column(any % GROUP));
            numpy_sum(&bins.map(of).collect::<Vec<f64>>())
        };
        let rows = self.rows.rows;
        let hessian = if self.constant_hessian { rows as f64 } else { all(|bin| bin.hessian) };
        let gradient = all(|bin| bin.gradient);
        let sums = NodeSums {
            count: rows as u32,
            gradient,
            hessian,
            value: 0.0,
            lower: f64::NEG_INFINITY,
            upper: f64::INFINITY,
        };
        Node {
            start: 0,
            end: rows,
            depth: 0,
            sums,
            groups,
            split: None,
            missing_left: false,
            children: None,
            histogram: Some(histogram),
        }
    }

    fn fill(&self, histogram: &mut Histogram, rows: NodeRows<'_>) {
        if rows.is_long() {
            rows.fill_long(histogram, self.rows, self.constant_hessian);
        } else {
            let groups = histogram.par_iter_mut().zip(&self.rows.groups);
            groups.for_each(|(histogram, bins)| rows.fill(histogram, bins));
        }
    }

    /// The two children of a node, without their histograms.
    fn children(&self, node: &Node, split: &Split, middle: usize) -> [Node; 2] {
        let sums = &node.sums;
        let (mut left, mut right) = (
            NodeSums {
                count: (middle - node.start) as u32,
                gradient: split.gradient_left,
                hessian: split.hessian_left,
                value: split.value_left,
                ..*sums
            },
            NodeSums {
                count: (node.end - middle) as u32,
                gradient: sums.gradient - split.gradient_left,
                hessian: sums.hessian - split.hessian_left,
                value: split.value_right,
                ..*sums
            },
        );
        let between = (left.value + right.value) / 2.0;
        match self.rules.monotonic[split.column] {
            1 => (left.upper, right.lower) = (between, between),
            -1 => (left.lower, right.upper) = (between, between),
            _ => {}
        }
        let groups = self.rules.interactions.as_ref().zip(node.groups.as_ref()).map(|(all, (own, _))| {
            allowed(all, own.iter().copied().filter(|&group| all[group].contains(&split.column)).collect())
        });
        let child = |start, end, sums, groups| Node {
            start,
            end,
            depth: node.depth + 1,
            sums,
            groups,
            split: None,
            missing_left: false,
            children: None,
            histogram: None,
        };
        [child(node.start, middle, left, groups.clone()), child(middle, node.end, right, groups)]
    }

    /// Moves the rows that go left before the others, and returns where those start.
    fn divide(&mut self, node: &Node, split: &Split) -> usize {
        let test = bin_test(split, split.missing_left, self.binning.missing);
        let goes_left: [bool; 256] = std::array::from_fn(|bin| test.left.contains(bin as u8));
        let (bins, place) = (&self.rows.groups[split.column / GROUP], split.column % GROUP);
        let rows = &mut self.partition[node.start..node.end];
        let part = |rows: &[u32], left: &mut [u32], right: &mut [u32]| {
            let (mut lefts, mut rights) = (0, 0);
            for (place_of_row, &row) in rows.iter().enumerate() {
                prefetch_element(bins, rows.get(place_of_row + AHEAD).map_or(0, |row| *row as usize));
                let goes = goes_left[usize::from(bins[row as usize][place])];
                left[lefts] = row;
                right[rights] = row;
                lefts += usize::from(goes);
                rights += usize::from(!goes);
            }
            lefts
        };
        let (left, right) = (&mut self.left[..rows.len()], &mut self.right[..rows.len()]);
        if rows.len() <= BLOCK {
            let count = part(rows, left, right);
            rows[..count].copy_from_slice(&left[..count]);
            let rights = rows.len() - count;
            rows[count..].copy_from_slice(&right[..rights]);
            return node.start + count;
        }
        let blocks = rows.par_chunks(BLOCK).zip(left.par_chunks_mut(BLOCK)).zip(right.par_chunks_mut(BLOCK));
        let counts: Vec<usize> = blocks.map(|((rows, left), right)| part(rows, left, right)).collect();
        let mut at = 0;
        for (block, count) in counts.iter().enumerate() {
            rows[at..at + count].copy_from_slice(&left[block * BLOCK..block * BLOCK + count]);
            at += count;
        }
        let middle = node.start + at;
        for (block, count) in counts.iter().enumerate() {
            let rights = BLOCK.min(rows.len() - block * BLOCK) - count;
            rows[at..at + rights].copy_from_slice(&right[block * BLOCK..block * BLOCK + rights]);
            at += rights;
        }
        middle
    }

    /// Columns that a node looks at: those of its groups, or a random part of them.
    fn columns(&self, node: &Node, random: &mut Generator) -> Vec<bool> {
        let count = self.binning.columns.len();
        let allowed: Vec<usize> = match &node.groups {
            Some((_, columns)) => columns.clone(),
            None => (0..count).collect(),
        };
        let mut looked_at = vec![false; count];
        let mut chosen = vec![true; allowed.len()];
        if self.rules.max_features < 1.0 {
            let part = ((self.rules.max_features * allowed.len() as f64).ceil() as usize).max(1);
            chosen[part..].fill(false);
            random.shuffle(&mut chosen);
        }
        allowed.into_iter().zip(chosen).for_each(|(column, chosen)| looked_at[column] = chosen);
        looked_at
    }

    /// The best split of the columns of one group.
    fn best_of_group(
        &self,
        group: usize,
        histogram: &GroupHistogram,
        sums: &NodeSums,
        looked_at: &[bool],
    ) -> Option<Split> {
        let search = SplitSearch {
            min_samples_leaf: self.rules.min_samples_leaf as u32,
            l2_regularization: self.rules.l2_regularization,
        };
        let mut best: Option<Split> = None;
        let last = ((group + 1) * GROUP).min(looked_at.len());
        for column in (group * GROUP..last).filter(|&column| looked_at[column]) {
            let bins = &self.binning.columns[column];
            let searched = SearchedColumn {
                column,
                bins: bins.count(),
                missing: self.has_missing[column].then_some(self.binning.missing),
                is_categorical: bins.is_categorical(),
                monotonic: self.rules.monotonic[column],
            };
            let found = search.best(sums, searched, histogram.column(column % GROUP));
            best = better(best, found);
        }
        best
    }

    fn search_one(&self, node: &mut Node, random: &mut Generator) {
        let Some(histogram) = &node.histogram else { return };
        let looked_at = self.columns(node, random);
        let search = |(group, histogram)| self.best_of_group(group, histogram, &node.sums, &looked_at);
        let found: Vec<Option<Split>> = histogram.par_iter().enumerate().map(search).collect();
        node.split = found.into_iter().fold(None, better);
    }

    /// Histograms and best splits of two children: the smaller one is counted, the larger one is what is left of the parent.
    fn search_both(
        &mut self,
        left: &mut Node,
        right: &mut Node,
        parent: Histogram,
        is_searched: [bool; 2],
        pairs: &[[f32; 2]],
        random: &mut Generator,
    ) {
        let looked_at = [(&*left, is_searched[0]), (&*right, is_searched[1])]
            .map(|(node, is_searched)| is_searched.then(|| self.columns(node, random)));
        let is_left_smaller = left.rows() < right.rows();
        let small = if is_left_smaller { &*left } else { &*right };
        let (start, end) = (small.start, small.end);
        let mut counted = self.histogram();
        let mut rest = parent;
        let rows = &self.partition[start..end];
        let mut ordered = std::mem::take(&mut self.ordered);
        if rows.len() > PARALLEL {
            let parts = ordered[..rows.len()].par_chunks_mut(PARALLEL).zip(rows.par_chunks(PARALLEL));
            parts.for_each(|(ordered, rows)| order(ordered, rows, pairs));
        } else {
            order(&mut ordered[..rows.len()], rows, pairs);
        }
        let node_rows = NodeRows { rows: Some(rows), pairs: &ordered[..rows.len()] };
        let is_long = node_rows.is_long();
        if is_long {
            node_rows.fill_long(&mut counted, self.rows, self.constant_hessian);
        }
        let group = |(group, (counted, rest)): (usize, (&mut GroupHistogram, &mut GroupHistogram))| {
            if !is_long {
                node_rows.fill(counted, &self.rows.groups[group]);
            }
            rest.subtract(counted);
            let of_children = if is_left_smaller { [&*counted, &*rest] } else { [&*rest, &*counted] };
            let find = |child: usize, sums: &NodeSums| {
                let looked_at = looked_at[child].as_ref()?;
                self.best_of_group(group, of_children[child], sums, looked_at)
            };
            [find(0, &left.sums), find(1, &right.sums)]
        };
        let found: Vec<[Option<Split>; 2]> = if rows.len() * self.binning.columns.len() < PARALLEL {
            counted.iter_mut().zip(&mut rest).enumerate().map(group).collect()
        } else {
            counted.par_iter_mut().zip(&mut rest).enumerate().map(group).collect()
        };
        self.ordered = ordered;
        left.split = found.iter().map(|found| found[0]).fold(None, better);
        right.split = found.iter().map(|found| found[1]).fold(None, better);
        let (of_left, of_right) = if is_left_smaller { (counted, rest) } else { (rest, counted) };
        (left.histogram, right.histogram) = (Some(of_left), Some(of_right));
    }
}

/// The pairs of some rows, side by side.
fn order(ordered: &mut [[f32; 2]], rows: &[u32], pairs: &[[f32; 2]]) {
    for (place, (ordered, &row)) in ordered.iter_mut().zip(rows).enumerate() {
        prefetch_element(pairs, rows.get(place + AHEAD).map_or(0, |row| *row as usize));
        *ordered = pairs[row as usize];
    }
}

/// The split of the larger gain, of equal ones the first.
fn better(best: Option<Split>, found: Option<Split>) -> Option<Split> {
    match (best, found) {
        (Some(best), Some(found)) if found.gain > best.gain => Some(found),
        (Some(best), _) => Some(best),
        (None, found) => found,
    }
}

/// Groups, with the columns in any of them, ascending.
fn allowed(groups: &[Vec<usize>], own: Vec<usize>) -> (Vec<usize>, Vec<usize>) {
    let mut columns: Vec<usize> = own.iter().flat_map(|&group| groups[group].iter().copied()).collect();
    columns.sort_unstable();
    columns.dedup();
    (own, columns)
}
