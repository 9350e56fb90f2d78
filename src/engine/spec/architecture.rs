//! [`Architecture`]: a validated definition with all shapes and parameters.

use crate::engine::{
    activation::Activation,
    input_layout::{InputColumn, InputLayout},
    layer::{BatchReduction, Parameter, Primitive},
    shape::Shape,
};
use std::{ops::Range, sync::Arc};

/// Inverse fraction of the work below which a layer is ignored by [`Architecture::product_rows`].
const SMALL_SHARE: u64 = 32;

/// A validated definition with all shapes: a graph of values in topological order.
///
/// The first values are the inputs; each node computes a value from earlier ones, and some a mask or further values
/// beside it. Trainable parameters are in one flat vector and the others (moving statistics, frozen layers) in a second
/// one, so that an optimizer runs over one slice.
#[derive(Debug, Clone)]
pub struct Architecture {
    pub(super) shapes: Vec<Shape>,
    pub(super) inputs: usize,
    pub(super) outputs: Vec<usize>,
    pub(super) masks: Vec<Option<usize>>,
    pub(super) nodes: Vec<Node>,
    pub(super) parameters: Vec<Parameter>,
    pub(super) trainable_elements: usize,
    pub(super) fixed_elements: usize,
    pub(super) layers: Vec<PlacedLayer>,
    /// By input.
    pub(super) layouts: Vec<InputLayout>,
}

/// A layer of the definition.
#[derive(Debug, Clone)]
pub(super) struct PlacedLayer {
    pub name: String,
    pub kind: &'static str,
    /// The first value of its last call.
    pub output: Option<usize>,
}

/// One call of a primitive layer in the graph.
#[derive(Debug, Clone)]
pub struct Node {
    /// The layer's name; `encoder/attention` for a part of a composite layer.
    pub name: String,
    /// Index of the layer of the definition that it is, or is a part of.
    pub owner: usize,
    /// Its settings.
    pub layer: Primitive,
    /// Whether its weights are trained.
    pub trainable: bool,
    /// Its input values.
    pub inputs: Vec<usize>,
    /// The mask of each input.
    pub masks: Vec<Option<usize>>,
    /// The shape of one row of each mask as the layer sees it; empty if there is none.
    pub mask_shapes: Vec<Shape>,
    /// The shape of one row of each input as the layer sees it.
    pub input_shapes: Vec<Shape>,
    /// Its output value; greater than any of `inputs`.
    pub output: usize,
    /// The value of the mask that it computes; greater than `output`.
    pub mask: Option<usize>,
    /// Its further output values; greater than `output` and `mask`.
    pub others: Range<usize>,
    /// Rows that the layer sees per row of the batch: the steps of a `time_distributed` layer, else 1.
    pub repeat: usize,
    /// Its parameters in [`Architecture::parameters`].
    pub parameters: Range<usize>,
    /// Whether a later node has the same parameters, so that backward accumulates their gradients.
    pub shared: bool,
    /// See [`Layer::tables`](crate::engine::layer::Layer::tables).
    pub tables: Arc<[Vec<u32>]>,
}

impl Node {
    /// Its output values without masks.
    pub fn values(&self) -> impl Iterator<Item = usize> + use<> {
        std::iter::once(self.output).chain(self.others.clone())
    }
    /// Approximate multiply-adds of the forward pass of one row.
    pub fn cost(&self) -> u64 {
        self.layer.cost(&self.input_shapes).saturating_mul(self.repeat as u64)
    }
    /// See [`Layer::product_rows`](crate::engine::layer::Layer::product_rows); per row of the batch.
    pub fn product_rows(&self) -> Option<usize> {
        self.layer.product_rows(&self.input_shapes).map(|rows| rows.saturating_mul(self.repeat))
    }
    /// See [`Layer::batch_reduction`](crate::engine::layer::Layer::batch_reduction); `None` for frozen layers.
    pub fn batch_reduction(&self) -> Option<BatchReduction> {
        if self.trainable { self.layer.batch_reduction(&self.input_shapes, self.repeat) } else { None }
    }
}

impl Architecture {
    /// Nodes in the order in which they run.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }
    /// Number of values, including inputs and masks.
    pub fn values(&self) -> usize {
        self.shapes.len()
    }
    /// The shape of one sample of each value.
    pub fn shapes(&self) -> &[Shape] {
        &self.shapes
    }
    /// The shape of one sample of a value.
    pub fn shape(&self, value: usize) -> &Shape {
        &self.shapes[value]
    }
    /// Every parameter in the order of the layers.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }
    /// A node's parameters, in its layer's order.
    pub fn parameters_of(&self, node: &Node) -> &[Parameter] {
        &self.parameters[node.parameters.clone()]
    }
    /// Length of the flat vector of trainable parameters.
    pub fn trainable_elements(&self) -> usize {
        self.trainable_elements
    }
    /// Length of the flat vector of the other parameters.
    pub fn fixed_elements(&self) -> usize {
        self.fixed_elements
    }
    /// The shapes of the inputs.
    pub fn input_shapes(&self) -> &[Shape] {
        &self.shapes[..self.inputs]
    }
    /// Elements of one row of all inputs.
    pub fn input_elements(&self) -> usize {
        self.input_shapes().iter().map(Shape::elements).sum()
    }
    /// The columns of x: those of every input in turn. Default: a column of numbers per element.
    ///
    /// # Panics
    /// If the columns do not add up to the elements of the inputs.
    #[must_use]
    pub fn with_columns(mut self, columns: impl IntoIterator<Item = InputColumn>) -> Self {
        let add_up = self.set_columns(columns);
        assert!(add_up, "columns of x against elements of the inputs");
        self
    }
    /// As [`Self::with_columns`]; false, without a change, where the columns do not add up to the elements of the inputs.
    #[must_use]
    pub fn set_columns(&mut self, columns: impl IntoIterator<Item = InputColumn>) -> bool {
        let mut columns = columns.into_iter();
        let mut start = 0;
        let layouts = self.input_shapes().iter().map(|shape| {
            let layout = InputLayout::take(&mut columns, start, shape.elements())?;
            start = layout.columns.end;
            Some(layout)
        });
        let layouts: Option<Vec<_>> = layouts.collect();
        match layouts.filter(|_| columns.next().is_none()) {
            Some(layouts) => self.layouts = layouts,
            None => return false,
        }
        true
    }
    /// By input: its columns of x.
    pub(crate) fn layouts(&self) -> &[InputLayout] {
        &self.layouts
    }
    /// Number of columns of x.
    pub fn input_columns(&self) -> usize {
        self.layouts.last().map_or(0, |layout| layout.columns.end)
    }
    /// The output values of the model, in order.
    pub fn outputs(&self) -> &[usize] {
        &self.outputs
    }
    /// The shapes of the outputs.
    pub fn output_shapes(&self) -> impl ExactSizeIterator<Item = &Shape> {
        self.outputs.iter().map(|&value| &self.shapes[value])
    }
    /// Elements of one row of all outputs.
    pub fn output_elements(&self) -> usize {
        self.output_shapes().map(Shape::elements).sum()
    }
    /// The value of the mask of an output, by index among the outputs.
    pub fn output_mask(&self, output: usize) -> Option<usize> {
        self.masks[self.outputs[output]]
    }
    /// The node that alone makes a value which nothing else reads.
    fn only_producer(&self, value: usize) -> Option<usize> {
        let read = self.nodes.iter().any(|node| node.inputs.contains(&value));
        self.nodes.iter().position(|node| node.output == value).filter(|_| !read)
    }
    /// The node with the last activation of an output, by its place among the outputs. An activation that is linear is passed
    /// over, as in Keras. Nothing for a layer that works on each step separately: what such a layer outputs are
    /// probabilities to a loss, not logits, in Keras too.
    pub fn activation_node(&self, output: usize) -> Option<usize> {
        let mut node = self.only_producer(self.outputs[output])?;
        loop {
            let Node { layer, inputs, repeat, parameters, .. } = &self.nodes[node];
            let [input] = inputs.as_slice() else { return None };
            let activation = layer.last_activation().filter(|_| *repeat == 1)?;
            if activation != Activation::Linear || !parameters.is_empty() || layer.activity_regularizer().is_some() {
                return Some(node);
            }
            let is_read_here_alone = self.nodes.iter().filter(|other| other.inputs.contains(input)).count() == 1;
            let is_output = self.outputs.contains(input);
            match self.nodes.iter().position(|other| other.output == *input) {
                Some(before) if is_read_here_alone && !is_output => node = before,
                _ => return Some(node),
            }
        }
    }
    /// The last activation of an output, by its place among the outputs; see [`Self::activation_node`].
    pub fn last_activation(&self, output: usize) -> Option<Activation> {
        self.nodes[self.activation_node(output)?].layer.last_activation()
    }
    /// A node with weights on which a value depends; layers that only adapt to data are ignored.
    pub(super) fn weights_behind(&self, value: usize) -> Option<&Node> {
        let mut needed = vec![false; self.values()];
        needed[value] = true;
        self.nodes.iter().rev().filter(|node| node.output <= value).find(|node| {
            let is_needed = node.values().any(|value| needed[value]);
            if is_needed {
                node.inputs.iter().for_each(|&input| needed[input] = true);
            }
            is_needed && !node.layer.adapts() && !node.parameters.is_empty()
        })
    }
    /// Bytes of the weights, the values of `rows` rows and the layers' scratch memory, in `f32`.
    pub fn inference_bytes(&self, rows: usize) -> u64 {
        let values = self.shapes.iter().fold(0u64, |sum, shape| sum.saturating_add(shape.elements() as u64));
        let weights = self.trainable_elements.saturating_add(self.fixed_elements) as u64;
        let scratch = |node: &Node| {
            let workspace = node.layer.workspace(&node.input_shapes);
            let of_rows = (rows as u64).saturating_mul(node.repeat as u64);
            of_rows.saturating_mul(workspace.scratch_per_row as u64).saturating_add(workspace.scratch as u64)
        };
        let scratch = self.nodes.iter().map(scratch).max().unwrap_or(0);
        values.saturating_mul(rows as u64).saturating_add(scratch).saturating_add(weights).saturating_mul(4)
    }
    /// Approximate multiply-adds of the forward pass of one row.
    pub fn cost(&self) -> u64 {
        self.nodes.iter().map(Node::cost).fold(0, u64::saturating_add)
    }
    /// Minimum of [`Node::product_rows`] over the layers that have a relevant share of the work.
    pub fn product_rows(&self) -> usize {
        let all = self.cost();
        let counts = |node: &&Node| node.cost().saturating_mul(SMALL_SHARE) >= all;
        self.nodes.iter().filter(counts).filter_map(Node::product_rows).min().unwrap_or(1).max(1)
    }
}
