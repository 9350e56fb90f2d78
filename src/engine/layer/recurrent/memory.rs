//! Where everything lies that a recurrent layer computes, and how much of it there is.

use super::cell::Outline;
use crate::engine::{layer::Workspace, shape::Shape};

/// A layer's outline at the shape of its input.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub outline: Outline,
    pub steps: usize,
    pub inputs: usize,
}

/// What forward leaves for backward; `[steps, rows, …]` each, in the order of processing. At inference only what comes from
/// the input is there for all steps, and two states take turns.
#[derive(Debug)]
pub(super) struct Memory<'a, F> {
    pub x: &'a mut [F],
    /// `[steps, rows, gates, units]`
    pub gates: &'a mut [F],
    pub side: &'a mut [F],
    pub sums: &'a mut [F],
    /// Begins with the output before the first step: the initial state, or zero.
    pub outputs: &'a mut [F],
    /// Likewise.
    pub carries: &'a mut [F],
    /// `[gates or 1, rows, inputs]`
    pub input_masks: &'a mut [F],
    /// `[gates, rows, units]`
    pub recurrent_masks: &'a mut [F],
    /// The layer's output before it is merged with that of the other direction, as the output lies.
    pub merged: &'a mut [F],
}

/// What backward overwrites.
#[derive(Debug)]
pub(super) struct Scratch<'a, F> {
    /// `[steps, rows, inputs]`
    pub d_x: &'a mut [F],
    pub d_output: &'a mut [F],
    pub d_carry: &'a mut [F],
    /// The gradients of rows whose step does not count.
    pub passed_output: &'a mut [F],
    pub passed_carry: &'a mut [F],
    pub gates: &'a mut [F],
    pub output: &'a mut [F],
    pub masked: &'a mut [F],
    /// The gradient of the output before it was merged, as the output lies.
    pub merged: &'a mut [F],
    pub kernel: &'a mut [F],
    pub recurrent_kernel: &'a mut [F],
}

impl Plan {
    pub fn new(outline: Outline, input: &Shape) -> Self {
        let (steps, inputs) = (input.0[0], input.last());
        Self { outline, steps, inputs }
    }

    /// Cells of the gates of one row.
    pub fn gate_cells(&self) -> usize {
        self.outline.gates * self.outline.units
    }

    /// Masks of a row's inputs: one for all gates, unless the state is dropped from as well.
    pub fn input_masks(&self) -> usize {
        match (self.outline.dropout > 0.0, self.outline.recurrent_dropout > 0.0) {
            (false, _) => 0,
            (true, false) => 1,
            (true, true) => self.outline.gates,
        }
    }

    /// Masks of a row's state: one for each gate.
    pub fn recurrent_masks(&self) -> usize {
        if self.outline.recurrent_dropout > 0.0 { self.outline.gates } else { 0 }
    }

    /// Cells of a row's output where it is merged with that of the other direction.
    fn merged_cells(&self) -> usize {
        let Outline { units, return_sequences, merge, .. } = self.outline;
        if merge.is_none() { 0 } else { units * if return_sequences { self.steps } else { 1 } }
    }

    /// Cells a row of each part of [`Memory`].
    fn memory_cells(&self, training: bool) -> [usize; 9] {
        let Outline { units, carries, side, sums, .. } = self.outline;
        let (steps, states) = if training { (self.steps, self.steps + 1) } else { (1, 2) };
        let masks = |count: usize, cells: usize| if training { count * cells } else { 0 };
        [
            self.steps * self.inputs,
            self.steps * self.gate_cells(),
            steps * side,
            if sums && training { steps * self.gate_cells() } else { 0 },
            states * units,
            if carries { states * units } else { 0 },
            masks(self.input_masks(), self.inputs),
            masks(self.recurrent_masks(), units),
            self.merged_cells(),
        ]
    }

    /// Cells a row of each part of [`Scratch`] but the kernels.
    fn scratch_cells(&self) -> [usize; 9] {
        let Outline { units, carries, .. } = self.outline;
        let carry = if carries { units } else { 0 };
        let drops = self.recurrent_masks() > 0;
        let masked = if drops { self.steps * self.inputs.max(units) } else { 0 };
        [self.steps * self.inputs, units, carry, units, carry, self.gate_cells(), units, masked, self.merged_cells()]
    }

    /// What the layer asks for.
    pub fn workspace(&self) -> Workspace {
        let sum = |cells: [usize; 9]| cells.into_iter().fold(0, usize::saturating_add);
        Workspace {
            kept_per_row: sum(self.memory_cells(true)),
            scratch_per_row: sum(self.memory_cells(false)).max(sum(self.scratch_cells())),
            scratch: self.gate_cells() * (self.inputs + self.outline.units),
        }
    }

    /// Lays the memory out in `cells`; gives what is left of them.
    pub fn memory<'a, F>(&self, rows: usize, training: bool, mut cells: &'a mut [F]) -> (Memory<'a, F>, &'a mut [F]) {
        let [x, gates, side, sums, outputs, carries, input_masks, recurrent_masks, merged] =
            self.memory_cells(training).map(|count| take(&mut cells, rows * count));
        let memory = Memory { x, gates, side, sums, outputs, carries, input_masks, recurrent_masks, merged };
        (memory, cells)
    }

    /// Lays out in `cells` what backward overwrites.
    pub fn scratch<'a, F>(&self, rows: usize, mut cells: &'a mut [F]) -> Scratch<'a, F> {
        let [d_x, d_output, d_carry, passed_output, passed_carry, gates, output, masked, merged] =
            self.scratch_cells().map(|count| take(&mut cells, rows * count));
        let kernel = take(&mut cells, self.inputs * self.gate_cells());
        let recurrent_kernel = take(&mut cells, self.outline.units * self.gate_cells());
        Scratch {
            d_x,
            d_output,
            d_carry,
            passed_output,
            passed_carry,
            gates,
            output,
            masked,
            merged,
            kernel,
            recurrent_kernel,
        }
    }
}

/// Takes the first `count` cells away from `cells`.
fn take<'a, F>(cells: &mut &'a mut [F], count: usize) -> &'a mut [F] {
    let (first, rest) = std::mem::take(cells).split_at_mut(count);
    *cells = rest;
    first
}

/// Part `index` of `cells`, parts of `size` cells that are used in turns where there are fewer.
pub(super) fn part<F>(cells: &mut [F], size: usize, index: usize) -> &mut [F] {
    match cells.len() / size.max(1) {
        0 => &mut [],
        count => &mut cells[index % count * size..][..size],
    }
}

/// Parts `index` and `index + 1`, likewise.
pub(super) fn neighbours<F>(cells: &mut [F], size: usize, index: usize) -> (&[F], &mut [F]) {
    let count = cells.len() / size.max(1);
    if count < 2 {
        return (&[], &mut []);
    }
    let (before, after) = (index % count, (index + 1) % count);
    let (first, second) = cells.split_at_mut(before.max(after) * size);
    if before < after {
        (&first[before * size..][..size], &mut second[..size])
    } else {
        (&second[..size], &mut first[after * size..][..size])
    }
}
