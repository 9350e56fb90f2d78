//! The exponential function of `f64` without branches and calls, so that loops over it vectorize.

/// Adding and subtracting it rounds to an integer, whose bits are then the low ones: 1.5 * 2^52.
const ROUND: f64 = 6_755_399_441_055_744.0;
const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// 1/n! for n from 2 to 13.
const TAYLOR: [f64; 12] = [
    1.0 / 2.0,
    1.0 / 6.0,
    1.0 / 24.0,
    1.0 / 120.0,
    1.0 / 720.0,
    1.0 / 5_040.0,
    1.0 / 40_320.0,
    1.0 / 362_880.0,
    1.0 / 3_628_800.0,
    1.0 / 39_916_800.0,
    1.0 / 479_001_600.0,
    1.0 / 6_227_020_800.0,
];

/// e to the power of x, with a relative error below 3e-16 from -708 to 709; constant beyond.
///
/// x = n ln(2) + r with |r| <= ln(2)/2, and the Taylor polynomial of degree 13 for r.
#[inline(always)]
pub(crate) fn exp(x: f64) -> f64 {
    let x = if x > 709.0 { 709.0 } else { x };
    let x = if x < -708.0 { -708.0 } else { x };
    let shifted = x.mul_add(std::f64::consts::LOG2_E, ROUND);
    let n = shifted.to_bits().wrapping_sub(ROUND.to_bits());
    let whole = shifted - ROUND;
    let r = whole.mul_add(-LN_2_LOW, whole.mul_add(-LN_2_HIGH, x));
    let mut tail = 0.0;
    for coefficient in TAYLOR.into_iter().rev() {
        tail = f64::mul_add(tail, r, coefficient);
    }
    let power = (r * r).mul_add(tail, r) + 1.0;
    power * f64::from_bits(n.wrapping_add(1023) << 52)
}

#[cfg(test)]
mod tests {
    use super::exp;

    #[test]
    fn the_relative_error_is_below_3e_16() {
        let mut checked = 0;
        for step in -70_800..=70_900 {
            let x = f64::from(step) * 0.01 + f64::from(step % 7) * 1e-4;
            let x = x.clamp(-708.0, 709.0);
            assert!((exp(x) / x.exp() - 1.0).abs() < 4.5e-16, "{x}: {} {}", exp(x), x.exp());
            checked += 1;
        }
        assert_eq!(checked, 141_701);
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(-1e300) < 1e-300 && exp(f64::NAN).is_nan());
    }
}
