//! [`Tape`]: the buffers of a run through a network, allocated once.

use crate::engine::{
    cancel::is_cancelled,
    input_layout::{InputLayout, LookedUp},
    kernel::{self, Buffer, Team},
    layer::{
        Backward, Destination, Forward, InputGradients, Others, ParameterGradients, Parameters, Pass, Values, Workspace,
    },
    real::Real,
    spec::{Architecture, Node},
};
use ndarray::ArrayView2;
use std::ops::Range;

/// All values of a network for a maximum number of rows, and in training all gradients.
#[derive(Debug)]
pub(crate) struct Tape<F> {
    /// By value: elements of a row.
    pub(super) elements: Vec<usize>,
    values: Vec<Buffer<F>>,
    /// By input: the codes of the one-hot columns of its rows, [rows, one-hot columns].
    codes: Vec<Vec<u32>>,
    /// By value; empty if it is not needed.
    pub(crate) gradients: Vec<Buffer<F>>,
    /// By value: whether its gradient is needed.
    needed: Vec<bool>,
    /// By value: whether no consumer writes its gradient.
    unwritten: Vec<bool>,
    /// By node and input.
    destinations: Vec<Vec<Destination>>,
    /// By input of a node: gradients to be added to those of other consumers.
    spare: Vec<Buffer<F>>,
    /// By node: what forward keeps for backward.
    kept: Vec<Buffer<F>>,
    kept_per_row: Vec<usize>,
    scratch: Buffer<F>,
    /// Activity regularization of the rows of the last forward pass.
    pub penalty: f64,
}

/// A network's weights.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weights<'a, F> {
    pub trainable: &'a [F],
    pub fixed: &'a [F],
}

/// The results of a node's batch reduction; empty for nodes without one.
#[derive(Debug, Default)]
pub(crate) struct Reduced<F> {
    pub forward: Vec<F>,
    pub backward: Vec<F>,
}

/// The constants of a run over some rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run<'a, F> {
    pub architecture: &'a Architecture,
    pub weights: Weights<'a, F>,
    /// For rows of the batch.
    pub pass: Pass,
    /// Nodes whose last activation is fused with a loss.
    pub fused: &'a [usize],
    /// By node; empty at inference.
    pub reduced: &'a [Reduced<F>],
    /// By parameter: its range in the gradient that backward writes; empty if it is frozen or deferred. Empty at
    /// inference.
    pub places: &'a [Range<usize>],
    /// Threads for the work of a layer.
    pub team: &'a Team,
}

impl<'a, F: Real> Run<'a, F> {
    /// The pass as a node sees it.
    fn pass(&self, index: usize, node: &Node) -> Pass {
        let mut pass = self.pass;
        pass.rows *= node.repeat;
        pass.repeat = node.repeat;
        pass.logits = self.fused.contains(&index);
        pass.trainable = node.trainable;
        pass.noise.layer = index as u64;
        pass.noise.first_row *= node.repeat;
        pass
    }

    fn parameters(&self, node: &Node) -> Parameters<'a, F> {
        let Weights { trainable, fixed } = self.weights;
        Parameters { places: self.architecture.parameters_of(node), trainable, fixed }
    }

    fn reduced(&self, index: usize) -> (&'a [F], &'a [F]) {
        self.reduced.get(index).map_or((&[], &[]), |reduced| (&reduced.forward, &reduced.backward))
    }
}

impl<F: Real> Tape<F> {
    /// Buffers for inference on up to `rows` rows.
    pub fn for_inference(architecture: &Architecture, rows: usize) -> Self {
        Self::new(architecture, rows, vec![false; architecture.values()], false)
    }

    /// Buffers for training on up to `rows` rows.
    pub fn for_training(architecture: &Architecture, rows: usize) -> Self {
        Self::new(architecture, rows, needed_gradients(architecture), true)
    }

    /// `needed`, by value: whether there is a gradient.
    pub(crate) fn new(architecture: &Architecture, rows: usize, needed: Vec<bool>, training: bool) -> Self {
        let elements: Vec<usize> =
            (0..architecture.values()).map(|value| architecture.shape(value).elements()).collect();
        let gradient = |(&elements, &needed): (&usize, &bool)| Buffer::zeros(if needed { rows * elements } else { 0 });
        let workspaces: Vec<Workspace> = architecture.nodes().iter().map(|node| workspace(node, training)).collect();
        let scratch = workspaces.iter().map(|workspace| rows * workspace.scratch_per_row + workspace.scratch).max();
        let destinations = destinations(architecture, &needed);
        let spare = spare_elements(architecture, &destinations);
        Self {
            codes: architecture.layouts().iter().map(|layout| layout.codes(rows)).collect(),
            values: elements.iter().map(|elements| Buffer::zeros(rows * elements)).collect(),
            gradients: elements.iter().zip(&needed).map(gradient).collect(),
            elements,
            needed,
            unwritten: unwritten(architecture, &destinations),
            destinations,
            spare: spare.into_iter().map(|elements| Buffer::zeros(rows * elements)).collect(),
            kept: workspaces.iter().map(|workspace| Buffer::zeros(rows * workspace.kept_per_row)).collect(),
            kept_per_row: workspaces.iter().map(|workspace| workspace.kept_per_row).collect(),
            scratch: Buffer::zeros(scratch.unwrap_or_default()),
            penalty: 0.0,
        }
    }

    /// Loads the rows `order` of x into an input.
    pub fn load(&mut self, input: usize, layout: &InputLayout, x: ArrayView2<'_, F>, order: &[usize]) {
        let (elements, codes) = self.rows_of_input(input, layout, order.len());
        layout.load(x, order, elements, codes);
    }

    /// Loads every row of x into an input.
    pub fn load_all(&mut self, input: usize, layout: &InputLayout, x: ArrayView2<'_, F>) {
        let (elements, codes) = self.rows_of_input(input, layout, x.nrows());
        layout.load_all(x, elements, codes);
    }

    fn rows_of_input(&mut self, input: usize, layout: &InputLayout, rows: usize) -> (&mut [F], &mut [u32]) {
        let elements = &mut self.values[input][..rows * self.elements[input]];
        (elements, &mut self.codes[input][..rows * layout.one_hot()])
    }

    /// The codes of an input's rows.
    pub fn looked_up<'a>(&'a self, input: usize, layout: &'a InputLayout, rows: usize) -> Option<LookedUp<'a>> {
        LookedUp::new(layout, &self.codes[input][..rows * layout.one_hot()])
    }

    /// The rows of an input, to be filled.
    #[cfg(test)]
    pub fn input(&mut self, input: usize, rows: usize) -> &mut [F] {
        &mut self.values[input][..rows * self.elements[input]]
    }

    /// The rows of a value.
    pub fn value(&self, value: usize, rows: usize) -> &[F] {
        &self.values[value][..rows * self.elements[value]]
    }

    /// The gradient of a value after the last backward pass.
    pub fn gradient(&self, value: usize, rows: usize) -> &[F] {
        &self.gradients[value][..rows * self.elements[value]]
    }

    /// The values, the gradient and the mask of an output.
    pub fn output(&mut self, value: usize, mask: Option<usize>, rows: usize) -> Output<'_, F> {
        let elements = rows * self.elements[value];
        // A mask is computed before the value that it masks, or right after it.
        let (before, after) = self.values.split_at_mut(value);
        let (own, after) = after.split_at_mut(1);
        let mask = mask.map(|mask| {
            let values = if mask < value { &before[mask] } else { &after[mask - value - 1] };
            &values[..rows * self.elements[mask]]
        });
        Output { values: &mut own[0][..elements], gradient: &mut self.gradients[value][..elements], mask }
    }

    /// Runs `nodes` forward; ends early once cancelled.
    pub fn forward(&mut self, run: &Run<'_, F>, nodes: Range<usize>) {
        for index in nodes {
            if is_cancelled() {
                return;
            }
            let layer = &run.architecture.nodes()[index].layer;
            self.with_forward(run, index, |cx| layer.compute().forward(cx));
        }
    }

    /// The partial sums of node `index` before its forward pass.
    pub fn sum_forward(&mut self, run: &Run<'_, F>, index: usize, sums: &mut [f64]) {
        let layer = &run.architecture.nodes()[index].layer;
        self.with_forward(run, index, |cx| layer.compute().sum_forward(cx, sums));
    }

    /// Runs `nodes` backward, the last one first; ends early once cancelled. Parameter gradients are written into `gradient`, or
    /// added to it.
    pub fn backward(&mut self, run: &Run<'_, F>, nodes: Range<usize>, gradient: &mut [F], accumulate: bool) {
        for index in nodes.rev() {
            if is_cancelled() {
                return;
            }
            let node = &run.architecture.nodes()[index];
            if self.needed[node.output] {
                self.zero_unwritten(node, run.pass.rows);
                self.with_backward(run, index, gradient, accumulate, |cx| node.layer.compute().backward(cx));
                self.add_spare(index, node, run.pass.rows);
            }
        }
    }

    /// The partial sums of node `index` before its backward pass.
    pub fn sum_backward(
        &mut self,
        run: &Run<'_, F>,
        index: usize,
        gradient: &mut [F],
        accumulate: bool,
        sums: &mut [f64],
    ) {
        let node = &run.architecture.nodes()[index];
        if self.needed[node.output] {
            self.with_backward(run, index, gradient, accumulate, |cx| node.layer.compute().sum_backward(cx, sums));
        }
    }

    fn with_forward(&mut self, run: &Run<'_, F>, index: usize, call: impl FnOnce(&mut Forward<'_, F>)) {
        let node = &run.architecture.nodes()[index];
        let batch_rows = run.pass.rows;
        let (values, outputs) = self.values.split_at_mut(node.output);
        let (output, after) = outputs.split_at_mut(1);
        let (mask, others) = after.split_at_mut(usize::from(node.mask.is_some()));
        let mask = match node.mask {
            Some(value) => &mut mask[0][..batch_rows * self.elements[value]],
            None => &mut [],
        };
        let elements = &self.elements[node.others.clone()];
        let others = Others { buffers: &mut others[..elements.len()], elements, batch_rows };
        call(&mut Forward {
            pass: run.pass(index, node),
            inputs: values_of(run, node, &self.elements, values, &self.codes),
            parameters: run.parameters(node),
            output: &mut output[0][..batch_rows * self.elements[node.output]],
            mask,
            others,
            penalty: &mut self.penalty,
            kept: &mut self.kept[index][..batch_rows * self.kept_per_row[index]],
            scratch: &mut self.scratch,
            reduced: run.reduced(index).0,
            tables: &node.tables,
            team: run.team,
        });
    }

    fn with_backward(
        &mut self,
        run: &Run<'_, F>,
        index: usize,
        gradient: &mut [F],
        accumulate: bool,
        call: impl FnOnce(&mut Backward<'_, F>),
    ) {
        let node = &run.architecture.nodes()[index];
        let batch_rows = run.pass.rows;
        let elements = batch_rows * self.elements[node.output];
        let (values, outputs) = self.values.split_at(node.output);
        let (gradients, output_gradients) = self.gradients.split_at_mut(node.output);
        let (output_gradient, after) = output_gradients.split_at_mut(1);
        let (_, others) = after.split_at_mut(usize::from(node.mask.is_some()));
        let of_others = &self.elements[node.others.clone()];
        let other_gradients = Others { buffers: &mut others[..of_others.len()], elements: of_others, batch_rows };
        let (reduced, reduced_backward) = run.reduced(index);
        call(&mut Backward {
            pass: run.pass(index, node),
            inputs: values_of(run, node, &self.elements, values, &self.codes),
            parameters: run.parameters(node),
            output: &outputs[0][..elements],
            output_gradient: &mut output_gradient[0][..elements],
            other_gradients,
            input_gradients: InputGradients {
                inputs: &node.inputs,
                elements: &self.elements,
                gradients,
                destinations: &self.destinations[index],
                spare: &mut self.spare,
                batch_rows,
            },
            parameter_gradients: ParameterGradients {
                places: &run.places[node.parameters.clone()],
                elements: gradient,
                accumulate: accumulate || node.shared,
            },
            kept: &mut self.kept[index][..batch_rows * self.kept_per_row[index]],
            scratch: &mut self.scratch,
            reduced,
            reduced_backward,
            tables: &node.tables,
        });
    }

    /// Zeroes the gradients of unused outputs.
    fn zero_unwritten(&mut self, node: &Node, rows: usize) {
        for value in node.values().filter(|&value| self.unwritten[value]) {
            self.gradients[value][..rows * self.elements[value]].fill(F::ZERO);
        }
    }

    /// Adds the gradients that were written to spare buffers.
    fn add_spare(&mut self, index: usize, node: &Node, rows: usize) {
        for (input, (&value, destination)) in node.inputs.iter().zip(&self.destinations[index]).enumerate() {
            if *destination == Destination::Added {
                let elements = rows * self.elements[value];
                kernel::add(&self.spare[input][..elements], &mut self.gradients[value][..elements]);
            }
        }
    }
}

/// The inputs of a node.
fn values_of<'a, F>(
    run: &Run<'a, F>,
    node: &'a Node,
    elements: &'a [usize],
    values: &'a [Buffer<F>],
    codes: &'a [Vec<u32>],
) -> Values<'a, F> {
    let Node { inputs, input_shapes: shapes, masks, mask_shapes, .. } = node;
    let (layouts, batch_rows) = (run.architecture.layouts(), run.pass.rows);
    Values { inputs, shapes, masks, mask_shapes, elements, values, layouts, codes, batch_rows }
}

/// An output as a loss sees it.
pub(crate) struct Output<'a, F> {
    /// [rows, output elements]
    pub values: &'a mut [F],
    /// [rows, output elements]
    pub gradient: &'a mut [F],
    /// [rows, steps]
    pub mask: Option<&'a [F]>,
}

/// Elements of the buffers of [`Tape::for_training`]; `u64::MAX` on overflow.
pub(crate) fn training_elements(architecture: &Architecture, rows: usize) -> u64 {
    let needed = needed_gradients(architecture);
    let of_value =
        |value: usize| (architecture.shape(value).elements() as u64).saturating_mul(1 + u64::from(needed[value]));
    let workspaces = || architecture.nodes().iter().map(|node| workspace(node, true));
    let spare = spare_elements(architecture, &destinations(architecture, &needed));
    let row = (0..architecture.values())
        .map(of_value)
        .chain(workspaces().map(|workspace| workspace.kept_per_row as u64))
        .chain(spare.into_iter().map(|elements| elements as u64))
        .fold(0, u64::saturating_add);
    let scratch = |workspace: Workspace| {
        (workspace.scratch_per_row as u64).saturating_mul(rows as u64).saturating_add(workspace.scratch as u64)
    };
    row.saturating_mul(rows as u64).saturating_add(workspaces().map(scratch).max().unwrap_or(0))
}

/// The workspace of a node per row of the batch.
pub(super) fn workspace(node: &Node, training: bool) -> Workspace {
    let asked = node.layer.workspace(&node.input_shapes);
    Workspace {
        kept_per_row: if training { asked.kept_per_row * node.repeat } else { 0 },
        scratch_per_row: asked.scratch_per_row * node.repeat,
        scratch: asked.scratch,
    }
}

/// The values whose gradient is needed: those that depend on a trainable parameter, and the outputs.
fn needed_gradients(architecture: &Architecture) -> Vec<bool> {
    let mut needed = vec![false; architecture.values()];
    for node in architecture.nodes() {
        let trains = architecture.parameters_of(node).iter().any(|parameter| parameter.spec.trainable);
        let is_needed = trains || node.inputs.iter().any(|&value| needed[value]);
        node.values().for_each(|value| needed[value] = is_needed);
    }
    architecture.outputs().iter().for_each(|&value| needed[value] = true);
    // A layer needs the gradients of all of its outputs, or of none.
    for node in architecture.nodes().iter().filter(|node| !node.others.is_empty()) {
        let is_needed = node.values().any(|value| needed[value]);
        node.values().for_each(|value| needed[value] = is_needed);
    }
    needed
}

/// By value: whether neither a loss nor a consumer writes its gradient.
fn unwritten(architecture: &Architecture, destinations: &[Vec<Destination>]) -> Vec<bool> {
    let mut unwritten = vec![true; architecture.values()];
    architecture.outputs().iter().for_each(|&value| unwritten[value] = false);
    for (node, destinations) in architecture.nodes().iter().zip(destinations) {
        let written = node.inputs.iter().zip(destinations).filter(|(_, it)| **it != Destination::Nowhere);
        written.for_each(|(&value, _)| unwritten[value] = false);
    }
    unwritten
}

/// Where the gradient of each input of each node is written, given that nodes run backward from the last to the first.
fn destinations(architecture: &Architecture, needed: &[bool]) -> Vec<Vec<Destination>> {
    let mut written = vec![false; architecture.values()];
    architecture.outputs().iter().for_each(|&value| written[value] = true);
    let mut all: Vec<Vec<Destination>> = Vec::with_capacity(architecture.nodes().len());
    for node in architecture.nodes().iter().rev() {
        let destination = |&value: &usize| match () {
            () if !needed[value] || !needed[node.output] => Destination::Nowhere,
            () if std::mem::replace(&mut written[value], true) => Destination::Added,
            () => Destination::First,
        };
        all.push(node.inputs.iter().map(destination).collect());
    }
    all.reverse();
    all
}

/// Elements per row of each spare buffer, by input of a node.
fn spare_elements(architecture: &Architecture, destinations: &[Vec<Destination>]) -> Vec<usize> {
    let mut spare = Vec::new();
    for (node, destinations) in architecture.nodes().iter().zip(destinations) {
        for (input, (&value, destination)) in node.inputs.iter().zip(destinations).enumerate() {
            if *destination == Destination::Added {
                if spare.len() <= input {
                    spare.resize(input + 1, 0);
                }
                spare[input] = spare[input].max(architecture.shape(value).elements());
            }
        }
    }
    spare
}
