//! [`Points`]: rows in blocks of one SIMD width, for products and distances with many rows at a time.

use crate::engine::classical::Features;

/// Rows of a block.
pub(crate) const LANES: usize = 16;

/// Rows in blocks of [`LANES`]: within a block, the elements of one column are neighbours.
///
/// A loop over a block reads memory in order and needs no horizontal sums. The last block is filled up with zeros.
#[derive(Debug, Clone, Default)]
pub(crate) struct Points {
    len: usize,
    columns: usize,
    elements: Vec<f64>,
}

impl Points {
    /// The rows `order` of the features.
    pub(crate) fn gather(features: &Features<'_>, order: &[u32]) -> Self {
        let columns = features.columns().len();
        let mut elements = vec![0.0; order.len().div_ceil(LANES) * LANES * columns];
        for (column, values) in features.columns().iter().enumerate() {
            for (point, &row) in order.iter().enumerate() {
                let first = point / LANES * LANES * columns + point % LANES;
                elements[first + column * LANES] = values.values[row as usize];
            }
        }
        Self { len: order.len(), columns, elements }
    }

    /// The rows `order` of a row-major matrix.
    pub(crate) fn gather_rows(rows: &[f64], columns: usize, order: &[u32]) -> Self {
        let mut elements = vec![0.0; order.len().div_ceil(LANES) * LANES * columns];
        for (point, &row) in order.iter().enumerate() {
            let first = point / LANES * LANES * columns + point % LANES;
            for (column, &value) in rows[row as usize * columns..][..columns].iter().enumerate() {
                elements[first + column * LANES] = value;
            }
        }
        Self { len: order.len(), columns, elements }
    }

    /// The rows of a row-major matrix.
    pub(crate) fn of_rows(rows: &[f64], columns: usize) -> Self {
        let order: Vec<u32> = (0..(rows.len() / columns.max(1)) as u32).collect();
        Self::gather_rows(rows, columns, &order)
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of `rows` rows.
    pub(crate) fn bytes(rows: usize, columns: usize) -> u64 {
        rows.next_multiple_of(LANES) as u64 * columns as u64 * 8
    }

    /// The blocks with the numbers `from..to`.
    #[inline(always)]
    pub(crate) fn blocks(&self, from: usize, to: usize) -> impl ExactSizeIterator<Item = &[[f64; LANES]]> {
        let size = LANES * self.columns;
        self.elements[from * size..to * size].as_chunks::<LANES>().0.chunks_exact(self.columns.max(1))
    }

    /// Copies a row into `row`.
    pub(crate) fn copy(&self, point: usize, row: &mut [f64]) {
        let first = point / LANES * LANES * self.columns + point % LANES;
        for (value, element) in row.iter_mut().zip(self.elements[first..].iter().step_by(LANES)) {
            *value = *element;
        }
    }

    /// Exchanges two rows.
    pub(crate) fn swap(&mut self, a: usize, b: usize) {
        let first = |point: usize| point / LANES * LANES * self.columns + point % LANES;
        let (a, b) = (first(a), first(b));
        for column in 0..self.columns {
            self.elements.swap(a + column * LANES, b + column * LANES);
        }
    }
}

/// The products of a row with each row of a block.
#[inline(always)]
pub(crate) fn products(block: &[[f64; LANES]], row: &[f64]) -> [f64; LANES] {
    let mut sums = [0.0; LANES];
    for (lanes, &value) in block.iter().zip(row) {
        for lane in 0..LANES {
            sums[lane] = lanes[lane].mul_add(value, sums[lane]);
        }
    }
    sums
}
