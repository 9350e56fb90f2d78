//! Where the gradient of each weight comes from.

use super::{cut::Cut, lane::Lane};
use crate::engine::{
    kernel::{self, Matrix},
    layer::Layer,
    real::Real,
    spec::{Architecture, Node, Parameter},
};
use std::ops::Range;

/// The gradients of most parameters are sums over lanes, each of which makes its own. Those of large kernels would fill a
/// cache as often as there are lanes: they are made where weights are moved, some rows of a kernel at a time, from what
/// the lanes still have of the step's rows.
#[derive(Debug)]
pub(super) struct Sources {
    /// By parameter: its cells in a lane's gradient; none where it does not move, or is made later.
    pub places: Vec<Range<usize>>,
    /// Cells of a lane's gradient.
    pub cells: usize,
    /// Cuts of the flat trainable vector.
    blocks: Vec<Block>,
}

/// Neighbouring weights that are moved at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Block {
    cells: Range<usize>,
    source: Source,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    /// The sum of these cells of every lane's gradient.
    Lanes(Range<usize>),
    /// The sum of every lane's xᵀ · dy in these rows of a kernel.
    Product { x: usize, dy: usize, inputs: usize, units: usize, rows: Range<usize> },
}

/// Cells of a kernel whose gradient is made later: with fewer, a lane's own stays in its cache.
const LARGE: usize = 1 << 15;
/// Most cells of a block, of which a thread then has all that belongs to it in its cache.
const MOST_CELLS: usize = 1 << 15;
/// Fewest cells that are worth a thread's attention.
const FEWEST_CELLS: usize = 1 << 13;
/// Rows of a kernel that are made at once in registers.
const TILE: usize = 12;

impl Sources {
    /// For steps cut like this.
    pub fn new(architecture: &Architecture, cut: &Cut) -> Self {
        Self::later_from(architecture, cut, LARGE)
    }

    /// The gradients of kernels of `large` cells and more are made later.
    fn later_from(architecture: &Architecture, cut: &Cut, large: usize) -> Self {
        let count = architecture.trainable_cells();
        let most = (count / 8).clamp(FEWEST_CELLS, MOST_CELLS);
        let mut sources = Self { places: Vec::new(), cells: 0, blocks: Vec::new() };
        let later = later(architecture, cut, large);
        for (parameter, later) in architecture.parameters().iter().zip(later) {
            match (parameter.spec.trainable, later) {
                (false, _) => sources.places.push(0..0),
                (true, Some(node)) => {
                    sources.places.push(0..0);
                    sources.add_kernel(parameter, node, most);
                }
                (true, None) => {
                    let start = sources.cells;
                    sources.cells += parameter.cells.len();
                    sources.places.push(start..sources.cells);
                    sources.add_of_lanes(parameter.cells.clone(), start, most);
                }
            }
        }
        sources
    }

    /// Whether the gradient of one lane is all of it, and nothing is to be made of it.
    pub fn are_flat(&self, lanes: usize) -> bool {
        lanes == 1
            && self.blocks.iter().all(|block| matches!(&block.source, Source::Lanes(cells) if *cells == block.cells))
    }

    /// The cells of each block.
    pub fn blocks(&self) -> Vec<Range<usize>> {
        self.blocks.iter().map(|block| block.cells.clone()).collect()
    }

    /// Cells of the largest block.
    pub fn largest_block(&self) -> usize {
        self.blocks.iter().map(|block| block.cells.len()).max().unwrap_or(0)
    }

    /// The cells of a block, in the flat trainable vector.
    pub fn cells_of(&self, block: usize) -> Range<usize> {
        self.blocks[block].cells.clone()
    }

    /// Writes the gradient of a block, what the lanes make of it added in their order; nothing where there are none.
    pub fn write<'l, F: Real>(&self, block: usize, lanes: &'l [Lane<F>], gradient: &mut [F]) {
        match &self.blocks[block].source {
            Source::Lanes(cells) => {
                let of = |lane: &'l Lane<F>| &lane.gradient[cells.clone()];
                match lanes {
                    [] => {}
                    [lane] => gradient.copy_from_slice(of(lane)),
                    [first, second, others @ ..] => {
                        kernel::write_sum(of(first), of(second), gradient);
                        others.iter().for_each(|lane| kernel::add(of(lane), gradient));
                    }
                }
            }
            Source::Product { x, dy, inputs, units, rows } => {
                for (index, lane) in lanes.iter().enumerate() {
                    let x = Matrix::new(lane.tape.value(*x, lane.learned), *inputs).columns(rows.clone());
                    let dy = Matrix::new(lane.tape.gradient(*dy, lane.learned), *units);
                    kernel::product(x.transposed(), dy, gradient, index > 0);
                }
            }
        }
    }

    /// Blocks of whole rows of a kernel.
    fn add_kernel(&mut self, kernel: &Parameter, node: &Node, most: usize) {
        let (inputs, units) = (kernel.shape.0[0], kernel.shape.0[1]);
        let step = match most / units {
            few @ 0..TILE => few.max(1),
            rows => rows / TILE * TILE,
        };
        for first in (0..inputs).step_by(step) {
            let rows = first..inputs.min(first + step);
            let start = kernel.cells.start;
            self.blocks.push(Block {
                cells: start + rows.start * units..start + rows.end * units,
                source: Source::Product { x: node.inputs[0], dy: node.output, inputs, units, rows },
            });
        }
    }

    /// Blocks of cells that lie in a lane's gradient from `start` on.
    fn add_of_lanes(&mut self, mut cells: Range<usize>, mut start: usize, most: usize) {
        if let Some(Block { cells: last, source: Source::Lanes(of_lanes) }) = self.blocks.last_mut() {
            let more = cells.len().min(most.saturating_sub(last.len()));
            last.end += more;
            of_lanes.end += more;
            cells.start += more;
            start += more;
        }
        while !cells.is_empty() {
            let some = cells.len().min(most);
            let block = Block { cells: cells.start..cells.start + some, source: Source::Lanes(start..start + some) };
            self.blocks.push(block);
            cells.start += some;
            start += some;
        }
    }
}

/// By parameter: the node whose kernel it is, where its gradient is made later.
fn later<'a>(architecture: &'a Architecture, cut: &Cut, large: usize) -> Vec<Option<&'a Node>> {
    let mut later = vec![None; architecture.parameters().len()];
    // Only the last shard of a lane's rows is still there at the end of a step.
    if cut.shard_rows < cut.lane_rows {
        return later;
    }
    let mut readers = vec![0; later.len()];
    for node in architecture.nodes() {
        readers[node.parameters.clone()].iter_mut().for_each(|readers| *readers += 1);
    }
    for node in architecture.nodes() {
        let Some(index) = node.layer.outer_product().map(|kernel| node.parameters.start + kernel) else { continue };
        let parameter = &architecture.parameters()[index];
        // A penalty that is made of a whole kernel is added to a gradient that is whole, too.
        let whole = parameter.spec.regularizer.is_some_and(|regularizer| regularizer.room(&parameter.shape) > 0);
        if parameter.spec.trainable && readers[index] == 1 && parameter.shape.cells() >= large && !whole {
            later[index] = Some(node);
        }
    }
    later
}

#[cfg(test)]
mod tests;
