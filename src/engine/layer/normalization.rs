//! [`Normalization`].

use super::{Backward, Forward, Layer, MaskRule, Numbers, read};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
    shape::Shape,
};
use serde::{Deserialize, Deserializer, Serialize};

/// `y = (x - mean) / sqrt(variance)`, with what is divided by at least 1e-7; with `invert`, `y = mean + x * sqrt(variance)`.
///
/// Mean and variance must be given: Keras's `adapt` is not done here, since a job standardizes numbers on its training rows
/// by itself.
///
/// # Shapes
/// Any, unchanged.
///
/// Source: <https://keras.io/api/layers/preprocessing_layers/numerical/normalization/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Normalization {
    /// The axis that has a mean for each place, counted with the batch axis or from the last one, which is -1; null for one
    /// mean of all.
    #[serde(default = "last", deserialize_with = "axis")]
    pub axis: Option<i64>,
    /// Taken away: one number, or one for each place.
    pub mean: Numbers,
    /// The square of what is divided by, at least 0: as many numbers as means.
    pub variance: Numbers,
    /// Whether to go the other way.
    #[serde(default)]
    pub invert: bool,
}

/// What is divided by is at least this.
const SMALLEST: f64 = 1e-7;

fn last() -> Option<i64> {
    Some(-1)
}

/// One axis, or a list of one or none.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected an axis, null, or a list of at most one axis")]
enum Axis {
    One(Option<i64>),
    List(Vec<i64>),
}

fn axis<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    match Axis::deserialize(deserializer)? {
        Axis::One(axis) => Ok(axis),
        Axis::List(axes) if axes.len() < 2 => Ok(axes.first().copied()),
        Axis::List(axes) => Err(serde::de::Error::custom(format!("expected at most one axis, received {axes:?}"))),
    }
}

impl Normalization {
    /// Places along the axis, and cells from one to the next.
    fn places(&self, shape: &Shape) -> Result<(usize, usize), FieldError> {
        let Some(axis) = self.axis else { return Ok((1, shape.cells())) };
        let axis = read::axis(axis, shape).map_err(|error| error.under("/axis"))?;
        Ok((shape.0[axis], shape.0[axis + 1..].iter().product()))
    }

    fn deviation(&self, place: usize) -> f64 {
        self.variance.at(place).sqrt().max(SMALLEST)
    }

    /// Calls `f` with each part of `cells` that has one mean, and with its place.
    fn each_place<'a, F>(&self, shape: &Shape, cells: &'a mut [F], mut f: impl FnMut(usize, &'a mut [F])) {
        let Ok((places, inner)) = self.places(shape) else { return };
        for (index, part) in cells.chunks_exact_mut(inner).enumerate() {
            f(index % places, part);
        }
    }
}

impl Layer for Normalization {
    fn check(&self) -> Result<(), FieldError> {
        read::range(self.axis != Some(0), "/axis", "an axis other than the batch axis, which is 0", 0)?;
        self.mean.all().iter().try_for_each(|&mean| check::finite("/mean", mean))?;
        self.variance.all().iter().try_for_each(|&variance| check::not_negative("/variance", variance))
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let (places, _) = self.places(&inputs[0])?;
        self.mean.check_count(places, "/mean")?;
        self.variance.check_count(places, "/variance")?;
        Ok(inputs[0].clone())
    }

    fn mask(&self, _: &[Shape], _: &[bool]) -> MaskRule {
        MaskRule::Pass(0)
    }

    fn forward<F: Real>(&self, cx: &mut Forward<'_, F>) {
        cx.output.copy_from_slice(cx.inputs.get(0));
        self.each_place(cx.inputs.shape(0), cx.output, |place, cells| {
            let (mean, deviation) = (F::of(self.mean.at(place)), F::of(self.deviation(place)));
            if self.invert {
                cells.iter_mut().for_each(|x| *x = mean + *x * deviation);
            } else {
                cells.iter_mut().for_each(|x| *x = (*x - mean) / deviation);
            }
        });
    }

    fn backward<F: Real>(&self, cx: &mut Backward<'_, F>) {
        let Some(dx) = cx.input_gradients.get(0) else { return };
        dx.copy_from_slice(cx.output_gradient);
        self.each_place(cx.inputs.shape(0), dx, |place, cells| {
            let deviation = F::of(self.deviation(place));
            let factor = if self.invert { deviation } else { F::ONE / deviation };
            cells.iter_mut().for_each(|dx| *dx *= factor);
        });
    }
}
