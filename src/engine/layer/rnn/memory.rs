//! Where everything lies that a recurrent layer computes, and how much of it there is.

use super::{
    cell::{Cell, CellConfig},
    convolution_kernel::{ConvolutionKernel, KernelShape},
    kernels::{DenseKernel, GateKernel},
};
use crate::engine::{layer::Workspace, real::Real, shape::Shape};

/// A layer's config at the shape of its input.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub config: CellConfig,
    pub steps: usize,
    /// Elements of one step of the input.
    pub inputs: usize,
    /// Elements of each tensor of the state.
    pub state: usize,
    /// Where the kernels are convolutions: that of the input and that of the state.
    convolutions: Option<[KernelShape; 2]>,
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
}

impl Plan {
    /// The plan for an input of a shape that passed [`Cell::check_input`].
    pub fn new(cell: &impl Cell, input: &Shape) -> Self {
        let config = cell.config();
        let (steps, inputs) = (input.0[0], input.0[1..].iter().product());
        let by_gate = config.recurrent_dropout > 0.0 || config.dropout > 0.0 && config.drops_by_gate;
        let shape = |all| KernelShape { all, gates: config.gates, by_gate };
        let convolutions = cell.convolutions(input).map(|both| both.map(shape));
        Self { config, steps, inputs, state: cell.state_shape(input).elements(), convolutions }
    }

    /// Elements of the gates of one row.
    pub fn gate_cells(&self) -> usize {
        self.config.gates * self.state
    }

    /// Elements that the cell keeps of one row and step.
    pub fn side_cells(&self) -> usize {
        self.state / self.config.units * self.config.side
    }

    /// Columns of the kernels.
    fn columns(&self) -> usize {
        self.config.gates * self.config.units
    }

    /// Elements of scratch of the kernel and of the recurrent kernel.
    fn kernel_scratch(&self) -> [usize; 2] {
        match self.convolutions {
            Some(both) => both.map(|shape| shape.scratch()),
            None => [self.inputs * self.columns(), self.state * self.columns()],
        }
    }

    /// Tables of both kernels, one after the other.
    pub fn tables(&self) -> Vec<Vec<u32>> {
        self.convolutions.iter().flatten().flat_map(KernelShape::tables).collect()
    }

    /// Multiplications and additions of a row's forward.
    pub fn cost(&self) -> u64 {
        let each = match self.convolutions {
            Some(both) => both.iter().fold(0, |sum, shape| shape.all.cost().saturating_add(sum)),
            None => 2 * self.gate_cells() as u64 * (self.inputs + self.state) as u64,
        };
        each.saturating_mul(self.steps as u64)
    }

    /// Rows of each step's product with the recurrent kernel.
    pub fn product_rows(&self) -> usize {
        self.state / self.config.units
    }

    /// The kernel and the recurrent kernel, and what is left of `scratch` beside theirs.
    pub fn kernels<'a, F: Real>(
        &self,
        [kernel, recurrent]: [&'a [F]; 2],
        tables: &'a [Vec<u32>],
        mut scratch: &'a mut [F],
    ) -> ([GateKernel<'a, F>; 2], &'a mut [F]) {
        let [first, second] = self.kernel_scratch().map(|count| take(&mut scratch, count));
        let kernels = match self.convolutions {
            Some([of_input, of_state]) => {
                let (tables, others) = tables.split_at(of_input.table_count());
                [
                    GateKernel::Convolution(ConvolutionKernel::new(kernel, of_input, tables, first)),
                    GateKernel::Convolution(ConvolutionKernel::new(recurrent, of_state, others, second)),
                ]
            }
            None => {
                let CellConfig { gates, units, .. } = self.config;
                [(kernel, first), (recurrent, second)]
                    .map(|(cells, scratch)| GateKernel::Dense(DenseKernel::new(cells, gates, units, scratch)))
            }
        };
        (kernels, scratch)
    }

    /// Masks of a row's inputs: one for all gates, unless the state is dropped from as well.
    pub fn input_masks(&self) -> usize {
        match (self.config.dropout > 0.0, self.config.recurrent_dropout > 0.0 || self.config.drops_by_gate) {
            (false, _) => 0,
            (true, false) => 1,
            (true, true) => self.config.gates,
        }
    }

    /// Masks of a row's state: one for each gate.
    pub fn recurrent_masks(&self) -> usize {
        if self.config.recurrent_dropout > 0.0 { self.config.gates } else { 0 }
    }

    /// Cells of a row's output where it is merged with that of the other direction.
    fn merged_cells(&self) -> usize {
        let CellConfig { return_sequences, merge, .. } = self.config;
        if merge.is_none() { 0 } else { self.state * if return_sequences { self.steps } else { 1 } }
    }

    /// Cells a row of each part of [`Memory`].
    fn memory_cells(&self, training: bool) -> [usize; 9] {
        let CellConfig { carries, sums, .. } = self.config;
        let (steps, states) = if training { (self.steps, self.steps + 1) } else { (1, 2) };
        let masks = |count: usize, cells: usize| if training { count * cells } else { 0 };
        [
            self.steps * self.inputs,
            self.steps * self.gate_cells(),
            steps * self.side_cells(),
            if sums && training { steps * self.gate_cells() } else { 0 },
            states * self.state,
            if carries { states * self.state } else { 0 },
            masks(self.input_masks(), self.inputs),
            masks(self.recurrent_masks(), self.state),
            self.merged_cells(),
        ]
    }

    /// Elements a row of each part of [`Scratch`].
    fn scratch_cells(&self) -> [usize; 9] {
        let state = self.state;
        let carry = if self.config.carries { state } else { 0 };
        let drops = self.recurrent_masks() > 0 || self.input_masks() > 1;
        let masked = if drops { self.steps * self.inputs.max(state) } else { 0 };
        [self.steps * self.inputs, state, carry, state, carry, self.gate_cells(), state, masked, self.merged_cells()]
    }

    /// What the layer asks for.
    pub fn workspace(&self) -> Workspace {
        Workspace {
            kept_per_row: sum_of(self.memory_cells(true)),
            scratch_per_row: sum_of(self.memory_cells(false)).max(sum_of(self.scratch_cells())),
            scratch: sum_of(self.kernel_scratch()),
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
        Scratch { d_x, d_output, d_carry, passed_output, passed_carry, gates, output, masked, merged }
    }
}

fn sum_of<const N: usize>(counts: [usize; N]) -> usize {
    counts.into_iter().fold(0, usize::saturating_add)
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
