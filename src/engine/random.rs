//! Random number streams: numbers depend on a seed, a purpose and an index, never on a thread.

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// The purpose of random numbers; streams of different purposes are independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Initialization of weights.
    Initialize = 1,
    /// The order of the rows.
    Shuffle = 2,
    /// Noise in layers, such as dropout.
    Noise = 3,
}

/// The stream for `purpose`, number `index` (a parameter, an epoch, a layer).
pub fn stream(seed: u64, purpose: Purpose, index: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&(purpose as u64).to_le_bytes());
    key[16..24].copy_from_slice(&index.to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// The source of the random numbers of some rows of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Noise {
    /// The fit's seed.
    pub seed: u64,
    /// The step, counted over the whole fit.
    pub step: u64,
    /// The layer.
    pub layer: u64,
    /// First row in the batch.
    pub first_row: usize,
}

impl Noise {
    /// The numbers of these rows, for a layer that draws `words` 32-bit words per row. `seed` replaces that of the fit.
    pub fn stream(&self, seed: Option<u64>, words: usize) -> ChaCha8Rng {
        let mut random = stream(seed.unwrap_or(self.seed), Purpose::Noise, self.layer);
        random.set_stream(self.step);
        random.set_word_pos(self.first_row as u128 * words as u128);
        random
    }
}
