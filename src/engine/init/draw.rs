//! Random distributions.

use super::Stop;
use rand_chacha::{ChaCha8Rng, rand_core::Rng};

/// Fills `values` one after the other; ends early if it is stopped.
pub(super) fn fill<T>(values: &mut [T], stop: Stop<'_>, mut draw: impl FnMut() -> T) {
    const CHUNK: usize = 1 << 14;
    for chunk in values.chunks_mut(CHUNK) {
        if stop() {
            return;
        }
        chunk.fill_with(&mut draw);
    }
}

/// Uniform in `[0, 1)`, with 53 random bits.
pub(super) fn unit(random: &mut ChaCha8Rng) -> f64 {
    (random.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// Standard normal (Box-Muller; libm has the same bits on every platform).
pub(crate) fn normal(random: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * libm::log(1.0 - unit(random))).sqrt();
    radius * libm::cos(std::f64::consts::TAU * unit(random))
}

/// Standard normal, redrawn beyond two standard deviations.
pub(super) fn truncated_normal(random: &mut ChaCha8Rng) -> f64 {
    loop {
        let value = normal(random);
        if value.abs() <= 2.0 {
            return value;
        }
    }
}
