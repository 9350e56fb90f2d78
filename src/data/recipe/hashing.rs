//! [`Hashing`]: scikit-learn's FeatureHasher over `column=level`.

use serde::{Deserialize, Serialize};

/// What is stored of a hashed category: nothing is fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hashing {
    /// Number of elements.
    pub n_features: usize,
    /// Whether half of the levels are -1 rather than 1.
    pub alternate_sign: bool,
}

impl Hashing {
    /// The element of a level, and its value.
    pub fn element(&self, column: &str, level: &str) -> (usize, f64) {
        let hash = murmur3([column.as_bytes(), b"=", level.as_bytes()]) as i32;
        let element = hash.unsigned_abs() as usize % self.n_features.max(1);
        (element, if self.alternate_sign && hash < 0 { -1.0 } else { 1.0 })
    }
}

/// MurmurHash3, x86 32 bit, seed 0.
fn murmur3(parts: [&[u8]; 3]) -> u32 {
    let mix = |block: u32| block.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let (mut hash, mut block, mut length) = (0u32, 0u32, 0u32);
    for &byte in parts.into_iter().flatten() {
        block |= u32::from(byte) << (8 * (length % 4));
        length = length.wrapping_add(1);
        if length.is_multiple_of(4) {
            hash = (hash ^ mix(block)).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
            block = 0;
        }
    }
    if !length.is_multiple_of(4) {
        hash ^= mix(block);
    }
    hash ^= length;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}
