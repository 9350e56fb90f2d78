//! Quantiles and histogram of a number column, in bounded memory.

use crate::data::schema::{Histogram, Quantiles};

/// Values that all columns of a table keep together.
const MAX_KEPT: usize = 1 << 22;
/// Minimum values that a column keeps.
const MIN_KEPT: usize = 1 << 10;
/// Maximum bins of a histogram.
const MAX_BINS: usize = 20;

/// How the numbers of a column are distributed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Distribution {
    pub quantiles: Quantiles,
    pub histogram: Histogram,
    /// Number of values that these are of, if not all.
    pub sampled: Option<u64>,
    /// How many of them are different.
    pub distinct: u64,
}

/// The values of a column: all of them, or a uniform sample. The n-th value is kept if the hash of n begins with `zeros` zeros, one
/// more each time that there are too many, so that the cost of a value does not depend on whether it is kept.
#[derive(Debug, Clone, Default)]
pub(super) struct Sample {
    /// Those that are kept, and room for more.
    values: Vec<f64>,
    kept: usize,
    seen: u64,
    capacity: usize,
    zeros: u32,
}

impl Sample {
    /// For a column of a table of so many columns.
    pub fn new(columns: usize) -> Self {
        Self { capacity: (MAX_KEPT / columns.max(1)).max(MIN_KEPT), ..Self::default() }
    }

    #[inline]
    pub fn add(&mut self, value: f64) {
        if self.kept == self.values.len() {
            self.make_room();
        }
        self.seen += 1;
        if let Some(next) = self.values.get_mut(self.kept) {
            *next = value;
            self.kept += usize::from(mix(self.seen).leading_zeros() >= self.zeros);
        }
    }

    #[cold]
    fn make_room(&mut self) {
        if self.values.len() < self.capacity {
            self.values.resize((self.values.len() * 2).max(16).min(self.capacity), 0.0);
            return;
        }
        while self.kept == self.values.len() {
            let (mut from, mut to) = (0, 0);
            for index in 1..=self.seen {
                let zeros = mix(index).leading_zeros();
                if zeros >= self.zeros {
                    self.values.copy_within(from..=from, to);
                    from += 1;
                    to += usize::from(zeros > self.zeros);
                }
            }
            self.zeros += 1;
            self.kept = to;
        }
    }

    /// The distribution of the values; none if there are none.
    pub fn distribution(mut self) -> Option<Distribution> {
        self.values.truncate(self.kept);
        self.values.sort_unstable_by(f64::total_cmp);
        let sampled = (self.seen > self.values.len() as u64).then_some(self.values.len() as u64);
        let counted: Vec<(f64, u64)> = self.values.into_iter().map(|value| (value, 1)).collect();
        of_counted(&counted).map(|distribution| Distribution { sampled, ..distribution })
    }
}

/// SplitMix64.
fn mix(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The distribution of values in ascending order, each with its count.
pub(super) fn of_counted(values: &[(f64, u64)]) -> Option<Distribution> {
    let (&(min, _), &(max, _)) = (values.first()?, values.last()?);
    let mut count = 0u64;
    // the number of values up to each, itself included
    let ends: Vec<u64> = values
        .iter()
        .map(|(_, of_value)| {
            count += of_value;
            count
        })
        .collect();
    let at = |position: u64| {
        let found = values.get(ends.partition_point(|end| *end <= position));
        found.map_or(max, |(value, _)| *value)
    };
    // NumPy's default: linear between the two nearest values
    let quantile = |share: f64| {
        let position = share * (count - 1) as f64;
        let (low, high) = (at(position.floor() as u64), at(position.ceil() as u64));
        low + (high - low) * position.fract()
    };
    let quantiles = Quantiles {
        q05: quantile(0.05),
        q25: quantile(0.25),
        q50: quantile(0.5),
        q75: quantile(0.75),
        q95: quantile(0.95),
    };
    let different = values.windows(2).filter(|pair| matches!(pair, [(a, _), (b, _)] if a < b)).count() + 1;
    let histogram = histogram(values, different, min, max);
    Some(Distribution { quantiles, histogram, sampled: None, distinct: different as u64 })
}

/// Bins of equal width; the last one includes the maximum, as NumPy's.
fn histogram(values: &[(f64, u64)], distinct: usize, min: f64, max: f64) -> Histogram {
    let bins = distinct.min(MAX_BINS);
    // half of each: the range of finite numbers may be infinite
    let width = (max / 2.0 - min / 2.0) / bins as f64 * 2.0;
    let edge = |bin: usize| if bin == bins { max } else { min + width * bin as f64 };
    let edges: Vec<f64> = (0..=bins).map(edge).collect();
    let mut counts = vec![0; bins];
    let mut bin = 0;
    for (value, count) in values {
        while bin + 1 < bins && edges.get(bin + 1).is_some_and(|edge| value >= edge) {
            bin += 1;
        }
        if let Some(sum) = counts.get_mut(bin) {
            *sum += count;
        }
    }
    Histogram { edges, counts }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `numpy.quantile` and `numpy.histogram` of NumPy 2.4.6 for `(arange(37) * 7919 % 101) / 8`.
    #[test]
    fn as_numpy() {
        let mut sample = Sample::new(1);
        (0..37u32).for_each(|index| sample.add(f64::from(index * 7919 % 101) / 8.0));
        let Distribution { quantiles, histogram, sampled, distinct } = sample.distribution().unwrap();
        assert_eq!((sampled, distinct), (None, 37));
        assert_eq!(
            [quantiles.q05, quantiles.q25, quantiles.q50, quantiles.q75, quantiles.q95]
                .map(|it| (it * 1e6).round() / 1e6),
            QUANTILES
        );
        assert_eq!(histogram.counts, COUNTS);
        assert_eq!((histogram.edges[0], histogram.edges[20], histogram.edges.len()), (0.0, MAX, 21));
    }

    const QUANTILES: [f64; 5] = [0.675, 3.125, 6.25, 9.375, 11.825];
    const COUNTS: [u64; 20] = [2, 2, 1, 2, 2, 2, 2, 1, 3, 1, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2];
    const MAX: f64 = 12.5;

    #[test]
    fn few_values_and_a_sample() {
        let one = of_counted(&[(4.0, 3)]).unwrap();
        assert_eq!((one.quantiles.q05, one.histogram.edges, one.histogram.counts), (4.0, vec![4.0, 4.0], vec![3]));
        assert!(of_counted(&[]).is_none());
        let two = of_counted(&[(-1e308, 1), (1e308, 1)]).unwrap();
        assert_eq!((two.histogram.counts, two.histogram.edges[1]), (vec![1, 1], 0.0));
        let mut sample = Sample::new(1 << 20);
        (0..100_000).for_each(|value| sample.add(f64::from(value)));
        let sampled = sample.distribution().unwrap();
        let kept = sampled.sampled.unwrap();
        assert!((400..=1024).contains(&kept), "{kept}");
        assert_eq!(sampled.histogram.counts.iter().sum::<u64>(), kept);
        assert!((sampled.quantiles.q50 - 50_000.0).abs() < 6000.0, "{sampled:?}");
    }
}
