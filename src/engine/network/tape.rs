//! The buffers of one run through a network, laid out once.

use crate::engine::{
    kernel::{self, Buffer, Team},
    layer::{
        Backward, Destination, Forward, InputGradients, Layer, Others, ParameterGradients, Parameters, Pass, Values,
        Workspace,
    },
    real::Real,
    spec::{Architecture, Node},
};
use std::ops::Range;

/// Every value of a network for up to some number of rows, and in training every gradient.
#[derive(Debug)]
pub(crate) struct Tape<F> {
    /// Cells of a row, by value.
    pub(super) cells: Vec<usize>,
    values: Vec<Buffer<F>>,
    /// By value; empty where nobody needs it.
    pub(crate) gradients: Vec<Buffer<F>>,
    wanted: Vec<bool>,
    /// By value: whether no one writes its gradient.
    unread: Vec<bool>,
    /// By node and input.
    destinations: Vec<Vec<Destination>>,
    /// By input of a node: gradients that are added to what others wrote.
    spare: Vec<Buffer<F>>,
    /// By node.
    kept: Vec<Buffer<F>>,
    kept_per_row: Vec<usize>,
    scratch: Buffer<F>,
    /// What the rows of the last forward add to the loss beside the outputs' losses.
    pub penalty: f64,
}

/// A network's weights.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weights<'a, F> {
    pub trainable: &'a [F],
    pub fixed: &'a [F],
}

/// What one node's lanes made of the whole batch; empty for nodes at which they do not meet.
#[derive(Debug, Default)]
pub(crate) struct Joined<F> {
    pub forward: Vec<F>,
    pub backward: Vec<F>,
}

/// What stays the same during one run over some rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run<'a, F> {
    pub architecture: &'a Architecture,
    pub weights: Weights<'a, F>,
    /// Of rows of the batch.
    pub pass: Pass,
    /// Nodes whose last activation is left to a loss.
    pub absorbed: &'a [usize],
    /// By node; empty at inference.
    pub joined: &'a [Joined<F>],
    /// By parameter: its cells in the gradient that backward writes; none where it does not move, or is made later. Empty at
    /// inference.
    pub places: &'a [Range<usize>],
    /// Who may help with a layer's work.
    pub team: &'a Team,
}

impl<'a, F: Real> Run<'a, F> {
    /// The pass as a node sees it.
    fn pass(&self, index: usize, node: &Node) -> Pass {
        let mut pass = self.pass;
        pass.rows *= node.repeat;
        pass.repeat = node.repeat;
        pass.logits = self.absorbed.contains(&index);
        pass.trainable = node.trainable;
        pass.noise.layer = index as u64;
        pass.noise.first_row *= node.repeat;
        pass
    }

    fn parameters(&self, node: &Node) -> Parameters<'a, F> {
        let Weights { trainable, fixed } = self.weights;
        Parameters { places: self.architecture.parameters_of(node), trainable, fixed }
    }

    fn joined(&self, index: usize) -> (&'a [F], &'a [F]) {
        self.joined.get(index).map_or((&[], &[]), |joined| (&joined.forward, &joined.backward))
    }
}

impl<F: Real> Tape<F> {
    /// Buffers for inference on up to `rows` rows.
    pub fn for_inference(architecture: &Architecture, rows: usize) -> Self {
        Self::new(architecture, rows, vec![false; architecture.values()], false)
    }

    /// Buffers for training on up to `rows` rows.
    pub fn for_training(architecture: &Architecture, rows: usize) -> Self {
        Self::new(architecture, rows, wanted_gradients(architecture), true)
    }

    /// `wanted`, by value: whether there is a gradient.
    pub(crate) fn new(architecture: &Architecture, rows: usize, wanted: Vec<bool>, training: bool) -> Self {
        let cells: Vec<usize> = (0..architecture.values()).map(|value| architecture.shape(value).cells()).collect();
        let gradient = |(&cells, &wanted): (&usize, &bool)| Buffer::zeros(if wanted { rows * cells } else { 0 });
        let workspaces: Vec<Workspace> = architecture.nodes().iter().map(|node| workspace(node, training)).collect();
        let scratch = workspaces.iter().map(|workspace| rows * workspace.scratch_per_row + workspace.scratch).max();
        let destinations = destinations(architecture, &wanted);
        let spare = spare_cells(architecture, &destinations);
        Self {
            values: cells.iter().map(|cells| Buffer::zeros(rows * cells)).collect(),
            gradients: cells.iter().zip(&wanted).map(gradient).collect(),
            cells,
            wanted,
            unread: unread(architecture, &destinations),
            destinations,
            spare: spare.into_iter().map(|cells| Buffer::zeros(rows * cells)).collect(),
            kept: workspaces.iter().map(|workspace| Buffer::zeros(rows * workspace.kept_per_row)).collect(),
            kept_per_row: workspaces.iter().map(|workspace| workspace.kept_per_row).collect(),
            scratch: Buffer::zeros(scratch.unwrap_or_default()),
            penalty: 0.0,
        }
    }

    /// The rows of an input, to be filled.
    pub fn input(&mut self, input: usize, rows: usize) -> &mut [F] {
        &mut self.values[input][..rows * self.cells[input]]
    }

    /// The rows of a value.
    pub fn value(&self, value: usize, rows: usize) -> &[F] {
        &self.values[value][..rows * self.cells[value]]
    }

    /// The gradient of a value, as the last backward left it.
    pub fn gradient(&self, value: usize, rows: usize) -> &[F] {
        &self.gradients[value][..rows * self.cells[value]]
    }

    /// The rows of an output's value, where its loss's gradient goes, and its mask.
    pub fn output(&mut self, value: usize, mask: Option<usize>, rows: usize) -> Output<'_, F> {
        let cells = rows * self.cells[value];
        // A mask is made before what it masks, or right after it.
        let (before, after) = self.values.split_at_mut(value);
        let (own, after) = after.split_at_mut(1);
        let mask = mask.map(|mask| {
            let values = if mask < value { &before[mask] } else { &after[mask - value - 1] };
            &values[..rows * self.cells[mask]]
        });
        Output { values: &mut own[0][..cells], gradient: &mut self.gradients[value][..cells], mask }
    }

    /// Runs `nodes` forward.
    pub fn forward(&mut self, run: &Run<'_, F>, nodes: Range<usize>) {
        for index in nodes {
            let layer = &run.architecture.nodes()[index].layer;
            self.with_forward(run, index, |cx| layer.forward(cx));
        }
    }

    /// Sums up what node `index` must know of these rows before its forward.
    pub fn sum_forward(&mut self, run: &Run<'_, F>, index: usize, sums: &mut [f64]) {
        let layer = &run.architecture.nodes()[index].layer;
        self.with_forward(run, index, |cx| layer.sum_forward(cx, sums));
    }

    /// Runs `nodes` backward, the last one first. Parameter gradients are written into `gradient`, or added to it.
    pub fn backward(&mut self, run: &Run<'_, F>, nodes: Range<usize>, gradient: &mut [F], accumulate: bool) {
        for index in nodes.rev() {
            let node = &run.architecture.nodes()[index];
            if self.wanted[node.output] {
                self.clear_unread(node, run.pass.rows);
                self.with_backward(run, index, gradient, accumulate, |cx| node.layer.backward(cx));
                self.add_spare(index, node, run.pass.rows);
            }
        }
    }

    /// Sums up what node `index` must know of these rows before its backward.
    pub fn sum_backward(
        &mut self,
        run: &Run<'_, F>,
        index: usize,
        gradient: &mut [F],
        accumulate: bool,
        sums: &mut [f64],
    ) {
        let node = &run.architecture.nodes()[index];
        if self.wanted[node.output] {
            self.with_backward(run, index, gradient, accumulate, |cx| node.layer.sum_backward(cx, sums));
        }
    }

    fn with_forward(&mut self, run: &Run<'_, F>, index: usize, call: impl FnOnce(&mut Forward<'_, F>)) {
        let node = &run.architecture.nodes()[index];
        let batch_rows = run.pass.rows;
        let (values, outputs) = self.values.split_at_mut(node.output);
        let (output, after) = outputs.split_at_mut(1);
        let (mask, others) = after.split_at_mut(usize::from(node.mask.is_some()));
        let mask = match node.mask {
            Some(value) => &mut mask[0][..batch_rows * self.cells[value]],
            None => &mut [],
        };
        let cells = &self.cells[node.others.clone()];
        let others = Others { buffers: &mut others[..cells.len()], cells, batch_rows };
        call(&mut Forward {
            pass: run.pass(index, node),
            inputs: Values { node, cells: &self.cells, values, batch_rows },
            parameters: run.parameters(node),
            output: &mut output[0][..batch_rows * self.cells[node.output]],
            mask,
            others,
            penalty: &mut self.penalty,
            kept: &mut self.kept[index][..batch_rows * self.kept_per_row[index]],
            scratch: &mut self.scratch,
            joined: run.joined(index).0,
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
        let cells = batch_rows * self.cells[node.output];
        let (values, outputs) = self.values.split_at(node.output);
        let (gradients, output_gradients) = self.gradients.split_at_mut(node.output);
        let (output_gradient, after) = output_gradients.split_at_mut(1);
        let (_, others) = after.split_at_mut(usize::from(node.mask.is_some()));
        let of_others = &self.cells[node.others.clone()];
        let other_gradients = Others { buffers: &mut others[..of_others.len()], cells: of_others, batch_rows };
        let (joined, joined_backward) = run.joined(index);
        call(&mut Backward {
            pass: run.pass(index, node),
            inputs: Values { node, cells: &self.cells, values, batch_rows },
            parameters: run.parameters(node),
            output: &outputs[0][..cells],
            output_gradient: &mut output_gradient[0][..cells],
            other_gradients,
            input_gradients: InputGradients {
                node,
                cells: &self.cells,
                gradients,
                destinations: &self.destinations[index],
                spare: &mut self.spare,
                batch_rows,
            },
            parameter_gradients: ParameterGradients {
                places: &run.places[node.parameters.clone()],
                cells: gradient,
                accumulate: accumulate || node.shared,
            },
            kept: &mut self.kept[index][..batch_rows * self.kept_per_row[index]],
            scratch: &mut self.scratch,
            joined,
            joined_backward,
            tables: &node.tables,
        });
    }

    /// What nobody reads of what a node gives adds nothing to the loss.
    fn clear_unread(&mut self, node: &Node, rows: usize) {
        for value in node.values().filter(|&value| self.unread[value]) {
            self.gradients[value][..rows * self.cells[value]].fill(F::ZERO);
        }
    }

    /// Adds the parts of gradients that could not go straight to their places.
    fn add_spare(&mut self, index: usize, node: &Node, rows: usize) {
        for (input, (&value, destination)) in node.inputs.iter().zip(&self.destinations[index]).enumerate() {
            if *destination == Destination::Added {
                let cells = rows * self.cells[value];
                kernel::add(&self.spare[input][..cells], &mut self.gradients[value][..cells]);
            }
        }
    }
}

/// What a loss reads and writes of one output.
pub(crate) struct Output<'a, F> {
    /// [rows, output cells]
    pub values: &'a mut [F],
    /// [rows, output cells]
    pub gradient: &'a mut [F],
    /// [rows, steps]
    pub mask: Option<&'a [F]>,
}

/// Cells of the buffers that [`Tape::for_training`] lays out; `u64::MAX` where that is more than can be counted.
pub(crate) fn training_cells(architecture: &Architecture, rows: usize) -> u64 {
    let wanted = wanted_gradients(architecture);
    let of_value =
        |value: usize| (architecture.shape(value).cells() as u64).saturating_mul(1 + u64::from(wanted[value]));
    let workspaces = || architecture.nodes().iter().map(|node| workspace(node, true));
    let spare = spare_cells(architecture, &destinations(architecture, &wanted));
    let row = (0..architecture.values())
        .map(of_value)
        .chain(workspaces().map(|workspace| workspace.kept_per_row as u64))
        .chain(spare.into_iter().map(|cells| cells as u64))
        .fold(0, u64::saturating_add);
    let scratch = |workspace: Workspace| {
        (workspace.scratch_per_row as u64).saturating_mul(rows as u64).saturating_add(workspace.scratch as u64)
    };
    row.saturating_mul(rows as u64).saturating_add(workspaces().map(scratch).max().unwrap_or(0))
}

/// What a node wants for each row of the batch.
pub(super) fn workspace(node: &Node, training: bool) -> Workspace {
    let asked = node.layer.workspace(&node.input_shapes);
    Workspace {
        kept_per_row: if training { asked.kept_per_row * node.repeat } else { 0 },
        scratch_per_row: asked.scratch_per_row * node.repeat,
        scratch: asked.scratch,
    }
}

/// The values whose gradient some trainable parameter needs: those that come after one. The outputs' own always are,
/// since their losses write them.
fn wanted_gradients(architecture: &Architecture) -> Vec<bool> {
    let mut wanted = vec![false; architecture.values()];
    for node in architecture.nodes() {
        let trains = architecture.parameters_of(node).iter().any(|parameter| parameter.spec.trainable);
        let is_wanted = trains || node.inputs.iter().any(|&value| wanted[value]);
        node.values().for_each(|value| wanted[value] = is_wanted);
    }
    architecture.outputs().iter().for_each(|&value| wanted[value] = true);
    // A layer goes backward from all that it gives, or not at all.
    for node in architecture.nodes().iter().filter(|node| !node.others.is_empty()) {
        let is_wanted = node.values().any(|value| wanted[value]);
        node.values().for_each(|value| wanted[value] = is_wanted);
    }
    wanted
}

/// By value: whether neither a loss nor a reader writes its gradient.
fn unread(architecture: &Architecture, destinations: &[Vec<Destination>]) -> Vec<bool> {
    let mut unread = vec![true; architecture.values()];
    architecture.outputs().iter().for_each(|&value| unread[value] = false);
    for (node, destinations) in architecture.nodes().iter().zip(destinations) {
        let written = node.inputs.iter().zip(destinations).filter(|(_, it)| **it != Destination::Nowhere);
        written.for_each(|(&value, _)| unread[value] = false);
    }
    unread
}

/// Where the gradient of each input of each node goes, given that nodes run backward from the last one to the first.
fn destinations(architecture: &Architecture, wanted: &[bool]) -> Vec<Vec<Destination>> {
    let mut written = vec![false; architecture.values()];
    architecture.outputs().iter().for_each(|&value| written[value] = true);
    let mut all: Vec<Vec<Destination>> = Vec::with_capacity(architecture.nodes().len());
    for node in architecture.nodes().iter().rev() {
        let destination = |&value: &usize| match () {
            () if !wanted[value] || !wanted[node.output] => Destination::Nowhere,
            () if std::mem::replace(&mut written[value], true) => Destination::Added,
            () => Destination::First,
        };
        all.push(node.inputs.iter().map(destination).collect());
    }
    all.reverse();
    all
}

/// Cells a row of each spare buffer, by input of a node.
fn spare_cells(architecture: &Architecture, destinations: &[Vec<Destination>]) -> Vec<usize> {
    let mut spare = Vec::new();
    for (node, destinations) in architecture.nodes().iter().zip(destinations) {
        for (input, (&value, destination)) in node.inputs.iter().zip(destinations).enumerate() {
            if *destination == Destination::Added {
                if spare.len() <= input {
                    spare.resize(input + 1, 0);
                }
                spare[input] = spare[input].max(architecture.shape(value).cells());
            }
        }
    }
    spare
}
