//! [`OneHot`]: an element per level of a category, and one more if the column has missing cells. A level that no training row has
//! is zeros, like an unknown one.

use super::levels::Levels;
use serde::{Deserialize, Serialize};

/// What is fitted on a one-hot category.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OneHot {
    #[serde(flatten)]
    pub levels: Levels,
    /// Whether missing values have their own element after the levels'.
    missing: bool,
    /// Whether any training row is missing.
    missing_seen: bool,
    /// Whether every training row has the same level, so that all elements are 0 throughout.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    constant: bool,
    /// The place of the level that missing values become.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fill: Option<usize>,
}

impl OneHot {
    /// `missing`: whether missing values have an element; `fill`: the level that they become instead.
    pub fn new(levels: Levels, missing: bool, missing_seen: bool, fill: Option<usize>, zero_constant: bool) -> Self {
        let distinct = levels.seen() + usize::from(missing_seen && fill.is_none());
        let constant = zero_constant && distinct == 1;
        Self { levels, missing, missing_seen, constant, fill }
    }

    /// The element of a missing value, if it has one that training rows have.
    pub fn missing_element(&self) -> Option<usize> {
        match self.fill {
            _ if self.constant => None,
            Some(fill) => Some(fill),
            None => (self.missing && self.missing_seen).then_some(self.levels.len()),
        }
    }

    /// Whether every training row has the same level.
    pub fn is_constant(&self) -> bool {
        self.constant
    }

    /// Elements.
    pub fn width(&self) -> usize {
        self.levels.len() + usize::from(self.missing)
    }
}
