//! The shape of one sample, without the batch axis.

use serde::{Deserialize, Serialize};

/// Sizes of each axis of one sample, row-major; `[]` is a scalar. The batch axis is never in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
pub struct Shape(pub Vec<usize>);

impl Shape {
    /// A vector of `width` cells.
    pub fn vector(width: usize) -> Self {
        Self(vec![width])
    }

    /// How many cells a sample has; `None` where the product passes `usize`.
    pub fn checked_cells(&self) -> Option<usize> {
        self.0.iter().try_fold(1usize, |product, &axis| product.checked_mul(axis))
    }

    /// How many cells a sample has. Only for shapes that passed [`crate::engine::spec::Definition::resolve`].
    pub fn cells(&self) -> usize {
        self.0.iter().product()
    }

    /// The size of the last axis: the one that dense layers, softmax and batch normalization work along; 1 for a scalar.
    pub fn last(&self) -> usize {
        self.0.last().copied().unwrap_or(1)
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
