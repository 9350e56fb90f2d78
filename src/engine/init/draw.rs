//! Random numbers that an initializer is made of.

use rand_chacha::{ChaCha8Rng, rand_core::Rng};

/// Evenly from 0 to 1, without 1; 53 random bits.
pub(super) fn unit(random: &mut ChaCha8Rng) -> f64 {
    (random.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// From a standard normal distribution (Box and Muller; libm gives the same bits everywhere).
pub(crate) fn normal(random: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * libm::log(1.0 - unit(random))).sqrt();
    radius * libm::cos(std::f64::consts::TAU * unit(random))
}

/// From a standard normal distribution, drawn again until it lies within two standard deviations.
pub(super) fn truncated_normal(random: &mut ChaCha8Rng) -> f64 {
    loop {
        let value = normal(random);
        if value.abs() <= 2.0 {
            return value;
        }
    }
}
