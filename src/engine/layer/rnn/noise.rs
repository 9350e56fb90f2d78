//! What dropout inside a recurrent layer drops.

use super::memory::Plan;
use crate::engine::{layer::Pass, real::Real};
use rand::Rng;

/// Draws the masks of some rows, one for all steps: 0 for what is dropped, and for the rest what keeps its expectation.
pub(super) fn draw<F: Real>(plan: &Plan, pass: &Pass, input_masks: &mut [F], recurrent_masks: &mut [F]) {
    let (inputs, state) = (plan.inputs, plan.state);
    let words = plan.input_masks() * inputs + plan.recurrent_masks() * state;
    if words == 0 {
        return;
    }
    let mut random = pass.noise.stream(plan.config.seed, words);
    let kinds = [(plan.config.dropout, inputs, input_masks), (plan.config.recurrent_dropout, state, recurrent_masks)];
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

#[cfg(test)]
mod tests {
    use super::{super::Lstm, *};
    use crate::engine::{random::Noise, shape::Shape};
    use serde_json::json;

    const INPUTS: usize = 5;
    const UNITS: usize = 3;

    /// The masks of the inputs and of the state, by gate and row.
    fn masks(dropout: f64, recurrent_dropout: f64, first_row: usize, rows: usize) -> [Vec<f64>; 2] {
        let settings = json!({"units": UNITS, "dropout": dropout, "recurrent_dropout": recurrent_dropout});
        let layer: Lstm = serde_json::from_value(settings).unwrap();
        let plan = Plan::new(&layer, &Shape(vec![2, INPUTS]));
        let noise = Noise { seed: 1, step: 2, layer: 3, first_row };
        let pass = Pass { rows, repeat: 1, training: true, logits: false, trainable: true, batch_rows: rows, noise };
        let mut input_masks = vec![f64::NAN; plan.input_masks() * rows * INPUTS];
        let mut recurrent_masks = vec![f64::NAN; plan.recurrent_masks() * rows * UNITS];
        draw(&plan, &pass, &mut input_masks, &mut recurrent_masks);
        [input_masks, recurrent_masks]
    }

    #[test]
    fn what_is_dropped_leaves_the_expectation() {
        for (masks, rate) in masks(0.25, 0.5, 0, 2000).into_iter().zip([0.25, 0.5]) {
            assert!(masks.iter().all(|&mask| mask == 0.0 || mask == 1.0 / (1.0 - rate)));
            let mean = masks.iter().sum::<f64>() / masks.len() as f64;
            assert!((mean - 1.0).abs() < 0.02, "{mean}");
        }
    }

    #[test]
    fn each_gate_has_masks_of_its_own_where_the_state_is_dropped_from() {
        let rows = 50;
        let [inputs, state] = masks(0.5, 0.0, 0, rows);
        assert_eq!([inputs.len(), state.len()], [rows * INPUTS, 0]);
        for (masks, width) in masks(0.5, 0.5, 0, rows).into_iter().zip([INPUTS, UNITS]) {
            let gates: Vec<&[f64]> = masks.chunks_exact(rows * width).collect();
            assert_eq!(gates.len(), 4);
            assert!(gates.iter().skip(1).all(|gate| *gate != gates[0]));
        }
    }

    #[test]
    fn a_row_has_the_same_masks_in_any_company() {
        let (all, some) = (masks(0.5, 0.5, 0, 8), masks(0.5, 0.5, 3, 5));
        for ((all, some), width) in all.into_iter().zip(some).zip([INPUTS, UNITS]) {
            for (all, some) in all.chunks_exact(8 * width).zip(some.chunks_exact(5 * width)) {
                assert_eq!(all[3 * width..], *some);
            }
        }
    }
}
