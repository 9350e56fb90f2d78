//! [`Builder`]: builds an architecture from a definition, layer by layer.

use super::{
    Architecture, Definition, Limits, Node, OutputMask, Parameter,
    architecture::PlacedLayer,
    graph::{Graph, ValueRef},
};
use crate::engine::{
    field::FieldError,
    input_layout::InputLayout,
    layer::{ActivityRegularization, AnyLayer, MaskRule, ParameterSpec, Part, Primitive, Source},
    regularizer::L1L2,
    shape::{MAX_AXES, Shape},
};
use std::{ops::Range, sync::Arc};

impl Definition {
    /// The architecture for inputs of these shapes. Fails with the layer's name and both shapes, and if parameters or
    /// buffers exceed `limits`.
    pub fn resolve(&self, inputs: &[Shape], limits: &Limits) -> Result<Architecture, Vec<FieldError>> {
        if self.layers.len() > limits.layers {
            let detail = format!("expected at most {} layers, received {}", limits.layers, self.layers.len());
            return Err(vec![FieldError::new("/layers", detail)]);
        }
        for (index, shape) in inputs.iter().enumerate() {
            let pointer = if self.inputs.is_empty() { "/input_shape".into() } else { format!("/inputs/{index}/shape") };
            checked(shape.clone()).map_err(|error| vec![error.under(&pointer)])?;
        }
        if inputs.len() != self.input_count() {
            let detail = format!("expected {} inputs, received {}", self.input_count(), inputs.len());
            return Err(vec![FieldError::new("/inputs", detail)]);
        }
        let graph = self.graph()?;
        let mut builder = Builder::new(self, inputs, limits);
        builder.run(&graph)?;
        let mut architecture = builder.architecture;
        let bytes = architecture.inference_bytes(1);
        if bytes > limits.memory_bytes {
            let detail = format!("expected a model of at most {} bytes, received one of {bytes}", limits.memory_bytes);
            return Err(vec![FieldError::new("/layers", detail)]);
        }
        // Tables are about as large as values and weights, so they are built after the memory check.
        for node in &mut architecture.nodes {
            node.tables = node.layer.tables(&node.input_shapes).into();
        }
        Ok(architecture)
    }
}

pub(super) struct Builder<'a> {
    definition: &'a Definition,
    limits: &'a Limits,
    pub(super) architecture: Architecture,
    /// By layer of the definition: the nodes of its last call.
    last_calls: Vec<Option<Range<usize>>>,
}

/// A call of a layer to be added.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) name: &'a str,
    pub(super) owner: usize,
    pub(super) layer: &'a AnyLayer,
    pub(super) inputs: &'a [usize],
    /// Axes that count as rows: the first ones of every input.
    pub(super) steps: &'a [usize],
    /// The requested mask.
    pub(super) output_mask: Option<OutputMask>,
}

impl<'a> Builder<'a> {
    fn new(definition: &'a Definition, inputs: &[Shape], limits: &'a Limits) -> Self {
        let layers = definition.layers.iter();
        let layers =
            layers.map(|layer| PlacedLayer { name: layer.name.clone(), kind: layer.layer.kind(), output: None });
        let layers = layers.collect();
        let architecture = Architecture {
            shapes: inputs.to_vec(),
            inputs: inputs.len(),
            outputs: Vec::new(),
            masks: vec![None; inputs.len()],
            nodes: Vec::with_capacity(definition.layers.len()),
            parameters: Vec::new(),
            trainable_elements: 0,
            fixed_elements: 0,
            layers,
            layouts: input_columns(inputs),
        };
        Self { definition, limits, architecture, last_calls: vec![None; definition.layers.len()] }
    }

    fn run(&mut self, graph: &Graph) -> Result<(), Vec<FieldError>> {
        let mut values = Vec::with_capacity(graph.runs.len());
        for run in &graph.runs {
            let named = &self.definition.layers[run.layer];
            let inputs: Vec<usize> = run.inputs.iter().map(|value_ref| value_of(*value_ref, &values)).collect();
            let shapes: Vec<Shape> = inputs.iter().map(|&value| self.architecture.shapes[value].clone()).collect();
            let output_mask = OutputMask::requested(named.output_mask, &named.layer, &shapes);
            let call = Call {
                name: &named.name,
                owner: run.layer,
                layer: &named.layer,
                inputs: &inputs,
                steps: &[],
                output_mask,
            };
            let within = |error: FieldError| {
                let detail = format!("layer `{}`: {}", named.name, error.detail);
                vec![FieldError::new(error.pointer, detail).under(&format!("/layers/{}", run.layer))]
            };
            let penalty = named.activity_regularizer.and_then(|penalty| penalty.elementwise());
            let mask = self.requested_mask(&call).map_err(within)?;
            let first = self.architecture.nodes.len();
            let placed = self.add_call(&call).and_then(|placed| self.add_activity_regularizers(&call, placed, penalty));
            let placed = placed.map_err(within)?;
            placed.first().map_or(Ok(()), |&output| self.set_mask(output, mask)).map_err(within)?;
            self.architecture.layers[run.layer].output = placed.first().copied();
            values.push(placed);
            let nodes = first..self.architecture.nodes.len();
            if let Some(before) = self.last_calls[run.layer].replace(nodes.clone()) {
                self.share_parameters(before, nodes).map_err(within)?;
            }
            let total = self.architecture.trainable_elements.saturating_add(self.architecture.fixed_elements) as u64;
            if total > self.limits.parameters {
                let max = self.limits.parameters;
                let detail = format!("expected at most {max} parameters, received {total} up to here");
                return Err(within(FieldError::new("", detail)));
            }
        }
        self.architecture.outputs = graph.outputs.iter().map(|value_ref| value_of(*value_ref, &values)).collect();
        self.check_output_masks()
    }

    /// Adds a call of a layer, or of its parts; returns its outputs.
    fn add_call(&mut self, call: &Call<'_>) -> Result<Vec<usize>, FieldError> {
        let shapes = call.inputs.iter().map(|&value| self.without_steps(value, call.steps));
        let shapes = shapes.collect::<Result<Vec<Shape>, _>>()?;
        match call.layer {
            AnyLayer::Primitive(layer) => {
                let values = self.add_node(call, layer, shapes)?;
                let penalty = layer.activity_regularizer().and_then(|penalty| penalty.elementwise());
                self.add_activity_regularizers(call, values, penalty)
            }
            AnyLayer::Composite(layer) => {
                let mask = |&value: &usize| self.architecture.masks[value];
                layer.check_masked(call.inputs.iter().any(|value| mask(value).is_some()))?;
                let mut values = Vec::new();
                for part in layer.parts(&shapes)? {
                    values.push(self.add_part(call, &values, &part)?);
                }
                let none = || FieldError::new("", "expected at least one part, received none");
                match layer.gives().as_slice() {
                    [] => values.pop().ok_or_else(none),
                    given => Ok(given.iter().map(|&(part, value)| values[part][value]).collect()),
                }
            }
        }
    }

    fn add_part(&mut self, whole: &Call<'_>, values: &[Vec<usize>], part: &Part) -> Result<Vec<usize>, FieldError> {
        let read = |source: &Source| match *source {
            Source::Input(index) => whole.inputs[index],
            Source::Part(index) => values[index][0],
        };
        let inputs: Vec<usize> = part.inputs.iter().map(read).collect();
        let mut steps = whole.steps.to_vec();
        if part.each_step {
            steps.extend(self.without_steps(inputs[0], whole.steps)?.0.first());
        }
        let name = format!("{}/{}", whole.name, part.name);
        self.add_call(&Call { name: &name, layer: &part.layer, inputs: &inputs, steps: &steps, ..*whole })
    }

    /// The shape of a value without the axes that count as rows.
    fn without_steps(&self, value: usize, steps: &[usize]) -> Result<Shape, FieldError> {
        let shape = &self.architecture.shapes[value];
        match shape.0.strip_prefix(steps) {
            Some(axes) => Ok(Shape(axes.to_vec())),
            None => {
                let detail = format!("expected inputs of {steps:?} steps each, received one of the shape {shape}");
                Err(FieldError::new("", detail))
            }
        }
    }

    pub(super) fn add_node(
        &mut self,
        call: &Call<'_>,
        layer: &Primitive,
        input_shapes: Vec<Shape>,
    ) -> Result<Vec<usize>, FieldError> {
        if let (Some(numbers), Some(&value)) = (layer.looks_up(), call.inputs.first()) {
            self.architecture.check_looked_up(value, numbers)?;
        }
        if let Some(&value) = call.inputs.first()
            && layer.adapts()
            && let Some(node) = self.architecture.weights_behind(value)
        {
            let detail =
                format!("expected numbers, since `{}` before this layer has weights, received null", node.name);
            return Err(FieldError::new("/mean", detail));
        }
        if !call.steps.is_empty() && layer.before_step_room(&input_shapes).is_some() {
            let detail = format!("expected a layer that runs once a step, received `{}` on each step", layer.kind());
            return Err(FieldError::new("", detail));
        }
        let with_steps = |shape: Shape| checked(Shape([call.steps, shape.0.as_slice()].concat()));
        let shape = layer.output_shape(&input_shapes).and_then(checked).and_then(with_steps)?;
        let others = layer.other_shapes(&input_shapes).into_iter().map(with_steps).collect::<Result<Vec<_>, _>>()?;
        let trainable = self.definition.layers[call.owner].trainable;
        let first = self.architecture.parameters.len();
        for spec in layer.parameters(&input_shapes) {
            self.add_parameter(call.name, ParameterSpec { trainable: spec.trainable && trainable, ..spec })?;
        }
        let output = self.architecture.shapes.len();
        self.architecture.shapes.push(shape);
        let shown = |&value: &usize| self.architecture.masks[value].filter(|_| call.output_mask.is_none());
        let all: Vec<Option<usize>> = call.inputs.iter().map(shown).collect();
        let alone = call.steps.is_empty();
        let seen = |mask: &Option<usize>| mask.filter(|_| alone || layer.sees_masks_of_steps());
        let masks: Vec<Option<usize>> = all.iter().map(seen).collect();
        let mask_shapes = masks.iter().map(|mask| mask.map(|mask| self.mask_without_steps(mask, call.steps)));
        let mask_shapes = mask_shapes.map(Option::transpose).collect::<Result<Vec<Option<Shape>>, _>>()?;
        layer.check_masks(&input_shapes, &mask_shapes)?;
        // If the first axes count as rows, the mask is that of the first input.
        let rule = match call.output_mask {
            Some(_) => MaskRule::Drop,
            None if alone => layer.mask(&input_shapes, &mask_shapes),
            None => MaskRule::Pass(0),
        };
        let (mask, own) = match rule {
            MaskRule::Drop => (None, None),
            MaskRule::Pass(input) => (all.get(input).copied().flatten(), None),
            MaskRule::Write(shape) => {
                self.architecture.shapes.push(checked(shape)?);
                (Some(output + 1), Some(output + 1))
            }
        };
        self.architecture.masks.push(mask);
        self.architecture.masks.extend(own.map(|_| None));
        let first_other = self.architecture.shapes.len();
        self.architecture.masks.extend(others.iter().map(|_| None));
        self.architecture.shapes.extend(others);
        let others = first_other..self.architecture.shapes.len();
        self.architecture.nodes.push(Node {
            name: call.name.to_owned(),
            owner: call.owner,
            layer: layer.clone(),
            trainable: trainable && self.definition.layers[call.owner].training,
            inputs: call.inputs.to_vec(),
            masks,
            mask_shapes: mask_shapes.into_iter().map(Option::unwrap_or_default).collect(),
            input_shapes,
            output,
            mask: own,
            others: others.clone(),
            repeat: call.steps.iter().product(),
            parameters: first..self.architecture.parameters.len(),
            shared: false,
            tables: Arc::default(),
        });
        Ok(std::iter::once(output).chain(others).collect())
    }

    /// Adds an activity regularizer after each output of a layer, if there is one.
    fn add_activity_regularizers(
        &mut self,
        of: &Call<'_>,
        values: Vec<usize>,
        penalty: Option<L1L2>,
    ) -> Result<Vec<usize>, FieldError> {
        let Some(penalty) = penalty else { return Ok(values) };
        values.into_iter().map(|value| self.add_activity_regularizer(of, value, penalty)).collect()
    }

    /// Adds an activity regularizer after an output of a layer.
    fn add_activity_regularizer(
        &mut self,
        of: &Call<'_>,
        output: usize,
        L1L2 { l1, l2 }: L1L2,
    ) -> Result<usize, FieldError> {
        let layer = Primitive::ActivityRegularization(ActivityRegularization { l1, l2 });
        let shape = self.without_steps(output, of.steps)?;
        let call = Call { inputs: &[output], ..*of };
        self.add_node(&call, &layer, vec![shape]).map(|values| values[0])
    }

    /// The shape of a mask without the axes that count as rows.
    fn mask_without_steps(&self, mask: usize, steps: &[usize]) -> Result<Shape, FieldError> {
        let shape = &self.architecture.shapes[mask];
        let axes = shape.0.strip_prefix(steps).map(|axes| Shape(axes.to_vec()));
        axes.ok_or_else(|| {
            FieldError::new("", format!("expected an input whose mask has the axes {steps:?} first, received {shape}"))
        })
    }

    /// Fails if an output does not begin with the axes of its mask: a layer within `time_distributed` may remove axes,
    /// which as in Keras is no error until the mask is used.
    fn check_output_masks(&self) -> Result<(), Vec<FieldError>> {
        let Architecture { shapes, masks, nodes, outputs, .. } = &self.architecture;
        for &output in outputs {
            let (shape, mask) = (&shapes[output], masks[output].map(|mask| &shapes[mask]));
            let fits = mask.is_none_or(|mask| mask.0.len() < shape.0.len() && shape.0.starts_with(&mask.0));
            if let (false, Some(mask), Some(node)) = (fits, mask, nodes.iter().find(|node| node.output == output)) {
                let detail = format!(
                    "layer `{}`: expected an output that begins with the axes of its mask, {mask}, received one of the shape {shape}",
                    node.name
                );
                return Err(vec![FieldError::new(format!("/layers/{}", node.owner), detail)]);
            }
        }
        Ok(())
    }

    fn add_parameter(&mut self, layer: &str, spec: ParameterSpec) -> Result<(), FieldError> {
        let elements = checked(spec.shape.clone())?.elements();
        let setting = spec.setting;
        let initializer = spec.initializer.check_shape(&spec.shape);
        initializer.map_err(|error| error.under(&format!("/{setting}_initializer")))?;
        let regularizer = spec.regularizer.map_or(Ok(()), |regularizer| regularizer.check_shape(&spec.shape));
        regularizer.map_err(|error| error.under(&format!("/{setting}_regularizer")))?;
        let constraint = spec.constraint.as_ref().map_or(Ok(()), |constraint| constraint.check_shape(&spec.shape));
        constraint.map_err(|error| error.under(&format!("/{setting}_constraint")))?;
        let Architecture { trainable_elements, fixed_elements, .. } = &mut self.architecture;
        let place = if spec.trainable { trainable_elements } else { fixed_elements };
        let start = *place;
        *place = start.saturating_add(elements);
        let elements = start..*place;
        let (name, shape) = (format!("{layer}/{}", spec.name), spec.shape.clone());
        self.architecture.parameters.push(Parameter { spec, name, shape, range: elements });
        Ok(())
    }

    /// Shares the parameters of the previous call of a layer with the nodes of another call.
    fn share_parameters(&mut self, before: Range<usize>, again: Range<usize>) -> Result<(), FieldError> {
        let Architecture { nodes, parameters, trainable_elements, fixed_elements, .. } = &mut self.architecture;
        let own = nodes.get(again.start).map_or(parameters.len(), |node| node.parameters.start);
        for (before, again) in before.zip(again) {
            let places = |node: &Node| node.parameters.clone();
            let shapes = |node: &Node| parameters[places(node)].iter().map(|p| p.shape.clone()).collect::<Vec<_>>();
            let (expected, received) = (shapes(&nodes[before]), shapes(&nodes[again]));
            if expected != received {
                let detail = format!(
                    "this layer is shared: every call must need the same weight shapes; the first needs {expected:?}, this one {received:?}"
                );
                return Err(FieldError::new("/inputs", detail));
            }
            if nodes[before].layer.before_step_room(&nodes[before].input_shapes).is_some() {
                let kind = nodes[before].layer.kind();
                let detail =
                    format!("expected one call of `{kind}`, which updates its kernel in each call, received several");
                return Err(FieldError::new("/inputs", detail));
            }
            // A later call runs backward first: earlier ones accumulate.
            nodes[before].shared = true;
            nodes[again].parameters = nodes[before].parameters.clone();
        }
        for parameter in parameters.drain(own..).rev() {
            let place = if parameter.spec.trainable { &mut *trainable_elements } else { &mut *fixed_elements };
            *place = parameter.range.start;
        }
        Ok(())
    }
}

fn value_of(value_ref: ValueRef, values: &[Vec<usize>]) -> usize {
    match value_ref {
        ValueRef::Input(input) => input,
        ValueRef::Run(run, value) => values[run][value],
    }
}

/// Fails if there are too many axes, if an axis is 0, or if the number of elements overflows.
fn checked(shape: Shape) -> Result<Shape, FieldError> {
    if shape.0.len() > MAX_AXES {
        let received = shape.0.len();
        return Err(FieldError::new("", format!("expected a shape of at most {MAX_AXES} axes, received {received}")));
    }
    match shape.checked_elements() {
        Some(0) => Err(FieldError::new("", format!("expected axes of at least 1, received the shape {shape}"))),
        Some(_) => Ok(shape),
        None => {
            Err(FieldError::new("", format!("expected at most {} elements, received the shape {shape}", usize::MAX)))
        }
    }
}

/// A column of numbers per element.
fn input_columns(inputs: &[Shape]) -> Vec<InputLayout> {
    let mut next = 0;
    let layout = |shape: &Shape| {
        let start = next;
        next += shape.elements();
        InputLayout::of_numbers(start..next)
    };
    inputs.iter().map(layout).collect()
}
