//! [`Nodes`]: a grown tree as arrays, as scikit-learn's `tree_` has them.

use super::columns::FeatureColumns;
use crate::engine::classical::{Arrays, StoredError};

/// Child of a leaf.
pub(super) const LEAF: i32 = -1;
/// Feature and threshold of a leaf.
pub(super) const UNDEFINED: i32 = -2;

/// One entry per node; the root is the first, and children follow their parent.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::engine::classical) struct Nodes {
    pub(super) left: Vec<i32>,
    pub(super) right: Vec<i32>,
    pub(super) feature: Vec<i32>,
    pub(super) threshold: Vec<f64>,
    pub(super) missing_left: Vec<bool>,
    pub(super) impurity: Vec<f64>,
    pub(super) samples: Vec<i32>,
    pub(super) weight: Vec<f64>,
    /// `outputs` entries per node.
    pub(super) value: Vec<f64>,
    pub(super) outputs: usize,
}

/// A node that is added.
pub(super) struct NewNode {
    /// The parent, and whether the node is its left child.
    pub(super) parent: Option<(usize, bool)>,
    /// Feature, threshold, and where missing values go; `None` for a leaf.
    pub(super) split: Option<(usize, f64, bool)>,
    pub(super) impurity: f64,
    pub(super) samples: usize,
    pub(super) weight: f64,
}

/// Bytes of a node with this many outputs.
pub(in crate::engine::classical) fn node_bytes(outputs: usize) -> u64 {
    (4 * 4 + 3 * 8 + 1 + 8 * outputs) as u64
}

impl Nodes {
    pub(super) fn new(outputs: usize) -> Self {
        Self { outputs, ..Self::default() }
    }

    pub(in crate::engine::classical) fn count(&self) -> usize {
        self.left.len()
    }

    /// Adds a node and returns its number. Its value is pushed afterwards.
    pub(super) fn push(&mut self, node: NewNode) -> usize {
        let id = self.count();
        if let Some((parent, is_left)) = node.parent {
            let children = if is_left { &mut self.left } else { &mut self.right };
            children[parent] = id as i32;
        }
        self.left.push(LEAF);
        self.right.push(LEAF);
        let (feature, threshold, missing_left) = match node.split {
            Some((feature, threshold, missing_left)) => (feature as i32, threshold, missing_left),
            None => (UNDEFINED, f64::from(UNDEFINED), false),
        };
        self.feature.push(feature);
        self.threshold.push(threshold);
        self.missing_left.push(missing_left);
        self.impurity.push(node.impurity);
        self.samples.push(node.samples as i32);
        self.weight.push(node.weight);
        id
    }

    pub(super) fn make_leaf(&mut self, id: usize) {
        (self.left[id], self.right[id]) = (LEAF, LEAF);
        self.feature[id] = UNDEFINED;
        self.threshold[id] = f64::from(UNDEFINED);
    }

    pub(super) fn is_leaf(&self, id: usize) -> bool {
        self.left[id] == LEAF
    }

    pub(super) fn shrink(&mut self) {
        for list in [&mut self.left, &mut self.right, &mut self.feature, &mut self.samples] {
            list.shrink_to_fit();
        }
        for list in [&mut self.threshold, &mut self.impurity, &mut self.weight, &mut self.value] {
            list.shrink_to_fit();
        }
        self.missing_left.shrink_to_fit();
    }

    /// The value of a node: shares of the classes, or one number.
    pub(in crate::engine::classical) fn value(&self, id: usize) -> &[f64] {
        &self.value[id * self.outputs..(id + 1) * self.outputs]
    }

    /// The leaf of a row.
    pub(in crate::engine::classical) fn leaf(&self, columns: &FeatureColumns, row: usize) -> usize {
        let mut at = 0;
        while self.left[at] != LEAF {
            let value = columns.value(row, self.feature[at] as usize);
            let goes_left = if value.is_nan() { self.missing_left[at] } else { f64::from(value) <= self.threshold[at] };
            at = (if goes_left { self.left[at] } else { self.right[at] }) as usize;
        }
        at
    }

    /// Decrease of the impurity by the splits of every column, with the sum 1; zeros for a single leaf.
    pub(in crate::engine::classical) fn importances(&self, columns: usize) -> Vec<f64> {
        let mut importances = vec![0.0; columns];
        for id in (0..self.count()).filter(|&id| !self.is_leaf(id)) {
            let (left, right) = (self.left[id] as usize, self.right[id] as usize);
            importances[self.feature[id] as usize] += self.weight[id] * self.impurity[id]
                - self.weight[left] * self.impurity[left]
                - self.weight[right] * self.impurity[right];
        }
        importances.iter_mut().for_each(|importance| *importance /= self.weight[0]);
        let sum: f64 = importances.iter().sum();
        if sum > 0.0 {
            importances.iter_mut().for_each(|importance| *importance /= sum);
        }
        importances
    }

    /// The longest path from the root to a leaf.
    pub(in crate::engine::classical) fn depth(&self) -> usize {
        let mut depths = vec![0u32; self.count()];
        for id in 0..self.count() {
            if !self.is_leaf(id) {
                depths[self.left[id] as usize] = depths[id] + 1;
                depths[self.right[id] as usize] = depths[id] + 1;
            }
        }
        depths.into_iter().max().unwrap_or_default() as usize
    }

    /// Adds the arrays of all trees, one after the other.
    pub(in crate::engine::classical) fn store(trees: &[Self], outputs: usize, arrays: &mut Arrays) {
        fn joined<T: Copy>(trees: &[Nodes], of: impl Fn(&Nodes) -> &[T]) -> Vec<T> {
            trees.iter().flat_map(|tree| of(tree).iter().copied()).collect()
        }
        let counts: Vec<i64> = trees.iter().map(|tree| tree.count() as i64).collect();
        arrays.insert_list("node_count", counts);
        arrays.insert_list("children_left", joined(trees, |tree| &tree.left));
        arrays.insert_list("children_right", joined(trees, |tree| &tree.right));
        arrays.insert_list("feature", joined(trees, |tree| &tree.feature));
        arrays.insert_list("threshold", joined(trees, |tree| &tree.threshold));
        let missing: Vec<u8> = joined(trees, |tree| &tree.missing_left).into_iter().map(u8::from).collect();
        arrays.insert_list("missing_go_to_left", missing);
        arrays.insert_list("impurity", joined(trees, |tree| &tree.impurity));
        arrays.insert_list("n_node_samples", joined(trees, |tree| &tree.samples));
        arrays.insert_list("weighted_n_node_samples", joined(trees, |tree| &tree.weight));
        let values = joined(trees, |tree| &tree.value);
        let shape = (values.len() / outputs.max(1), outputs);
        arrays.insert("value", ndarray::Array2::from_shape_vec(shape, values).unwrap_or_default());
    }

    /// Reads what [`Self::store`] wrote, and checks that every tree is one.
    pub(in crate::engine::classical) fn read(
        arrays: &Arrays,
        columns: usize,
        outputs: usize,
    ) -> Result<Vec<Self>, StoredError> {
        let counts: Vec<i64> = arrays.list("node_count", None)?;
        let all: Vec<i32> = arrays.list("children_left", None)?;
        let length = all.len();
        let mut trees = Vec::with_capacity(counts.len());
        let right: Vec<i32> = arrays.list("children_right", Some(length))?;
        let feature: Vec<i32> = arrays.list("feature", Some(length))?;
        let threshold: Vec<f64> = arrays.list("threshold", Some(length))?;
        let missing: Vec<u8> = arrays.list("missing_go_to_left", Some(length))?;
        let impurity: Vec<f64> = arrays.list("impurity", Some(length))?;
        let samples: Vec<i32> = arrays.list("n_node_samples", Some(length))?;
        let weight: Vec<f64> = arrays.list("weighted_n_node_samples", Some(length))?;
        let value: Vec<f64> = arrays.elements("value", &[length, outputs])?;
        Arrays::finite("value", &value)?;
        Arrays::finite("impurity", &impurity)?;
        Arrays::finite("weighted_n_node_samples", &weight)?;
        let mut start = 0usize;
        for (tree, count) in counts.into_iter().enumerate() {
            let end = usize::try_from(count).ok().filter(|count| *count > 0).and_then(|count| start.checked_add(count));
            let Some(end) = end.filter(|end| *end <= length) else {
                let detail = format!("tree {tree}: expected 1 to {} nodes, received {count}", length - start);
                return Err(StoredError::new("node_count", detail));
            };
            let nodes = Self {
                left: all[start..end].to_vec(),
                right: right[start..end].to_vec(),
                feature: feature[start..end].to_vec(),
                threshold: threshold[start..end].to_vec(),
                missing_left: missing[start..end].iter().map(|missing| *missing != 0).collect(),
                impurity: impurity[start..end].to_vec(),
                samples: samples[start..end].to_vec(),
                weight: weight[start..end].to_vec(),
                value: value[start * outputs..end * outputs].to_vec(),
                outputs,
            };
            nodes.check(columns).map_err(|(name, detail)| StoredError::new(name, format!("tree {tree}: {detail}")))?;
            trees.push(nodes);
            start = end;
        }
        if start != length {
            return Err(StoredError::new("node_count", format!("expected {length} nodes in all, received {start}")));
        }
        Ok(trees)
    }

    /// Every node has one parent before it, so that a path ends.
    fn check(&self, columns: usize) -> Result<(), (&'static str, String)> {
        let count = self.count();
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
                return Err((
                    "feature",
                    format!("node {id}: expected a column of 0 to {}, received {}", columns - 1, self.feature[id]),
                ));
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
