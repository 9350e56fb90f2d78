//! [`Axes`].

use crate::engine::{field::FieldError, real::Real, shape::Shape};
use serde::{Deserialize, Serialize};

/// Keras's epsilon, added to norms.
const EPSILON: f64 = 1e-7;
/// Maximum axes of a parameter.
const MAX_AXES: usize = 8;

/// Axes along which norms are computed: a number or a list of numbers; negative ones count from the last.
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

    /// Fails if `shape` has no such axis.
    pub(super) fn check(&self, shape: &Shape) -> Result<(), FieldError> {
        let axes = shape.0.len();
        let count = axes as i64;
        match self.as_slice().iter().find(|axis| !(-count..count).contains(axis) || axes > MAX_AXES) {
            None => Ok(()),
            Some(axis) => {
                let detail =
                    format!("expected axes of the shape {shape}, which are -{axes} to {}, received {axis}", count - 1);
                Err(FieldError::new("/axis", detail))
            }
        }
    }

    /// Multiplies the elements along these axes by `factor(norm) / (epsilon + norm)`.
    pub(super) fn scale<F: Real>(&self, weights: &mut [F], shape: &Shape, factor: impl Fn(F) -> F) {
        let axes = &shape.0;
        let mut strides = [0; MAX_AXES];
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
                walk(axes, &strides, together, |element| {
                    let value = weights[group + element].to_f64();
                    sum += value * value;
                });
                let norm = F::of(sum).sqrt();
                let scale = factor(norm) / (F::of(EPSILON) + norm);
                walk(axes, &strides, together, |element| weights[group + element] *= scale);
            },
        );
    }
}

/// Calls `visit` with the offset of every index over the selected axes; the other indices are 0.
fn walk(axes: &[usize], strides: &[usize; MAX_AXES], takes: impl Fn(usize) -> bool, mut visit: impl FnMut(usize)) {
    let mut index = [0; MAX_AXES];
    let mut offset = 0;
    'elements: loop {
        visit(offset);
        for axis in (0..axes.len()).rev().filter(|&axis| takes(axis)) {
            index[axis] += 1;
            offset += strides[axis];
            if index[axis] < axes[axis] {
                continue 'elements;
            }
            offset -= strides[axis] * axes[axis];
            index[axis] = 0;
        }
        return;
    }
}
