//! [`LstmGates`].

use super::cell::{BackwardStep, ForwardStep, activate, chain};
use crate::engine::{
    activation::Activation,
    kernel::{self, vectorized},
    real::Real,
};

const GATES: usize = LstmGates::COUNT;

/// The arithmetic of long short-term memory, which [`super::Lstm`] and [`super::ConvLstm`] share: gates i, f, c and o of
/// `units` elements each, at each position of the state.
#[derive(Debug, Clone, Copy)]
pub(super) struct LstmGates {
    pub units: usize,
    pub activation: Activation,
    pub recurrent_activation: Activation,
}

impl LstmGates {
    pub const COUNT: usize = 4;

    /// See [`super::cell::Cell::forward_step`].
    pub fn forward_step<F: Real>(&self, step: &mut ForwardStep<'_, F>) {
        let (units, width) = (self.units, GATES * self.units);
        step.recurrent.project(step.before, 0..GATES, step.gates, true);
        if !step.sums.is_empty() {
            step.sums.copy_from_slice(step.gates);
        }
        activate(self.recurrent_activation, step.gates, width, 0..2 * units, units);
        activate(self.activation, step.gates, width, 2 * units..3 * units, units);
        activate(self.recurrent_activation, step.gates, width, 3 * units..width, units);
        let gates = step.gates.chunks_exact_mut(width);
        let carries = step.carry_before.chunks_exact(units).zip(step.carry.chunks_exact_mut(units));
        vectorized(
            #[inline(always)]
            || {
                for (gates, (before, carry)) in gates.zip(carries) {
                    let [i, f, g, _] = split(gates, units);
                    for ((((carry, &before), &i), &f), &g) in carry.iter_mut().zip(before).zip(&*i).zip(&*f).zip(&*g) {
                        *carry = f * before + i * g;
                    }
                }
            },
        );
        step.side.copy_from_slice(step.carry);
        self.activation.forward(step.side, units);
        give(step.gates, step.side, step.output, units);
    }

    /// See [`super::cell::Cell::backward_step`].
    pub fn backward_step<F: Real>(&self, step: &mut BackwardStep<'_, F>) {
        let (units, width) = (self.units, GATES * self.units);
        give(step.gates, step.d_output, step.output_scratch, units);
        self.activation.backward(step.carry, step.side, step.output_scratch, units);
        kernel::add(step.output_scratch, step.d_carry);
        step.gates_scratch.copy_from_slice(step.gates);
        let gates = step.gates.chunks_exact_mut(width);
        let carries = step.carry_before.chunks_exact(units).zip(step.d_carry.chunks_exact_mut(units));
        let outputs = step.side.chunks_exact(units).zip(step.d_output.chunks_exact(units));
        vectorized(
            #[inline(always)]
            || {
                for ((gates, (before, d_carry)), (given, d_output)) in gates.zip(carries).zip(outputs) {
                    let [i, f, g, o] = split(gates, units);
                    for ((o, &d), &given) in o.iter_mut().zip(d_output).zip(given) {
                        *o = d * given;
                    }
                    for ((i, g), &d) in i.iter_mut().zip(g).zip(&*d_carry) {
                        (*i, *g) = (d * *g, d * *i);
                    }
                    for ((f, d), &before) in f.iter_mut().zip(d_carry).zip(before) {
                        (*f, *d) = (*d * before, *d * *f);
                    }
                }
            },
        );
        let known = [step.sums, &*step.gates_scratch];
        chain(self.recurrent_activation, known, step.gates, width, 0..2 * units, units);
        chain(self.activation, known, step.gates, width, 2 * units..3 * units, units);
        chain(self.recurrent_activation, known, step.gates, width, 3 * units..width, units);
        step.recurrent.back(step.gates, 0..GATES, step.d_output, false);
    }
}

/// Multiplies every row of `from` by the gate that gives the carry out.
fn give<F: Real>(gates: &[F], from: &[F], to: &mut [F], units: usize) {
    let rows = gates.chunks_exact(GATES * units).zip(from.chunks_exact(units)).zip(to.chunks_exact_mut(units));
    vectorized(
        #[inline(always)]
        || {
            for ((gates, from), to) in rows {
                to.iter_mut().zip(from).zip(&gates[3 * units..]).for_each(|((to, &from), &gate)| *to = from * gate);
            }
        },
    );
}

/// The gates of one row: those that write, keep, are written, and give.
#[inline(always)]
fn split<F>(gates: &mut [F], units: usize) -> [&mut [F]; GATES] {
    let (i, rest) = gates.split_at_mut(units);
    let (f, rest) = rest.split_at_mut(units);
    let (g, o) = rest.split_at_mut(units);
    [i, f, g, o]
}
