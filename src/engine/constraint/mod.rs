//! Constraints, applied to parameters after each step: Keras's names and arithmetic.
//!
//! A new constraint is one file and one row below; the parity tests require a fixture for it.

mod max_norm;
mod min_max_norm;
mod non_neg;
mod norm;
mod unit_norm;

pub use max_norm::MaxNorm;
pub use min_max_norm::MinMaxNorm;
pub use non_neg::NonNeg;
pub use norm::Axes;
pub use unit_norm::UnitNorm;

use crate::engine::{field::FieldError, real::Real, registry::registry, shape::Shape};

/// Implemented by the settings of every constraint.
trait Projection<F: Real> {
    /// Ranges of the settings.
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }
    /// The axes along which norms are computed.
    fn axes(&self) -> Option<&Axes> {
        None
    }
    /// Applies the constraint to `weights`, row-major of `shape`.
    fn apply(&self, weights: &mut [F], shape: &Shape);
}

registry! {
    /// Constraint, applied to a parameter after each step. A name (`"non_neg"`) or settings
    /// (`{"type": "max_norm", "max_value": 2}`).
    #[derive(Debug, Clone, PartialEq)]
    Constraint, "a constraint", dyn Projection<F> {
        plain {
            NonNeg = "non_neg" | "non_negative",
        }
        settings {
            MaxNorm = "max_norm",
            MinMaxNorm = "min_max_norm",
            UnitNorm = "unit_norm",
        }
    }
}

impl Constraint {
    /// Ranges of the settings; the pointer is below the constraint (`/max_value`).
    pub fn check(&self) -> Result<(), FieldError> {
        self.behaviour::<f32>().check()
    }

    /// Whether the axes exist in a parameter of this shape; the pointer is below the constraint (`/axis`).
    pub fn check_shape(&self, shape: &Shape) -> Result<(), FieldError> {
        self.behaviour::<f32>().axes().map_or(Ok(()), |axes| axes.check(shape))
    }

    /// Applies the constraint to `weights`, row-major of `shape`. Does not allocate.
    pub fn apply<F: Real>(&self, weights: &mut [F], shape: &Shape) {
        self.behaviour().apply(weights, shape);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json};

    fn applied(constraint: serde_json::Value, weights: &[f64], shape: &[usize]) -> Vec<f64> {
        let constraint: Constraint = from_value(constraint).unwrap();
        let shape = Shape(shape.to_vec());
        constraint.check().and_then(|()| constraint.check_shape(&shape)).unwrap();
        let mut weights = weights.to_vec();
        constraint.apply(&mut weights, &shape);
        weights
    }

    fn close(left: &[f64], right: &[f64]) {
        assert!(left.iter().zip(right).all(|(left, right)| (left - right).abs() < 1e-6), "{left:?} against {right:?}");
    }

    #[test]
    fn norms_are_those_of_each_column() {
        let weights = [3.0, 0.1, 4.0, 0.2];
        close(&applied(json!("max_norm"), &weights, &[2, 2]), &[1.2, 0.1, 1.6, 0.2]);
        close(&applied(json!("unit_norm"), &weights, &[2, 2]), &[0.6, 0.1 / 0.05f64.sqrt(), 0.8, 0.2 / 0.05f64.sqrt()]);
        let half = json!({"type": "min_max_norm", "min_value": 1, "max_value": 2, "rate": 0.5});
        close(&applied(half, &weights, &[2, 2])[..1], &[3.0 * (0.5 * 2.0 + 0.5 * 5.0) / 5.0]);
        close(&applied(json!("non_neg"), &[-1.0, 2.0], &[2]), &[0.0, 2.0]);
    }

    #[test]
    fn several_axes_make_one_norm() {
        let weights: Vec<f64> = (0..24).map(f64::from).collect();
        let constraint = json!({"type": "unit_norm", "axis": [0, -2]});
        let kept = applied(constraint, &weights, &[2, 3, 4]);
        for column in 0..4 {
            let norm: f64 = kept.iter().skip(column).step_by(4).map(|element| element * element).sum();
            assert!((norm - 1.0).abs() < 1e-6);
        }
        for axis in [2, -3] {
            let constraint: Constraint = from_value(json!({"type": "max_norm", "axis": axis})).unwrap();
            assert_eq!(constraint.check_shape(&Shape(vec![2, 3])).unwrap_err().pointer, "/axis");
        }
    }
}
