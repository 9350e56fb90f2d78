//! [`Normalization`].

use super::{Backward, Forward, Layer, MaskRule, Numbers, ParameterSpec, Parameters, read};
use crate::engine::{
    field::FieldError,
    init::Initializer,
    real::{Real, check},
    shape::Shape,
};
use serde::{Deserialize, Deserializer, Serialize};

/// `y = (x - mean) / sqrt(variance)`, with what is divided by at least 1e-7; with `invert`, `y = mean + x * sqrt(variance)`.
///
/// Without a mean and a variance, the layer adapts, as Keras's `adapt` does: before the first step of its first job they
/// become those of what the training rows are where they reach it, and stay so. No layer before it may have weights.
///
/// # Shapes
/// Any, unchanged; where the layer adapts, mean and variance `[places]`, the size of `axis`, and count, of how many
/// cells those are.
///
/// Source: <https://keras.io/api/layers/preprocessing_layers/numerical/normalization/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Normalization {
    /// The axis that has a mean for each place, counted with the batch axis or from the last one, which is -1; null for one
    /// mean of all.
    #[serde(default = "last", deserialize_with = "axis")]
    pub axis: Option<i64>,
    /// Taken away: one number, or one for each place; found by the layer itself where absent.
    #[serde(default)]
    pub mean: Option<Numbers>,
    /// The square of what is divided by, at least 0: as many numbers as means, and absent where they are.
    #[serde(default)]
    pub variance: Option<Numbers>,
    /// Whether to go the other way.
    #[serde(default)]
    pub invert: bool,
}

/// What is divided by is at least this.
const SMALLEST: f64 = 1e-7;

/// The parameters of a layer that adapts, in their order.
pub(crate) const MEAN: usize = 0;
pub(crate) const VARIANCE: usize = 1;
pub(crate) const COUNT: usize = 2;

/// How many numbers were seen, their mean, and the sum of their squared distances from it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Moments {
    pub count: f64,
    pub mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, x: f64) {
        self.count += 1.0;
        let before = x - self.mean;
        self.mean += before / self.count;
        self.squares += before * (x - self.mean);
    }

    /// The mean squared distance from the mean.
    pub fn variance(&self) -> f64 {
        self.squares / self.count
    }
}

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
    fn places(&self, shape: &Shape) -> Option<(usize, usize)> {
        let Some(axis) = self.axis else { return Some((1, shape.cells())) };
        let axis = read::place(axis, shape)?;
        Some((shape.0[axis], shape.0[axis + 1..].iter().product()))
    }

    /// Whether mean and variance come from the data.
    pub(crate) fn adapts(&self) -> bool {
        self.mean.is_none()
    }

    /// The mean at a place, and what is divided by there.
    fn scale<F: Real>(&self, parameters: &Parameters<'_, F>, place: usize) -> [F; 2] {
        match (&self.mean, &self.variance) {
            (Some(mean), Some(variance)) => [F::of(mean.at(place)), F::of(variance.at(place).sqrt().max(SMALLEST))],
            _ => {
                let [mean, variance] = [MEAN, VARIANCE].map(|index| parameters.get(index)[place]);
                [mean, variance.sqrt().maximum(F::of(SMALLEST))]
            }
        }
    }

    /// Adds to the moments, one for each place, those of some more rows.
    pub(crate) fn observe<F: Real>(&self, shape: &Shape, rows: &[F], moments: &mut [Moments]) {
        let Some((places, inner)) = self.places(shape) else { return };
        for (index, part) in rows.chunks_exact(inner).enumerate() {
            if let Some(moments) = moments.get_mut(index % places) {
                part.iter().for_each(|x| moments.add(x.to_f64()));
            }
        }
    }

    /// Calls `f` with each part of `cells` that has one mean, and with its place.
    fn each_place<'a, F>(&self, shape: &Shape, cells: &'a mut [F], mut f: impl FnMut(usize, &'a mut [F])) {
        let Some((places, inner)) = self.places(shape) else { return };
        for (index, part) in cells.chunks_exact_mut(inner).enumerate() {
            f(index % places, part);
        }
    }
}

impl Layer for Normalization {
    fn check(&self) -> Result<(), FieldError> {
        read::range(self.axis != Some(0), "/axis", "an axis other than the batch axis, which is 0", 0)?;
        let all = |numbers: &Option<Numbers>| numbers.as_ref().map_or_else(Vec::new, |numbers| numbers.all().to_vec());
        all(&self.mean).into_iter().try_for_each(|mean| check::finite("/mean", mean))?;
        all(&self.variance).into_iter().try_for_each(|variance| check::not_negative("/variance", variance))?;
        let (pointer, other) = if self.mean.is_some() { ("/variance", "mean") } else { ("/mean", "variance") };
        let expected = format!("numbers, since there are some for the {other}");
        read::range(self.mean.is_some() == self.variance.is_some(), pointer, &expected, "null")
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        self.axis.map_or(Ok(0), |axis| read::axis(axis, &inputs[0])).map_err(|error| error.under("/axis"))?;
        let (places, _) = self.places(&inputs[0]).unwrap_or((1, 1));
        self.mean.as_ref().map_or(Ok(()), |mean| mean.check_count(places, "/mean"))?;
        self.variance.as_ref().map_or(Ok(()), |variance| variance.check_count(places, "/variance"))?;
        Ok(inputs[0].clone())
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        if !self.adapts() {
            return Vec::new();
        }
        let place = self.axis.and_then(|axis| read::place(axis, &inputs[0]));
        let each = Shape(place.map(|place| inputs[0].0[place]).into_iter().collect());
        let parameter = |name, shape, initializer| ParameterSpec::fixed(name, shape, &initializer);
        vec![
            parameter("mean", each.clone(), Initializer::Zeros),
            parameter("variance", each, Initializer::Ones),
            parameter("count", Shape(Vec::new()), Initializer::Zeros),
        ]
    }

    fn mask(&self, _: &[Shape], _: &[Option<Shape>]) -> MaskRule {
        MaskRule::Pass(0)
    }

    fn forward<F: Real>(&self, cx: &mut Forward<'_, F>) {
        cx.output.copy_from_slice(cx.inputs.get(0));
        self.each_place(cx.inputs.shape(0), cx.output, |place, cells| {
            let [mean, deviation] = self.scale(&cx.parameters, place);
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
            let [_, deviation] = self.scale(&cx.parameters, place);
            let factor = if self.invert { deviation } else { F::ONE / deviation };
            cells.iter_mut().for_each(|dx| *dx *= factor);
        });
    }
}
