//! What dropout inside a recurrent layer drops.

use super::memory::Plan;
use crate::engine::{layer::Pass, real::Real};
use rand::Rng;

/// Draws the masks of some rows, one for all steps: 0 for what is dropped, and for the rest what keeps its expectation.
pub(super) fn draw<F: Real>(plan: &Plan, pass: &Pass, input_masks: &mut [F], recurrent_masks: &mut [F]) {
    let (inputs, units) = (plan.inputs, plan.outline.units);
    let words = plan.input_masks() * inputs + plan.recurrent_masks() * units;
    if words == 0 {
        return;
    }
    let mut random = pass.noise.stream(plan.outline.seed, words);
    let kinds = [(plan.outline.dropout, inputs, input_masks), (plan.outline.recurrent_dropout, units, recurrent_masks)];
    let mut kinds =
        kinds.map(|(rate, width, masks)| (((rate * 2f64.powi(32)) as u32, F::of(1.0 / (1.0 - rate))), width, masks));
    for row in 0..pass.rows {
        for ((threshold, scale), width, masks) in &mut kinds {
            for mask in masks.chunks_exact_mut(pass.rows * *width) {
                for cell in &mut mask[row * *width..][..*width] {
                    *cell = if random.next_u32() >= *threshold { *scale } else { F::ZERO };
                }
            }
        }
    }
}
