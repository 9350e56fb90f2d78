//! [`RowCache`]: rows of the kernel matrix, the least recently used of which make room for others.

/// No row.
const NONE: u32 = u32::MAX;

/// Rows of a symmetric matrix, as far as they were needed.
#[derive(Debug)]
pub(crate) struct RowCache {
    rows: Vec<Vec<f32>>,
    /// Neighbours in the list from the least to the most recently used row, which has an entry for its ends at the end.
    links: Vec<[u32; 2]>,
    /// Elements that may still be stored.
    free: usize,
}

impl RowCache {
    /// A cache of rows of `size` elements in `bytes` bytes, but of at least two rows.
    pub(crate) fn new(size: usize, bytes: u64) -> Self {
        let ends = size as u32;
        let mut links = vec![[NONE; 2]; size];
        links.push([ends, ends]);
        let free = usize::try_from(bytes / 4).unwrap_or(usize::MAX).max(2 * size);
        Self { rows: vec![Vec::new(); size], links, free }
    }

    /// Bytes that a cache takes at most.
    pub(crate) fn bytes(size: usize, bytes: u64) -> u64 {
        let (size, all) = (size as u64, 4 * (size as u64).saturating_mul(size as u64));
        bytes.max(8 * size).min(all) + size * 32
    }

    /// The elements of a row that are stored.
    pub(crate) fn row(&self, row: usize) -> &[f32] {
        &self.rows[row]
    }

    /// Makes a row the most recently used one, and makes room for its first `length` elements; the elements from the
    /// returned number on must be filled in.
    pub(crate) fn reserve(&mut self, row: usize, length: usize) -> (usize, &mut [f32]) {
        if self.links[row][0] != NONE {
            self.unlink(row);
        }
        let known = self.rows[row].len();
        if known < length {
            let more = length - known;
            let ends = self.rows.len();
            while self.free < more {
                let oldest = self.links[ends][1] as usize;
                if oldest == ends {
                    break;
                }
                self.drop_row(oldest);
            }
            self.free = self.free.saturating_sub(more);
            let elements = &mut self.rows[row];
            elements.reserve_exact(more);
            elements.resize(length, 0.0);
        }
        self.link_last(row);
        (known, &mut self.rows[row])
    }

    /// Exchanges rows and columns by `swaps`, pairs of a smaller and a larger number, one after the other.
    pub(crate) fn swap(&mut self, swaps: &[(usize, usize)]) {
        if swaps.is_empty() {
            return;
        }
        for &(a, b) in swaps {
            for row in [a, b] {
                if self.links[row][0] != NONE {
                    self.unlink(row);
                }
            }
            self.rows.swap(a, b);
            for row in [a, b] {
                if !self.rows[row].is_empty() {
                    self.link_last(row);
                }
            }
        }
        for row in 0..self.rows.len() {
            let elements = &mut self.rows[row];
            if elements.is_empty() {
                continue;
            }
            // A row that has only one of the two elements ends before the swapped one.
            let mut length = elements.len();
            for &(a, b) in swaps {
                if b < length {
                    elements.swap(a, b);
                } else if a < length {
                    length = a;
                }
            }
            if length < elements.len() {
                self.free += elements.len() - length;
                elements.truncate(length);
                elements.shrink_to_fit();
                if length == 0 {
                    self.unlink(row);
                }
            }
        }
    }

    fn drop_row(&mut self, row: usize) {
        self.unlink(row);
        self.free += std::mem::take(&mut self.rows[row]).len();
    }

    fn unlink(&mut self, row: usize) {
        let [before, after] = std::mem::replace(&mut self.links[row], [NONE; 2]);
        self.links[before as usize][1] = after;
        self.links[after as usize][0] = before;
    }

    fn link_last(&mut self, row: usize) {
        let ends = self.rows.len();
        let before = self.links[ends][0];
        self.links[row] = [before, ends as u32];
        self.links[before as usize][1] = row as u32;
        self.links[ends][0] = row as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(cache: &mut RowCache, row: usize, length: usize) {
        let (known, elements) = cache.reserve(row, length);
        for (column, element) in elements.iter_mut().enumerate().skip(known) {
            *element = (row * 100 + column) as f32;
        }
    }

    #[test]
    fn the_least_recently_used_row_makes_room() {
        let mut cache = RowCache::new(10, 4 * 30);
        (0..3).for_each(|row| fill(&mut cache, row, 10));
        fill(&mut cache, 0, 10);
        fill(&mut cache, 3, 10);
        let stored: Vec<usize> = (0..10).filter(|&row| !cache.row(row).is_empty()).collect();
        assert_eq!(stored, [0, 2, 3]);
        fill(&mut cache, 4, 4);
        assert!(cache.row(2).is_empty());
        fill(&mut cache, 4, 10);
        assert_eq!(cache.row(4), (400..410).map(|value| value as f32).collect::<Vec<_>>());
    }

    #[test]
    fn swaps_exchange_rows_and_columns_and_cut_rows_that_end_between() {
        let mut cache = RowCache::new(6, 4 * 36);
        fill(&mut cache, 0, 6);
        fill(&mut cache, 1, 3);
        cache.swap(&[(0, 1), (2, 5)]);
        assert_eq!(cache.row(1), [1.0, 0.0, 5.0, 3.0, 4.0, 2.0]);
        assert_eq!(cache.row(0), [101.0, 100.0]);
        cache.swap(&[(0, 4)]);
        assert_eq!((cache.row(4), cache.row(0)), (&[][..], &[][..]));
        assert_eq!(cache.row(1), [4.0, 0.0, 5.0, 3.0, 1.0, 2.0]);
        assert_eq!(cache.free, 30);
    }
}
