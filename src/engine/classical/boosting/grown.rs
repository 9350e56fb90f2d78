//! [`GrowRules`] of a tree, its [`Node`]s while it grows, and the [`Grown`] tree.

use super::{
    bins::Binning,
    categories::CategorySet,
    histogram::Histogram,
    nodes::{BinTest, BoostedTree, threshold},
    split::{NodeSums, Split},
};

/// The settings of a tree.
pub(super) struct GrowRules {
    pub(super) max_leaf_nodes: Option<usize>,
    pub(super) max_depth: Option<usize>,
    pub(super) min_samples_leaf: usize,
    pub(super) l2_regularization: f64,
    pub(super) max_features: f64,
    pub(super) learning_rate: f64,
    /// -1, 0 or 1 per column of the binning.
    pub(super) monotonic: Vec<i8>,
    /// Groups of columns of the binning that may be on one path.
    pub(super) interactions: Option<Vec<Vec<usize>>>,
}

/// A node while the tree grows.
pub(super) struct Node {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) depth: usize,
    pub(super) sums: NodeSums,
    /// Groups of columns that the path has left, and the columns in them.
    pub(super) groups: Option<(Vec<usize>, Vec<usize>)>,
    pub(super) split: Option<Split>,
    pub(super) missing_left: bool,
    pub(super) children: Option<[usize; 2]>,
    pub(super) histogram: Option<Histogram>,
}

impl Node {
    /// The number of its rows.
    pub(super) fn rows(&self) -> usize {
        self.end - self.start
    }
}

/// A grown tree.
pub(super) struct Grown {
    pub(super) tree: BoostedTree,
    /// For every node the bins that go left.
    pub(super) tests: Vec<BinTest>,
    /// Rows of the leaves in [`Grower::partition`], with their nodes.
    pub(super) leaves: Vec<(usize, std::ops::Range<usize>)>,
}

/// The bins that go left at a split.
pub(super) fn bin_test(split: &Split, missing_left: bool, missing: u8) -> BinTest {
    let left = split.categories.unwrap_or_else(|| {
        let mut left = CategorySet::default();
        (0..=split.bin).for_each(|bin| left.insert(bin));
        if missing_left {
            left.insert(missing);
        }
        left
    });
    BinTest { column: split.column, left }
}

/// The tree, its nodes in the order of a walk that goes left first.
pub(super) fn finish(nodes: &[Node], binning: &Binning, learning_rate: f64) -> Grown {
    let mut grown = Grown { tree: BoostedTree::default(), tests: Vec::new(), leaves: Vec::new() };
    let tree = &mut grown.tree;
    let mut stack: Vec<(usize, Option<(usize, bool)>)> = vec![(0, None)];
    while let Some((at, parent)) = stack.pop() {
        let node = &nodes[at];
        let id = tree.nodes();
        if let Some((parent, is_left)) = parent {
            let children = if is_left { &mut tree.left } else { &mut tree.right };
            children[parent] = id as i32;
        }
        let split = node.split.as_ref().zip(node.children);
        tree.left.push(-1);
        tree.right.push(-1);
        tree.count.push(node.rows() as i32);
        tree.missing_left.push(split.is_some() && node.missing_left);
        let shrunk = if split.is_some() { node.sums.value } else { node.sums.value * learning_rate };
        tree.value.push(shrunk);
        tree.gain.push(split.map_or(0.0, |(split, _)| split.gain));
        let Some((split, children)) = split else {
            tree.feature.push(-1);
            tree.threshold.push(0.0);
            tree.category.push(-1);
            grown.tests.push(BinTest::default());
            grown.leaves.push((id, node.start..node.end));
            continue;
        };
        tree.feature.push(binning.order[split.column] as i32);
        tree.threshold.push(threshold(&binning.columns[split.column], split.bin));
        tree.category.push(match split.categories {
            Some(categories) => {
                tree.categories.push(categories);
                tree.categories.len() as i32 - 1
            }
            None => -1,
        });
        grown.tests.push(bin_test(split, node.missing_left, binning.missing));
        stack.push((children[1], Some((id, false))));
        stack.push((children[0], Some((id, true))));
    }
    grown
}
