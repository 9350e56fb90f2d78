//! Products with kernels whose columns belong to gates.

use super::convolution_kernel::ConvolutionKernel;
use crate::engine::{
    kernel::{self, Matrix, MatrixMut, vectorized},
    real::Real,
};
use std::ops::Range;

/// A kernel whose last axis holds the columns of every gate.
#[derive(Debug)]
pub(super) enum GateKernel<'a, F> {
    Dense(DenseKernel<'a, F>),
    Convolution(ConvolutionKernel<'a, F>),
}

/// A kernel `[inputs, gates * units]`.
#[derive(Debug)]
pub(super) struct DenseKernel<'a, F> {
    cells: &'a [F],
    /// `[gates * units, inputs]`, once [`GateKernel::prepare_back`] wrote it.
    transposed: &'a mut [F],
    /// Columns of all gates.
    width: usize,
    /// Columns of one gate.
    units: usize,
}

/// A [`GateKernel`], and what is dropped from its inputs.
#[derive(Debug)]
pub(super) struct Masked<'a, F> {
    pub kernel: GateKernel<'a, F>,
    /// What each gate's inputs are multiplied with in every step, `[gates, rows, inputs]`; empty where nothing is dropped.
    pub masks: &'a [F],
    /// As many cells as the inputs have, to be overwritten; empty where nothing is dropped.
    pub scratch: &'a mut [F],
}

impl<F: Real> GateKernel<'_, F> {
    /// The same, for as long as it is lent.
    pub fn lend(&mut self) -> GateKernel<'_, F> {
        match self {
            Self::Dense(DenseKernel { cells, transposed, width, units }) => {
                GateKernel::Dense(DenseKernel { cells, transposed, width: *width, units: *units })
            }
            Self::Convolution(kernel) => GateKernel::Convolution(kernel.lend()),
        }
    }

    fn gates(&self) -> usize {
        match self {
            Self::Dense(kernel) => kernel.width / kernel.units,
            Self::Convolution(kernel) => kernel.gates(),
        }
    }

    /// Transposes the kernel into its scratch, before the first [`Self::back`].
    pub fn prepare_back(&mut self) {
        match self {
            Self::Dense(kernel) => kernel.transpose(),
            Self::Convolution(kernel) => kernel.transpose(),
        }
    }

    /// Writes or adds `x · kernel` for some gates into `y`, whose rows hold all of them.
    pub fn project(&mut self, x: &[F], gates: Range<usize>, y: &mut [F], accumulate: bool) {
        match self {
            Self::Dense(kernel) => kernel.project(x, gates, y, accumulate),
            Self::Convolution(kernel) => kernel.project(x, gates, y, accumulate),
        }
    }

    /// Writes or adds the gradient of x to `dx`, from that of some gates in `dy`.
    pub fn back(&mut self, dy: &[F], gates: Range<usize>, dx: &mut [F], accumulate: bool) {
        match self {
            Self::Dense(kernel) => kernel.back(dy, gates, dx, accumulate),
            Self::Convolution(kernel) => {
                assert!(!accumulate, "a convolution's way back is not added to anything");
                kernel.back(dy, gates, dx);
            }
        }
    }

    /// Writes or adds some gates' part of the kernel's gradient.
    pub fn gradient(&mut self, x: &[F], gates: Range<usize>, dy: &[F], gradient: &mut [F], accumulate: bool) {
        match self {
            Self::Dense(kernel) => kernel.gradient(x, gates, dy, gradient, accumulate),
            Self::Convolution(kernel) => kernel.gradient(x, gates, dy, gradient, accumulate),
        }
    }
}

impl<'a, F: Real> DenseKernel<'a, F> {
    /// `transposed` has as many cells as the kernel where something goes back.
    pub fn new(cells: &'a [F], gates: usize, units: usize, transposed: &'a mut [F]) -> Self {
        Self { cells, transposed, width: gates * units, units }
    }

    /// Steps that go back read the transpose in order.
    fn transpose(&mut self) {
        let inputs = self.inputs();
        for (column, row) in self.transposed.chunks_exact_mut(inputs).enumerate() {
            row.iter_mut().zip(self.cells[column..].iter().step_by(self.width)).for_each(|(to, &from)| *to = from);
        }
    }

    fn inputs(&self) -> usize {
        self.cells.len() / self.width
    }

    fn columns(&self, gates: Range<usize>) -> Range<usize> {
        gates.start * self.units..gates.end * self.units
    }

    fn project(&self, x: &[F], gates: Range<usize>, y: &mut [F], accumulate: bool) {
        let (columns, inputs) = (self.columns(gates), self.inputs());
        let kernel = Matrix::strided(&self.cells[columns.start..], inputs, columns.len(), self.width);
        let y = MatrixMut::strided(&mut y[columns.start..], x.len() / inputs, columns.len(), self.width);
        kernel::product_into(Matrix::new(x, inputs), kernel, y, accumulate);
    }

    fn back(&self, dy: &[F], gates: Range<usize>, dx: &mut [F], accumulate: bool) {
        let (columns, inputs) = (self.columns(gates), self.inputs());
        let dy = Matrix::strided(&dy[columns.start..], dx.len() / inputs, columns.len(), self.width);
        let transposed = &self.transposed[columns.start * inputs..columns.end * inputs];
        kernel::product(dy, Matrix::new(transposed, inputs), dx, accumulate);
    }

    fn gradient(&self, x: &[F], gates: Range<usize>, dy: &[F], gradient: &mut [F], accumulate: bool) {
        let (columns, inputs) = (self.columns(gates), self.inputs());
        let dy = Matrix::strided(&dy[columns.start..], x.len() / inputs, columns.len(), self.width);
        let gradient = MatrixMut::strided(&mut gradient[columns.start..], inputs, columns.len(), self.width);
        kernel::product_into(Matrix::new(x, inputs).transposed(), dy, gradient, accumulate);
    }
}

impl<'a, F: Real> Masked<'a, F> {
    /// The same, for as long as it is lent.
    pub fn lend(&mut self) -> Masked<'_, F> {
        Masked { kernel: self.kernel.lend(), masks: self.masks, scratch: self.scratch }
    }

    /// What one gate's inputs are multiplied with; empty where nothing is dropped.
    pub fn mask(&self, gate: usize) -> &'a [F] {
        let cells = self.masks.len() / self.kernel.gates();
        &self.masks[gate * cells..(gate + 1) * cells]
    }

    /// [`GateKernel::project`] of what is not dropped.
    pub fn project(&mut self, x: &[F], gates: Range<usize>, y: &mut [F], accumulate: bool) {
        if self.masks.is_empty() {
            return self.kernel.project(x, gates, y, accumulate);
        }
        for gate in gates {
            let kept = self.kept(x, gate);
            self.kernel.project(&self.scratch[..kept], gate..gate + 1, y, accumulate);
        }
    }

    /// [`GateKernel::back`] to what is not dropped.
    pub fn back(&mut self, dy: &[F], gates: Range<usize>, dx: &mut [F], accumulate: bool) {
        if self.masks.is_empty() {
            return self.kernel.back(dy, gates, dx, accumulate);
        }
        if !accumulate {
            dx.fill(F::ZERO);
        }
        for gate in gates {
            let mask = self.mask(gate);
            let part = &mut self.scratch[..dx.len()];
            self.kernel.back(dy, gate..gate + 1, part, false);
            multiply(mask, part);
            kernel::add(part, dx);
        }
    }

    /// [`GateKernel::gradient`] from what is not dropped.
    pub fn gradient(&mut self, x: &[F], gates: Range<usize>, dy: &[F], gradient: &mut [F], accumulate: bool) {
        if self.masks.is_empty() {
            return self.kernel.gradient(x, gates, dy, gradient, accumulate);
        }
        for gate in gates {
            let kept = self.kept(x, gate);
            self.kernel.gradient(&self.scratch[..kept], gate..gate + 1, dy, gradient, accumulate);
        }
    }

    /// Writes what is not dropped of one gate's inputs; gives how many cells these are.
    fn kept(&mut self, x: &[F], gate: usize) -> usize {
        let mask = self.mask(gate);
        let kept = &mut self.scratch[..x.len()];
        kept.copy_from_slice(x);
        multiply(mask, kept);
        x.len()
    }
}

/// Multiplies `cells` by `mask`, again and again where they are longer; an empty mask drops nothing.
pub(super) fn multiply<F: Real>(mask: &[F], cells: &mut [F]) {
    if mask.is_empty() {
        return;
    }
    vectorized(
        #[inline(always)]
        || {
            for cells in cells.chunks_exact_mut(mask.len()) {
                cells.iter_mut().zip(mask).for_each(|(cell, &mask)| *cell *= mask);
            }
        },
    );
}
