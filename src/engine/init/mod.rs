//! Initializers: Keras's names and arithmetic.
//!
//! Random numbers are drawn and transformed in `f64` with the same bits on every platform, then rounded.

mod constant;
mod draw;
mod identity;
mod orthogonal;
mod random;
mod stft;
mod unit_forget_bias;
mod variance_scaling;

pub(crate) use draw::normal;

pub use constant::{Constant, Ones, Zeros};
pub use identity::Identity;
pub use orthogonal::Orthogonal;
pub use random::{RandomNormal, RandomUniform, TruncatedNormal};
pub use stft::{ComplexPart, Scaling, Stft, Window, WindowShape};
pub use unit_forget_bias::UnitForgetBias;
pub use variance_scaling::{
    Distribution, GlorotNormal, GlorotUniform, HeNormal, HeUniform, LecunNormal, LecunUniform, Mode, VarianceScaling,
};

use crate::engine::{field::FieldError, real::Real, registry::registry, shape::Shape};
use rand_chacha::ChaCha8Rng;

/// Whether long work is to end early.
pub type Stop<'a> = &'a dyn Fn() -> bool;

/// Implemented by the settings of every initializer.
trait Fill<F: Real> {
    /// Ranges of the settings.
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }
    /// The allowed numbers of axes of a shape.
    fn axes(&self) -> std::ops::RangeInclusive<usize> {
        0..=usize::MAX
    }
    /// Further requirements on a shape.
    fn check_shape(&self, _shape: &Shape) -> Result<(), FieldError> {
        Ok(())
    }
    /// Bytes of memory beside the values.
    fn scratch_bytes(&self, _shape: &Shape) -> u64 {
        0
    }
    /// See [`Initializer::fill`].
    fn fill(&self, shape: &Shape, values: &mut [F], random: &mut ChaCha8Rng, stop: Stop<'_>);
}

registry! {
    /// Initializer of a parameter. A name (`"he_normal"`) or settings (`{"type": "constant", "value": 0.1}`).
    #[derive(Debug, Clone, PartialEq)]
    Initializer, "an initializer", dyn Fill<F> {
        plain {
            Zeros = "zeros" | "zero",
            Ones = "ones" | "one",
            GlorotUniform = "glorot_uniform",
            GlorotNormal = "glorot_normal",
            HeUniform = "he_uniform",
            HeNormal = "he_normal",
            LecunUniform = "lecun_uniform",
            LecunNormal = "lecun_normal",
        }
        settings {
            Constant = "constant",
            RandomNormal = "random_normal" | "normal",
            RandomUniform = "random_uniform" | "uniform",
            TruncatedNormal = "truncated_normal",
            VarianceScaling = "variance_scaling",
            Orthogonal = "orthogonal" | "orthogonal_initializer",
            Identity = "identity" | "identity_initializer",
            Stft = "stft" | "stft_initializer",
            UnitForgetBias = "unit_forget_bias",
        }
    }
}

impl Initializer {
    /// Ranges of the settings; the pointer is below the initializer (`/stddev`).
    pub fn check(&self) -> Result<(), FieldError> {
        self.behaviour::<f32>().check()
    }

    /// Whether a tensor of `shape` can be filled: `identity` needs two axes, `orthogonal` at least two, `stft` three.
    pub fn check_shape(&self, shape: &Shape) -> Result<(), FieldError> {
        let axes = self.behaviour::<f32>().axes();
        if axes.contains(&shape.0.len()) {
            return self.behaviour::<f32>().check_shape(shape);
        }
        let expected = if axes.start() == axes.end() { "exactly" } else { "at least" };
        let detail = format!("{} expects a shape of {expected} {} axes, received {shape}", self.kind(), axes.start());
        Err(FieldError::new("", detail))
    }

    /// The same for a kernel whose first `count` axes are the inputs of a unit, and the others its outputs. Only
    /// variance scaling depends on them.
    #[must_use]
    pub fn with_input_axes(&self, count: usize) -> Self {
        match self.scaling() {
            Some(scaling) => Self::VarianceScaling(VarianceScaling { first_inputs: Some(count), ..scaling }),
            None => self.clone(),
        }
    }

    /// The settings of [`VarianceScaling`] that a name is an alias of.
    pub fn scaling(&self) -> Option<VarianceScaling> {
        match self {
            Self::GlorotUniform => Some(GlorotUniform::SCALING),
            Self::GlorotNormal => Some(GlorotNormal::SCALING),
            Self::HeUniform => Some(HeUniform::SCALING),
            Self::HeNormal => Some(HeNormal::SCALING),
            Self::LecunUniform => Some(LecunUniform::SCALING),
            Self::LecunNormal => Some(LecunNormal::SCALING),
            Self::VarianceScaling(scaling) => Some(scaling.clone()),
            _ => None,
        }
    }

    /// Bytes of memory that filling takes beside the values.
    pub fn scratch_bytes(&self, shape: &Shape) -> u64 {
        self.behaviour::<f32>().scratch_bytes(shape)
    }

    /// Fills `values`, a row-major tensor of `shape`, which must pass [`Self::check_shape`]. It ends early once `stop` says so; the values
    /// are then unspecified.
    pub fn fill<F: Real>(&self, shape: &Shape, values: &mut [F], random: &mut ChaCha8Rng, stop: Stop<'_>) {
        self.behaviour().fill(shape, values, random, stop);
    }
}
