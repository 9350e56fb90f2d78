//! How a step's work is cut: by shapes alone, so that the bits do not depend on the number of threads.

use crate::engine::{loss::ReducedLoss, network::training_cells, spec::Architecture};
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
/// Rows of products that are worth a second lane.
const TWO_LANES_ROWS: usize = 32;
/// Rows of a lane that are worth a gradient of their own, where there are more lanes than two.
const LANE_ROWS: usize = 64;
const MOST_LANES: usize = 4;
/// Weights that are worth a thread that moves them, where there are more than one.
const THREAD_CELLS: usize = 1 << 15;
/// Rows of a shard's products: enough for a kernel to be read often, few enough for values to stay in the second cache.
const SHARD_ROWS: usize = 128;
/// Values of a shard that stay there, however many rows they are of.
const SECOND_LEVEL_CELLS: u64 = 1 << 18;

impl Cut {
    /// The cut for steps of up to `batch_rows` rows that learn by these losses.
    pub fn new<'l>(
        architecture: &Architecture,
        batch_rows: usize,
        losses: impl IntoIterator<Item = &'l ReducedLoss>,
    ) -> Self {
        let rows = batch_rows.max(1);
        let small = architecture.cost().saturating_mul(3 * rows as u64) < SMALL_STEP;
        let each = architecture.product_rows();
        let least = if rows.saturating_mul(each) < TWO_LANES_ROWS { 1 } else { 2 };
        let lanes = if small { 1 } else { (rows / LANE_ROWS).clamp(least, MOST_LANES).min(rows) };
        let lane_rows = rows.div_ceil(lanes);
        let few = lane_rows.min(SHARD_ROWS);
        let shard_rows = match () {
            () if meets(architecture, losses) => lane_rows,
            () if training_cells(architecture, few) <= SECOND_LEVEL_CELLS => few,
            () => few.min(SHARD_ROWS.div_ceil(each)),
        };
        Self { lanes, lane_rows, shard_rows }
    }

    /// How many threads find something to do.
    pub fn worth_of_threads(&self, architecture: &Architecture) -> usize {
        self.lanes.max(architecture.trainable_cells() / THREAD_CELLS)
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

/// Whether something about a row follows from the whole batch: sums of a layer, sums of a loss, or how many steps of an
/// output count.
pub(super) fn meets<'l>(architecture: &Architecture, losses: impl IntoIterator<Item = &'l ReducedLoss>) -> bool {
    losses.into_iter().any(ReducedLoss::needs_batch)
        || architecture.nodes().iter().any(|node| node.meeting().is_some())
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

    fn cut(input: Value, layers: Value, batch_rows: usize) -> Cut {
        let definition = Definition::from_value(&json!({"input_shape": input, "layers": layers})).unwrap();
        let architecture = definition.resolve(&definition.known_input_shapes().unwrap(), &Limits::default()).unwrap();
        Cut::new(&architecture, batch_rows, [])
    }

    #[test]
    fn steps_and_positions_count_as_rows_but_not_for_a_large_layer_behind_them() {
        let dense = json!({"type": "dense", "units": 256});
        let mean = json!({"type": "global_average_pooling1d"});
        let last = json!({"type": "dense", "units": 3});
        let over_steps = cut(json!([32, 64]), json!([dense, mean, last]), 64);
        assert_eq!(over_steps, Cut { lanes: 2, lane_rows: 32, shard_rows: 4 });
        let few_rows = cut(json!([512, 64]), json!([dense, mean, last]), 8);
        assert_eq!(few_rows, Cut { lanes: 2, lane_rows: 4, shard_rows: 1 });
        let of_all_steps = cut(json!([32, 64]), json!([dense, {"type": "flatten"}, dense, last]), 64);
        assert_eq!(of_all_steps, Cut { lanes: 2, lane_rows: 32, shard_rows: 32 });
        let step_by_step = cut(json!([32, 64]), json!([{"type": "lstm", "units": 64}, last]), 64);
        assert_eq!(step_by_step, Cut { lanes: 2, lane_rows: 32, shard_rows: 32 });
        let one = cut(json!([512, 64]), json!([dense, mean, last]), 1);
        assert_eq!(one, Cut { lanes: 1, lane_rows: 1, shard_rows: 1 });
    }
}
