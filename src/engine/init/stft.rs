//! [`Stft`].

use super::{Fill, Stop};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
    shape::Shape,
};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::Value;
use std::f64::consts::PI;

/// Kernel of a `conv1d` that computes the real or imaginary part of the short-time Fourier transform: `w_t cos(-2π t f
/// / n)` or `w_t sin(-2π t f / n)` for the tap t and the filter f, with a window w and `n = 2 (filters - 1)`.
///
/// # Shapes
/// `[taps, 1, filters]`, at least 2 filters.
///
/// Source: <https://keras.io/api/layers/initializers/#stftinitializer-class>, and
/// <https://docs.scipy.org/doc/scipy/reference/signal.windows.html> for the windows
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Stft {
    /// Real or imaginary part.
    pub side: ComplexPart,
    /// Window: a name of SciPy's, a list of one number per tap, or null.
    pub window: Option<Window>,
    /// Scaling of the window.
    pub scaling: Option<Scaling>,
    /// Whether a named window is periodic instead of symmetric.
    pub periodic: bool,
}

/// Part of a complex number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ComplexPart {
    /// Real part.
    #[default]
    Real,
    /// Imaginary part.
    Imag,
}

/// Scaling of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scaling {
    /// By the square root of the sum of squares.
    Density,
    /// By the sum of absolute values.
    Spectrum,
}

/// Window by name or by values.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum Window {
    /// By its name.
    Named(WindowShape),
    /// By its values.
    Numbers(Vec<f64>),
}

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let received = match &value {
            Value::Array(_) => "a list of something else".to_owned(),
            Value::Object(_) => "an object".to_owned(),
            other => other.to_string(),
        };
        let read = match value {
            Value::Array(_) => serde_json::from_value(value).map(Self::Numbers),
            _ => serde_json::from_value(value).map(Self::Named),
        };
        let expected = "the name of a window (`hann`, `hamming`, `blackman`, …) or a list of numbers";
        read.map_err(|_| D::Error::custom(format!("expected {expected}, received {received}")))
    }
}

/// The windows of SciPy with a closed form and without parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WindowShape {
    /// 1 throughout.
    Boxcar,
    /// A triangle that does not reach 0.
    Triang,
    /// A triangle from 0 to 0.
    Bartlett,
    /// Half a wave of a sine.
    Cosine,
    /// `0.5 - 0.5 cos`
    Hann,
    /// `0.54 - 0.46 cos`
    Hamming,
    /// Three cosines.
    Blackman,
    /// Four cosines.
    Blackmanharris,
    /// Four cosines, by Nuttall.
    Nuttall,
    /// Five cosines.
    Flattop,
}

impl Default for Stft {
    fn default() -> Self {
        let window = Some(Window::Named(WindowShape::Hann));
        Self { side: ComplexPart::Real, window, scaling: Some(Scaling::Density), periodic: false }
    }
}

impl WindowShape {
    /// Point `index` of a symmetric window of `length` points.
    fn point(self, index: usize, length: usize) -> f64 {
        if length == 1 {
            return 1.0;
        }
        let (length, at) = (length as f64, index as f64);
        let last = length - 1.0;
        let x = 2.0 * at / last - 1.0;
        let cosines = |factors: &[f64]| -> f64 {
            factors.iter().enumerate().map(|(times, factor)| factor * libm::cos(times as f64 * PI * x)).sum()
        };
        match self {
            Self::Boxcar => 1.0,
            Self::Triang if length % 2.0 == 0.0 => (2.0 * at.min(last - at) + 1.0) / length,
            Self::Triang => (2.0 * at.min(last - at) + 2.0) / (length + 1.0),
            Self::Bartlett => 1.0 - x.abs(),
            Self::Cosine => libm::sin(PI / length * (at + 0.5)),
            Self::Hann => cosines(&[0.5, 0.5]),
            Self::Hamming => cosines(&[0.54, 0.46]),
            Self::Blackman => cosines(&[0.42, 0.5, 0.08]),
            Self::Blackmanharris => cosines(&[0.35875, 0.48829, 0.14128, 0.01168]),
            Self::Nuttall => cosines(&[0.363_581_9, 0.489_177_5, 0.136_599_5, 0.010_641_1]),
            Self::Flattop => cosines(&[0.215_578_95, 0.416_631_58, 0.277_263_158, 0.083_578_947, 0.006_947_368]),
        }
    }
}

impl Stft {
    /// The window by tap, and its divisor.
    fn window(&self, taps: usize) -> (impl Fn(usize) -> f64, f64) {
        let point = move |tap: usize| match &self.window {
            None => 1.0,
            Some(Window::Named(shape)) => shape.point(tap, taps + usize::from(self.periodic && taps > 1)),
            Some(Window::Numbers(numbers)) => numbers.get(tap).copied().unwrap_or(0.0),
        };
        let points = || (0..taps).map(&point);
        let divisor = match self.scaling.filter(|_| self.window.is_some()) {
            None => 1.0,
            Some(Scaling::Density) => points().map(|point| point * point).sum::<f64>().sqrt(),
            Some(Scaling::Spectrum) => points().map(f64::abs).sum(),
        };
        (point, divisor)
    }
}

impl<F: Real> Fill<F> for Stft {
    fn check(&self) -> Result<(), FieldError> {
        let Some(Window::Numbers(numbers)) = &self.window else { return Ok(()) };
        numbers.iter().enumerate().try_for_each(|(index, &number)| check::finite(&format!("/window/{index}"), number))
    }

    fn axes(&self) -> std::ops::RangeInclusive<usize> {
        3..=3
    }

    fn check_shape(&self, shape: &Shape) -> Result<(), FieldError> {
        let &[taps, channels, filters] = shape.0.as_slice() else { return Ok(()) };
        if channels != 1 || filters < 2 {
            let detail = format!("stft expects a shape of taps, 1 channel and at least 2 filters, received {shape}");
            return Err(FieldError::new("", detail));
        }
        match &self.window {
            Some(Window::Numbers(numbers)) if numbers.len() != taps => {
                let detail = format!("expected {taps} numbers, one per tap, received {}", numbers.len());
                Err(FieldError::new("/window", detail))
            }
            _ => Ok(()),
        }
    }

    fn fill(&self, shape: &Shape, values: &mut [F], _random: &mut ChaCha8Rng, stop: Stop<'_>) {
        let filters = shape.last().max(1);
        let (point, divisor) = self.window(values.len() / filters);
        let turn = 2.0 * PI / (2.0 * (filters as f64 - 1.0));
        for (tap, values) in values.chunks_exact_mut(filters).enumerate() {
            if stop() {
                return;
            }
            for (filter, value) in values.iter_mut().enumerate() {
                let angle = -turn * tap as f64 * filter as f64;
                let wave = match self.side {
                    ComplexPart::Real => libm::cos(angle),
                    ComplexPart::Imag => libm::sin(angle),
                };
                *value = F::of(wave * point(tap) / divisor);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::field::parse;
    use serde_json::json;

    #[test]
    fn invalid_windows_are_refused() {
        assert_eq!(parse::<Window>(&json!([0.5, 1])), Ok(Window::Numbers(vec![0.5, 1.0])));
        assert_eq!(parse::<Window>(&json!("hann")), Ok(Window::Named(WindowShape::Hann)));
        for (wrong, received) in [
            (json!("han"), "\"han\""),
            (json!(3), "3"),
            (json!(["hann"]), "a list of something else"),
            (json!({}), "an object"),
        ] {
            let error = parse::<Window>(&wrong).unwrap_err();
            assert!(error.detail.ends_with(&format!("or a list of numbers, received {received}")), "{error:?}");
        }
    }
}
