//! [`TreeView`]: a tree to read, as JSON or as indented text.

use serde::Serialize;
use std::fmt::Write;

/// How the rows of a node are divided.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SplitView {
    /// The column, from 0.
    pub feature: usize,
    /// Rows up to this go left; `null` where only missing values go right, and for categories.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Codes of the categories that go left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub categories_left: Option<Vec<usize>>,
    /// Whether missing values go left.
    pub missing_go_to_left: bool,
    /// The left child, by its position in the list of nodes.
    pub left: usize,
    /// The right child.
    pub right: usize,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NodeView {
    /// `None` for a leaf.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<SplitView>,
    /// Training rows of the node.
    pub n_node_samples: usize,
    /// Their weight, where the model has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weighted_n_node_samples: Option<f64>,
    /// Impurity, where the model has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impurity: Option<f64>,
    /// Gain of the split, where the model has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gain: Option<f64>,
    /// Shares of the classes, or one number.
    pub value: Vec<f64>,
}

/// A tree: its nodes, the root first, children after their parents.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TreeView {
    /// The nodes.
    pub nodes: Vec<NodeView>,
}

impl TreeView {
    /// Indented text, as scikit-learn's `export_text` with `names` of the columns and of the classes (empty for numbers).
    /// `decimals` are those of thresholds and values.
    pub fn text(&self, names: &[String], classes: &[String], decimals: usize) -> String {
        let mut text = String::new();
        // Lines of the right branch are written after all of the left one.
        let mut stack = vec![(0, 0, None)];
        while let Some((id, depth, condition)) = stack.pop() {
            let indent = "|   ".repeat(depth);
            if let Some(condition) = condition {
                let _ = writeln!(text, "{}|--- {condition}", "|   ".repeat(depth - 1));
            }
            let Some(node): Option<&NodeView> = self.nodes.get(id) else { continue };
            let Some(split) = &node.split else {
                let value = match (node.value.as_slice(), classes) {
                    (values, classes) if !classes.is_empty() && values.len() == classes.len() => {
                        let best = crate::engine::classical::argmax::first_largest(values.iter().copied()) as usize;
                        format!("class: {}", classes[best])
                    }
                    (values, _) => {
                        let values: Vec<String> = values.iter().map(|value| format!("{value:.decimals$}")).collect();
                        format!("value: [{}]", values.join(", "))
                    }
                };
                let _ = writeln!(text, "{indent}|--- {value}");
                continue;
            };
            let name = names.get(split.feature).map_or_else(|| format!("feature_{}", split.feature), Clone::clone);
            let (left, right) = match (&split.categories_left, split.threshold) {
                (Some(codes), _) => (format!("{name} in {codes:?}"), format!("{name} not in {codes:?}")),
                (None, Some(threshold)) => {
                    (format!("{name} <= {threshold:.decimals$}"), format!("{name} >  {threshold:.decimals$}"))
                }
                (None, None) => (format!("{name} is not missing"), format!("{name} is missing")),
            };
            stack.push((split.right, depth + 1, Some(right)));
            stack.push((split.left, depth + 1, Some(left)));
        }
        text
    }
}
