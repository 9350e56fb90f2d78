//! What a layer sees while it runs: its inputs, its parameters, its memory.

use super::Parameter;
use crate::engine::{
    input_layout::{InputLayout, LookedUp},
    kernel::{Buffer, Team},
    random::Noise,
    real::Real,
    shape::Shape,
};
use std::ops::Range;

/// What is the same for every layer in one run over some rows.
#[derive(Debug, Clone, Copy)]
pub struct Pass {
    /// Rows of this run.
    pub rows: usize,
    /// Of which so many, one after the other, are of one row of the batch: the steps of a layer that runs on each step by
    /// itself, else 1.
    pub repeat: usize,
    /// Training rather than inference.
    pub training: bool,
    /// The layer's last activation is left to the loss.
    pub logits: bool,
    /// Whether the layer's weights move; a frozen batch normalization keeps to its moving statistics.
    pub trainable: bool,
    /// Rows of the whole step, every lane's: what a penalty on outputs is divided by.
    pub batch_rows: usize,
    /// Where random numbers of these rows come from.
    pub noise: Noise,
}

/// The values that a layer reads.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a, F> {
    /// By input: its value, its shape, the value of its mask, the shape of that.
    pub(crate) inputs: &'a [usize],
    pub(crate) shapes: &'a [Shape],
    pub(crate) masks: &'a [Option<usize>],
    pub(crate) mask_shapes: &'a [Shape],
    /// By value: elements of a row.
    pub(crate) elements: &'a [usize],
    pub(crate) values: &'a [Buffer<F>],
    /// By input of the network: its columns of x, and the codes of its one-hot columns.
    pub(crate) layouts: &'a [InputLayout],
    pub(crate) codes: &'a [Vec<u32>],
    pub(crate) batch_rows: usize,
}

impl<'a, F: Real> Values<'a, F> {
    /// Input `index`, [rows, ...].
    #[inline]
    pub fn get(&self, index: usize) -> &'a [F] {
        self.value(self.inputs[index])
    }
    /// The codes of input `index`, if it is an input of the network, a vector with one-hot columns that are looked up.
    pub(crate) fn looked_up(&self, index: usize) -> Option<LookedUp<'a>> {
        let value = self.inputs[index];
        let layout = self.layouts.get(value).filter(|_| self.shapes[index].0.len() == 1)?;
        LookedUp::new(layout, &self.codes[value][..self.batch_rows * layout.one_hot()])
    }
    /// How many inputs there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.inputs.len()
    }
    /// Whether there are no inputs.
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }
    /// The shape of one row of input `index`.
    #[inline]
    pub fn shape(&self, index: usize) -> &'a Shape {
        &self.shapes[index]
    }
    /// The shapes of one row of every input.
    #[inline]
    pub fn shapes(&self) -> &'a [Shape] {
        self.shapes
    }
    /// The mask of input `index`, [rows, ...] with the first axes of the input: 1 for steps that count and 0 for padding;
    /// nothing where every step counts.
    #[inline]
    pub fn mask(&self, index: usize) -> Option<&'a [F]> {
        self.masks[index].map(|value| self.value(value))
    }
    /// The shapes of one row of every input's mask; those of inputs without one are empty.
    #[inline]
    pub fn mask_shapes(&self) -> &'a [Shape] {
        self.mask_shapes
    }
    #[inline]
    fn value(&self, value: usize) -> &'a [F] {
        &self.values[value][..self.batch_rows * self.elements[value]]
    }
}

/// A layer's parameters.
#[derive(Debug, Clone, Copy)]
pub struct Parameters<'a, F> {
    pub(crate) places: &'a [Parameter],
    pub(crate) trainable: &'a [F],
    pub(crate) fixed: &'a [F],
}

impl<'a, F: Real> Parameters<'a, F> {
    /// Parameter `index` in the layer's own order.
    #[inline]
    pub fn get(&self, index: usize) -> &'a [F] {
        let place = &self.places[index];
        let flat = if place.spec.trainable { self.trainable } else { self.fixed };
        &flat[place.range.clone()]
    }
}

/// The gradients of a layer's parameters, one lane's.
#[derive(Debug)]
pub struct ParameterGradients<'a, F> {
    /// By parameter of the layer: its elements; none where nobody wants them.
    pub(crate) places: &'a [Range<usize>],
    pub(crate) elements: &'a mut [F],
    /// Whether to add to what is there, rather than to overwrite it.
    pub accumulate: bool,
}

impl<F: Real> ParameterGradients<'_, F> {
    /// The gradient of parameter `index`; nothing where it does not move, or is made later ([`super::Layer::outer_product`]).
    #[inline]
    pub fn get(&mut self, index: usize) -> Option<&mut [F]> {
        let place = self.places[index].clone();
        (!place.is_empty()).then(|| &mut self.elements[place])
    }
}

/// The gradients of a layer's inputs. A layer overwrites them; where a value has several readers, their parts are added
/// outside of the layer.
#[derive(Debug)]
pub struct InputGradients<'a, F> {
    /// By input: its value.
    pub(crate) inputs: &'a [usize],
    /// By value: elements of a row.
    pub(crate) elements: &'a [usize],
    pub(crate) gradients: &'a mut [Buffer<F>],
    /// By input: where its gradient goes.
    pub(crate) destinations: &'a [Destination],
    /// By input: memory for parts that are added afterwards.
    pub(crate) spare: &'a mut [Buffer<F>],
    pub(crate) batch_rows: usize,
}

/// Where the gradient of one input of one node goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Destination {
    /// Nobody needs it.
    Nowhere,
    /// Straight to the value's gradient: this reader runs backward first.
    First,
    /// Beside it, to be added: another reader, or the loss, wrote there before.
    Added,
}

impl<F: Real> InputGradients<'_, F> {
    /// The gradient of input `index`, [rows, ...]; nothing where nobody needs it.
    #[inline]
    pub fn get(&mut self, index: usize) -> Option<&mut [F]> {
        let value = self.inputs[index];
        let elements = self.batch_rows * self.elements[value];
        match self.destinations[index] {
            Destination::Nowhere => None,
            Destination::First => Some(&mut self.gradients[value][..elements]),
            Destination::Added => Some(&mut self.spare[index][..elements]),
        }
    }
}

/// What a layer gives besides its output, or the gradients of that.
#[derive(Debug)]
pub struct Others<'a, F> {
    pub(crate) buffers: &'a mut [Buffer<F>],
    /// Elements of a row of each of them.
    pub(crate) elements: &'a [usize],
    pub(crate) batch_rows: usize,
}

impl<F: Real> Others<'_, F> {
    /// Number `index` of them, [rows, ...]; nothing where there are fewer.
    #[inline]
    pub fn get(&mut self, index: usize) -> Option<&mut [F]> {
        let elements = self.batch_rows * self.elements.get(index)?;
        self.buffers.get_mut(index).map(|buffer| &mut buffer[..elements])
    }
}

/// A layer's surroundings while it runs forward.
#[derive(Debug)]
pub struct Forward<'a, F> {
    /// Rows, mode, randomness.
    pub pass: Pass,
    /// What it reads.
    pub inputs: Values<'a, F>,
    /// Its parameters.
    pub parameters: Parameters<'a, F>,
    /// What it writes, [rows, ...].
    pub output: &'a mut [F],
    /// The mask that it writes, [rows, ...], where [`super::Layer::mask`] says so; else empty.
    pub mask: &'a mut [F],
    /// What it writes besides its output.
    pub others: Others<'a, F>,
    /// What these rows add to the loss besides the losses of the outputs, to be added to.
    pub penalty: &'a mut f64,
    /// [rows, kept per row], until backward. Empty at inference.
    pub kept: &'a mut [F],
    /// As much as [`super::Workspace`] asked for.
    pub scratch: &'a mut [F],
    /// What [`Compute::reduce_forward`](super::Compute::reduce_forward) computed from the whole batch; empty at inference.
    pub reduced: &'a [F],
    /// What [`super::Layer::tables`] made of the shapes.
    pub tables: &'a [Vec<u32>],
    /// Who may help, where a row has so much work that it is worth it: nobody in training, whose rows are shared already.
    pub team: &'a Team,
}

/// A layer's surroundings while it runs backward.
#[derive(Debug)]
pub struct Backward<'a, F> {
    /// Rows, mode, randomness.
    pub pass: Pass,
    /// What it read.
    pub inputs: Values<'a, F>,
    /// Its parameters.
    pub parameters: Parameters<'a, F>,
    /// What it wrote, [rows, ...].
    pub output: &'a [F],
    /// The loss's gradient with respect to the output, [rows, ...]; free to overwrite.
    pub output_gradient: &'a mut [F],
    /// The gradients with respect to what it wrote besides the output, likewise.
    pub other_gradients: Others<'a, F>,
    /// Where the inputs' gradients go.
    pub input_gradients: InputGradients<'a, F>,
    /// Where the parameters' gradients go.
    pub parameter_gradients: ParameterGradients<'a, F>,
    /// What forward kept.
    pub kept: &'a mut [F],
    /// As much as [`super::Workspace`] asked for.
    pub scratch: &'a mut [F],
    /// What [`Compute::reduce_forward`](super::Compute::reduce_forward) computed from the whole batch.
    pub reduced: &'a [F],
    /// What [`Compute::reduce_backward`](super::Compute::reduce_backward) computed from the whole batch.
    pub reduced_backward: &'a [F],
    /// What [`super::Layer::tables`] made of the shapes.
    pub tables: &'a [Vec<u32>],
}

/// Every lane's partial sums, and the elements to compute from them.
#[derive(Debug)]
pub struct Reduce<'a, F> {
    /// Rows of the batch of each lane.
    pub rows: &'a [usize],
    /// Rows that the layer sees of one row of the batch.
    pub repeat: usize,
    /// Whether the layer's first input has a mask.
    pub masked: bool,
    /// [lanes, sums]
    pub sums: &'a [f64],
    /// As many elements as [`super::BatchReduction`] says.
    pub reduced: &'a mut [F],
    /// The shape of one row of the layer's first input.
    pub shape: &'a Shape,
    /// The flat vector of parameters that training does not move.
    pub(crate) fixed: &'a mut [F],
    pub(crate) places: &'a [Parameter],
}

impl<F: Real> Reduce<'_, F> {
    /// A parameter that training does not move, such as a moving mean.
    pub fn fixed(&mut self, index: usize) -> &mut [F] {
        &mut self.fixed[self.places[index].range.clone()]
    }
}
