//! [`Gru`].

use super::{
    Direction, MergeMode,
    cell::{BackwardStep, Cell, CellConfig, ForwardStep, Steps, Weight, activate, chain},
    kernels::{Masked, multiply},
};
use crate::engine::{
    activation::Activation,
    constraint::Constraint,
    field::FieldError,
    init::Initializer,
    kernel::{self, vectorized},
    layer::settings_checks,
    real::Real,
    regularizer::Regularizer,
};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Gated recurrent unit: one gate mixes the state with what is new, another resets the state that the new is made from.
///
/// In three parts of `units` cells each, in the order z, r, h, of `x = x_t · kernel + bias_0` and
/// `m = h_(t-1) · recurrent_kernel + bias_1`: `z = recurrent_activation(x_z + m_z)`, `r = recurrent_activation(x_r + m_r)`,
/// `new = activation(x_h + r * m_h)` and `h_t = z * h_(t-1) + (1 - z) * new`, from `h_0 = 0`. Without `reset_after` there is
/// no bias_1, and `m_h = (r * h_(t-1)) · recurrent_kernel_h`, not multiplied by r again. A masked step leaves the state as
/// it is.
///
/// # Shapes
/// `[batch, steps, inputs]` to `[batch, units]`, or to `[batch, steps, units]` with `return_sequences`; kernel
/// `[inputs, 3 * units]`, recurrent_kernel `[units, 3 * units]`, bias `[2, 3 * units]`, or `[3 * units]` without
/// `reset_after`.
///
/// # States
/// After the sequence, `h_0` may be given, `[batch, units]`: `"inputs": ["x", "encoder/1"]`, or `initial_state` in Keras;
/// the outputs of masked steps before the first one that counts are zero even then.
/// With `return_state`, `name/1` is `h` after the last step.
///
/// Source: <https://keras.io/api/layers/recurrent_layers/gru/>, <https://arxiv.org/abs/1406.1078>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Gru {
    /// Size of the state and of the output's last axis, at least 1.
    #[serde(deserialize_with = "settings_checks::count")]
    #[schema(minimum = 1, maximum = 2147483647)]
    pub units: usize,
    /// Applied to what is new.
    #[serde(default = "super::tanh")]
    pub activation: Activation,
    /// Applied to the gates.
    #[serde(default = "super::sigmoid")]
    pub recurrent_activation: Activation,
    /// Whether the layer uses a bias.
    #[serde(default = "settings_checks::yes")]
    #[schema(default = true)]
    pub use_bias: bool,
    /// Initializer for the `kernel`.
    #[serde(default = "settings_checks::glorot_uniform")]
    pub kernel_initializer: Initializer,
    /// Initializer for the `recurrent_kernel`.
    #[serde(default = "super::orthogonal")]
    pub recurrent_initializer: Initializer,
    /// Initializer for the `bias`.
    #[serde(default = "settings_checks::zeros")]
    pub bias_initializer: Initializer,
    /// Regularizer for the `kernel`.
    #[serde(default)]
    pub kernel_regularizer: Option<Regularizer>,
    /// Regularizer for the `recurrent_kernel`.
    #[serde(default)]
    pub recurrent_regularizer: Option<Regularizer>,
    /// Regularizer for the `bias`.
    #[serde(default)]
    pub bias_regularizer: Option<Regularizer>,
    /// Activity regularizer: regularizer for the output, divided by the batch size.
    #[serde(default)]
    pub activity_regularizer: Option<Regularizer>,
    /// Constraint applied to the `kernel` after each step.
    #[serde(default)]
    pub kernel_constraint: Option<Constraint>,
    /// Constraint applied to the `recurrent_kernel` after each step.
    #[serde(default)]
    pub recurrent_constraint: Option<Constraint>,
    /// Constraint applied to the `bias` after each step.
    #[serde(default)]
    pub bias_constraint: Option<Constraint>,
    /// The fraction of the inputs that is dropped in training, the same in every step: 0 or more, less than 1.
    #[serde(default)]
    pub dropout: f64,
    /// The fraction of the state that is dropped in training before it meets the recurrent kernel, the same in every step:
    /// 0 or more, less than 1. Each gate then has a state and inputs of its own from which
    /// something is dropped.
    #[serde(default)]
    pub recurrent_dropout: f64,
    /// Takes the place of the job's seed for what is dropped.
    #[serde(default)]
    pub seed: Option<u64>,
    /// Whether the output of every step is given, and not the last one's alone.
    #[serde(default)]
    pub return_sequences: bool,
    /// Whether the state is given as well: the output after the last step.
    #[serde(default)]
    pub return_state: bool,
    /// Whether the last step is processed first; outputs are then given in that order.
    #[serde(default)]
    pub go_backwards: bool,
    /// Whether the output of a masked step is zero, and not that of the step before.
    #[serde(default)]
    pub zero_output_for_mask: bool,
    /// Whether masked steps leave the state as it is. Keras 3 does not tell a layer of the mask that is called with an
    /// `initial_state` and without a `mask`: an import says false there.
    #[serde(default = "settings_checks::yes")]
    #[schema(default = true)]
    pub use_mask: bool,
    /// Whether the state is reset after it met the recurrent kernel, rather than before.
    #[serde(default = "settings_checks::yes")]
    #[schema(default = true)]
    pub reset_after: bool,
    /// Merged with a second input, the output of the other direction; for [`super::Bidirectional`] alone.
    #[serde(skip)]
    pub(super) merge: Option<MergeMode>,
    /// Turns sequences round, so that they lie as they were given; for [`super::Bidirectional`] alone.
    #[serde(skip)]
    pub(super) reverse_output: bool,
}

const GATES: usize = 3;
/// The number of the gate that holds what is new.
const NEW: usize = 2;

impl Cell for Gru {
    fn config(&self) -> CellConfig {
        CellConfig {
            units: self.units,
            gates: GATES,
            use_bias: self.use_bias,
            recurrent_bias: self.reset_after,
            dropout: self.dropout,
            recurrent_dropout: self.recurrent_dropout,
            seed: self.seed,
            return_sequences: self.return_sequences,
            return_state: self.return_state,
            go_backwards: self.go_backwards,
            use_mask: self.use_mask,
            merge: self.merge,
            reverse_output: self.reverse_output,
            zero_output_for_mask: self.zero_output_for_mask,
            carries: false,
            side: if self.reset_after { GATES * self.units } else { self.units },
            sums: self.activation.needs_input() || self.recurrent_activation.needs_input(),
            drops_by_gate: false,
        }
    }

    fn set_direction(&mut self, direction: Direction) {
        self.go_backwards = direction.go_backwards;
        self.zero_output_for_mask = direction.zero_output_for_mask;
        self.merge = direction.merge;
        self.reverse_output = direction.reverse_output;
    }

    fn check_own(&self) -> Result<(), FieldError> {
        self.activation.check().map_err(|error| error.under("/activation"))?;
        self.recurrent_activation.check().map_err(|error| error.under("/recurrent_activation"))
    }

    fn activity(&self) -> Option<Regularizer> {
        self.activity_regularizer
    }

    fn weights(&self) -> [Weight<'_>; 3] {
        [
            Weight {
                initializer: &self.kernel_initializer,
                regularizer: self.kernel_regularizer.as_ref(),
                constraint: self.kernel_constraint.as_ref(),
            },
            Weight {
                initializer: &self.recurrent_initializer,
                regularizer: self.recurrent_regularizer.as_ref(),
                constraint: self.recurrent_constraint.as_ref(),
            },
            Weight {
                initializer: &self.bias_initializer,
                regularizer: self.bias_regularizer.as_ref(),
                constraint: self.bias_constraint.as_ref(),
            },
        ]
    }

    fn forward_step<F: Real>(&self, step: &mut ForwardStep<'_, F>) {
        let (units, width) = (self.units, GATES * self.units);
        if self.reset_after {
            step.recurrent.project(step.before, 0..GATES, step.side, false);
            if self.use_bias {
                kernel::add_to_rows(step.recurrent_bias, step.side);
            }
            add_part(step.side, step.gates, width, 0..NEW * units);
        } else {
            step.recurrent.project(step.before, 0..NEW, step.gates, true);
        }
        copy_part(step.gates, step.sums, width, 0..NEW * units);
        activate(self.recurrent_activation, step.gates, width, 0..NEW * units, units);
        if self.reset_after {
            self.add_reset(step.gates, step.side);
        } else {
            step.side.copy_from_slice(step.before);
            multiply(step.recurrent.mask(NEW), step.side);
            self.reset(step.gates, step.side);
            step.recurrent.kernel.project(step.side, NEW..GATES, step.gates, true);
        }
        copy_part(step.gates, step.sums, width, NEW * units..width);
        activate(self.activation, step.gates, width, NEW * units..width, units);
        let states = step.before.chunks_exact(units).zip(step.output.chunks_exact_mut(units));
        let rows = step.gates.chunks_exact(width).zip(states);
        vectorized(
            #[inline(always)]
            || {
                for (gates, (before, output)) in rows {
                    let mixed = gates[..units].iter().zip(&gates[NEW * units..]).zip(before);
                    for (output, ((&z, &new), &before)) in output.iter_mut().zip(mixed) {
                        *output = z * before + (F::ONE - z) * new;
                    }
                }
            },
        );
    }

    fn backward_step<F: Real>(&self, step: &mut BackwardStep<'_, F>) {
        let (units, width) = (self.units, GATES * self.units);
        step.gates_scratch.copy_from_slice(step.gates);
        let states = step.before.chunks_exact(units).zip(step.d_output.chunks_exact_mut(units));
        let rows = step.gates.chunks_exact_mut(width).zip(states);
        vectorized(
            #[inline(always)]
            || {
                for (gates, (before, d_output)) in rows {
                    let (z, rest) = gates.split_at_mut(units);
                    let mixed = z.iter_mut().zip(&mut rest[units..]).zip(before);
                    for (d, ((z, new), &before)) in d_output.iter_mut().zip(mixed) {
                        (*z, *new, *d) = (*d * (before - *new), *d * (F::ONE - *z), *d * *z);
                    }
                }
            },
        );
        let known = [step.sums, &*step.gates_scratch];
        chain(self.activation, known, step.gates, width, NEW * units..width, units);
        if self.reset_after {
            self.retreat_met(step.gates, step.side, step.gates_scratch);
        } else {
            step.recurrent.kernel.back(step.gates, NEW..GATES, step.output_scratch, false);
            multiply(step.recurrent.mask(NEW), step.output_scratch);
            self.retreat_reset(step);
        }
        let known = [step.sums, &*step.gates_scratch];
        chain(self.recurrent_activation, known, step.gates, width, 0..NEW * units, units);
        if self.reset_after {
            copy_part(step.gates, step.side, width, 0..NEW * units);
            step.recurrent.back(step.side, 0..GATES, step.d_output, true);
        } else {
            step.recurrent.back(step.gates, 0..NEW, step.d_output, true);
        }
    }

    fn recurrent_gradient<F: Real>(
        &self,
        steps: &Steps<'_, F>,
        recurrent: &mut Masked<'_, F>,
        gradient: &mut [F],
        accumulate: bool,
    ) {
        if self.reset_after {
            recurrent.gradient(steps.before, 0..GATES, steps.side, gradient, accumulate);
        } else {
            recurrent.gradient(steps.before, 0..NEW, steps.gates, gradient, accumulate);
            recurrent.kernel.gradient(steps.side, NEW..GATES, steps.gates, gradient, accumulate);
        }
    }

    fn bias_gradient<F: Real>(&self, steps: &Steps<'_, F>, gradient: &mut [F], accumulate: bool) {
        let (input, recurrent) = gradient.split_at_mut(GATES * self.units);
        kernel::sum_rows(steps.gates, input, accumulate);
        if self.reset_after {
            kernel::sum_rows(steps.side, recurrent, accumulate);
        }
    }
}

impl Gru {
    /// Adds what met the recurrent kernel, times the gate that resets it, to what is new.
    fn add_reset<F: Real>(&self, gates: &mut [F], met: &[F]) {
        let (units, width) = (self.units, GATES * self.units);
        vectorized(
            #[inline(always)]
            || {
                for (gates, met) in gates.chunks_exact_mut(width).zip(met.chunks_exact(width)) {
                    let (r, new) = gates[units..].split_at_mut(units);
                    for ((new, &r), &met) in new.iter_mut().zip(&*r).zip(&met[NEW * units..]) {
                        *new += r * met;
                    }
                }
            },
        );
    }

    /// The gradients of the gate that resets and of what met the recurrent kernel, from that of what is new.
    fn retreat_met<F: Real>(&self, gates: &mut [F], met: &mut [F], known: &[F]) {
        let (units, width) = (self.units, GATES * self.units);
        let rows = gates.chunks_exact_mut(width).zip(met.chunks_exact_mut(width)).zip(known.chunks_exact(width));
        vectorized(
            #[inline(always)]
            || {
                for ((gates, met), known) in rows {
                    let (d_r, d_new) = gates[units..].split_at_mut(units);
                    let new = d_new.iter().zip(&mut met[NEW * units..]).zip(&known[units..]);
                    for (d_r, ((&d, met), &r)) in d_r.iter_mut().zip(new) {
                        (*d_r, *met) = (d * *met, d * r);
                    }
                }
            },
        );
    }

    /// Multiplies the state by the gate that resets it.
    fn reset<F: Real>(&self, gates: &[F], state: &mut [F]) {
        let rows = gates.chunks_exact(GATES * self.units).zip(state.chunks_exact_mut(self.units));
        vectorized(
            #[inline(always)]
            || {
                for (gates, state) in rows {
                    state.iter_mut().zip(&gates[self.units..]).for_each(|(state, &r)| *state *= r);
                }
            },
        );
    }

    /// The gradients of the gate that resets and of the state, from that of the reset state in `output_scratch`.
    fn retreat_reset<F: Real>(&self, step: &mut BackwardStep<'_, F>) {
        let (units, width) = (self.units, GATES * self.units);
        let states = step.before.chunks_exact(units).zip(step.d_output.chunks_exact_mut(units));
        let gates = step.gates.chunks_exact_mut(width).zip(step.gates_scratch.chunks_exact(width));
        let rows = gates.zip(states).zip(step.output_scratch.chunks_exact(units));
        vectorized(
            #[inline(always)]
            || {
                for (((gates, known), (before, d_before)), d_reset) in rows {
                    let states = before.iter().zip(d_before).zip(d_reset);
                    for ((d_r, &r), ((&before, d_before), &d)) in
                        gates[units..NEW * units].iter_mut().zip(&known[units..]).zip(states)
                    {
                        *d_r = d * before;
                        *d_before += d * r;
                    }
                }
            },
        );
    }
}

/// Adds the columns `part` of `from` to those of `to`, rows of `width` cells.
fn add_part<F: Real>(from: &[F], to: &mut [F], width: usize, part: Range<usize>) {
    let rows = from.chunks_exact(width).zip(to.chunks_exact_mut(width));
    vectorized(
        #[inline(always)]
        || {
            for (from, to) in rows {
                to[part.clone()].iter_mut().zip(&from[part.clone()]).for_each(|(to, &from)| *to += from);
            }
        },
    );
}

/// Copies the columns `part` of `from` to `to`, rows of `width` cells; to nowhere where `to` is empty.
fn copy_part<F: Real>(from: &[F], to: &mut [F], width: usize, part: Range<usize>) {
    for (from, to) in from.chunks_exact(width).zip(to.chunks_exact_mut(width)) {
        to[part.clone()].copy_from_slice(&from[part.clone()]);
    }
}
