//! [`Normalization`].

use crate::engine::{
    field::FieldError,
    init::Initializer,
    layer::{
        Axes, Backward, Compute, Forward, InputScale, Layer, MaskRule, Moments, ParameterSpec, Parameters,
        settings_checks,
    },
    numbers::{self, Numbers},
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
/// Any, unchanged; without numbers, mean and variance `[places]`, the sizes of `axis` in rising order of the axes, and
/// count, of how many elements those are.
///
/// Source: <https://keras.io/api/layers/preprocessing_layers/numerical/normalization/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Normalization {
    /// The axis that has a mean for each place, or several of them, counted with the batch axis or from the last one, which
    /// is -1; null for one mean of all.
    #[serde(default = "last", deserialize_with = "axis")]
    pub axis: Option<Axes>,
    /// Taken away: one number, or an array of them along the last of these axes; found by the layer itself where absent.
    #[serde(default)]
    pub mean: Option<Numbers>,
    /// The square of what is divided by, at least 0: likewise, and absent where means are.
    #[serde(default)]
    pub variance: Option<Numbers>,
    /// Whether to go the other way.
    #[serde(default)]
    pub invert: bool,
    /// Whether a layer without numbers adapts; with `false`, its mean stays 0 and its variance 1, as in Keras without a call of `adapt`.
    #[serde(default = "adapts", skip_serializing_if = "is_default")]
    pub adapt: bool,
}

/// What is divided by is at least this.
const SMALLEST: f64 = 1e-7;

/// The parameters of a layer that adapts, in their order.
pub(crate) const MEAN: usize = 0;
pub(crate) const VARIANCE: usize = 1;
pub(crate) const COUNT: usize = 2;

/// Of the tables, whose first two are the places of given means and variances: the means of the parts of a row, and the
/// elements of each part.
const MEANS: usize = 2;
const INNER: usize = 3;

fn adapts() -> bool {
    true
}

fn is_default(adapt: &bool) -> bool {
    *adapt
}

fn last() -> Option<Axes> {
    Some(Axes::LAST)
}

/// A list of one axis is that axis, and one of none is null.
fn axis<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Axes>, D::Error> {
    let axis = Option::<Axes>::deserialize(deserializer)?;
    Ok(axis.and_then(|axis| match axis.listed() {
        [] => None,
        [axis] => Some(Axes::One(*axis)),
        _ => Some(axis),
    }))
}

impl Normalization {
    /// The axes of a sample that have a mean for each place.
    fn kept(&self, shape: &Shape) -> Result<Vec<usize>, FieldError> {
        self.axis.as_ref().map_or(Ok(Vec::new()), |axis| axis.places(shape))
    }

    /// The shape of the means.
    fn means(&self, shape: &Shape) -> Shape {
        Shape(self.kept(shape).unwrap_or_default().into_iter().map(|axis| shape.0[axis]).collect())
    }

    /// The means of the parts of a row, which come again and again, and the elements of each part.
    fn parts(&self, shape: &Shape) -> (Vec<u32>, usize) {
        let kept = self.kept(shape).unwrap_or_default();
        let (Some(&first), Some(&last)) = (kept.first(), kept.last()) else { return (vec![0], shape.elements()) };
        let axes = (first..=last).map(|axis| (shape.0[axis], if kept.contains(&axis) { shape.0[axis] } else { 1 }));
        (numbers::places(axes), shape.0[last + 1..].iter().product())
    }

    /// Whether mean and variance are weights.
    fn has_weights(&self) -> bool {
        self.mean.is_none()
    }

    /// The mean at a place, and what is divided by there.
    fn scale<F: Real>(&self, parameters: &Parameters<'_, F>, tables: &[Vec<u32>], place: usize) -> [F; 2] {
        match (&self.mean, &self.variance) {
            (Some(mean), Some(variance)) => {
                let variance = variance.at(&tables[VARIANCE], place);
                [F::of(mean.at(&tables[MEAN], place)), F::of(variance.sqrt().max(SMALLEST))]
            }
            _ => {
                let [mean, variance] = [MEAN, VARIANCE].map(|index| parameters.get(index)[place]);
                [mean, variance.sqrt().maximum(F::of(SMALLEST))]
            }
        }
    }
}

/// Calls `f` with each part of `cells` that has one mean, and with the mean's place.
fn each_part<'a, F>(tables: &[Vec<u32>], cells: &'a mut [F], mut f: impl FnMut(usize, &'a mut [F])) {
    let inner = tables[INNER][0] as usize;
    for (part, &mean) in cells.chunks_exact_mut(inner).zip(tables[MEANS].iter().cycle()) {
        f(mean as usize, part);
    }
}

impl Layer for Normalization {
    fn check(&self) -> Result<(), FieldError> {
        let listed = self.axis.as_ref().map_or(&[][..], Axes::listed);
        settings_checks::range(!listed.contains(&0), "/axis", "an axis other than the batch axis, which is 0", 0)?;
        self.mean.as_ref().map_or(Ok(()), |mean| mean.check("/mean", check::finite))?;
        self.variance.as_ref().map_or(Ok(()), |variance| variance.check("/variance", check::not_negative))?;
        let (pointer, other) = if self.mean.is_some() { ("/variance", "mean") } else { ("/mean", "variance") };
        let expected = format!("numbers, since there are some for the {other}");
        settings_checks::range(self.mean.is_some() == self.variance.is_some(), pointer, &expected, "null")
    }

    fn input_scale(&self) -> InputScale {
        InputScale::Raw
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        self.kept(&inputs[0])?;
        let means = self.means(&inputs[0]);
        self.mean.as_ref().map_or(Ok(()), |mean| mean.check_broadcast(&means, "/mean"))?;
        self.variance.as_ref().map_or(Ok(()), |variance| variance.check_broadcast(&means, "/variance"))?;
        Ok(inputs[0].clone())
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        if !self.has_weights() {
            return Vec::new();
        }
        let each = self.means(&inputs[0]);
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

    fn tables(&self, inputs: &[Shape]) -> Vec<Vec<u32>> {
        let (shape, (means, inner)) = (self.means(&inputs[0]), self.parts(&inputs[0]));
        let places = |numbers: &Option<Numbers>| numbers.as_ref().map_or_else(Vec::new, |it| it.places(&shape));
        vec![places(&self.mean), places(&self.variance), means, vec![inner as u32]]
    }

    fn adapts(&self) -> bool {
        self.adapt && self.has_weights()
    }
}

impl<F: Real> Compute<F> for Normalization {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        cx.output.copy_from_slice(cx.inputs.get(0));
        each_part(cx.tables, cx.output, |place, cells| {
            let [mean, deviation] = self.scale(&cx.parameters, cx.tables, place);
            if self.invert {
                cells.iter_mut().for_each(|x| *x = mean + *x * deviation);
            } else {
                cells.iter_mut().for_each(|x| *x = (*x - mean) / deviation);
            }
        });
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let Some(dx) = cx.input_gradients.get(0) else { return };
        dx.copy_from_slice(cx.output_gradient);
        each_part(cx.tables, dx, |place, cells| {
            let [_, deviation] = self.scale(&cx.parameters, cx.tables, place);
            let factor = if self.invert { deviation } else { F::ONE / deviation };
            cells.iter_mut().for_each(|dx| *dx *= factor);
        });
    }

    fn observe(&self, shape: &Shape, rows: &[F], moments: &mut [Moments]) {
        let (means, inner) = self.parts(shape);
        for (part, &mean) in rows.chunks_exact(inner).zip(means.iter().cycle()) {
            part.iter().for_each(|x| moments[mean as usize].add(x.to_f64()));
        }
    }
}
