//! Steps that scale numbers: settings as in scikit-learn, fitted on the training rows.
//!
//! A new step is a file with its settings and its fitted form, and a row of the table below.

mod affine;
mod clip;
mod log1p;
mod min_max;
mod normal;
mod quantile;
mod robust;
mod schema;
mod standardize;

pub use clip::Clip;
pub use log1p::Log1p;
pub use min_max::MinMax;
pub use quantile::{OutputDistribution, Quantile};
pub use robust::Robust;
pub(crate) use schema::beside_type;
pub use standardize::Standardize;

use crate::engine::{
    cancel::is_cancelled,
    field::{FieldError, parse},
    fit::Rescale,
};
use affine::Affine;
use clip::Clipped;
use quantile::Quantiles;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::{Value, json};

/// Settings of a step.
trait Step {
    /// What is fitted.
    type Fitted: Apply;

    /// Whether the settings make sense.
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }

    /// Fits on numbers without NaN, at least one. Where all are equal, a range or a deviation of 0 is taken as 1.
    fn fit(&self, values: &[f64]) -> Self::Fitted;
}

/// A fitted step.
trait Apply {
    /// The scaled number.
    fn apply(&self, value: f64) -> f64;

    /// The step that undoes this one; `None` where numbers are clipped or ranked.
    fn inverse(&self) -> Option<Rescale> {
        None
    }

    /// The bounds of the numbers that it does not clip.
    fn bounds(&self) -> Option<(f64, f64)> {
        None
    }
}

/// Every step: its settings, and what is fitted.
macro_rules! steps {
    ($($(#[$doc:meta])* $name:ident($settings:ty) => $fitted:ty, $word:literal, $example:literal;)*) => {
        /// Settings of a step that scales numbers. A name, or an object with `type` and options.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(tag = "type", rename_all = "snake_case")]
        pub enum ScaleStep {
            $($(#[$doc])* $name($settings),)*
        }

        /// A fitted step.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type", rename_all = "snake_case")]
        pub enum Scaler {
            $($(#[$doc])* $name($fitted),)*
        }

        impl ScaleStep {
            /// Name and one-line example of every step.
            pub const TABLE: &'static [(&'static str, &'static str)] = &[$(($word, $example)),*];

            /// The name in JSON.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => $word,)*
                }
            }

            fn check(&self) -> Result<(), FieldError> {
                match self {
                    $(Self::$name(step) => step.check(),)*
                }
            }

            /// Fits on numbers without NaN, at least one. Where all are equal, a range or a deviation of 0 is taken as 1.
            pub fn fit(&self, values: &[f64]) -> Scaler {
                match self {
                    $(Self::$name(step) => Scaler::$name(step.fit(values)),)*
                }
            }
        }

        impl Scaler {
            /// The scaled number.
            #[inline]
            pub fn apply(&self, value: f64) -> f64 {
                match self {
                    $(Self::$name(step) => step.apply(value),)*
                }
            }

            /// Scales numbers in place.
            pub fn apply_all(&self, values: &mut [f64]) {
                match self {
                    $(Self::$name(step) => values.iter_mut().for_each(|value| *value = step.apply(*value)),)*
                }
            }

            /// The step that undoes this one; `None` where numbers are clipped or ranked.
            pub fn inverse(&self) -> Option<Rescale> {
                match self {
                    $(Self::$name(step) => step.inverse(),)*
                }
            }

            /// The bounds of the numbers that it does not clip.
            pub fn bounds(&self) -> Option<(f64, f64)> {
                match self {
                    $(Self::$name(step) => step.bounds(),)*
                }
            }
        }
    };
}

steps! {
    /// (x - mean) / standard deviation, as scikit-learn's StandardScaler.
    Standardize(Standardize) => Affine, "standardize", r#"{"type": "standardize", "with_mean": false}"#;
    /// (x - min) / (max - min), as scikit-learn's MinMaxScaler.
    MinMax(MinMax) => min_max::Range, "min_max", r#"{"type": "min_max", "feature_range": [-1, 1], "clip": true}"#;
    /// (x - median) / (third quartile - first quartile), as scikit-learn's RobustScaler.
    Robust(Robust) => Affine, "robust", r#"{"type": "robust", "quantile_range": [10, 90]}"#;
    /// log(1 + x)
    Log1p(Log1p) => Log1p, "log1p", r#"["log1p", "standardize"]"#;
    /// The share of training values below it, or the normal deviate of that share, as scikit-learn's QuantileTransformer.
    Quantile(Quantile) => Quantiles, "quantile", r#"{"type": "quantile", "output_distribution": "normal"}"#;
    /// Numbers outside bounds become the bounds.
    Clip(Clip) => Clipped, "clip", r#"[{"type": "clip", "quantiles": [0.01, 0.99]}, "standardize"]"#;
}

impl Scaler {
    /// (x - offset) * factor
    pub fn origin(offset: f64, factor: f64) -> Self {
        Self::Standardize(Affine { offset, factor })
    }
}

/// What a number must be so that these steps make a finite one of it, for errors.
pub(crate) fn expected_of_scale(steps: &[Scaler]) -> &'static str {
    match steps {
        [Scaler::Log1p(_), ..] => "a number over -1, of which log1p takes the logarithm,",
        steps if steps.iter().any(|step| matches!(step, Scaler::Log1p(_))) => {
            "a number that the steps before log1p leave over -1"
        }
        _ => "a number nearer to those of the training rows",
    }
}

/// How a number column is scaled: a step, a list of steps in their order, or `"none"`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scale(Vec<ScaleStep>);

/// The word for no scaling.
const NONE: &str = "none";

impl Scale {
    /// No scaling.
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// (x - mean) / standard deviation
    pub fn standardize() -> Self {
        Self(vec![ScaleStep::Standardize(Standardize::default())])
    }

    /// (x - min) / (max - min)
    pub fn min_max() -> Self {
        Self(vec![ScaleStep::MinMax(MinMax::default())])
    }

    /// The steps in order.
    pub fn steps(&self) -> &[ScaleStep] {
        &self.0
    }

    /// Whether numbers stay as they are.
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// The first step that cannot be undone: several numbers may become one.
    pub fn first_without_inverse(&self) -> Option<&'static str> {
        let is_without = |step: &&ScaleStep| step.fit(&[0.0, 1.0]).inverse().is_none();
        self.0.iter().find(is_without).map(ScaleStep::name)
    }

    /// The range of scaled numbers whose own range is `min` to `max`, without bounds where numbers below and above 0 are left; `None`
    /// where it depends on the numbers between them.
    pub fn range(&self, min: f64, max: f64) -> Option<(f64, f64)> {
        const BOTH_SIDES: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);
        match self.0.as_slice() {
            [] => Some((min, max)),
            [.., ScaleStep::MinMax(step)] => Some(step.feature_range.into()),
            [ScaleStep::Log1p(_)] => Some((min.ln_1p(), max.ln_1p())),
            [.., ScaleStep::Standardize(step)] if step.with_mean && min < max => Some(BOTH_SIDES),
            [.., ScaleStep::Robust(step)] if step.with_centering && min < max => Some(BOTH_SIDES),
            _ => None,
        }
    }

    /// Whether it takes the logarithm of the numbers themselves, which then must be over -1.
    pub fn begins_with_log(&self) -> bool {
        matches!(self.0.first(), Some(ScaleStep::Log1p(_)))
    }

    /// Fits each step on what the steps before it leave; ends early once cancelled, with results without meaning.
    pub fn fit(&self, mut values: Vec<f64>) -> Vec<Scaler> {
        let fit = |step: &ScaleStep| {
            let scaler = step.fit(&values);
            values.chunks_mut(BLOCK).take_while(|_| !is_cancelled()).for_each(|block| scaler.apply_all(block));
            scaler
        };
        self.0.iter().map(fit).collect()
    }
}

impl Serialize for Scale {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [] => serializer.serialize_str(NONE),
            [step] => short(step).serialize(serializer),
            steps => serializer.collect_seq(steps.iter().map(short)),
        }
    }
}

/// A step as its name where its options are the defaults.
fn short(step: &ScaleStep) -> Value {
    let is_default = parse::<ScaleStep>(&json!({"type": step.name()})).is_ok_and(|default| default == *step);
    if is_default { Value::from(step.name()) } else { serde_json::to_value(step).unwrap_or_default() }
}

impl<'de> Deserialize<'de> for Scale {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        read_scale(&value).map_err(D::Error::custom)
    }
}

fn read_scale(value: &Value) -> Result<Scale, FieldError> {
    const MAX_STEPS: usize = 8;
    match value {
        Value::String(word) if word == NONE => Ok(Scale::none()),
        Value::Array(steps) if steps.len() > MAX_STEPS => {
            Err(FieldError::new("", format!("expected at most {MAX_STEPS} steps, received {}", steps.len())))
        }
        Value::Array(steps) => {
            let read = |(index, step)| read_step(step).map_err(|error| error.under(&format!("/{index}")));
            Ok(Scale(steps.iter().enumerate().map(read).collect::<Result<_, _>>()?))
        }
        step => Ok(Scale(vec![read_step(step)?])),
    }
}

fn read_step(value: &Value) -> Result<ScaleStep, FieldError> {
    let step: ScaleStep = match value {
        Value::String(word) => {
            if ScaleStep::TABLE.iter().all(|(name, _)| name != word) {
                let known: Vec<&str> = ScaleStep::TABLE.iter().map(|(name, _)| *name).chain([NONE]).collect();
                let hint = crate::engine::field::did_you_mean(word, known.iter().copied());
                let detail = format!("expected one of {}, received `{word}`{hint}", known.join(", "));
                return Err(FieldError::new("", detail));
            }
            parse(&json!({"type": word}))?
        }
        Value::Object(_) => parse(value)?,
        other => {
            let received = crate::engine::field::type_of(other);
            return Err(FieldError::new(
                "",
                format!("expected a name, an object or a list of these, received {received}"),
            ));
        }
    };
    step.check()?;
    Ok(step)
}

/// Numbers that a step is applied to between two looks at the flag.
const BLOCK: usize = 1 << 14;

/// The value at `share` (0 to 1) of sorted numbers, between neighbours in proportion, as numpy's `percentile` has it.
fn quantile_of(sorted: &[f64], share: f64) -> f64 {
    let place = share * sorted.len().saturating_sub(1) as f64;
    let below = place.floor();
    let at = |index: f64| sorted.get(index as usize).or(sorted.last()).copied().unwrap_or(0.0);
    let (low, high) = (at(below), at(place.ceil()));
    let part = place - below;
    // numpy's order of operations, whose result lies between the neighbours
    if part >= 0.5 { high - (high - low) * (1.0 - part) } else { low + (high - low) * part }
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

fn range(values: &[f64]) -> (f64, f64) {
    values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), &value| (min.min(value), max.max(value)))
}
