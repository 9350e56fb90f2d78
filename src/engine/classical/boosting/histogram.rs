//! [`Histogram`]: sums of gradients and hessians, and counts, of every bin of a node.

use super::bins::{BINS, BinnedRows, GROUP};
use crate::engine::kernel::prefetch_element;
use rayon::prelude::*;

/// Rows of a part of a histogram. The parts are added in order, so that the sums do not depend on the threads.
const BLOCK: usize = 1 << 17;

/// Rows times columns of a node from which its histogram is computed in parallel.
pub(super) const PARALLEL: usize = 1 << 13;

/// Rows of a node between the one that is read and the one that is prefetched: they are far from each other in the table.
pub(super) const AHEAD: usize = 32;

/// Bins of a group of columns.
pub(super) const GROUP_BINS: usize = GROUP * BINS;

/// The histogram of a group of columns.
#[derive(Debug, Clone)]
pub(super) struct GroupHistogram {
    /// Gradient and hessian of every bin of every column. The hessian is the count where all hessians are 1.
    sums: Vec<[f64; 2]>,
    /// Rows of every bin; empty where the hessian is the count.
    counts: Vec<u32>,
}

/// One bin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bin {
    pub(super) gradient: f64,
    pub(super) hessian: f64,
    pub(super) count: u32,
}

/// The histograms of all groups of columns.
pub(super) type Histogram = Vec<GroupHistogram>;

impl GroupHistogram {
    pub(super) fn new(constant_hessian: bool) -> Self {
        let counts = if constant_hessian { Vec::new() } else { vec![0; GROUP_BINS] };
        Self { sums: vec![[0.0; 2]; GROUP_BINS], counts }
    }

    /// Bytes of one.
    pub(super) fn bytes() -> u64 {
        (GROUP_BINS * 20) as u64
    }

    fn clear(&mut self) {
        self.sums.fill([0.0; 2]);
        self.counts.fill(0);
    }

    /// The bins of a column of the group.
    pub(super) fn column(&self, place: usize) -> impl Fn(usize) -> Bin + '_ {
        let first = place * BINS;
        let (sums, counts) = (&self.sums[first..first + BINS], self.counts.get(first..first + BINS));
        move |bin| {
            let [gradient, hessian] = sums[bin];
            let count = counts.map_or(hessian as u32, |counts| counts[bin]);
            Bin { gradient, hessian, count }
        }
    }

    /// Adds rows: `pairs` are their gradients and hessians.
    fn add_rows<'a>(&mut self, bins: impl Iterator<Item = &'a [u8; GROUP]>, pairs: &[[f32; 2]]) {
        let Ok(sums) = <&mut [[f64; 2]; GROUP_BINS]>::try_from(self.sums.as_mut_slice()) else { return };
        let counts = <&mut [u32; GROUP_BINS]>::try_from(self.counts.as_mut_slice());
        let add = |sums: &mut [[f64; 2]; GROUP_BINS], at: usize, gradient: f64, hessian: f64| {
            sums[at] = [sums[at][0] + gradient, sums[at][1] + hessian];
        };
        match counts {
            Ok(counts) => {
                for (bins, pair) in bins.zip(pairs) {
                    let (gradient, hessian) = (f64::from(pair[0]), f64::from(pair[1]));
                    for (place, &bin) in bins.iter().enumerate() {
                        let at = place * BINS + usize::from(bin);
                        add(sums, at, gradient, hessian);
                        counts[at] += 1;
                    }
                }
            }
            Err(_) => {
                for (bins, pair) in bins.zip(pairs) {
                    let gradient = f64::from(pair[0]);
                    for (place, &bin) in bins.iter().enumerate() {
                        add(sums, place * BINS + usize::from(bin), gradient, 1.0);
                    }
                }
            }
        }
    }

    fn add_part(&mut self, part: &Self) {
        for (sum, part) in self.sums.iter_mut().zip(&part.sums) {
            *sum = [sum[0] + part[0], sum[1] + part[1]];
        }
        for (count, part) in self.counts.iter_mut().zip(&part.counts) {
            *count += part;
        }
    }

    /// What is left of a node without one of its children.
    pub(super) fn subtract(&mut self, child: &Self) {
        for (sum, child) in self.sums.iter_mut().zip(&child.sums) {
            *sum = [sum[0] - child[0], sum[1] - child[1]];
        }
        for (count, child) in self.counts.iter_mut().zip(&child.counts) {
            *count -= child;
        }
    }
}

/// The rows of a node: all rows in their order, or some.
#[derive(Clone, Copy)]
pub(super) struct NodeRows<'a> {
    /// `None` for all rows.
    pub(super) rows: Option<&'a [u32]>,
    /// Gradients and hessians of the rows.
    pub(super) pairs: &'a [[f32; 2]],
}

impl NodeRows<'_> {
    fn add_to(&self, histogram: &mut GroupHistogram, bins: &[[u8; GROUP]], start: usize, end: usize) {
        let pairs = &self.pairs[start..end];
        match self.rows {
            None => histogram.add_rows(bins[start..end].iter(), pairs),
            Some(rows) => {
                let ahead = rows.get(start + AHEAD..).unwrap_or_default();
                let bins = rows[start..end].iter().enumerate().map(|(place, &row)| {
                    prefetch_element(bins, ahead.get(place).map_or(0, |row| *row as usize));
                    &bins[row as usize]
                });
                histogram.add_rows(bins, pairs);
            }
        }
    }

    /// Computes the histogram of one group of a node that is not too long.
    pub(super) fn fill(&self, histogram: &mut GroupHistogram, bins: &[[u8; GROUP]]) {
        histogram.clear();
        self.add_to(histogram, bins, 0, self.pairs.len());
    }

    /// Whether parts are computed in parallel.
    pub(super) fn is_long(&self) -> bool {
        self.pairs.len() > BLOCK
    }

    /// Computes the histogram of a long node by parts.
    pub(super) fn fill_long(&self, histogram: &mut Histogram, binned: &BinnedRows, constant_hessian: bool) {
        let length = self.pairs.len();
        let blocks = length.div_ceil(BLOCK);
        let part = |task: usize| {
            let (group, block) = (task / blocks, task % blocks);
            let mut part = GroupHistogram::new(constant_hessian);
            self.add_to(&mut part, &binned.groups[group], block * BLOCK, ((block + 1) * BLOCK).min(length));
            part
        };
        let parts: Vec<GroupHistogram> = (0..binned.groups.len() * blocks).into_par_iter().map(part).collect();
        histogram.par_iter_mut().zip(parts.par_chunks(blocks)).for_each(|(histogram, parts)| {
            histogram.clear();
            parts.iter().for_each(|part| histogram.add_part(part));
        });
    }
}
