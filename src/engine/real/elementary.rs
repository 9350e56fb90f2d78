//! Elementary functions of `f32` without branches and calls, so that loops over them vectorize.
//!
//! Polynomials were fitted to the functions' values in higher precision (least squares, reweighted towards the least
//! maximal error), each coefficient rounded before the next was fitted. The tests bound every error over the whole
//! range.

/// Adding and subtracting it rounds to an integer, whose bits then stand at the low end: 1.5 * 2^23.
const ROUND: f32 = 12_582_912.0;
const LN_2_HIGH: f32 = 0.693_145_75;
const LN_2_LOW: f32 = 1.428_606_8e-6;

/// The polynomial with these coefficients, lowest power first.
#[inline(always)]
fn polynomial<const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let mut sum = 0.0;
    for coefficient in coefficients.into_iter().rev() {
        sum = f32::mul_add(sum, x, coefficient);
    }
    sum
}

/// 2 to the power of `n`, for n from -126 to 127.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits(((n + 127) << 23) as u32)
}

/// x as `n ln(2) + r` with the least r; answers n and `exp(r) - 1`. For |x| up to 110.
#[inline(always)]
fn reduced_exp(x: f32) -> (i32, f32) {
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = shifted.to_bits().wrapping_sub(ROUND.to_bits()) as i32;
    let whole = shifted - ROUND;
    let r = whole.mul_add(-LN_2_LOW, whole.mul_add(-LN_2_HIGH, x));
    let tail = polynomial(r, [0.5, 0.166_665_15, 0.041_666_374, 0.008_369_394, 0.001_394_325_4]);
    (n, (r * r).mul_add(tail, r))
}

/// e to the power of x.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    let inside = if x > 89.0 { 89.0 } else { x };
    let inside = if inside < -104.0 { -104.0 } else { inside };
    let (n, small) = reduced_exp(inside);
    // Two factors reach the ends of the range, where one power of two would not be finite or not normal.
    let half = n >> 1;
    (small + 1.0) * power_of_two(half) * power_of_two(n - half)
}

/// e to the power of x, less 1.
#[inline(always)]
pub(super) fn exp_m1(x: f32) -> f32 {
    // Beyond these 1 is nothing beside the power, or the power nothing beside 1.
    let inside = if x > 20.0 { 20.0 } else { x };
    let inside = if inside < -20.0 { -20.0 } else { inside };
    let (n, small) = reduced_exp(inside);
    let scale = power_of_two(n);
    let near = scale.mul_add(small, scale - 1.0);
    if x > 20.0 { exp(x) } else { near }
}

/// Natural logarithm.
#[inline(always)]
pub(super) fn ln(x: f32) -> f32 {
    let subnormal = x < f32::MIN_POSITIVE;
    let scaled = if subnormal { x * 8_388_608.0 } else { x };
    let exponent_shift = if subnormal { -23.0 } else { 0.0 };
    // The exponent such that the rest lies from sqrt(1/2) to sqrt(2).
    const SQRT_HALF: i32 = std::f32::consts::FRAC_1_SQRT_2.to_bits() as i32;
    let bits = scaled.to_bits() as i32;
    let exponent = (bits.wrapping_sub(SQRT_HALF)) >> 23;
    let rest = f32::from_bits(bits.wrapping_sub(exponent << 23) as u32) - 1.0;
    let n = exponent as f32 + exponent_shift;
    let tail = polynomial(
        rest,
        [
            0.333_333_16,
            -0.250_008_1,
            0.200_023_01,
            -0.166_245_58,
            0.141_809_48,
            -0.131_285_04,
            0.128_829_42,
            -0.078_616_634,
        ],
    );
    let square = rest * rest;
    let low = (square * rest).mul_add(tail, n * LN_2_LOW);
    let value = n.mul_add(LN_2_HIGH, rest + square.mul_add(-0.5, low));
    let value = if x == f32::INFINITY { x } else { value };
    let value = if x == 0.0 { f32::NEG_INFINITY } else { value };
    if x >= 0.0 { value } else { f32::NAN }
}

/// ln(1 + x).
#[inline(always)]
pub(super) fn ln_1p(x: f32) -> f32 {
    let sum = 1.0 + x;
    // What the sum lost to rounding, as a part of it, is what its logarithm lost.
    let lost = (x - (sum - 1.0)) / sum;
    let value = ln(sum) + lost;
    if sum == f32::INFINITY || sum == 0.0 { ln(sum) } else { value }
}

/// Hyperbolic tangent.
#[inline(always)]
pub(super) fn tanh(x: f32) -> f32 {
    let size = x.abs();
    let square = x * x;
    let tail = polynomial(square, [-0.333_332_84, 0.133_314_86, -0.053_743_172, 0.020_649_709, -0.005_716_203]);
    let near = (x * square).mul_add(tail, x);
    let far = 1.0 - 2.0 / (exp(size + size) + 1.0);
    if size < 0.625 { near } else { far.copysign(x) }
}

/// The error function.
#[inline(always)]
pub(super) fn erf(x: f32) -> f32 {
    let size = x.abs();
    let square = x * x;
    let near = polynomial(
        square,
        [0.128_379_17, -0.376_126_3, 0.112_836_25, -0.026_855_662, 0.005_192_202, -0.000_804_741_75, 7.987_429e-5],
    );
    let near = x.mul_add(near, x);
    // exp of a polynomial is what is missing to 1; from 4 on nothing is.
    let inside = if size > 4.0 { 4.0 } else { size };
    let exponent = polynomial(
        inside,
        [0.000_239_251_28, 1.127_495_6, 0.637_485_27, 0.103_665_665, -0.022_098_72, 0.003_011_051_3, -0.000_192_657_4],
    );
    let far = 1.0 - exp(-exponent);
    if size < 0.95 { near } else { far.copysign(x) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest error in units of the last place of the true value (of the least normal number below that), over
    /// every 4999th `f32`.
    fn worst(range: std::ops::RangeInclusive<f32>, function: fn(f32) -> f32, truth: fn(f64) -> f64) -> f64 {
        let mut worst = 0.0f64;
        for bits in (0..=f32::INFINITY.to_bits()).step_by(4_999) {
            for x in [f32::from_bits(bits), -f32::from_bits(bits)] {
                if !range.contains(&x) {
                    continue;
                }
                let (received, expected) = (function(x), truth(f64::from(x)));
                let rounded = expected as f32;
                if received == rounded {
                    continue;
                }
                assert!(received.is_finite() && rounded.is_finite(), "{x:e}: {received:e} but {expected:e}");
                let place = f64::from(rounded.abs().max(f32::MIN_POSITIVE));
                let unit = 2f64.powi(place.log2().floor() as i32 - 23);
                worst = worst.max((f64::from(received) - expected).abs() / unit);
            }
        }
        worst
    }

    fn assert_exact(name: &str, bound: f64, worst: f64) {
        println!("{name}: {worst:.2} units in the last place");
        assert!(worst <= bound, "{name}: {worst} units in the last place");
    }

    #[test]
    fn functions_are_right_to_the_last_place_or_two() {
        let all = f32::NEG_INFINITY..=f32::INFINITY;
        assert_exact("exp", 1.1, worst(all.clone(), exp, f64::exp));
        assert_exact("exp_m1", 2.0, worst(all.clone(), exp_m1, f64::exp_m1));
        assert_exact("ln", 1.1, worst(0.0..=f32::INFINITY, ln, f64::ln));
        assert_exact("ln_1p", 2.0, worst(-1.0..=f32::INFINITY, ln_1p, f64::ln_1p));
        assert_exact("tanh", 1.6, worst(all.clone(), tanh, f64::tanh));
        assert_exact("erf", 1.6, worst(all, erf, libm::erf));
    }

    #[test]
    fn what_is_no_number_stays_none() {
        for function in [exp, exp_m1, ln, ln_1p, tanh, erf] {
            assert!(function(f32::NAN).is_nan());
        }
        assert!(ln(-1.0).is_nan() && ln_1p(-1.5).is_nan());
        assert_eq!(exp(f32::INFINITY), f32::INFINITY);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(ln(0.0), f32::NEG_INFINITY);
        assert_eq!(ln_1p(-1.0), f32::NEG_INFINITY);
    }
}
