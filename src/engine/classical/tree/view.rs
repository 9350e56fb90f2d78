//! [`TreeView`]: a tree to read, as JSON or as indented text.

use serde::Serialize;
use std::fmt::Write;

/// Levels that the text of a tree lists on a side of a split.
const MAX_LISTED: usize = 10;

/// What a split says in the words of its column, where the column is no number.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct SplitWords {
    /// The column of the table, where the split is of one level of it.
    #[serde(skip)]
    pub column: Option<String>,
    /// Levels of a category that go left; left out where all but one do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub levels_left: Option<Vec<String>>,
    /// Those that go right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub levels_right: Option<Vec<String>>,
    /// The last level that goes left, in the order of the levels, where they are too many to list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_level_left: Option<String>,
    /// The threshold of seconds since 1970 as a date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold_date: Option<String>,
}

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
    /// The same in words.
    #[serde(flatten)]
    pub words: SplitWords,
}

impl SplitView {
    /// What is true of the rows that go left, and of those that go right.
    fn conditions(&self, name: &str, decimals: usize) -> [String; 2] {
        let name = self.words.column.as_deref().unwrap_or(name);
        let at = |threshold: &str| [format!("{name} <= {threshold}"), format!("{name} >  {threshold}")];
        let is_missing = || [format!("{name} is missing"), format!("{name} is not missing")];
        let SplitWords { levels_left, levels_right, last_level_left, threshold_date, .. } = &self.words;
        match (levels_left, levels_right, &self.categories_left, self.threshold) {
            (.., None, None) => {
                let [is, is_not] = is_missing();
                [is_not, is]
            }
            (Some(left), Some(right), ..) => match (left.is_empty(), right.is_empty()) {
                (true, _) => is_missing(),
                (false, true) => {
                    let [is, is_not] = is_missing();
                    [is_not, is]
                }
                (false, false) => [left, right].map(|levels| format!("{name} in {}", listed(levels))),
            },
            (None, Some(right), ..) => {
                [format!("{name} not in {}", listed(right)), format!("{name} in {}", listed(right))]
            }
            (_, _, Some(codes), _) => [format!("{name} in {codes:?}"), format!("{name} not in {codes:?}")],
            (_, _, None, Some(threshold)) => match last_level_left.as_ref().or(threshold_date.as_ref()) {
                Some(words) => at(words),
                None => at(&number(threshold, decimals)),
            },
        }
    }
}

/// The first levels of a set.
fn listed(levels: &[String]) -> String {
    let shown: Vec<&str> = levels.iter().take(MAX_LISTED).map(String::as_str).collect();
    match levels.len() - shown.len() {
        0 => format!("{{{}}}", shown.join(", ")),
        more => format!("{{{}, … {more} more}}", shown.join(", ")),
    }
}

/// A number with so many decimals, and more where it would have less than 2 digits that are not 0.
fn number(value: f64, decimals: usize) -> String {
    let least = 0.1_f64.powi(decimals as i32 - 1);
    match value.abs() {
        0.0 => format!("{value:.decimals$}"),
        size if size >= least => format!("{value:.decimals$}"),
        size if size >= 1e-9 => format!("{value:.*}", (2.0 - size.log10().floor()) as usize),
        _ => format!("{value:.2e}"),
    }
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
                        let values: Vec<String> = values.iter().map(|value| number(*value, decimals)).collect();
                        format!("value: [{}]", values.join(", "))
                    }
                };
                let _ = writeln!(text, "{indent}|--- {value}");
                continue;
            };
            let name = names.get(split.feature).map_or_else(|| format!("feature_{}", split.feature), Clone::clone);
            let [left, right] = split.conditions(&name, decimals);
            stack.push((split.right, depth + 1, Some(right)));
            stack.push((split.left, depth + 1, Some(left)));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(categories_left: Option<Vec<usize>>, threshold: Option<f64>, words: SplitWords) -> SplitView {
        SplitView { feature: 0, threshold, categories_left, missing_go_to_left: false, left: 1, right: 2, words }
    }

    #[test]
    fn conditions_are_in_the_words_of_the_column() {
        let of = |split: SplitView| split.conditions("x", 2);
        let none = SplitWords::default;
        let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        let levels = |left: &[&str], right: &[&str]| SplitWords {
            levels_left: names(left),
            levels_right: names(right),
            ..SplitWords::default()
        };
        assert_eq!(of(split(None, Some(1.256), none())), ["x <= 1.26", "x >  1.26"]);
        assert_eq!(of(split(None, Some(-0.001234), none())), ["x <= -0.00123", "x >  -0.00123"]);
        assert_eq!(of(split(None, None, none())), ["x is not missing", "x is missing"]);
        assert_eq!(of(split(Some(vec![0, 2]), None, none())), ["x in [0, 2]", "x not in [0, 2]"]);
        let sets = split(Some(vec![0, 2]), None, levels(&["L", "S"], &["M"]));
        assert_eq!(of(sets), ["x in {L, S}", "x in {M}"]);
        assert_eq!(of(split(None, Some(0.5), levels(&["L"], &["M"]))), ["x in {L}", "x in {M}"]);
        assert_eq!(of(split(None, Some(-0.5), levels(&[], &["M"]))), ["x is missing", "x is not missing"]);
        let one = SplitWords { column: Some("city".to_owned()), levels_right: names(&["Rome"]), ..none() };
        assert_eq!(of(split(None, Some(0.5), one)), ["city not in {Rome}", "city in {Rome}"]);
        let date = SplitWords { threshold_date: Some("2024-02-29".to_owned()), ..none() };
        assert_eq!(of(split(None, Some(1.7e9), date)), ["x <= 2024-02-29", "x >  2024-02-29"]);
        let many: Vec<String> = (0..12).map(|level| level.to_string()).collect();
        assert_eq!(listed(&many), "{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, … 2 more}");
    }
}
