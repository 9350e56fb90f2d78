//! The bias and the activation that dense layers and convolutions end with.

use crate::engine::{activation::Activation, kernel, real::Real};

/// Elements that stay in the L1 cache with the rest.
const FIRST_LEVEL_CELLS: usize = 4096;

/// Adds `bias` to each row of `sums`, [_, units], keeps what comes of that where `kept` is not empty, and applies the
/// activation where there is one.
pub(crate) fn add_bias_and_activate<F: Real>(
    bias: Option<&[F]>,
    activation: Option<Activation>,
    units: usize,
    kept: &mut [F],
    sums: &mut [F],
) {
    // A few rows at a time: what the bias was added to is still in the L1 cache for the activation.
    let block = units * (FIRST_LEVEL_CELLS / units).max(1);
    let mut kept = kept.chunks_mut(block);
    for rows in sums.chunks_mut(block) {
        if let Some(bias) = bias {
            kernel::add_to_rows(bias, rows);
        }
        if let Some(kept) = kept.next() {
            kept.copy_from_slice(rows);
        }
        if let Some(activation) = activation {
            activation.forward(rows, units);
        }
    }
}
