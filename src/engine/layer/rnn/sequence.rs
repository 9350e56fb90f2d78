//! The walk along a sequence, which every recurrent layer shares.

use super::{
    cell::{BackwardStep, Cell, CellConfig, ForwardStep, Steps},
    kernels::{Masked, multiply},
    memory::{Plan, neighbours, part},
    noise,
};
use crate::engine::{
    cancel::is_cancelled,
    kernel,
    layer::{Backward, Forward, Layer, Values},
    real::Real,
    regularizer::Regularizer,
};
use std::ops::Range;

const KERNEL: usize = 0;
const RECURRENT_KERNEL: usize = 1;
const BIAS: usize = 2;
/// Rows of inputs that are multiplied at once: enough to make use of the kernel, few enough for what comes out to stay in the second
/// cache until its steps are made.
const PROJECTED_ROWS: usize = 128;

/// The steps of some rows, in the order in which they are processed.
struct Walk<'a, F> {
    plan: Plan,
    rows: usize,
    /// [rows, steps]
    mask: Option<&'a [F]>,
    /// The state before the first step is one that is given.
    begun: bool,
}

impl<'a, F: Real> Walk<'a, F> {
    fn new(plan: Plan, rows: usize, inputs: &Values<'a, F>) -> Self {
        let mask = inputs.mask(0).filter(|_| plan.config.use_mask);
        Self { plan, rows, mask, begun: inputs.len() > plan.config.first_state() }
    }

    /// Where in the input step `step` of the walk is.
    fn source(&self, step: usize) -> usize {
        if self.plan.config.go_backwards { self.plan.steps - 1 - step } else { step }
    }

    /// Whether this row's step does not count.
    fn skips(&self, step: usize, row: usize) -> bool {
        self.mask.is_some_and(|mask| mask[row * self.plan.steps + self.source(step)] == F::ZERO)
    }

    /// Whether this row's output of the step is zero: that of a masked step where it is asked for, and of those before the
    /// first one that counts, even where the state is not.
    fn is_silent(&self, step: usize, row: usize) -> bool {
        self.skips(step, row)
            && (self.plan.config.zero_output_for_mask
                || (self.begun && (0..step).all(|before| self.skips(before, row))))
    }

    /// The rows whose step does not count, as the cells of a state.
    fn skipped(&self, step: usize) -> impl Iterator<Item = Range<usize>> {
        let (rows, state) = (if self.mask.is_some() { self.rows } else { 0 }, self.plan.state);
        (0..rows).filter(move |row| self.skips(step, *row)).map(move |row| row * state..(row + 1) * state)
    }

    /// For each row, its cells in a state and where they lie in the layer's output; nothing for steps whose output is not
    /// given, and for rows whose output is zero.
    fn outputs(&self, step: usize) -> impl Iterator<Item = [Range<usize>; 2]> {
        let Plan { steps, state, config: CellConfig { return_sequences, reverse_output, .. }, .. } = self.plan;
        let (place, of) = match (return_sequences, reverse_output) {
            (true, false) => (step, steps),
            (true, true) => (steps - 1 - step, steps),
            (false, _) => (0, 1),
        };
        let rows = if return_sequences || step + 1 == steps { self.rows } else { 0 };
        (0..rows).filter(move |row| !self.is_silent(step, *row)).map(move |row| {
            let to = (row * of + place) * state;
            [row * state..(row + 1) * state, to..to + state]
        })
    }

    /// The input's cells of each row and step, and where they lie step by step in the order of processing.
    fn inputs(&self) -> impl Iterator<Item = [Range<usize>; 2]> {
        let (steps, rows, inputs) = (self.plan.steps, self.rows, self.plan.inputs);
        (0..steps).flat_map(move |step| {
            let source = self.source(step);
            (0..rows).map(move |row| {
                let (from, to) = ((row * steps + source) * inputs, (step * rows + row) * inputs);
                [from..from + inputs, to..to + inputs]
            })
        })
    }
}

/// See [`Layer::forward`](crate::engine::layer::Layer::forward).
pub(super) fn forward<F: Real>(cell: &impl Cell, cx: &mut Forward<'_, F>) {
    let plan = Plan::new(cell, cx.inputs.shape(0));
    let CellConfig { units, gates, use_bias, zero_output_for_mask, merge, .. } = plan.config;
    let rows = cx.pass.rows;
    let weights = [KERNEL, RECURRENT_KERNEL].map(|index| cx.parameters.get(index));
    let ([mut input_kernel, kernel], scratch) = plan.kernels(weights, cx.tables, cx.scratch);
    let (memory, scratch) = if cx.pass.training {
        (plan.memory(rows, true, cx.kept).0, scratch)
    } else {
        plan.memory(rows, false, scratch)
    };
    if cx.pass.training {
        noise::draw(&plan, &cx.pass, memory.input_masks, memory.recurrent_masks);
    }
    let walk = Walk::new(plan, rows, &cx.inputs);
    for [from, to] in walk.inputs() {
        memory.x[to].copy_from_slice(&cx.inputs.get(0)[from]);
    }
    let (all, by_gate) = masks(&plan, memory.input_masks);
    multiply(all, memory.x);
    let at_once = PROJECTED_ROWS.div_ceil(rows.max(1) * plan.product_rows());
    let mut recurrent = Masked { kernel, masks: memory.recurrent_masks, scratch };
    let bias = if use_bias { cx.parameters.get(BIAS) } else { &[] };
    let (bias, recurrent_bias) = bias.split_at((gates * units).min(bias.len()));
    let (state, gate_cells) = (rows * plan.state, rows * plan.gate_cells());
    begin(&plan, &cx.inputs, &mut memory.outputs[..state], 0);
    if plan.config.carries {
        begin(&plan, &cx.inputs, &mut memory.carries[..state], 1);
    }
    let merged = memory.merged;
    let target = if merge.is_some() { &mut *merged } else { &mut *cx.output };
    if (zero_output_for_mask || walk.begun) && walk.mask.is_some() {
        target.fill(F::ZERO);
    }
    for step in 0..plan.steps {
        if is_cancelled() {
            return;
        }
        if step % at_once == 0 {
            let end = plan.steps.min(step + at_once);
            let x = &memory.x[step * rows * plan.inputs..end * rows * plan.inputs];
            let projected = &mut memory.gates[step * gate_cells..end * gate_cells];
            let mut input = Masked { kernel: input_kernel.lend(), masks: by_gate, scratch: &mut *recurrent.scratch };
            input.project(x, 0..gates, projected, false);
        }
        let gates = part(memory.gates, gate_cells, step);
        if use_bias {
            kernel::add_to_rows(bias, gates);
        }
        let (before, output) = neighbours(memory.outputs, state, step);
        let (carry_before, carry) = neighbours(memory.carries, state, step);
        cell.forward_step(&mut ForwardStep {
            recurrent: recurrent.lend(),
            recurrent_bias,
            gates,
            side: part(memory.side, rows * plan.side_cells(), step),
            sums: part(memory.sums, gate_cells, step),
            before,
            output: &mut *output,
            carry_before,
            carry: &mut *carry,
        });
        for cells in walk.skipped(step) {
            output[cells.clone()].copy_from_slice(&before[cells.clone()]);
            if plan.config.carries {
                carry[cells.clone()].copy_from_slice(&carry_before[cells]);
            }
        }
        for [from, to] in walk.outputs(step) {
            target[to].copy_from_slice(&output[from]);
        }
    }
    let ends = [part(memory.outputs, state, plan.steps), part(memory.carries, state, plan.steps)];
    if let Some(mode) = merge {
        mode.forward([cx.inputs.get(1), merged], [cx.inputs.shape(1).last(), units], cx.output);
        if let Some(penalty) = own_penalty(cell, 1) {
            *cx.penalty += penalty.penalty(merged, cx.inputs.shape(1), &mut []);
            for end in ends.iter().take(cell.values() - 1) {
                *cx.penalty += penalty.penalty(end, &cell.state_shape(cx.inputs.shape(0)), &mut []);
            }
        }
    }
    for (index, end) in ends.into_iter().enumerate() {
        if let Some(given) = cx.others.get(index) {
            given.copy_from_slice(end);
        }
    }
}

/// Writes tensor `index` of the state before the first step: what is given, or zero.
fn begin<F: Real>(plan: &Plan, inputs: &Values<'_, F>, state: &mut [F], index: usize) {
    let input = plan.config.first_state() + index;
    if input < inputs.len() { state.copy_from_slice(inputs.get(input)) } else { state.fill(F::ZERO) }
}

/// The penalty on an output before it is merged with that of the other direction, in a batch of so many rows.
fn own_penalty(cell: &impl Cell, batch_rows: usize) -> Option<Regularizer> {
    cell.activity()?.elementwise().map(|penalty| penalty.divided_by(batch_rows))
}

/// See [`Layer::backward`](crate::engine::layer::Layer::backward).
pub(super) fn backward<F: Real>(cell: &impl Cell, cx: &mut Backward<'_, F>) {
    let plan = Plan::new(cell, cx.inputs.shape(0));
    let (CellConfig { units, gates, use_bias, carries, merge, .. }, rows) = (plan.config, cx.pass.rows);
    let (memory, _) = plan.memory(rows, true, cx.kept);
    let weights = [KERNEL, RECURRENT_KERNEL].map(|index| cx.parameters.get(index));
    let ([mut input_kernel, mut kernel], scratch) = plan.kernels(weights, cx.tables, cx.scratch);
    let scratch = plan.scratch(rows, scratch);
    kernel.prepare_back();
    let mut recurrent = Masked { kernel, masks: memory.recurrent_masks, scratch: &mut *scratch.masked };
    let walk = Walk::new(plan, rows, &cx.inputs);
    let (state, gate_cells, side_cells) = (rows * plan.state, rows * plan.gate_cells(), rows * plan.side_cells());
    let mut dy = &*cx.output_gradient;
    if let Some(mode) = merge {
        let (other, widths) = (cx.inputs.get(1), [cx.inputs.shape(1).last(), units]);
        if let Some(gradient) = cx.input_gradients.get(1) {
            mode.backward(0, memory.merged, widths, dy, gradient);
        }
        mode.backward(1, other, widths, dy, scratch.merged);
        if let Some(penalty) = own_penalty(cell, cx.pass.batch_rows) {
            penalty.add_gradient(memory.merged, cx.inputs.shape(1), &mut [], scratch.merged);
        }
        dy = scratch.merged;
    }
    let ends = [(&mut *scratch.d_output, &*memory.outputs), (&mut *scratch.d_carry, &*memory.carries)];
    for (index, (gradient, states)) in ends.into_iter().enumerate() {
        match cx.other_gradients.get(index) {
            Some(given) => gradient.copy_from_slice(given),
            None => gradient.fill(F::ZERO),
        }
        let penalty = own_penalty(cell, cx.pass.batch_rows).filter(|_| merge.is_some() && index + 1 < cell.values());
        if let Some(penalty) = penalty {
            let shape = cell.state_shape(cx.inputs.shape(0));
            penalty.add_gradient(&states[plan.steps * state..], &shape, &mut [], gradient);
        }
    }
    for step in (0..plan.steps).rev() {
        if is_cancelled() {
            return;
        }
        for [to, from] in walk.outputs(step) {
            kernel::add(&dy[from], &mut scratch.d_output[to]);
        }
        for cells in walk.skipped(step) {
            scratch.passed_output[cells.clone()].copy_from_slice(&scratch.d_output[cells.clone()]);
            if carries {
                scratch.passed_carry[cells.clone()].copy_from_slice(&scratch.d_carry[cells]);
            }
        }
        let step_gates = part(memory.gates, gate_cells, step);
        let side = part(memory.side, side_cells, step);
        cell.backward_step(&mut BackwardStep {
            recurrent: recurrent.lend(),
            gates: &mut *step_gates,
            side: &mut *side,
            sums: part(memory.sums, gate_cells, step),
            before: &memory.outputs[step * state..][..state],
            output: &memory.outputs[(step + 1) * state..][..state],
            carry_before: if carries { &memory.carries[step * state..][..state] } else { &[] },
            carry: if carries { &memory.carries[(step + 1) * state..][..state] } else { &[] },
            d_output: &mut *scratch.d_output,
            d_carry: &mut *scratch.d_carry,
            gates_scratch: &mut *scratch.gates,
            output_scratch: &mut *scratch.output,
        });
        for cells in walk.skipped(step) {
            let row = cells.start / plan.state;
            step_gates[row * plan.gate_cells()..][..plan.gate_cells()].fill(F::ZERO);
            side[row * plan.side_cells()..][..plan.side_cells()].fill(F::ZERO);
            scratch.d_output[cells.clone()].copy_from_slice(&scratch.passed_output[cells.clone()]);
            if carries {
                scratch.d_carry[cells.clone()].copy_from_slice(&scratch.passed_carry[cells]);
            }
        }
    }
    for (index, from) in [&*scratch.d_output, &*scratch.d_carry].into_iter().enumerate() {
        let input = plan.config.first_state() + index;
        if input < cx.inputs.len()
            && let Some(gradient) = cx.input_gradients.get(input)
        {
            gradient.copy_from_slice(from);
        }
    }
    let accumulate = cx.parameter_gradients.accumulate;
    let steps = Steps { before: &memory.outputs[..plan.steps * state], gates: memory.gates, side: memory.side };
    if let Some(gradient) = cx.parameter_gradients.get(RECURRENT_KERNEL) {
        cell.recurrent_gradient(&steps, &mut recurrent, gradient, accumulate);
    }
    if use_bias && let Some(gradient) = cx.parameter_gradients.get(BIAS) {
        cell.bias_gradient(&steps, gradient, accumulate);
    }
    let (all, by_gate) = masks(&plan, memory.input_masks);
    if cx.input_gradients.get(0).is_some() {
        input_kernel.prepare_back();
    }
    let mut input = Masked { kernel: input_kernel, masks: by_gate, scratch: &mut *scratch.masked };
    if let Some(gradient) = cx.parameter_gradients.get(KERNEL) {
        input.gradient(memory.x, 0..gates, memory.gates, gradient, accumulate);
    }
    if let Some(gradient) = cx.input_gradients.get(0) {
        input.back(memory.gates, 0..gates, scratch.d_x, false);
        multiply(all, scratch.d_x);
        for [to, from] in walk.inputs() {
            gradient[to].copy_from_slice(&scratch.d_x[from]);
        }
    }
}

/// The masks of the inputs: one for all gates, or one for each.
fn masks<'a, F>(plan: &Plan, masks: &'a [F]) -> (&'a [F], &'a [F]) {
    if plan.input_masks() > 1 { (&[], masks) } else { (masks, &[]) }
}
