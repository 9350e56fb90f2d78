//! How a step's work is cut: by shapes alone, so that the bits do not depend on the number of threads.

use crate::engine::{layer::Layer, optimizer::Optimizer, spec::Architecture};
use std::ops::Range;

/// The rows of a step, cut into lanes of neighbouring rows, and those into shards that stay in the caches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    /// Lanes of a step.
    pub lanes: usize,
    /// Most rows of a lane.
    pub lane_rows: usize,
    /// Most rows of a shard.
    pub shard_rows: usize,
}

/// Multiplications and additions below which a step is done before a second thread has woken up.
const SMALL_STEP: u64 = 4_000_000;
/// Rows that are worth a second lane.
const TWO_LANES_ROWS: usize = 32;
/// Rows of a lane that are worth a gradient of their own, where there are more lanes than two.
const LANE_ROWS: usize = 64;
const MOST_LANES: usize = 4;
const SHARD_ROWS: usize = 128;

impl Cut {
    /// The cut for steps of up to `batch_rows` rows.
    pub fn new(architecture: &Architecture, batch_rows: usize) -> Self {
        let rows = batch_rows.max(1);
        let small = cost(architecture).saturating_mul(3 * rows as u64) < SMALL_STEP;
        let least = if rows < TWO_LANES_ROWS { 1 } else { 2 };
        let lanes = if small { 1 } else { (rows / LANE_ROWS).clamp(least, MOST_LANES) };
        let lane_rows = rows.div_ceil(lanes);
        let shard_rows = if meets(architecture) { lane_rows } else { lane_rows.min(SHARD_ROWS) };
        Self { lanes, lane_rows, shard_rows }
    }

    /// The rows of `lane` in a step of `rows` rows.
    pub fn lane(&self, lane: usize, rows: usize) -> Range<usize> {
        rows * lane / self.lanes..rows * (lane + 1) / self.lanes
    }

    /// The shards of some rows, of nearly equal sizes.
    pub fn shards(&self, rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let count = rows.len().div_ceil(self.shard_rows);
        (0..count)
            .map(move |shard| rows.start + rows.len() * shard / count..rows.start + rows.len() * (shard + 1) / count)
    }
}

/// Multiplications and additions of one row's forward.
fn cost(architecture: &Architecture) -> u64 {
    let nodes = architecture.nodes().iter();
    nodes.map(|node| node.layer.cost(&architecture.input_shapes(node))).fold(0, u64::saturating_add)
}

/// Whether some layer needs sums over the whole batch.
pub(super) fn meets(architecture: &Architecture) -> bool {
    architecture.nodes().iter().any(|node| node.layer.meeting(&architecture.input_shapes(node)).is_some())
}

/// Bytes that a fit needs in `f32`, its data apart: weights and those of the best epoch, gradients, what the optimizer
/// keeps, and buffers.
pub fn training_bytes(architecture: &Architecture, batch_size: usize, optimizer: &Optimizer) -> u64 {
    let cut = Cut::new(architecture, batch_size);
    let row: u64 = architecture.nodes().iter().fold(0, |sum: u64, node| {
        let workspace = node.layer.workspace(&architecture.input_shapes(node));
        let output = architecture.shape(node.output).cells();
        sum.saturating_add(2 * output as u64)
            .saturating_add((workspace.kept_per_row + workspace.scratch_per_row) as u64)
    });
    let row = row.saturating_add(2 * architecture.input_shape().cells() as u64);
    let buffers = row.saturating_mul((cut.lanes * cut.shard_rows) as u64);
    let weights = (architecture.trainable_cells() as u64).saturating_mul(2 + cut.lanes as u64);
    let trainable = architecture.parameters().iter().filter(|parameter| parameter.spec.trainable);
    let kept = trainable.map(|parameter| optimizer.memory(&parameter.name, &parameter.shape) as u64);
    let kept = kept.fold(0, u64::saturating_add);
    weights
        .saturating_add(kept)
        .saturating_add(2 * architecture.fixed_cells() as u64)
        .saturating_add(buffers)
        .saturating_mul(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_and_shards_cover_every_row_once() {
        for (lanes, lane_rows, shard_rows) in [(1, 10, 10), (4, 256, 128), (4, 250, 100), (2, 16, 16)] {
            let cut = Cut { lanes, lane_rows, shard_rows };
            for rows in [1, 2, 3, lanes * lane_rows - 1, lanes * lane_rows] {
                let lanes: Vec<_> = (0..lanes).map(|lane| cut.lane(lane, rows)).collect();
                assert!(lanes.iter().all(|lane| lane.len() <= lane_rows), "{cut:?}, {rows} rows");
                let shards: Vec<_> = lanes.into_iter().flat_map(|lane| cut.shards(lane)).collect();
                assert!(shards.iter().all(|shard| (1..=shard_rows).contains(&shard.len())), "{cut:?}, {rows} rows");
                assert_eq!(shards.into_iter().flatten().collect::<Vec<_>>(), (0..rows).collect::<Vec<_>>());
            }
        }
    }
}
