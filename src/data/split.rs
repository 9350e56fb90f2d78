//! Which rows train and which validate.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// The stream of a seed's random numbers that the split draws from; a fit draws from others.
const STREAM: u64 = u64::from_le_bytes(*b"split\0\0\0");

/// Row indices of both parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Rows to learn from.
    pub training: Vec<usize>,
    /// Rows to measure on.
    pub validation: Vec<usize>,
}

/// How many of `rows` train when the last `validation_split` of them validate: Keras's `int(rows * (1 - split))`.
pub fn training_rows(rows: usize, validation_split: f64) -> usize {
    (rows as f64 * (1.0 - validation_split)).floor() as usize
}

/// The last `validation_split` of the rows validate, after a seeded shuffle where `shuffle`.
///
/// The order depends on `rows` and `seed` alone: it is the same on every machine.
pub fn split(rows: usize, validation_split: f64, shuffle: bool, seed: u64) -> Split {
    let mut training: Vec<usize> = (0..rows).collect();
    if shuffle && validation_split > 0.0 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(STREAM);
        for last in (1..rows).rev() {
            training.swap(last, below(last as u64 + 1, &mut random) as usize);
        }
    }
    let validation = training.split_off(training_rows(rows, validation_split));
    Split { training, validation }
}

/// A number from 0 to `bound` - 1: the high half of a 64 by 64 bit product, whose bias is under rows / 2^64.
fn below(bound: u64, random: &mut ChaCha8Rng) -> u64 {
    ((u128::from(random.next_u64()) * u128::from(bound)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_are_those_of_keras() {
        // `int(math.floor(rows * (1.0 - split)))`, computed by CPython 3.12
        for (rows, fraction, expected) in
            [(150, 0.2, 120), (100, 0.1, 90), (10, 0.33, 6), (3, 0.9, 0), (569, 0.25, 426), (100, 0.29, 71)]
        {
            assert_eq!(training_rows(rows, fraction), expected, "{rows} rows at {fraction}");
        }
    }

    #[test]
    fn without_shuffle_the_last_rows_validate() {
        let split = split(10, 0.3, false, 1);
        assert_eq!(split.training, [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(split.validation, [7, 8, 9]);
    }

    #[test]
    fn without_validation_the_order_is_the_files() {
        assert_eq!(split(5, 0.0, true, 9).training, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn every_row_is_as_likely_to_validate() {
        let mut chosen = [0u32; 10];
        for seed in 0..5000 {
            for row in split(10, 0.2, true, seed).validation {
                chosen[row] += 1;
            }
        }
        // 1000 expected each, standard deviation 28
        assert!(chosen.iter().all(|count| (860..1140).contains(count)), "{chosen:?}");
    }

    proptest! {
        #[test]
        fn parts_hold_every_row_once(rows in 0usize..400, fraction in 0.0f64..1.0, shuffle: bool, seed: u64) {
            let parts = split(rows, fraction, shuffle, seed);
            prop_assert_eq!(parts.training.len(), training_rows(rows, fraction));
            let mut all = [parts.training.clone(), parts.validation.clone()].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..rows).collect::<Vec<_>>());
            prop_assert_eq!(parts, split(rows, fraction, shuffle, seed));
        }
    }
}
