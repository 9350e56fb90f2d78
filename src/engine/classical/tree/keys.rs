//! [`Ranks`]: the rank of every value in its column, for searches in which the order of the rows does not matter.

use super::{candidate::THRESHOLD, columns::FeatureColumns};
use crate::engine::{
    classical::{FitError, check_cancel},
    kernel::prefetch_element,
};
use rayon::prelude::*;
use std::sync::atomic::AtomicBool;

/// Samples between the one that is read and the one that is prefetched: those of a node are far from each other in the table.
const AHEAD: usize = 32;

/// One column.
pub(in crate::engine::classical) struct RankedColumn {
    /// The rank of every row's value. A missing value has the rank `values.len()`.
    pub(super) ranks: Vec<u32>,
    /// The distinct values, ascending.
    pub(super) values: Vec<f32>,
    /// Ranks that are further apart than this are values that differ by more than the threshold below which values are equal.
    pub(super) near: u32,
    /// Bits of a rank.
    bits: u32,
    missing: bool,
}

/// All columns, ranked once for all trees.
pub(in crate::engine::classical) struct Ranks(pub(super) Vec<RankedColumn>);

impl Ranks {
    pub(in crate::engine::classical) fn new(columns: &FeatureColumns, cancel: &AtomicBool) -> Result<Self, FitError> {
        let ranked = |at| {
            check_cancel(cancel)?;
            Ok(RankedColumn::new(columns.column(at)))
        };
        (0..columns.count()).into_par_iter().map(ranked).collect::<Result<_, FitError>>().map(Self)
    }
}

/// An integer in the order of the floats; a NaN is last.
fn ordered(value: f32) -> u32 {
    if value.is_nan() {
        return u32::MAX;
    }
    // Both zeros are one value.
    let bits = (value + 0.0).to_bits();
    if bits >> 31 == 0 { bits | 0x8000_0000 } else { !bits }
}

/// The most ranks between two values that are equal by the threshold.
fn near(values: &[f32]) -> u32 {
    let (mut first, mut near) = (0, 0);
    for (rank, value) in values.iter().enumerate() {
        while *value > values[first] + THRESHOLD {
            first += 1;
        }
        near = near.max(rank - first);
    }
    near as u32
}

impl RankedColumn {
    fn new(column: &[f32]) -> Self {
        let mut keys: Vec<u64> =
            column.iter().enumerate().map(|(row, &value)| (u64::from(ordered(value)) << 32) | row as u64).collect();
        let mut scratch = vec![0; keys.len()];
        radix_sort(&mut keys, &mut scratch, 32);
        let mut ranks = vec![0; column.len()];
        let mut values: Vec<f32> = Vec::new();
        let mut last = None;
        for key in keys {
            let (bits, row) = ((key >> 32) as u32, key as u32 as usize);
            if bits != u32::MAX && last != Some(bits) {
                values.push(column[row] + 0.0);
                last = Some(bits);
            }
            ranks[row] = if bits == u32::MAX { u32::MAX } else { values.len() as u32 - 1 };
        }
        for rank in &mut ranks {
            *rank = (*rank).min(values.len() as u32);
        }
        let near = near(&values);
        let bits = u32::BITS - (values.len() as u32).leading_zeros();
        let missing = column.iter().any(|value| value.is_nan());
        Self { ranks, values, near, bits, missing }
    }

    /// Whether the column has missing values.
    pub(super) fn has_missing(&self) -> bool {
        self.missing
    }

    /// Fills `keys` with `rank << 32 | payload` of the samples, ascending by rank.
    pub(super) fn sorted_keys(&self, samples: &[u32], payloads: &[u32], keys: &mut Vec<u64>, scratch: &mut Vec<u64>) {
        keys.clear();
        let keys_of = samples.iter().enumerate().map(|(place, &sample)| {
            prefetch_element(&self.ranks, samples.get(place + AHEAD).map_or(0, |sample| *sample as usize));
            (u64::from(self.ranks[sample as usize]) << 32) | u64::from(payloads[sample as usize])
        });
        keys.extend(keys_of);
        if keys.len() < 192 {
            keys.sort_unstable();
            return;
        }
        if scratch.len() < keys.len() {
            scratch.resize(keys.len(), 0);
        }
        let length = keys.len();
        radix_sort(keys, &mut scratch[..length], self.bits);
    }
}

/// Sorts by the upper half, of which the low `bits` bits are used, in passes of equal width.
fn radix_sort(keys: &mut [u64], scratch: &mut [u64], bits: u32) {
    const MAX_WIDTH: u32 = 11;
    let widest = if keys.len() < 2048 { 8 } else { MAX_WIDTH };
    let passes = bits.div_ceil(widest).max(1);
    let width = bits.div_ceil(passes).max(1);
    let mask = (1u64 << width) - 1;
    let mut swapped = false;
    for pass in 0..passes {
        let shift = 32 + pass * width;
        let (from, to) = if swapped { (&mut *scratch, &mut *keys) } else { (&mut *keys, &mut *scratch) };
        let mut starts = [0u32; 1 << MAX_WIDTH];
        for key in from.iter() {
            starts[((key >> shift) & mask) as usize] += 1;
        }
        let mut sum = 0;
        for start in &mut starts[..1 << width] {
            let count = *start;
            *start = sum;
            sum += count;
        }
        for &key in from.iter() {
            let start = &mut starts[((key >> shift) & mask) as usize];
            to[*start as usize] = key;
            *start += 1;
        }
        swapped = !swapped;
    }
    if swapped {
        keys.copy_from_slice(scratch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_follow_the_values() {
        let column = [3.0, -1.0, f32::NAN, 0.0, -0.0, 3.0, f32::NEG_INFINITY, 1e-9];
        let ranked = RankedColumn::new(&column);
        assert_eq!(ranked.ranks, [4, 1, 5, 2, 2, 4, 0, 3]);
        assert_eq!(ranked.values, [f32::NEG_INFINITY, -1.0, 0.0, 1e-9, 3.0]);
        assert_eq!(ranked.near, 1, "0 and 1e-9 are equal");
        assert_eq!((near(&[]), near(&[1.0, 2.0]), near(&[0.0, 4e-8, 8e-8, 1.6e-7])), (0, 0, 2));
    }

    #[test]
    fn keys_are_sorted_at_every_length() {
        let mut checked = 0;
        for length in [1usize, 10, 191, 192, 2047, 2048, 9000] {
            let column: Vec<f32> = (0..length).map(|row| ((row * 7919) % 4099) as f32 - 1000.0).collect();
            let ranked = RankedColumn::new(&column);
            let samples: Vec<u32> = (0..length as u32).collect();
            let (mut keys, mut scratch) = (Vec::new(), Vec::new());
            ranked.sorted_keys(&samples, &samples, &mut keys, &mut scratch);
            assert!(keys.is_sorted());
            assert!(keys.iter().all(|key| ranked.values[(key >> 32) as usize] == column[*key as u32 as usize]));
            checked += keys.len();
        }
        assert_eq!(checked, 1 + 10 + 191 + 192 + 2047 + 2048 + 9000);
    }
}
