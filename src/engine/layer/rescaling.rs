//! [`Rescaling`].

use super::{Backward, Forward, Layer, MaskRule, read};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// `y = x * scale + offset`.
///
/// # Shapes
/// Any, unchanged.
///
/// Source: <https://keras.io/api/layers/preprocessing_layers/image_preprocessing/rescaling/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rescaling {
    /// The factor, or one for each cell of the last axis.
    pub scale: Numbers,
    /// Added afterwards, or one for each cell of the last axis.
    #[serde(default)]
    pub offset: Numbers,
}

/// One number for all, or one for each place along an axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged, expecting = "expected a number, or a list of numbers")]
pub enum Numbers {
    /// The same everywhere.
    Same(f64),
    /// By place.
    Each(Vec<f64>),
}

impl Default for Numbers {
    fn default() -> Self {
        Self::Same(0.0)
    }
}

impl Numbers {
    /// The number at a place.
    pub(super) fn at(&self, place: usize) -> f64 {
        match self {
            Self::Same(number) => *number,
            Self::Each(numbers) if numbers.len() == 1 => numbers[0],
            Self::Each(numbers) => numbers[place],
        }
    }

    /// Every number once.
    pub(super) fn all(&self) -> &[f64] {
        match self {
            Self::Same(number) => std::slice::from_ref(number),
            Self::Each(numbers) => numbers,
        }
    }

    /// Fails where there are not as many as places.
    pub(super) fn check_count(&self, places: usize, pointer: &str) -> Result<(), FieldError> {
        let count = self.all().len();
        read::range(count == 1 || count == places, pointer, &format!("1 or {places} numbers"), count)
    }
}

impl Layer for Rescaling {
    fn check(&self) -> Result<(), FieldError> {
        self.scale.all().iter().try_for_each(|&scale| check::finite("/scale", scale))?;
        self.offset.all().iter().try_for_each(|&offset| check::finite("/offset", offset))
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        self.scale.check_count(inputs[0].last(), "/scale")?;
        self.offset.check_count(inputs[0].last(), "/offset")?;
        Ok(inputs[0].clone())
    }

    fn mask(&self, _: &[Shape], _: &[Option<Shape>]) -> MaskRule {
        MaskRule::Pass(0)
    }

    fn forward<F: Real>(&self, cx: &mut Forward<'_, F>) {
        let width = cx.inputs.shape(0).last();
        let rows = cx.output.chunks_exact_mut(width).zip(cx.inputs.get(0).chunks_exact(width));
        for (y, x) in rows {
            for (place, (y, &x)) in y.iter_mut().zip(x).enumerate() {
                *y = x * F::of(self.scale.at(place)) + F::of(self.offset.at(place));
            }
        }
    }

    fn backward<F: Real>(&self, cx: &mut Backward<'_, F>) {
        let width = cx.inputs.shape(0).last();
        let Some(dx) = cx.input_gradients.get(0) else { return };
        for (dx, dy) in dx.chunks_exact_mut(width).zip(cx.output_gradient.chunks_exact(width)) {
            for (place, (dx, &dy)) in dx.iter_mut().zip(dy).enumerate() {
                *dx = dy * F::of(self.scale.at(place));
            }
        }
    }
}
