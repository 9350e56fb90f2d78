//! [`GradientSources`]: how the gradient of each weight is computed.

use super::{lane::Lane, partition::Partition};
use crate::engine::{
    input_layout::{InputLayout, Segment},
    kernel::{self, Matrix},
    real::Real,
    spec::{Architecture, Node, Parameter},
};
use std::ops::Range;

/// The gradients of max_block parameters are computed per lane and summed. Those of large kernels, which would not fit
/// in cache once per lane, are deferred: the optimizer computes some rows of the kernel's gradient at a time, from the
/// activations and output gradients that the lanes have kept.
#[derive(Debug)]
pub(super) struct GradientSources {
    /// By parameter: its range in a lane's gradient; empty if it is frozen or deferred.
    pub places: Vec<Range<usize>>,
    /// Elements of a lane's gradient.
    pub elements: usize,
    /// Blocks of the flat trainable vector.
    blocks: Vec<Block>,
    /// By input of the network.
    layouts: Vec<InputLayout>,
}

/// A range of weights that the optimizer updates at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Block {
    range: Range<usize>,
    source: Source,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    /// The sum of this range of every lane's gradient.
    Lanes(Range<usize>),
    /// The sum of every lane's `xᵀ · dy` for these rows of a kernel.
    Product { x: usize, dy: usize, inputs: usize, units: usize, rows: Range<usize> },
    /// The same for the rows `rows` of those of a one-hot column: the sum of the rows of `dy` that have each code.
    LookedUp { x: usize, one_hot: usize, dy: usize, units: usize, rows: Range<usize> },
}

/// Minimum elements of a kernel whose gradient is deferred: that of a smaller one stays in the lane's cache.
const MIN_DEFERRED_ELEMENTS: usize = 1 << 15;
/// Maximum elements of a block: its weights, gradient and optimizer state stay in cache.
const MAX_BLOCK: usize = 1 << 15;
/// Minimum elements of a block.
const MIN_BLOCK: usize = 1 << 13;
/// Rows of a register tile.
const TILE: usize = 12;

impl GradientSources {
    /// For steps of this partition.
    pub fn new(architecture: &Architecture, partition: &Partition) -> Self {
        Self::with_threshold(architecture, partition, MIN_DEFERRED_ELEMENTS)
    }

    /// With the gradients of kernels of at least `large` elements deferred.
    fn with_threshold(architecture: &Architecture, partition: &Partition, large: usize) -> Self {
        let count = architecture.trainable_elements();
        let max_block = (count / 8).clamp(MIN_BLOCK, MAX_BLOCK);
        let mut sources =
            Self { places: Vec::new(), elements: 0, blocks: Vec::new(), layouts: architecture.layouts().to_vec() };
        let deferred = deferred(architecture, partition, large);
        for (parameter, deferred) in architecture.parameters().iter().zip(deferred) {
            match (parameter.spec.trainable, deferred) {
                (false, _) => sources.places.push(0..0),
                (true, Some(node)) => {
                    sources.places.push(0..0);
                    sources.add_kernel_blocks(parameter, node, max_block);
                }
                (true, None) => {
                    let start = sources.elements;
                    sources.elements += parameter.range.len();
                    sources.places.push(start..sources.elements);
                    sources.add_lane_blocks(parameter.range.clone(), start, max_block);
                }
            }
        }
        sources
    }

    /// Whether the gradient is that of the only lane.
    pub fn is_lane_gradient(&self, lanes: usize) -> bool {
        lanes == 1
            && self.blocks.iter().all(|block| matches!(&block.source, Source::Lanes(range) if *range == block.range))
    }

    /// The range of each block.
    pub fn blocks(&self) -> Vec<Range<usize>> {
        self.blocks.iter().map(|block| block.range.clone()).collect()
    }

    /// Elements of the largest block.
    pub fn largest_block(&self) -> usize {
        self.blocks.iter().map(|block| block.range.len()).max().unwrap_or(0)
    }

    /// The range of a block in the flat trainable vector.
    pub fn block_range(&self, block: usize) -> Range<usize> {
        self.blocks[block].range.clone()
    }

    /// Writes the gradient of a block, summed over the lanes in order; writes nothing if there are none.
    pub fn write<'l, F: Real>(&self, block: usize, lanes: &'l [Lane<F>], gradient: &mut [F]) {
        match &self.blocks[block].source {
            Source::Lanes(range) => {
                let of = |lane: &'l Lane<F>| &lane.gradient[range.clone()];
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
                    let x = Matrix::new(lane.tape.value(*x, lane.backward_rows), *inputs).columns(rows.clone());
                    let dy = Matrix::new(lane.tape.gradient(*dy, lane.backward_rows), *units);
                    kernel::product(x.transposed(), dy, gradient, index > 0);
                }
            }
            Source::LookedUp { x, one_hot, dy, units, rows } => {
                if !lanes.is_empty() {
                    gradient.fill(F::ZERO);
                }
                for lane in lanes {
                    let Some(looked_up) = lane.tape.looked_up(*x, &self.layouts[*x], lane.backward_rows) else {
                        continue;
                    };
                    let dy = lane.tape.gradient(*dy, lane.backward_rows);
                    let within = |index: usize| rows.contains(&index).then(|| index - rows.start);
                    let indices = looked_up.rows(*one_hot).map(|index| index.and_then(within));
                    kernel::add_at(dy, *units, indices, gradient);
                }
            }
        }
    }

    /// Adds blocks of whole rows of a kernel.
    fn add_kernel_blocks(&mut self, kernel: &Parameter, node: &Node, max_block: usize) {
        let (inputs, units) = (kernel.shape.0[0], kernel.shape.0[1]);
        let (x, dy) = (node.inputs[0], node.output);
        let step = match max_block / units {
            few @ 0..TILE => few.max(1),
            rows => rows / TILE * TILE,
        };
        let whole = [Segment { elements: 0..inputs, looked_up: None }];
        let layout = self.layouts.get(x).filter(|_| node.input_shapes[0].0.len() == 1);
        for Segment { elements, looked_up } in layout.map_or(&whole[..], InputLayout::segments) {
            for first in elements.clone().step_by(step) {
                let rows = first..elements.end.min(first + step);
                let start = kernel.range.start;
                let range = start + rows.start * units..start + rows.end * units;
                let source = match *looked_up {
                    Some(one_hot) => {
                        let rows = rows.start - elements.start..rows.end - elements.start;
                        Source::LookedUp { x, one_hot, dy, units, rows }
                    }
                    None => Source::Product { x, dy, inputs, units, rows },
                };
                self.blocks.push(Block { range, source });
            }
        }
    }

    /// Adds blocks of a range whose gradient begins at `start` in a lane's gradient.
    fn add_lane_blocks(&mut self, mut range: Range<usize>, mut start: usize, max_block: usize) {
        if let Some(Block { range: last, source: Source::Lanes(of_lanes) }) = self.blocks.last_mut() {
            let more = range.len().min(max_block.saturating_sub(last.len()));
            last.end += more;
            of_lanes.end += more;
            range.start += more;
            start += more;
        }
        while !range.is_empty() {
            let some = range.len().min(max_block);
            let block = Block { range: range.start..range.start + some, source: Source::Lanes(start..start + some) };
            self.blocks.push(block);
            range.start += some;
            start += some;
        }
    }
}

/// By parameter: the node whose kernel it is, if its gradient is deferred.
fn deferred<'a>(architecture: &'a Architecture, partition: &Partition, large: usize) -> Vec<Option<&'a Node>> {
    let mut deferred = vec![None; architecture.parameters().len()];
    // Only the last shard of a lane's rows is kept until the end of a step.
    if partition.shard_rows < partition.lane_rows {
        return deferred;
    }
    let mut uses = vec![0; deferred.len()];
    for node in architecture.nodes() {
        uses[node.parameters.clone()].iter_mut().for_each(|uses| *uses += 1);
    }
    for node in architecture.nodes() {
        let Some(index) = node.layer.outer_product().map(|kernel| node.parameters.start + kernel) else { continue };
        let parameter = &architecture.parameters()[index];
        // A regularizer of the whole kernel needs the whole gradient.
        let whole =
            parameter.spec.regularizer.is_some_and(|regularizer| regularizer.scratch_elements(&parameter.shape) > 0);
        if parameter.spec.trainable && uses[index] == 1 && parameter.shape.elements() >= large && !whole {
            deferred[index] = Some(node);
        }
    }
    deferred
}

#[cfg(test)]
mod tests;
