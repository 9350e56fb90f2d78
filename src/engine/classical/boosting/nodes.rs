//! [`BoostedTree`]: a tree of boosting as arrays.

use super::{
    bins::{BinnedRows, ColumnBins},
    categories::CategorySet,
};
use crate::engine::classical::{Arrays, NodeView, SplitView, SplitWords, StoredError, TreeView};

/// Child of a leaf.
const LEAF: i32 = -1;

/// One entry per node; the root is the first, and children follow their parent.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct BoostedTree {
    pub(super) left: Vec<i32>,
    pub(super) right: Vec<i32>,
    /// The column of the features; -1 for a leaf.
    pub(super) feature: Vec<i32>,
    pub(super) threshold: Vec<f64>,
    pub(super) missing_left: Vec<bool>,
    /// Index in `categories` of a split by categories, or -1.
    pub(super) category: Vec<i32>,
    pub(super) gain: Vec<f64>,
    pub(super) count: Vec<i32>,
    pub(super) value: Vec<f64>,
    /// Bins that go left.
    pub(super) categories: Vec<CategorySet>,
}

/// Bytes of a node.
pub(super) const NODE_BYTES: u64 = 5 * 4 + 3 * 8 + 1 + 2 * CategorySet::WORDS as u64;

impl BoostedTree {
    pub(super) fn nodes(&self) -> usize {
        self.left.len()
    }

    /// The value of a row; `value` gives its number in a column, and `bin` the bin of a category that occurred.
    pub(super) fn predict(&self, value: impl Fn(usize) -> f64, bin: impl Fn(usize, f64) -> Option<u8>) -> f64 {
        let mut at = 0;
        while self.left[at] != LEAF {
            let column = self.feature[at] as usize;
            let value = value(column);
            let goes_left = match usize::try_from(self.category[at]) {
                _ if value.is_nan() => self.missing_left[at],
                Ok(set) => bin(column, value).map_or(self.missing_left[at], |bin| self.categories[set].contains(bin)),
                Err(_) => value <= self.threshold[at],
            };
            at = (if goes_left { self.left[at] } else { self.right[at] }) as usize;
        }
        self.value[at]
    }

    /// A tree to read. `codes` are the codes of the categories of every column.
    pub(super) fn view(&self, codes: &[Vec<u32>]) -> TreeView {
        let split = |id: usize| {
            let column = self.feature[id] as usize;
            let set = usize::try_from(self.category[id]).ok().map(|set| self.categories[set]);
            let of_set = |set: CategorySet| {
                let bins = codes[column].iter().enumerate().filter(|(bin, _)| set.contains(*bin as u8));
                bins.map(|(_, code)| *code as usize).collect()
            };
            SplitView {
                feature: column,
                threshold: Some(self.threshold[id]).filter(|threshold| set.is_none() && threshold.is_finite()),
                categories_left: set.map(of_set),
                missing_go_to_left: self.missing_left[id],
                left: self.left[id] as usize,
                right: self.right[id] as usize,
                words: SplitWords::default(),
            }
        };
        let node = |id: usize| NodeView {
            split: (self.left[id] != LEAF).then(|| split(id)),
            n_node_samples: self.count[id] as usize,
            weighted_n_node_samples: None,
            impurity: None,
            gain: (self.left[id] != LEAF).then(|| self.gain[id]),
            value: vec![self.value[id]],
        };
        TreeView { nodes: (0..self.nodes()).map(node).collect() }
    }

    /// Adds the arrays of all trees, one after the other.
    pub(super) fn store(trees: &[Self], arrays: &mut Arrays) {
        fn joined<T: Copy>(trees: &[BoostedTree], of: impl Fn(&BoostedTree) -> &[T]) -> Vec<T> {
            trees.iter().flat_map(|tree| of(tree).iter().copied()).collect()
        }
        let lengths = |of: fn(&Self) -> usize| trees.iter().map(|tree| of(tree) as i64).collect::<Vec<i64>>();
        arrays.insert_list("node_count", lengths(Self::nodes));
        arrays.insert_list("category_count", lengths(|tree| tree.categories.len()));
        arrays.insert_list("children_left", joined(trees, |tree| &tree.left));
        arrays.insert_list("children_right", joined(trees, |tree| &tree.right));
        arrays.insert_list("feature", joined(trees, |tree| &tree.feature));
        arrays.insert_list("threshold", joined(trees, |tree| &tree.threshold));
        let missing: Vec<u8> = joined(trees, |tree| &tree.missing_left).into_iter().map(u8::from).collect();
        arrays.insert_list("missing_go_to_left", missing);
        arrays.insert_list("category", joined(trees, |tree| &tree.category));
        arrays.insert_list("gain", joined(trees, |tree| &tree.gain));
        arrays.insert_list("n_node_samples", joined(trees, |tree| &tree.count));
        arrays.insert_list("value", joined(trees, |tree| &tree.value));
        let sets = joined(trees, |tree| &tree.categories);
        arrays.insert_list("categories", sets.iter().flat_map(CategorySet::words).map(|word| word as i32).collect());
    }

    /// Reads what [`Self::store`] wrote, and checks that every tree is one.
    pub(super) fn read(arrays: &Arrays, columns: usize) -> Result<Vec<Self>, StoredError> {
        let nodes: Vec<i64> = arrays.list("node_count", None)?;
        let sets: Vec<i64> = arrays.list("category_count", Some(nodes.len()))?;
        let left: Vec<i32> = arrays.list("children_left", None)?;
        let length = left.len();
        let right: Vec<i32> = arrays.list("children_right", Some(length))?;
        let feature: Vec<i32> = arrays.list("feature", Some(length))?;
        let threshold: Vec<f64> = arrays.list("threshold", Some(length))?;
        let missing: Vec<u8> = arrays.list("missing_go_to_left", Some(length))?;
        let category: Vec<i32> = arrays.list("category", Some(length))?;
        let gain: Vec<f64> = arrays.list("gain", Some(length))?;
        let count: Vec<i32> = arrays.list("n_node_samples", Some(length))?;
        let value: Vec<f64> = arrays.list("value", Some(length))?;
        let words: Vec<i32> = arrays.list("categories", None)?;
        Arrays::finite("value", &value)?;
        Arrays::finite("gain", &gain)?;
        let (words, rest) = words.as_chunks::<{ CategorySet::WORDS }>();
        if !rest.is_empty() {
            let detail = format!("expected a multiple of {} words, received {} more", CategorySet::WORDS, rest.len());
            return Err(StoredError::new("categories", detail));
        }
        let node_ranges = ranges("node_count", &nodes, length, 1)?;
        let set_ranges = ranges("category_count", &sets, words.len(), 0)?;
        let mut trees = Vec::with_capacity(nodes.len());
        for (at, (own, sets)) in node_ranges.into_iter().zip(set_ranges).enumerate() {
            let tree = Self {
                left: left[own.clone()].to_vec(),
                right: right[own.clone()].to_vec(),
                feature: feature[own.clone()].to_vec(),
                threshold: threshold[own.clone()].to_vec(),
                missing_left: missing[own.clone()].iter().map(|missing| *missing != 0).collect(),
                category: category[own.clone()].to_vec(),
                gain: gain[own.clone()].to_vec(),
                count: count[own.clone()].to_vec(),
                value: value[own].to_vec(),
                categories: words[sets]
                    .iter()
                    .map(|words| CategorySet::of_words(words.map(|word| word as u32)))
                    .collect(),
            };
            tree.check(columns).map_err(|(name, detail)| StoredError::new(name, format!("tree {at}: {detail}")))?;
            trees.push(tree);
        }
        Ok(trees)
    }

    /// Every node has one parent before it, so that a path ends.
    fn check(&self, columns: usize) -> Result<(), (&'static str, String)> {
        let count = self.nodes();
        let mut seen = vec![false; count];
        for id in 0..count {
            let (left, right) = (self.left[id], self.right[id]);
            if left == LEAF && right == LEAF {
                continue;
            }
            for (name, child) in [("children_left", left), ("children_right", right)] {
                let Some(child) = usize::try_from(child).ok().filter(|child| *child > id && *child < count) else {
                    return Err((
                        name,
                        format!("node {id}: expected a child of {} to {}, received {child}", id + 1, count - 1),
                    ));
                };
                if std::mem::replace(&mut seen[child], true) {
                    return Err((name, format!("node {child} has two parents")));
                }
            }
            if !usize::try_from(self.feature[id]).is_ok_and(|feature| feature < columns) {
                let detail =
                    format!("node {id}: expected a column of 0 to {}, received {}", columns - 1, self.feature[id]);
                return Err(("feature", detail));
            }
            if self.category[id] < -1 || self.category[id] >= self.categories.len() as i32 {
                let detail = format!(
                    "node {id}: expected -1 to {}, received {}",
                    self.categories.len() as i64 - 1,
                    self.category[id]
                );
                return Err(("category", detail));
            }
            if self.threshold[id].is_nan() {
                return Err(("threshold", format!("node {id}: expected a number, received NaN")));
            }
        }
        match seen.iter().skip(1).position(|seen| !seen) {
            Some(at) => Err(("children_left", format!("node {} has no parent", at + 1))),
            None => Ok(()),
        }
    }
}

/// The ranges of parts with these lengths, each at least `least`, which together are `length`.
fn ranges(name: &str, lengths: &[i64], length: usize, least: i64) -> Result<Vec<std::ops::Range<usize>>, StoredError> {
    let mut start = 0usize;
    let mut ranges = Vec::with_capacity(lengths.len());
    for (tree, &own) in lengths.iter().enumerate() {
        let end = usize::try_from(own).ok().filter(|_| own >= least).and_then(|own| start.checked_add(own));
        let Some(end) = end.filter(|end| *end <= length) else {
            let detail = format!("tree {tree}: expected {least} to {}, received {own}", length - start);
            return Err(StoredError::new(name, detail));
        };
        ranges.push(start..end);
        start = end;
    }
    if start != length {
        return Err(StoredError::new(name, format!("expected {length} in all, received {start}")));
    }
    Ok(ranges)
}

/// The value of a row of bins.
pub(super) fn predict_binned(tree: &BoostedTree, binned: &BinnedRows, row: usize, tests: &[BinTest]) -> f64 {
    let mut at = 0;
    while tree.left[at] != LEAF {
        let test = &tests[at];
        let goes_left = test.left.contains(binned.bin(row, test.column));
        at = (if goes_left { tree.left[at] } else { tree.right[at] }) as usize;
    }
    tree.value[at]
}

/// The bins of a column that go left at a node.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct BinTest {
    /// The position of the column in the binning.
    pub(super) column: usize,
    pub(super) left: CategorySet,
}

/// The threshold of a split after `bin`; infinite where only missing values go right.
pub(super) fn threshold(bins: &ColumnBins, bin: u8) -> f64 {
    match bins {
        ColumnBins::Thresholds(thresholds) => thresholds.get(usize::from(bin)).copied().unwrap_or(f64::INFINITY),
        ColumnBins::Codes(_) => 0.0,
    }
}
