//! [`VarianceScaling`] and its aliases.

use super::{Fill, Stop, draw};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
    shape::Shape,
};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// The standard deviation of a standard normal distribution that is cut at two.
const TRUNCATED_DEVIATION: f64 = 0.879_625_661_034_239_8;

/// Distribution of variance `scale / n`, where n is the fan-in, the fan-out, or their mean.
///
/// # Shapes
/// `[in, out]`, or `[receptive field..., in, out]`; for `[n]` both fans are n. Layers whose units have several input or
/// output axes specify these.
///
/// Source: <https://keras.io/api/layers/initializers/#variancescaling-class>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VarianceScaling {
    /// Factor of the variance, more than 0.
    pub scale: f64,
    /// Which fan n is.
    pub mode: Mode,
    /// Distribution.
    pub distribution: Distribution,
    /// Input axes; negative ones count from the last, -1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_axes: Option<Vec<i64>>,
    /// Output axes; required with `input_axes`, and only allowed with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_axes: Option<Vec<i64>>,
    /// Number of leading axes that are inputs, the others being outputs; set by layers.
    #[serde(skip)]
    pub first_inputs: Option<usize>,
}

/// The divisor of the variance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = VarianceScalingMode)]
pub enum Mode {
    /// Number of inputs of a unit.
    #[default]
    FanIn,
    /// Number of outputs of a unit.
    FanOut,
    /// Mean of both.
    FanAvg,
}

/// Distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    /// Normal, redrawn beyond two standard deviations, with the variance after truncation.
    #[default]
    #[serde(alias = "normal")]
    TruncatedNormal,
    /// Normal.
    UntruncatedNormal,
    /// Uniform.
    Uniform,
}

impl Default for VarianceScaling {
    fn default() -> Self {
        Self {
            scale: 1.0,
            mode: Mode::FanIn,
            distribution: Distribution::TruncatedNormal,
            input_axes: None,
            output_axes: None,
            first_inputs: None,
        }
    }
}

impl<F: Real> Fill<F> for VarianceScaling {
    fn check(&self) -> Result<(), FieldError> {
        check::positive("/scale", self.scale)?;
        let (pointer, named) = match (&self.input_axes, &self.output_axes) {
            (Some(_), None) => ("/output_axes", "input_axes"),
            (None, Some(_)) => ("/input_axes", "output_axes"),
            _ => return Ok(()),
        };
        Err(FieldError::new(pointer, format!("expected axes, since `{named}` is given, received null")))
    }

    fn check_shape(&self, shape: &Shape) -> Result<(), FieldError> {
        for (pointer, axes) in [("/input_axes", &self.input_axes), ("/output_axes", &self.output_axes)] {
            if let Some(axis) = axes.iter().flatten().find(|axis| axis_index(**axis, shape).is_none()) {
                let count = shape.0.len();
                let detail = format!("expected axes of {shape}, -{count} to {}, received {axis}", count as i64 - 1);
                return Err(FieldError::new(pointer, detail));
            }
        }
        Ok(())
    }

    fn fill(&self, shape: &Shape, values: &mut [F], random: &mut ChaCha8Rng, stop: Stop<'_>) {
        let (inputs, outputs) = self.fans(shape);
        let n = match self.mode {
            Mode::FanIn => inputs,
            Mode::FanOut => outputs,
            Mode::FanAvg => (inputs + outputs) / 2.0,
        };
        let variance = self.scale / n.max(1.0);
        match self.distribution {
            Distribution::TruncatedNormal => {
                let deviation = variance.sqrt() / TRUNCATED_DEVIATION;
                draw::fill(values, stop, || F::of(deviation * draw::truncated_normal(random)));
            }
            Distribution::UntruncatedNormal => {
                let deviation = variance.sqrt();
                draw::fill(values, stop, || F::of(deviation * draw::normal(random)));
            }
            Distribution::Uniform => {
                let limit = (3.0 * variance).sqrt();
                draw::fill(values, stop, || F::of(limit * (2.0 * draw::unit(random) - 1.0)));
            }
        }
    }
}

impl VarianceScaling {
    /// Fan-in and fan-out.
    fn fans(&self, shape: &Shape) -> (f64, f64) {
        let product = |axes: &[usize]| axes.iter().map(|&axis| axis as f64).product::<f64>();
        if let (Some(inputs), Some(outputs)) = (&self.input_axes, &self.output_axes) {
            let size = |&axis: &i64| axis_index(axis, shape).map_or(1.0, |place| shape.0[place] as f64);
            return (inputs.iter().map(size).product(), outputs.iter().map(size).product());
        }
        if let Some((inputs, outputs)) = self.first_inputs.and_then(|count| shape.0.split_at_checked(count)) {
            return (product(inputs), product(outputs));
        }
        match shape.0.as_slice() {
            [] => (1.0, 1.0),
            [both] => (*both as f64, *both as f64),
            [field @ .., inputs, outputs] => (*inputs as f64 * product(field), *outputs as f64 * product(field)),
        }
    }
}

/// The index of an axis that may be negative.
fn axis_index(axis: i64, shape: &Shape) -> Option<usize> {
    let count = shape.0.len() as i64;
    let place = if axis < 0 { axis.saturating_add(count) } else { axis };
    usize::try_from(place).ok().filter(|place| *place < shape.0.len())
}

/// Defines aliases of [`VarianceScaling`].
macro_rules! named {
    ($($name:ident: $scale:literal, $mode:ident, $distribution:ident, $doc:literal;)*) => {$(
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name;

        impl $name {
            /// The settings it is an alias of.
            pub const SCALING: VarianceScaling = VarianceScaling {
                scale: $scale,
                mode: Mode::$mode,
                distribution: Distribution::$distribution,
                input_axes: None,
                output_axes: None,
                first_inputs: None,
            };
        }

        impl<F: Real> Fill<F> for $name {
            fn fill(&self, shape: &Shape, values: &mut [F], random: &mut ChaCha8Rng, stop: Stop<'_>) {
                Self::SCALING.fill(shape, values, random, stop);
            }
        }
    )*};
}

named! {
    GlorotUniform: 1.0, FanAvg, Uniform, "Uniform within `sqrt(6 / (fan_in + fan_out))`, <https://proceedings.mlr.press/v9/glorot10a.html>.";
    GlorotNormal: 1.0, FanAvg, TruncatedNormal, "Truncated normal of standard deviation `sqrt(2 / (fan_in + fan_out))`.";
    HeUniform: 2.0, FanIn, Uniform, "Uniform within `sqrt(6 / fan_in)`, <https://arxiv.org/abs/1502.01852>.";
    HeNormal: 2.0, FanIn, TruncatedNormal, "Truncated normal of standard deviation `sqrt(2 / fan_in)`.";
    LecunUniform: 1.0, FanIn, Uniform, "Uniform within `sqrt(3 / fan_in)`.";
    LecunNormal: 1.0, FanIn, TruncatedNormal, "Truncated normal of standard deviation `sqrt(1 / fan_in)`.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_has_the_inputs_and_outputs_that_its_layer_says() {
        let shape = Shape(vec![2, 3, 5]);
        assert_eq!(GlorotUniform::SCALING.fans(&shape), (6.0, 10.0));
        for (first_inputs, expected) in [(1, (2.0, 15.0)), (2, (6.0, 5.0))] {
            let scaling = VarianceScaling { first_inputs: Some(first_inputs), ..GlorotUniform::SCALING };
            assert_eq!(scaling.fans(&shape), expected);
            let named = VarianceScaling { input_axes: Some(vec![-1, 0]), output_axes: Some(vec![1]), ..scaling };
            assert_eq!(named.fans(&shape), (10.0, 3.0));
        }
    }

    #[test]
    fn axes_are_named_together_and_those_of_the_shape() {
        let scaling = |inputs: Option<Vec<i64>>, outputs: Option<Vec<i64>>| VarianceScaling {
            input_axes: inputs,
            output_axes: outputs,
            ..VarianceScaling::default()
        };
        let check = |scaling: VarianceScaling| {
            let checked = Fill::<f32>::check(&scaling);
            checked.and_then(|()| Fill::<f32>::check_shape(&scaling, &Shape(vec![2, 3]))).map_err(|error| error.pointer)
        };
        assert_eq!(check(scaling(Some(vec![0]), Some(vec![-1]))), Ok(()));
        assert_eq!(check(scaling(Some(vec![0]), None)), Err("/output_axes".into()));
        assert_eq!(check(scaling(None, Some(vec![0]))), Err("/input_axes".into()));
        assert_eq!(check(scaling(Some(vec![0]), Some(vec![2]))), Err("/output_axes".into()));
        assert_eq!(check(scaling(Some(vec![-3]), Some(vec![1]))), Err("/input_axes".into()));
    }
}
