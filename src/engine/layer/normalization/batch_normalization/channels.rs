//! [`Channels`].

use crate::engine::{layer::normalization::normalize::sum, real::Real, shape::Shape};
use std::ops::Range;

/// Where the elements of each channel lie, and which of them have a mean and a variance of their own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Channels {
    /// How many channels there are.
    pub count: usize,
    /// Neighbouring elements of one channel: those of the axes after it.
    inner: usize,
    /// Elements of a row.
    pub cells: usize,
    /// Elements of the last axis, for each of which together a mask has one.
    width: usize,
    /// Rows one after the other of which each has statistics of its own: the steps of `time_distributed`.
    pub groups: usize,
}

impl Channels {
    /// Those along `axis` of a sample.
    pub fn new(axis: usize, shape: &Shape, groups: usize) -> Self {
        let count = shape.0.get(axis).copied().unwrap_or(1);
        let inner = shape.0.iter().skip(axis + 1).product();
        Self { count, inner, cells: shape.elements(), width: shape.last(), groups }
    }

    /// How many means there are, and as many variances: [groups, channels].
    pub fn statistics(self) -> usize {
        self.groups * self.count
    }

    /// Whether neighbouring elements are of neighbouring channels, and all rows alike.
    pub fn plain(self) -> bool {
        self.inner == 1 && self.groups == 1
    }

    /// Whose mean an element of [rows, elements] is measured by.
    fn statistic(self, cell: usize) -> usize {
        cell / self.cells % self.groups * self.count + cell / self.inner % self.count
    }

    /// For each statistic, the sum of `term(a, b, statistic)` over its elements that the mask shows.
    pub fn sums<F: Real>(
        self,
        [a, b]: [&[F]; 2],
        mask: Option<&[F]>,
        sums: &mut [f64],
        term: impl Fn(F, F, usize) -> F,
    ) {
        sums.fill(0.0);
        for start in (0..a.len()).step_by(self.inner) {
            let (cells, statistic) = (start..start + self.inner, self.statistic(start));
            sums[statistic] += match mask {
                None => sum(&a[cells.clone()], &b[cells], |a, b| term(a, b, statistic)).to_f64(),
                Some(mask) => {
                    let shown = cells.filter(|cell| mask[cell / self.width] != F::ZERO);
                    shown.map(|cell| term(a[cell], b[cell], statistic).to_f64()).sum()
                }
            };
        }
    }

    /// For each channel, the sum of `term(a, b, channel)` over its elements; added to `sums` where they `accumulate`.
    pub fn channel_sums<F: Real>(
        self,
        [a, b]: [&[F]; 2],
        sums: &mut [F],
        accumulate: bool,
        term: impl Fn(F, F, usize) -> F,
    ) {
        if !accumulate {
            sums.fill(F::ZERO);
        }
        for start in (0..a.len()).step_by(self.inner) {
            let (elements, channel) = (start..start + self.inner, start / self.inner % self.count);
            sums[channel] += sum(&a[elements.clone()], &b[elements], |a, b| term(a, b, channel));
        }
    }

    /// Writes `f(a, b, channel)` for each element.
    #[inline(always)]
    pub fn map<F: Real>(self, [a, b]: [&[F]; 2], y: &mut [F], f: impl Fn(F, F, usize) -> F) {
        let Self { count, inner, .. } = self;
        let blocks =
            y.chunks_exact_mut(count * inner).zip(a.chunks_exact(count * inner).zip(b.chunks_exact(count * inner)));
        for (y, (a, b)) in blocks {
            if inner == 1 {
                for c in 0..count {
                    y[c] = f(a[c], b[c], c);
                }
            } else {
                let runs = y.chunks_exact_mut(inner).zip(a.chunks_exact(inner).zip(b.chunks_exact(inner)));
                for (c, (y, (a, b))) in runs.enumerate() {
                    y.iter_mut().zip(a.iter().zip(b)).for_each(|(y, (&a, &b))| *y = f(a, b, c));
                }
            }
        }
    }

    /// Calls `f` with each element that the mask hides, its statistic and its channel.
    pub fn each_hidden<F: Real>(self, mask: &[F], mut f: impl FnMut(usize, usize, usize)) {
        for (step, _) in mask.iter().enumerate().filter(|(_, shown)| **shown == F::ZERO) {
            for cell in step * self.width..(step + 1) * self.width {
                let statistic = self.statistic(cell);
                f(cell, statistic, statistic % self.count);
            }
        }
    }

    /// The statistics of a group among those of all.
    pub fn of_group(self, group: usize) -> Range<usize> {
        group * self.count..(group + 1) * self.count
    }
}
