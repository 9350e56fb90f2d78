//! The two number types that the engine computes in.

use crate::engine::kernel::vectorized;

/// `f32` for training and serving; `f64` so that gradients can be proved against central differences.
pub trait Real:
    Copy
    + Send
    + Sync
    + PartialOrd
    + Default
    + std::fmt::Debug
    + std::fmt::Display
    + 'static
    + std::ops::Add<Output = Self>
    + std::ops::Sub<Output = Self>
    + std::ops::Mul<Output = Self>
    + std::ops::Div<Output = Self>
    + std::ops::Neg<Output = Self>
    + std::ops::AddAssign
    + std::ops::SubAssign
    + std::ops::MulAssign
    + std::ops::DivAssign
    + std::iter::Sum
{
    /// 0
    const ZERO: Self;
    /// 1
    const ONE: Self;
    /// From `f64`, rounded.
    fn of(value: f64) -> Self;
    /// To `f64`, exactly.
    fn to_f64(self) -> f64;
    /// Whether neither infinite nor NaN.
    fn finite(self) -> bool;
    /// `self * a + b`, rounded once.
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// Absolute value.
    fn abs(self) -> Self;
    /// The larger of the two.
    fn maximum(self, other: Self) -> Self;
    /// The smaller of the two.
    fn minimum(self, other: Self) -> Self;
    /// e to the power of `self`.
    fn exp(self) -> Self;
    /// e to the power of `self`, less 1; exact near zero.
    fn exp_m1(self) -> Self;
    /// Natural logarithm.
    fn ln(self) -> Self;
    /// ln(1 + self), exact near zero.
    fn ln_1p(self) -> Self;
    /// Hyperbolic tangent.
    fn tanh(self) -> Self;
    /// The error function.
    fn erf(self) -> Self;
    /// 1 / (1 + exp(-self)).
    #[inline(always)]
    fn sigmoid(self) -> Self {
        Self::ONE / (Self::ONE + (-self).exp())
    }
    /// The smaller of the two, NaN where `self` is.
    #[inline(always)]
    fn minimum_or_nan(self, other: Self) -> Self {
        if self > other { other } else { self }
    }
    /// -1, 0 or 1.
    #[inline(always)]
    fn sign(self) -> Self {
        if self > Self::ZERO {
            Self::ONE
        } else if self < Self::ZERO {
            -Self::ONE
        } else {
            // 0, or NaN that must stay one
            self
        }
    }
    /// ln(1 + exp(self)), without overflow.
    #[inline(always)]
    fn softplus(self) -> Self {
        self.maximum(Self::ZERO) + (-self.abs()).exp().ln_1p()
    }
}

/// The sum of f(x), in a fixed order that vectorizes: eight partial sums, added up at the end of each block of rows.
#[inline(always)]
pub(crate) fn sum<F: Real>(x: &[F], f: impl Fn(F) -> F) -> f64 {
    const PARTS: usize = 8;
    vectorized(
        #[inline(always)]
        || {
            // Blocks keep the rounding of f32 sums small; their totals are added in f64.
            let mut total = 0.0;
            for block in x.chunks(64 * PARTS) {
                let mut parts = [F::ZERO; PARTS];
                let (cells, rest) = block.as_chunks::<PARTS>();
                for cells in cells {
                    for (part, &x) in parts.iter_mut().zip(cells) {
                        *part += f(x);
                    }
                }
                for (part, &x) in parts.iter_mut().zip(rest) {
                    *part += f(x);
                }
                total += parts.iter().map(|part| part.to_f64()).sum::<f64>();
            }
            total
        },
    )
}

/// Ranges of settings.
///
/// Settings are `f64` as Python's are, but a job computes in `f32`: what does not fit there is refused here.
pub(crate) mod check {
    use crate::engine::field::FieldError;

    fn range(ok: bool, pointer: &str, expected: &str, value: f64) -> Result<(), FieldError> {
        if ok && (value as f32).is_finite() {
            return Ok(());
        }
        Err(FieldError::new(pointer, format!("expected {expected}, received {value:?}")))
    }

    /// More than 0, in `f32` too.
    pub(crate) fn positive(pointer: &str, value: f64) -> Result<(), FieldError> {
        range(value as f32 > 0.0, pointer, "a number over 0 and below 3.4e38", value)
    }

    /// 0 or more.
    pub(crate) fn not_negative(pointer: &str, value: f64) -> Result<(), FieldError> {
        range(value >= 0.0, pointer, "a number from 0 to 3.4e38", value)
    }

    /// Any number.
    pub(crate) fn finite(pointer: &str, value: f64) -> Result<(), FieldError> {
        range(true, pointer, "a number from -3.4e38 to 3.4e38", value)
    }

    /// 0 to 1, without 1.
    pub(crate) fn below_one(pointer: &str, value: f64) -> Result<(), FieldError> {
        range((0.0..1.0).contains(&value) && (value as f32) < 1.0, pointer, "a number from 0 to less than 1", value)
    }

    /// 0 to 1.
    pub(crate) fn fraction(pointer: &str, value: f64) -> Result<(), FieldError> {
        range((0.0..=1.0).contains(&value), pointer, "a number from 0 to 1", value)
    }
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    #[inline(always)]
    fn of(value: f64) -> Self {
        value as f32
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn finite(self) -> bool {
        self.is_finite()
    }
    #[inline(always)]
    fn mul_add(self, a: Self, b: Self) -> Self {
        f32::mul_add(self, a, b)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        f32::sqrt(self)
    }
    #[inline(always)]
    fn abs(self) -> Self {
        f32::abs(self)
    }
    #[inline(always)]
    fn maximum(self, other: Self) -> Self {
        if self > other { self } else { other }
    }
    #[inline(always)]
    fn minimum(self, other: Self) -> Self {
        if self < other { self } else { other }
    }
    #[inline(always)]
    fn exp(self) -> Self {
        f32::exp(self)
    }
    #[inline(always)]
    fn exp_m1(self) -> Self {
        f32::exp_m1(self)
    }
    #[inline(always)]
    fn ln(self) -> Self {
        f32::ln(self)
    }
    #[inline(always)]
    fn ln_1p(self) -> Self {
        f32::ln_1p(self)
    }
    #[inline(always)]
    fn tanh(self) -> Self {
        f32::tanh(self)
    }
    #[inline(always)]
    fn erf(self) -> Self {
        libm::erff(self)
    }
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    #[inline(always)]
    fn of(value: f64) -> Self {
        value
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn finite(self) -> bool {
        self.is_finite()
    }
    #[inline(always)]
    fn mul_add(self, a: Self, b: Self) -> Self {
        f64::mul_add(self, a, b)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        f64::sqrt(self)
    }
    #[inline(always)]
    fn abs(self) -> Self {
        f64::abs(self)
    }
    #[inline(always)]
    fn maximum(self, other: Self) -> Self {
        if self > other { self } else { other }
    }
    #[inline(always)]
    fn minimum(self, other: Self) -> Self {
        if self < other { self } else { other }
    }
    #[inline(always)]
    fn exp(self) -> Self {
        f64::exp(self)
    }
    #[inline(always)]
    fn exp_m1(self) -> Self {
        f64::exp_m1(self)
    }
    #[inline(always)]
    fn ln(self) -> Self {
        f64::ln(self)
    }
    #[inline(always)]
    fn ln_1p(self) -> Self {
        f64::ln_1p(self)
    }
    #[inline(always)]
    fn tanh(self) -> Self {
        f64::tanh(self)
    }
    #[inline(always)]
    fn erf(self) -> Self {
        libm::erf(self)
    }
}
