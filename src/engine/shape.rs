//! The shape of one sample, without the batch axis.

use serde::{Deserialize, Serialize};

/// Maximum size of an axis, and of a count in a layer's settings.
pub const MAX_AXIS_SIZE: usize = i32::MAX as usize;

/// Maximum number of axes of one sample, of any value and parameter.
pub const MAX_AXES: usize = 8;

/// The axes of one sample without the batch axis, row-major; `[]` is a scalar.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
pub struct Shape(pub Vec<usize>);

impl Shape {
    /// A vector of `width` elements.
    pub fn vector(width: usize) -> Self {
        Self(vec![width])
    }

    /// Number of elements of a sample; `None` if it overflows `usize`.
    pub fn checked_elements(&self) -> Option<usize> {
        self.0.iter().try_fold(1usize, |product, &axis| product.checked_mul(axis))
    }

    /// Number of elements of a sample. Only for shapes that passed [`crate::engine::spec::Definition::resolve`].
    pub fn elements(&self) -> usize {
        self.0.iter().product()
    }

    /// The size of the last axis; 1 for a scalar.
    pub fn last(&self) -> usize {
        self.0.last().copied().unwrap_or(1)
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
