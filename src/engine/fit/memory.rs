//! [`TrainingMemory`].

use super::{partition::Partition, sources::GradientSources};
use crate::engine::{loss::ReducedLoss, network::training_elements, optimizer::Optimizer, spec::Architecture};
use serde::{Deserialize, Serialize};

/// Bytes of weights up to which those of the best epoch are kept, for a fit that is ended early.
const MAX_KEPT: u64 = 64 << 20;

/// Whether the weights of the best epoch are kept though no setting asks for it: several epochs, and weights of at most 64 MiB.
pub fn keeps_best(architecture: &Architecture, epochs: u32) -> bool {
    let weights = (architecture.trainable_elements() as u64).saturating_add(architecture.fixed_elements() as u64);
    epochs > 1 && weights.saturating_mul(size_of::<f32>() as u64) <= MAX_KEPT
}

/// Estimated memory of training in `f32` without the data, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TrainingMemory {
    /// Weights, with a copy of those of the best epoch where these are kept, and of the last finite ones with `terminate_on_nan`.
    pub weights_bytes: u64,
    /// Gradients of the weights, for most of them once per thread.
    pub gradients_bytes: u64,
    /// State of the optimizer, and memory of the regularizers.
    pub optimizer_bytes: u64,
    /// Activations, their gradients and what layers keep for the backward pass, of the rows that are processed at a
    /// time.
    pub activations_bytes: u64,
}

impl TrainingMemory {
    /// For steps of `batch_size` rows. `kept` are the copies of the weights that are kept to be restored.
    pub fn new<'l>(
        architecture: &Architecture,
        batch_size: usize,
        losses: impl IntoIterator<Item = &'l ReducedLoss>,
        optimizer: &Optimizer,
        kept: u64,
    ) -> Self {
        let partition = Partition::new(architecture, batch_size, losses);
        let lanes = partition.lanes as u64;
        let trainable = architecture.trainable_elements() as u64;
        let weights = trainable.saturating_add(architecture.fixed_elements() as u64);
        let targets = (architecture.output_elements() as u64).saturating_mul(partition.shard_rows as u64);
        let trained = || architecture.parameters().iter().filter(|parameter| parameter.spec.trainable);
        let optimizer_state = trained().map(|parameter| optimizer.memory(&parameter.name, &parameter.shape) as u64);
        let regularizer_memory =
            trained().filter_map(|it| Some(it.spec.regularizer?.scratch_elements(&it.shape) as u64));
        let sources = GradientSources::new(architecture, &partition);
        let lane_gradients = (sources.elements as u64).saturating_mul(lanes);
        let update_gradient = match () {
            () if sources.is_lane_gradient(partition.lanes) => 0,
            () if optimizer.needs_whole_gradient() => trainable,
            () => sources.largest_block() as u64,
        };
        let bytes = |elements: u64| elements.saturating_mul(size_of::<f32>() as u64);
        Self {
            weights_bytes: bytes(weights.saturating_mul(1 + kept)),
            gradients_bytes: bytes(lane_gradients.saturating_add(update_gradient)),
            optimizer_bytes: bytes(optimizer_state.chain(regularizer_memory).fold(0, u64::saturating_add)),
            activations_bytes: bytes(
                training_elements(architecture, partition.shard_rows).saturating_add(targets).saturating_mul(lanes),
            ),
        }
    }

    /// The sum.
    pub fn total_bytes(&self) -> u64 {
        [self.gradients_bytes, self.optimizer_bytes, self.activations_bytes]
            .into_iter()
            .fold(self.weights_bytes, u64::saturating_add)
    }
}
