//! [`Brute`]: Euclidean distances to all rows as a matrix product, in blocks.

use super::nearest::{Nearest, Neighbour};
use crate::engine::{
    classical::{FitError, run::check_cancel},
    kernel::{Matrix, product, vectorized},
};
use std::sync::atomic::AtomicBool;

/// Training rows of a tile.
const TILE: usize = 1024;
/// Queries that are compared with a tile at a time.
pub(super) const QUERIES: usize = 96;
/// Largest squared norm whose products are far from overflowing `f32`.
const MAX_NORM: f64 = 1e30;
/// Most neighbours, of which a tile has enough.
pub(super) const MAX_NEIGHBOURS: usize = 128;

/// The training rows for searches by matrix products.
///
/// ‖t‖² - 2 q·t in `f32` is the squared distance but for ‖q‖² and a rounding error, for which there is a bound. Rows that
/// can be among the nearest by that bound are compared in `f64`, so that the neighbours are the exact ones.
#[derive(Debug)]
pub(super) struct Brute {
    columns: usize,
    /// Row-major.
    rows: Vec<f64>,
    mean: Vec<f64>,
    /// By tile: [columns + 1, TILE], the rows without the mean times -2, and their squared norms. Missing rows of the last
    /// tile are at an infinite distance.
    tiles: Vec<f32>,
    /// The largest norm of each tile.
    norms: Vec<f64>,
}

impl Brute {
    /// The rows of a row-major matrix, which are given back where products could overflow `f32`.
    pub(super) fn new(all: Vec<f64>, columns: usize, cancel: &AtomicBool) -> Result<Result<Self, Vec<f64>>, FitError> {
        let count = all.len() / columns;
        let mut mean = vec![0.0; columns];
        for row in all.chunks_exact(columns) {
            mean.iter_mut().zip(row).for_each(|(sum, value)| *sum += value / count as f64);
        }
        let tiles_count = count.div_ceil(TILE);
        let mut tiles = vec![0.0f32; tiles_count * (columns + 1) * TILE];
        let mut norms = Vec::with_capacity(tiles_count);
        for (tile, rows) in tiles.chunks_exact_mut((columns + 1) * TILE).zip(all.chunks(columns * TILE)) {
            check_cancel(cancel)?;
            let mut largest = 0.0f64;
            tile[columns * TILE..].fill(f32::INFINITY);
            for (at, row) in rows.chunks_exact(columns).enumerate() {
                let mut norm = 0.0;
                for (column, (value, mean)) in row.iter().zip(&mean).enumerate() {
                    let value = value - mean;
                    norm += value * value;
                    tile[column * TILE + at] = (-2.0 * value) as f32;
                }
                tile[columns * TILE + at] = norm as f32;
                largest = largest.max(norm);
            }
            if largest.is_nan() || largest > MAX_NORM {
                return Ok(Err(all));
            }
            norms.push(largest.sqrt());
        }
        Ok(Ok(Self { columns, rows: all, mean, tiles, norms }))
    }

    /// Bytes for `rows` rows.
    pub(super) fn bytes(rows: usize, columns: usize) -> u64 {
        8 * rows as u64 * columns as u64 + 4 * rows.next_multiple_of(TILE) as u64 * (columns as u64 + 1)
    }

    /// Calls `visit` with each row's number and its elements.
    pub(super) fn each_row(&self, mut visit: impl FnMut(u32, &[f64])) {
        (0..).zip(self.rows.chunks_exact(self.columns)).for_each(|(number, row)| visit(number, row));
    }

    /// The `k` nearest rows of each query, of at most [`QUERIES`] queries. `x` is row-major.
    pub(super) fn search(&self, x: &[f64], k: usize) -> Vec<Vec<Neighbour>> {
        let (columns, count) = (self.columns, x.len() / self.columns);
        let mut queries = vec![1.0f32; count * (columns + 1)];
        let mut squares = vec![0.0; count];
        for ((query, square), x) in queries.chunks_exact_mut(columns + 1).zip(&mut squares).zip(x.chunks_exact(columns))
        {
            for ((query, x), mean) in query.iter_mut().zip(x).zip(&self.mean) {
                *square += (x - mean) * (x - mean);
                *query = (x - mean) as f32;
            }
        }
        let mut nearest: Vec<Nearest> = (0..count).map(|_| Nearest::new(k)).collect();
        let mut products = vec![0.0f32; count * TILE];
        let mut sorted = vec![0.0f32; TILE];
        for (number, tile) in self.tiles.chunks_exact((columns + 1) * TILE).enumerate() {
            product(Matrix::new(&queries, columns + 1), Matrix::new(tile, TILE), &mut products, false);
            let first = number * TILE;
            let rows = TILE.min(self.rows.len() / columns - first);
            for (query, products) in products.chunks_exact(TILE).enumerate() {
                let (square, nearest) = (squares[query], &mut nearest[query]);
                let x = &x[query * columns..][..columns];
                if square.is_nan() || square > MAX_NORM {
                    (0..rows).for_each(|at| self.offer(first + at, x, nearest));
                    continue;
                }
                // Roundings of the elements, the products and the sum, each relative to at most (‖q‖ + ‖t‖)².
                let size = square.sqrt() + self.norms[number];
                let error = (columns as f64 + 8.0) * f64::from(f32::EPSILON) * size * size;
                let mut limit = nearest.limit() - square + error;
                if limit == f64::INFINITY && rows > k {
                    sorted.copy_from_slice(products);
                    let (_, kth, _) = sorted.select_nth_unstable_by(k - 1, f32::total_cmp);
                    limit = f64::from(*kth) + 2.0 * error;
                }
                self.offer_below(first, rows, limit, error - square, products, x, nearest);
            }
        }
        nearest.iter_mut().map(Nearest::take).collect()
    }

    #[allow(clippy::too_many_arguments, reason = "the inner loop of one search")]
    fn offer_below(
        &self,
        first: usize,
        rows: usize,
        mut limit: f64,
        margin: f64,
        products: &[f32],
        x: &[f64],
        nearest: &mut Nearest,
    ) {
        const GROUP: usize = 64;
        for (group, values) in products.as_chunks::<GROUP>().0.iter().enumerate() {
            let bound = up(limit);
            let any = vectorized(
                #[inline(always)]
                || values.iter().fold(false, |any, &value| any | (value <= bound)),
            );
            if !any {
                continue;
            }
            for (lane, &value) in values.iter().enumerate() {
                let at = group * GROUP + lane;
                if f64::from(value) <= limit && at < rows {
                    self.offer(first + at, x, nearest);
                    limit = limit.min(nearest.limit() + margin);
                }
            }
        }
    }

    fn offer(&self, row: usize, x: &[f64], nearest: &mut Nearest) {
        let distance = super::metric::Distance::Euclidean.reduced(x, &self.rows[row * self.columns..][..self.columns]);
        if distance <= nearest.limit() {
            nearest.offer(distance, row as u32);
        }
    }
}

/// `value` in `f32`, rounded up.
fn up(value: f64) -> f32 {
    let rounded = value as f32;
    if f64::from(rounded) < value { rounded.next_up() } else { rounded }
}
