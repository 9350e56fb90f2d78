//! [`ConvolutionKernel`]: the products of a recurrent layer whose kernels are convolutions.

use crate::engine::{kernel, layer::convolutional::Correlation, real::Real};
use std::ops::Range;

/// A kernel `[taps, channels, gates * filters]` over images.
///
/// All gates are one convolution. Where inputs are dropped by gate, one gate is convolved at a time, from a copy of its
/// columns.
#[derive(Debug)]
pub(super) struct ConvolutionKernel<'a, F> {
    cells: &'a [F],
    shape: KernelShape,
    /// Those of all gates, then those of one.
    tables: &'a [Vec<u32>],
    scratch: &'a mut [F],
}

/// The convolution of all gates, and of one where there is such.
#[derive(Debug, Clone, Copy)]
pub(super) struct KernelShape {
    pub all: Correlation,
    pub gates: usize,
    /// Whether gates have inputs of their own.
    pub by_gate: bool,
}

/// Scratch of one gate at a time.
struct GateScratch<'a, F> {
    /// What the convolution works in.
    convolution: &'a mut [F],
    /// The gate's columns of the kernel or of its gradient.
    kernel: &'a mut [F],
    /// The gate's columns of the outputs of some images.
    outputs: &'a mut [F],
}

impl KernelShape {
    fn gate(&self) -> Correlation {
        Correlation { filters: self.all.filters / self.gates, ..self.all }
    }

    fn kernel_cells(&self) -> usize {
        self.all.window.taps() * self.all.channels * self.all.filters
    }

    fn gate_cells(&self) -> [usize; 3] {
        let gate = self.gate();
        [gate.scratch(), self.kernel_cells() / self.gates, gate.images() * gate.output_elements()]
    }

    /// Elements of scratch.
    pub fn scratch(&self) -> usize {
        self.all.scratch() + if self.by_gate { self.gate_cells().iter().sum() } else { 0 }
    }

    /// What the products read of where elements lie.
    pub fn tables(&self) -> Vec<Vec<u32>> {
        let mut tables = self.all.tables();
        if self.by_gate {
            tables.extend(self.gate().tables());
        }
        tables
    }

    /// How many tables there are.
    pub fn table_count(&self) -> usize {
        self.all.table_count() * if self.by_gate { 2 } else { 1 }
    }
}

impl<'a, F: Real> ConvolutionKernel<'a, F> {
    pub fn new(cells: &'a [F], shape: KernelShape, tables: &'a [Vec<u32>], scratch: &'a mut [F]) -> Self {
        Self { cells, shape, tables, scratch }
    }

    /// The same, for as long as it is lent.
    pub fn lend(&mut self) -> ConvolutionKernel<'_, F> {
        ConvolutionKernel { cells: self.cells, shape: self.shape, tables: self.tables, scratch: self.scratch }
    }

    pub fn gates(&self) -> usize {
        self.shape.gates
    }

    fn is_whole(&self, gates: &Range<usize>) -> bool {
        gates.len() == self.shape.gates
    }

    /// The tables of one gate, and scratch for it.
    fn gate_parts(&mut self) -> (&'a [Vec<u32>], GateScratch<'_, F>) {
        let [convolution, kernel, outputs] = self.shape.gate_cells();
        let scratch = &mut self.scratch[self.shape.all.scratch()..];
        let (convolution, scratch) = scratch.split_at_mut(convolution);
        let (kernel, scratch) = scratch.split_at_mut(kernel);
        let scratch = GateScratch { convolution, kernel, outputs: &mut scratch[..outputs] };
        (&self.tables[self.shape.all.table_count()..], scratch)
    }

    /// See [`super::kernels::GateKernel::prepare_back`].
    pub fn transpose(&mut self) {
        let all = self.shape.all;
        all.turn_kernel(self.cells, &mut all.rooms(self.scratch));
    }

    /// See [`super::kernels::GateKernel::project`].
    pub fn project(&mut self, x: &[F], gates: Range<usize>, y: &mut [F], accumulate: bool) {
        let (all, cells) = (self.shape.all, self.cells);
        if self.is_whole(&gates) {
            let images = x.chunks(all.images() * all.image_cells());
            for (images, y) in images.zip(y.chunks_mut(all.images() * all.output_elements())) {
                all.project(self.tables, images, cells, &mut all.rooms(self.scratch), y, accumulate);
            }
            return;
        }
        let (gate, (tables, scratch)) = (self.shape.gate(), self.gate_parts());
        for index in gates {
            let columns = Columns { width: all.filters, first: index * gate.filters, count: gate.filters };
            columns.copy(cells, scratch.kernel);
            let images = x.chunks(gate.images() * gate.image_cells());
            for (images, y) in images.zip(y.chunks_mut(gate.images() * all.output_elements())) {
                let outputs = &mut scratch.outputs[..y.len() / columns.width * columns.count];
                gate.project(tables, images, scratch.kernel, &mut gate.rooms(scratch.convolution), outputs, false);
                columns.put(outputs, y, accumulate);
            }
        }
    }

    /// See [`super::kernels::GateKernel::back`]; never adds.
    pub fn back(&mut self, dy: &[F], gates: Range<usize>, dx: &mut [F]) {
        let (all, cells) = (self.shape.all, self.cells);
        if self.is_whole(&gates) {
            let images = dx.chunks_mut(all.images() * all.image_cells());
            for (dx, dy) in images.zip(dy.chunks(all.images() * all.output_elements())) {
                all.back(self.tables, dy, &mut all.rooms(self.scratch), dx);
            }
            return;
        }
        let (gate, (tables, scratch)) = (self.shape.gate(), self.gate_parts());
        for index in gates {
            let columns = Columns { width: all.filters, first: index * gate.filters, count: gate.filters };
            columns.copy(cells, scratch.kernel);
            let mut rooms = gate.rooms(scratch.convolution);
            gate.turn_kernel(scratch.kernel, &mut rooms);
            let images = dx.chunks_mut(gate.images() * gate.image_cells());
            for (dx, dy) in images.zip(dy.chunks(gate.images() * all.output_elements())) {
                let outputs = &mut scratch.outputs[..dy.len() / columns.width * columns.count];
                columns.copy(dy, outputs);
                gate.back(tables, outputs, &mut rooms, dx);
            }
        }
    }

    /// See [`super::kernels::GateKernel::gradient`].
    pub fn gradient(&mut self, x: &[F], gates: Range<usize>, dy: &[F], gradient: &mut [F], mut accumulate: bool) {
        let all = self.shape.all;
        if self.is_whole(&gates) {
            let images = x.chunks(all.images() * all.image_cells());
            for (images, dy) in images.zip(dy.chunks(all.images() * all.output_elements())) {
                let rooms = &mut all.rooms(self.scratch);
                all.kernel_gradient(self.tables, images, dy, rooms, gradient, accumulate);
                accumulate = true;
            }
            return;
        }
        let (gate, (tables, scratch)) = (self.shape.gate(), self.gate_parts());
        for index in gates {
            let columns = Columns { width: all.filters, first: index * gate.filters, count: gate.filters };
            let images = x.chunks(gate.images() * gate.image_cells());
            for (block, (images, dy)) in images.zip(dy.chunks(gate.images() * all.output_elements())).enumerate() {
                let outputs = &mut scratch.outputs[..dy.len() / columns.width * columns.count];
                columns.copy(dy, outputs);
                let rooms = &mut gate.rooms(scratch.convolution);
                gate.kernel_gradient(tables, images, outputs, rooms, scratch.kernel, block > 0);
            }
            columns.put(scratch.kernel, gradient, accumulate);
        }
    }
}

/// Some columns of rows of `width` elements.
struct Columns {
    width: usize,
    first: usize,
    count: usize,
}

impl Columns {
    /// Copies the columns out of `rows`.
    fn copy<F: Real>(&self, rows: &[F], columns: &mut [F]) {
        for (to, from) in columns.chunks_exact_mut(self.count).zip(rows.chunks_exact(self.width)) {
            to.copy_from_slice(&from[self.first..][..self.count]);
        }
    }

    /// Copies the columns into `rows`, or adds them to what is there.
    fn put<F: Real>(&self, columns: &[F], rows: &mut [F], accumulate: bool) {
        for (from, to) in columns.chunks_exact(self.count).zip(rows.chunks_exact_mut(self.width)) {
            let to = &mut to[self.first..][..self.count];
            if accumulate { kernel::add(from, to) } else { to.copy_from_slice(from) }
        }
    }
}
