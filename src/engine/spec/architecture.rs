//! A checked definition: every shape known, every parameter at its place.

use crate::engine::{
    field::FieldError,
    layer::{AnyLayer, Layer, ParameterSpec},
    shape::Shape,
    spec::{Definition, Limits},
};
use std::ops::Range;

/// A checked definition with every shape known: a graph of values, in topological order.
///
/// Value 0 is the input; each node makes one value of earlier ones. Trainable parameters have their places in one flat
/// vector and the others (moving statistics) in a second one, so that an optimizer runs over one slice.
#[derive(Debug, Clone)]
pub struct Architecture {
    shapes: Vec<Shape>,
    nodes: Vec<Node>,
    parameters: Vec<Parameter>,
    trainable_cells: usize,
    fixed_cells: usize,
}

/// One layer in its place in the graph.
#[derive(Debug, Clone)]
pub struct Node {
    /// Unique.
    pub name: String,
    /// Its settings.
    pub layer: AnyLayer,
    /// The values that it reads.
    pub inputs: Vec<usize>,
    /// The value that it makes; greater than any of `inputs`.
    pub output: usize,
    /// Its parameters' places in [`Architecture::parameters`].
    pub parameters: Range<usize>,
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
    /// How many values flow through the graph, the input among them.
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
    /// The shapes that a node reads, in order.
    pub fn input_shapes(&self, node: &Node) -> Vec<Shape> {
        node.inputs.iter().map(|&value| self.shapes[value].clone()).collect()
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
    /// The shape of one input.
    pub fn input_shape(&self) -> &Shape {
        &self.shapes[0]
    }
    /// The shape of one output.
    pub fn output_shape(&self) -> &Shape {
        &self.shapes[self.output()]
    }
    /// The value that the model gives.
    pub fn output(&self) -> usize {
        self.shapes.len() - 1
    }
}

impl Definition {
    /// The form of `input_shape` that this definition has, or infers from a row of `features` cells.
    /// Fails where both are known and differ in cells.
    pub fn input_shape(&self, features: usize) -> Result<Shape, FieldError> {
        match &self.input_shape {
            None => Ok(Shape::vector(features)),
            Some(shape) if shape.checked_cells() == Some(features) => Ok(shape.clone()),
            Some(shape) => {
                let cells = shape.checked_cells().map_or_else(|| "too many".into(), |cells| cells.to_string());
                let detail =
                    format!("expected {features} cells, one for each feature, received {shape}, {cells} cells");
                Err(FieldError::new("/input_shape", detail))
            }
        }
    }

    /// Shapes and parameters of every layer for samples of `input`; fails by layer, with its name and both shapes,
    /// and where parameters or buffers would pass `limits`.
    pub fn resolve(&self, input: &Shape, limits: &Limits) -> Result<Architecture, Vec<FieldError>> {
        if self.layers.len() > limits.layers {
            let detail = format!("expected at most {} layers, received {}", limits.layers, self.layers.len());
            return Err(vec![FieldError::new("/layers", detail)]);
        }
        let mut shapes = vec![checked("/input_shape", input.clone()).map_err(|error| vec![error])?];
        let mut nodes = Vec::with_capacity(self.layers.len());
        let mut parameters = Vec::new();
        let (mut trainable_cells, mut fixed_cells) = (0usize, 0usize);
        for (index, named) in self.layers.iter().enumerate() {
            let pointer = format!("/layers/{index}");
            let within = |error: FieldError| {
                let detail = format!("layer `{}`: {}", named.name, error.detail);
                vec![FieldError::new(error.pointer, detail).under(&pointer)]
            };
            let value = shapes.len() - 1;
            let inputs = std::slice::from_ref(&shapes[value]);
            let shape = named.layer.output_shape(inputs).and_then(|shape| checked("", shape)).map_err(within)?;
            let first = parameters.len();
            for spec in named.layer.parameters(inputs) {
                let cells = checked("", spec.shape.clone()).map_err(within)?.cells();
                let initializer = spec.initializer.check_shape(&spec.shape);
                initializer.map_err(|error| within(error.under(&format!("/{}_initializer", spec.name))))?;
                let place = if spec.trainable { &mut trainable_cells } else { &mut fixed_cells };
                let start = *place;
                *place = start.saturating_add(cells);
                let (name, shape) = (format!("{}/{}", named.name, spec.name), spec.shape.clone());
                parameters.push(Parameter { spec, name, shape, cells: start..*place });
            }
            let total = trainable_cells.saturating_add(fixed_cells) as u64;
            if total > limits.parameters {
                let detail = format!("expected at most {} parameters, received {total} up to here", limits.parameters);
                return Err(within(FieldError::new("", detail)));
            }
            nodes.push(Node {
                name: named.name.clone(),
                layer: named.layer.clone(),
                inputs: vec![value],
                output: shapes.len(),
                parameters: first..parameters.len(),
            });
            shapes.push(shape);
        }
        let architecture = Architecture { shapes, nodes, parameters, trainable_cells, fixed_cells };
        let bytes = architecture.inference_bytes(1);
        if bytes > limits.memory_bytes {
            let detail = format!("expected a model of at most {} bytes, received one of {bytes}", limits.memory_bytes);
            return Err(vec![FieldError::new("/layers", detail)]);
        }
        Ok(architecture)
    }
}

impl Architecture {
    /// Bytes of the weights and of the values of `rows` rows, in `f32`.
    pub fn inference_bytes(&self, rows: usize) -> u64 {
        let values = self.shapes.iter().fold(0u64, |sum, shape| sum.saturating_add(shape.cells() as u64));
        let weights = self.trainable_cells.saturating_add(self.fixed_cells) as u64;
        values.saturating_mul(rows as u64).saturating_add(weights).saturating_mul(4)
    }
}

/// A shape whose axes are in range and whose cells can be counted.
fn checked(pointer: &str, shape: Shape) -> Result<Shape, FieldError> {
    match shape.checked_cells() {
        Some(0) => Err(FieldError::new(pointer, format!("expected axes of at least 1, received the shape {shape}"))),
        Some(_) => Ok(shape),
        None => {
            let detail = format!("expected at most {} cells, received the shape {shape}", usize::MAX);
            Err(FieldError::new(pointer, detail))
        }
    }
}
