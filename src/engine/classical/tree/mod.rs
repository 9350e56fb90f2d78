//! Decision trees: the growing of one tree, on which forests are built, and [`DecisionTree`].

mod absolute_error;
mod build;
mod candidate;
mod columns;
mod criterion;
mod decision_tree;
mod fitted;
mod grow;
mod keys;
mod names;
mod nodes;
mod prune;
mod scan;
pub(super) mod settings;
mod sort;
mod splitter;
mod view;

pub use decision_tree::DecisionTree;
pub use names::{Criterion, TreeSplitter};
pub use view::{NodeView, SplitView, SplitWords, TreeView};

pub(in crate::engine::classical) use build::{Grower, TreeRules, nodes};
pub(in crate::engine::classical) use columns::FeatureColumns;
pub(in crate::engine::classical) use fitted::{FittedTrees, training_bytes};
pub(in crate::engine::classical) use nodes::{Nodes, node_bytes};
