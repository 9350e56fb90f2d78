//! [`Partition`]: how the rows of a step are divided. It follows from shapes alone, so that the bits do not depend on
//! the number of threads.

use crate::engine::{loss::ReducedLoss, network::training_elements, spec::Architecture};
use std::ops::Range;

/// The rows of a step, divided into lanes and shards.
///
/// A lane is a range of rows with its own buffers and gradient, the unit of work of a thread. A shard is a part of a
/// lane whose values fit in cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Partition {
    /// Lanes of a step.
    pub lanes: usize,
    /// Maximum rows of a lane.
    pub lane_rows: usize,
    /// Maximum rows of a shard.
    pub shard_rows: usize,
}

/// Multiply-adds below which a step ends before a second thread has woken up.
const MIN_PARALLEL_WORK: u64 = 4_000_000;
/// Minimum rows of matrix products for a second lane.
const MIN_TWO_LANE_ROWS: usize = 32;
/// Minimum rows of a lane, if there are more than two.
const MIN_LANE_ROWS: usize = 64;
const MAX_LANES: usize = 4;
/// Minimum weights per thread of the optimizer.
const MIN_THREAD_WEIGHTS: usize = 1 << 15;
/// Rows of a shard's matrix products: enough to reuse a kernel, few enough for the values to stay in the L2 cache.
const SHARD_ROWS: usize = 128;
/// Elements that fit in the L2 cache.
const L2_CACHE_ELEMENTS: u64 = 1 << 18;

impl Partition {
    /// For steps of up to `batch_rows` rows with these losses.
    pub fn new<'l>(
        architecture: &Architecture,
        batch_rows: usize,
        losses: impl IntoIterator<Item = &'l ReducedLoss>,
    ) -> Self {
        let rows = batch_rows.max(1);
        let small = architecture.cost().saturating_mul(3 * rows as u64) < MIN_PARALLEL_WORK;
        let each = architecture.product_rows();
        let min_lanes = if rows.saturating_mul(each) < MIN_TWO_LANE_ROWS { 1 } else { 2 };
        let lanes = if small { 1 } else { (rows / MIN_LANE_ROWS).clamp(min_lanes, MAX_LANES).min(rows) };
        let lane_rows = rows.div_ceil(lanes);
        let max_rows = lane_rows.min(SHARD_ROWS);
        let shard_rows = match () {
            () if needs_batch_reduction(architecture, losses) => lane_rows,
            () if training_elements(architecture, max_rows) <= L2_CACHE_ELEMENTS => max_rows,
            () => max_rows.min(SHARD_ROWS.div_ceil(each)),
        };
        Self { lanes, lane_rows, shard_rows }
    }

    /// Number of threads that have work.
    pub fn useful_threads(&self, architecture: &Architecture) -> usize {
        self.lanes.max(architecture.trainable_elements() / MIN_THREAD_WEIGHTS)
    }

    /// The rows of `lane` in a step of `rows` rows.
    pub fn lane(&self, lane: usize, rows: usize) -> Range<usize> {
        rows * lane / self.lanes..rows * (lane + 1) / self.lanes
    }

    /// The shards of these rows, of nearly equal size.
    pub fn shards(&self, rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let count = rows.len().div_ceil(self.shard_rows);
        (0..count)
            .map(move |shard| rows.start + rows.len() * shard / count..rows.start + rows.len() * (shard + 1) / count)
    }
}

/// Whether the result of a row depends on the whole batch: a layer or a loss with batch sums, or a mean over unmasked
/// steps.
pub(super) fn needs_batch_reduction<'l>(
    architecture: &Architecture,
    losses: impl IntoIterator<Item = &'l ReducedLoss>,
) -> bool {
    losses.into_iter().any(ReducedLoss::needs_batch)
        || architecture.nodes().iter().any(|node| node.batch_reduction().is_some())
        || (0..architecture.outputs().len()).any(|output| architecture.output_mask(output).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::spec::{Definition, Limits};
    use serde_json::{Value, json};

    #[test]
    fn lanes_and_shards_cover_every_row_once() {
        for (lanes, lane_rows, shard_rows) in [(1, 10, 10), (4, 256, 128), (4, 250, 100), (2, 16, 16)] {
            let partition = Partition { lanes, lane_rows, shard_rows };
            for rows in [1, 2, 3, lanes * lane_rows - 1, lanes * lane_rows] {
                let lanes: Vec<_> = (0..lanes).map(|lane| partition.lane(lane, rows)).collect();
                assert!(lanes.iter().all(|lane| lane.len() <= lane_rows), "{partition:?}, {rows} rows");
                let shards: Vec<_> = lanes.into_iter().flat_map(|lane| partition.shards(lane)).collect();
                assert!(
                    shards.iter().all(|shard| (1..=shard_rows).contains(&shard.len())),
                    "{partition:?}, {rows} rows"
                );
                assert_eq!(shards.into_iter().flatten().collect::<Vec<_>>(), (0..rows).collect::<Vec<_>>());
            }
        }
    }

    fn partition(input: Value, layers: Value, batch_rows: usize) -> Partition {
        let definition = Definition::from_value(&json!({"input_shape": input, "layers": layers})).unwrap();
        let architecture = definition.resolve(&definition.known_input_shapes().unwrap(), &Limits::default()).unwrap();
        Partition::new(&architecture, batch_rows, [])
    }

    #[test]
    fn steps_and_positions_count_as_rows_except_before_a_large_layer() {
        let dense = json!({"type": "dense", "units": 256});
        let mean = json!({"type": "global_average_pooling1d"});
        let last = json!({"type": "dense", "units": 3});
        let over_steps = partition(json!([32, 64]), json!([dense, mean, last]), 64);
        assert_eq!(over_steps, Partition { lanes: 2, lane_rows: 32, shard_rows: 4 });
        let few_rows = partition(json!([512, 64]), json!([dense, mean, last]), 8);
        assert_eq!(few_rows, Partition { lanes: 2, lane_rows: 4, shard_rows: 1 });
        let of_all_steps = partition(json!([32, 64]), json!([dense, {"type": "flatten"}, dense, last]), 64);
        assert_eq!(of_all_steps, Partition { lanes: 2, lane_rows: 32, shard_rows: 32 });
        let step_by_step = partition(json!([32, 64]), json!([{"type": "lstm", "units": 64}, last]), 64);
        assert_eq!(step_by_step, Partition { lanes: 2, lane_rows: 32, shard_rows: 32 });
        let one = partition(json!([512, 64]), json!([dense, mean, last]), 1);
        assert_eq!(one, Partition { lanes: 1, lane_rows: 1, shard_rows: 1 });
    }
}
