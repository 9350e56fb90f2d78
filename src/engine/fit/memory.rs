//! What a fit takes of memory, known before it begins.

use super::{cut::Cut, sources::Sources};
use crate::engine::{loss::ReducedLoss, network::training_cells, optimizer::Optimizer, spec::Architecture};
use serde::{Deserialize, Serialize};

/// Memory of a fit in `f32`, its data apart, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TrainingMemory {
    /// The weights, and those of the best epoch where they are kept.
    pub weights_bytes: u64,
    /// Gradients of the weights, most of them once for each part of a step that runs beside others.
    pub gradients_bytes: u64,
    /// What the optimizer keeps from step to step, and penalties need.
    pub optimizer_bytes: u64,
    /// Values, their gradients and what layers keep for the backward pass, of the rows that are in work at a time.
    pub activations_bytes: u64,
}

impl TrainingMemory {
    /// Of steps of `batch_size` rows. `keeps` is whether the weights of an epoch are kept to go back to.
    pub fn new<'l>(
        architecture: &Architecture,
        batch_size: usize,
        losses: impl IntoIterator<Item = &'l ReducedLoss>,
        optimizer: &Optimizer,
        keeps: bool,
    ) -> Self {
        let cut = Cut::new(architecture, batch_size, losses);
        let lanes = cut.lanes as u64;
        let trainable = architecture.trainable_cells() as u64;
        let weights = trainable.saturating_add(architecture.fixed_cells() as u64);
        let targets = (architecture.output_cells() as u64).saturating_mul(cut.shard_rows as u64);
        let trained = || architecture.parameters().iter().filter(|parameter| parameter.spec.trainable);
        let of_optimizer = trained().map(|parameter| optimizer.memory(&parameter.name, &parameter.shape) as u64);
        let of_penalties = trained().filter_map(|it| Some(it.spec.regularizer?.room(&it.shape) as u64));
        let sources = Sources::new(architecture, &cut);
        let of_lanes = (sources.cells as u64).saturating_mul(lanes);
        let of_update = match () {
            () if sources.are_flat(cut.lanes) => 0,
            () if optimizer.needs_whole_gradient() => trainable,
            () => sources.largest_block() as u64,
        };
        let bytes = |cells: u64| cells.saturating_mul(size_of::<f32>() as u64);
        Self {
            weights_bytes: bytes(weights.saturating_mul(1 + u64::from(keeps))),
            gradients_bytes: bytes(of_lanes.saturating_add(of_update)),
            optimizer_bytes: bytes(of_optimizer.chain(of_penalties).fold(0, u64::saturating_add)),
            activations_bytes: bytes(
                training_cells(architecture, cut.shard_rows).saturating_add(targets).saturating_mul(lanes),
            ),
        }
    }

    /// All of it.
    pub fn total_bytes(&self) -> u64 {
        [self.gradients_bytes, self.optimizer_bytes, self.activations_bytes]
            .into_iter()
            .fold(self.weights_bytes, u64::saturating_add)
    }
}
