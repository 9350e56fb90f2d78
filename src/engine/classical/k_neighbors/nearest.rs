//! [`Nearest`]: the best neighbours so far.

use std::{cmp::Ordering, collections::BinaryHeap};

/// A neighbour: its reduced distance, and the number of its training row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Neighbour {
    pub(super) distance: f64,
    pub(super) row: u32,
}

impl Ord for Neighbour {
    fn cmp(&self, other: &Self) -> Ordering {
        self.distance.total_cmp(&other.distance).then(self.row.cmp(&other.row))
    }
}

impl PartialOrd for Neighbour {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Neighbour {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Neighbour {}

/// The `k` nearest rows of those that were offered; of equal distances the first row.
#[derive(Debug)]
pub(super) struct Nearest {
    k: usize,
    heap: BinaryHeap<Neighbour>,
}

impl Nearest {
    pub(super) fn new(k: usize) -> Self {
        Self { k, heap: BinaryHeap::with_capacity(k + 1) }
    }

    /// Rows at a larger reduced distance are no neighbours.
    #[inline(always)]
    pub(super) fn limit(&self) -> f64 {
        match self.heap.peek() {
            Some(last) if self.heap.len() == self.k => last.distance,
            _ => f64::INFINITY,
        }
    }

    /// Offers a row.
    pub(super) fn offer(&mut self, distance: f64, row: u32) {
        let neighbour = Neighbour { distance, row };
        if self.heap.len() < self.k {
            self.heap.push(neighbour);
        } else if let Some(mut last) = self.heap.peek_mut()
            && neighbour < *last
        {
            *last = neighbour;
        }
    }

    /// The neighbours, the nearest first. The next search begins with none.
    pub(super) fn take(&mut self) -> Vec<Neighbour> {
        let mut sorted = std::mem::replace(&mut self.heap, BinaryHeap::with_capacity(self.k + 1)).into_vec();
        sorted.sort_unstable();
        sorted
    }
}
