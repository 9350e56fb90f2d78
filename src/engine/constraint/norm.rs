//! [`Axes`].

use crate::engine::{field::FieldError, real::Real, shape::Shape};
use serde::{Deserialize, Serialize};

/// Keras's epsilon: keeps the division by a norm finite.
const EPSILON: f64 = 1e-7;
/// Most axes of a parameter.
const MOST_AXES: usize = 8;

/// The axes of a parameter that one norm is taken over: a number or a list of numbers, counted from the last one where
/// they are negative.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged, expecting = "expected a whole number or a list of whole numbers")]
pub enum Axes {
    /// One.
    One(i64),
    /// Several.
    Several(Vec<i64>),
}

impl Default for Axes {
    fn default() -> Self {
        Self::One(0)
    }
}

impl Axes {
    fn as_slice(&self) -> &[i64] {
        match self {
            Self::One(axis) => std::slice::from_ref(axis),
            Self::Several(axes) => axes,
        }
    }

    /// Fails where `shape` has no such axis.
    pub(super) fn check(&self, shape: &Shape) -> Result<(), FieldError> {
        let axes = shape.0.len();
        let count = axes as i64;
        match self.as_slice().iter().find(|axis| !(-count..count).contains(axis) || axes > MOST_AXES) {
            None => Ok(()),
            Some(axis) => {
                let detail =
                    format!("expected axes of the shape {shape}, which are -{axes} to {}, received {axis}", count - 1);
                Err(FieldError::new("/axis", detail))
            }
        }
    }

    /// Multiplies each group of cells along these axes by `factor(norm) / (epsilon + norm)`.
    pub(super) fn scale<F: Real>(&self, weights: &mut [F], shape: &Shape, factor: impl Fn(F) -> F) {
        let axes = &shape.0;
        let mut strides = [0; MOST_AXES];
        let mut stride = 1;
        for (axis, size) in axes.iter().enumerate().rev() {
            strides[axis] = stride;
            stride *= size;
        }
        let together = |axis: usize| {
            let from_the_end = axis as i64 - axes.len() as i64;
            self.as_slice().iter().any(|&taken| taken == axis as i64 || taken == from_the_end)
        };
        walk(
            axes,
            &strides,
            |axis| !together(axis),
            |group| {
                let mut sum = 0.0;
                walk(axes, &strides, together, |cell| {
                    let value = weights[group + cell].to_f64();
                    sum += value * value;
                });
                let norm = F::of(sum).sqrt();
                let scale = factor(norm) / (F::of(EPSILON) + norm);
                walk(axes, &strides, together, |cell| weights[group + cell] *= scale);
            },
        );
    }
}

/// Calls `visit` with the offset of every index over the axes that `takes`, the other indices being zero.
fn walk(axes: &[usize], strides: &[usize; MOST_AXES], takes: impl Fn(usize) -> bool, mut visit: impl FnMut(usize)) {
    let mut index = [0; MOST_AXES];
    let mut offset = 0;
    'cells: loop {
        visit(offset);
        for axis in (0..axes.len()).rev().filter(|&axis| takes(axis)) {
            index[axis] += 1;
            offset += strides[axis];
            if index[axis] < axes[axis] {
                continue 'cells;
            }
            offset -= strides[axis] * axes[axis];
            index[axis] = 0;
        }
        return;
    }
}
