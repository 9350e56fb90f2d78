//! [`Clip`].

use super::cellwise::{CellFunction, layer_of_cells};
use crate::engine::{
    field::FieldError,
    layer::settings_checks,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// `y = min(max(x, x_min), x_max)`; beyond its bounds the slope is 0.
///
/// # Shapes
/// Any, unchanged.
///
/// Source: <https://keras.io/api/ops/numpy/#clip-function>
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Clip {
    /// The least that is given; without a bound where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x_min: Option<f64>,
    /// The most that is given, at least `x_min`; without a bound where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x_max: Option<f64>,
}

layer_of_cells!(Clip);

impl CellFunction for Clip {
    fn check(&self) -> Result<(), FieldError> {
        self.x_min.map_or(Ok(()), |least| check::finite("/x_min", least))?;
        self.x_max.map_or(Ok(()), |most| check::finite("/x_max", most))?;
        match (self.x_min, self.x_max) {
            (Some(least), Some(most)) => {
                settings_checks::range(least <= most, "/x_max", &format!("at least `x_min`, which is {least}"), most)
            }
            _ => Ok(()),
        }
    }

    #[inline(always)]
    fn of<F: Real>(&self, x: F) -> F {
        let x = self.x_min.map_or(x, |least| x.maximum_or_nan(F::of(least)));
        self.x_max.map_or(x, |most| x.minimum_or_nan(F::of(most)))
    }

    #[inline(always)]
    fn slope<F: Real>(&self, x: F, _: F) -> F {
        let below = self.x_min.is_some_and(|least| x < F::of(least));
        let above = self.x_max.is_some_and(|most| x > F::of(most));
        if below || above { F::ZERO } else { F::ONE }
    }
}
