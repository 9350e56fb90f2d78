//! Kernel matrices of the two problems: rows on demand.

use super::{
    cache::RowCache,
    function::{Function, Normed},
};
use crate::engine::classical::numeric::points::LANES;
use rayon::prelude::*;

/// Elements of a row that one thread computes at a time, where several threads share a row.
const SHARE: usize = 1 << 11;

/// The kernel matrix of a problem of [`super::solver`], whose variables are numbered in a changing order.
pub(crate) trait KernelMatrix {
    /// Computes the first `length` elements of the row `i` into `slot`, 0 or 1.
    fn prepare(&mut self, slot: usize, i: usize, length: usize);
    /// The row that was last prepared in `slot`. Preparing the other slot does not change it.
    fn row(&self, slot: usize) -> &[f32];
    /// Exchanges variables, one pair after the other.
    fn swap(&mut self, swaps: &[(usize, usize)]);
}

/// Rows of k(x, x) of some points, through a cache.
#[derive(Debug)]
struct Rows {
    function: Function,
    points: Normed,
    cache: RowCache,
    x: Vec<f64>,
}

impl Rows {
    fn new(function: Function, points: Normed, columns: usize, cache_bytes: u64) -> Self {
        let cache = RowCache::new(points.points.len(), cache_bytes);
        Self { function, points, cache, x: vec![0.0; columns] }
    }

    fn compute(&mut self, i: usize, length: usize) {
        let (known, row) = self.cache.reserve(i, length);
        if known >= length {
            return;
        }
        self.points.points.copy(i, &mut self.x);
        let (function, points, x, norm) = (self.function, &self.points, &self.x[..], self.points.norms[i]);
        // Rows are computed from the start of a block on.
        let first = known / LANES * LANES;
        let row = &mut row[first..];
        if row.len() < 2 * SHARE {
            function.row(points, first, x, norm, row);
        } else {
            let parts = row.par_chunks_mut(SHARE).enumerate();
            parts.for_each(|(part, row)| function.row(points, first + part * SHARE, x, norm, row));
        }
    }
}

/// The kernel matrix of a classifier: a variable for each point.
#[derive(Debug)]
pub(crate) struct ClassifierMatrix {
    rows: Rows,
    slots: [usize; 2],
}

impl ClassifierMatrix {
    /// The matrix of `points`.
    pub(crate) fn new(function: Function, points: Normed, columns: usize, cache_bytes: u64) -> Self {
        Self { rows: Rows::new(function, points, columns, cache_bytes), slots: [0; 2] }
    }
}

impl KernelMatrix for ClassifierMatrix {
    fn prepare(&mut self, slot: usize, i: usize, length: usize) {
        self.rows.compute(i, length);
        self.slots[slot] = i;
    }

    fn row(&self, slot: usize) -> &[f32] {
        self.rows.cache.row(self.slots[slot])
    }

    fn swap(&mut self, swaps: &[(usize, usize)]) {
        for &(a, b) in swaps {
            self.rows.points.swap(a, b);
        }
        self.rows.cache.swap(swaps);
    }
}

/// The kernel matrix of a regressor: two variables for each point, so that only its rows are exchanged.
#[derive(Debug)]
pub(crate) struct RegressorMatrix {
    rows: Rows,
    /// The point of each variable.
    points: Vec<u32>,
    slots: [Vec<f32>; 2],
}

impl RegressorMatrix {
    /// The matrix of `points`, followed by the same points again.
    pub(crate) fn new(function: Function, points: Normed, columns: usize, cache_bytes: u64) -> Self {
        let count = points.points.len();
        let numbers = (0..2).flat_map(|_| 0..count as u32).collect();
        let slots = [vec![0.0; 2 * count], vec![0.0; 2 * count]];
        Self { rows: Rows::new(function, points, columns, cache_bytes), points: numbers, slots }
    }
}

impl KernelMatrix for RegressorMatrix {
    fn prepare(&mut self, slot: usize, i: usize, length: usize) {
        let point = self.points[i] as usize;
        let count = self.rows.points.points.len();
        self.rows.compute(point, count);
        let row = self.rows.cache.row(point);
        for (element, &point) in self.slots[slot][..length].iter_mut().zip(&self.points) {
            *element = row[point as usize];
        }
    }

    fn row(&self, slot: usize) -> &[f32] {
        &self.slots[slot]
    }

    fn swap(&mut self, swaps: &[(usize, usize)]) {
        for &(a, b) in swaps {
            self.points.swap(a, b);
        }
    }
}
