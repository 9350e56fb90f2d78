//! A checked definition: every shape known, every parameter at its place.

use crate::engine::{
    activation::Activation,
    layer::{Layer, Meeting, ParameterSpec, Primitive},
    shape::Shape,
};
use std::{ops::Range, sync::Arc};

/// A layer with less than this share of the work may have products of few rows.
const SMALL_SHARE: u64 = 32;

/// A checked definition with every shape known: a graph of values, in topological order.
///
/// The first values are the inputs; each node makes a value of earlier ones, and some a mask or more values beside it. Trainable
/// parameters have their places in one flat vector and the others (moving statistics, frozen layers) in a second one, so
/// that an optimizer runs over one slice.
#[derive(Debug, Clone)]
pub struct Architecture {
    pub(super) shapes: Vec<Shape>,
    pub(super) inputs: usize,
    pub(super) outputs: Vec<usize>,
    pub(super) masks: Vec<Option<usize>>,
    pub(super) nodes: Vec<Node>,
    pub(super) parameters: Vec<Parameter>,
    pub(super) trainable_cells: usize,
    pub(super) fixed_cells: usize,
    pub(super) layers: Vec<PlacedLayer>,
}

/// A layer of the definition.
#[derive(Debug, Clone)]
pub(super) struct PlacedLayer {
    pub name: String,
    pub kind: &'static str,
    /// The first value that its last run makes.
    pub output: Option<usize>,
}

/// One layer that runs, in its place in the graph.
#[derive(Debug, Clone)]
pub struct Node {
    /// The layer's name; `encoder/attention` for a part of a composition.
    pub name: String,
    /// The layer of the definition that it is, or is a part of.
    pub owner: usize,
    /// Its settings.
    pub layer: Primitive,
    /// Whether its weights move.
    pub trainable: bool,
    /// The values that it reads.
    pub inputs: Vec<usize>,
    /// The mask of each of them.
    pub masks: Vec<Option<usize>>,
    /// The shape of one row of each of these masks, as the layer sees it; an empty one where there is none.
    pub mask_shapes: Vec<Shape>,
    /// The shape of one row of each of them, as the layer sees it.
    pub input_shapes: Vec<Shape>,
    /// The value that it makes; greater than any of `inputs`.
    pub output: usize,
    /// The value that holds the mask that it writes; greater than `output`.
    pub mask: Option<usize>,
    /// The values that it makes beside `output`; greater than that and `mask`.
    pub others: Range<usize>,
    /// Rows that the layer sees of one row of the batch: the steps of a `time_distributed` one, else 1.
    pub repeat: usize,
    /// Its parameters' places in [`Architecture::parameters`].
    pub parameters: Range<usize>,
    /// Whether a later node has the same parameters, so that backward adds to their gradients.
    pub shared: bool,
    /// See [`Layer::tables`].
    pub tables: Arc<[Vec<u32>]>,
}

impl Node {
    /// The values that it makes, masks aside.
    pub fn values(&self) -> impl Iterator<Item = usize> + use<> {
        std::iter::once(self.output).chain(self.others.clone())
    }
    /// Multiplications and additions of one row's forward, roughly.
    pub fn cost(&self) -> u64 {
        self.layer.cost(&self.input_shapes).saturating_mul(self.repeat as u64)
    }
    /// See [`Layer::product_rows`]; of all that the layer sees of one row of the batch.
    pub fn product_rows(&self) -> Option<usize> {
        self.layer.product_rows(&self.input_shapes).map(|rows| rows.saturating_mul(self.repeat))
    }
    /// See [`Layer::meeting`]; frozen layers do not meet.
    pub fn meeting(&self) -> Option<Meeting> {
        if self.trainable { self.layer.meeting(&self.input_shapes, self.repeat) } else { None }
    }
}

/// One tensor of weights in its place.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// What the layer asked for.
    pub spec: ParameterSpec,
    /// `layer/parameter`.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Its cells in the flat trainable vector, or in the other one.
    pub cells: Range<usize>,
}

impl Architecture {
    /// Nodes in the order in which they run.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }
    /// How many values flow through the graph, the inputs and the masks among them.
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
    /// Cells of the flat trainable vector.
    pub fn trainable_cells(&self) -> usize {
        self.trainable_cells
    }
    /// Cells of the flat vector of what training does not move.
    pub fn fixed_cells(&self) -> usize {
        self.fixed_cells
    }
    /// The shapes of the inputs.
    pub fn input_shapes(&self) -> &[Shape] {
        &self.shapes[..self.inputs]
    }
    /// Cells of one row of every input together.
    pub fn input_cells(&self) -> usize {
        self.input_shapes().iter().map(Shape::cells).sum()
    }
    /// The values that the model gives, in order.
    pub fn outputs(&self) -> &[usize] {
        &self.outputs
    }
    /// The shapes of the outputs.
    pub fn output_shapes(&self) -> impl ExactSizeIterator<Item = &Shape> {
        self.outputs.iter().map(|&value| &self.shapes[value])
    }
    /// Cells of one row of every output together.
    pub fn output_cells(&self) -> usize {
        self.output_shapes().map(Shape::cells).sum()
    }
    /// The value that holds the mask of an output, by its place among the outputs.
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
    /// A node with weights on which a value depends; layers that only adapt to data do not count.
    pub(super) fn weights_behind(&self, value: usize) -> Option<&Node> {
        let mut wanted = vec![false; self.values()];
        wanted[value] = true;
        self.nodes.iter().rev().filter(|node| node.output <= value).find(|node| {
            let is_wanted = node.values().any(|value| wanted[value]);
            if is_wanted {
                node.inputs.iter().for_each(|&input| wanted[input] = true);
            }
            let adapts = matches!(node.layer, Primitive::Normalization(_));
            is_wanted && !adapts && !node.parameters.is_empty()
        })
    }
    /// Bytes of the weights, of the values of `rows` rows and of the layers' scratch, in `f32`.
    pub fn inference_bytes(&self, rows: usize) -> u64 {
        let values = self.shapes.iter().fold(0u64, |sum, shape| sum.saturating_add(shape.cells() as u64));
        let weights = self.trainable_cells.saturating_add(self.fixed_cells) as u64;
        let scratch = |node: &Node| {
            let workspace = node.layer.workspace(&node.input_shapes);
            let of_rows = (rows as u64).saturating_mul(node.repeat as u64);
            of_rows.saturating_mul(workspace.scratch_per_row as u64).saturating_add(workspace.scratch as u64)
        };
        let scratch = self.nodes.iter().map(scratch).max().unwrap_or(0);
        values.saturating_mul(rows as u64).saturating_add(scratch).saturating_add(weights).saturating_mul(4)
    }
    /// Multiplications and additions of one row's forward, roughly.
    pub fn cost(&self) -> u64 {
        self.nodes.iter().map(Node::cost).fold(0, u64::saturating_add)
    }
    /// Rows of a product with a kernel that a row of the batch is, in the layer with the fewest of them; layers that are a
    /// small share of the work do not count.
    pub fn product_rows(&self) -> usize {
        let all = self.cost();
        let counts = |node: &&Node| node.cost().saturating_mul(SMALL_SHARE) >= all;
        self.nodes.iter().filter(counts).filter_map(Node::product_rows).min().unwrap_or(1).max(1)
    }
}
