//! [`sort_by`]: sorting that can be cancelled.

use crate::engine::cancel::is_cancelled;
use std::cmp::Ordering;

/// Elements that are sorted, or merged, between two looks at the flag: a few milliseconds.
const BLOCK: usize = 1 << 16;

/// As the `sort_by` of slices, which keeps the order of equal elements; ends early once cancelled, in any order.
pub fn sort_by<T: Copy>(values: &mut Vec<T>, compare: impl Fn(&T, &T) -> Ordering) {
    for block in values.chunks_mut(BLOCK) {
        if is_cancelled() {
            return;
        }
        block.sort_by(&compare);
    }
    let mut merged = Vec::new();
    let mut sorted = BLOCK;
    while sorted < values.len() {
        merged.clear();
        merged.reserve_exact(values.len());
        for pair in values.chunks(2 * sorted) {
            let (left, right) = pair.split_at(sorted.min(pair.len()));
            if !merge(left, right, &mut merged, &compare) {
                return;
            }
        }
        std::mem::swap(values, &mut merged);
        sorted *= 2;
    }
}

/// Appends both to `merged`; of equal elements, those of `left` are first. False where it is cancelled before the end.
fn merge<T: Copy>(left: &[T], right: &[T], merged: &mut Vec<T>, compare: impl Fn(&T, &T) -> Ordering) -> bool {
    let (mut left, mut right) = (left, right);
    let mut until_look = 0;
    while let ([first, others @ ..], [second, rest @ ..]) = (left, right) {
        if until_look == 0 {
            if is_cancelled() {
                return false;
            }
            until_look = BLOCK;
        }
        until_look -= 1;
        if compare(second, first) == Ordering::Less {
            merged.push(*second);
            right = rest;
        } else {
            merged.push(*first);
            left = others;
        }
    }
    merged.extend_from_slice(left);
    merged.extend_from_slice(right);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::cancel::Cancellation;
    use std::sync::{Arc, atomic::AtomicBool};

    fn numbers(count: usize) -> Vec<(u32, usize)> {
        (0..count).map(|index| ((index as u32).wrapping_mul(2_654_435_761) >> 18, index)).collect()
    }

    #[test]
    fn it_sorts_as_the_standard_library() {
        for count in [0, 1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 5 * BLOCK + 7] {
            let (mut received, mut expected) = (numbers(count), numbers(count));
            sort_by(&mut received, |a, b| a.0.cmp(&b.0));
            expected.sort_by_key(|row| row.0);
            assert_eq!(received, expected, "{count}");
        }
    }

    #[test]
    fn it_ends_early_and_loses_nothing() {
        let cancelled = Cancellation::new(&Arc::new(AtomicBool::new(true)));
        let mut received = numbers(3 * BLOCK);
        cancelled.within(|| sort_by(&mut received, |a, b| a.0.cmp(&b.0)));
        assert_eq!(received, numbers(3 * BLOCK));
    }
}
