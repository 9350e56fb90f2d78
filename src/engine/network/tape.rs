//! The buffers of one run through a network, laid out once.

use crate::engine::{
    layer::{Backward, Forward, InputGradients, Layer, ParameterGradients, Parameters, Pass, Values, Workspace},
    real::Real,
    spec::{Architecture, Node},
};
use std::ops::Range;

/// Every value of a network for up to some number of rows, and in training every gradient.
#[derive(Debug)]
pub(crate) struct Tape<F> {
    /// Cells of a row, by value.
    pub(super) cells: Vec<usize>,
    values: Vec<Vec<F>>,
    /// By value; empty where nobody needs it.
    pub(super) gradients: Vec<Vec<F>>,
    wanted: Vec<bool>,
    /// By node.
    kept: Vec<Vec<F>>,
    kept_per_row: Vec<usize>,
    scratch: Vec<F>,
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
    /// `logits` holds for the last node alone.
    pub pass: Pass,
    /// By node; empty at inference.
    pub joined: &'a [Joined<F>],
}

impl<'a, F: Real> Run<'a, F> {
    fn pass(&self, index: usize, node: &Node) -> Pass {
        let mut pass = self.pass;
        pass.logits &= node.output == self.architecture.output();
        pass.noise.layer = index as u64;
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
    pub(super) fn new(architecture: &Architecture, rows: usize, wanted: Vec<bool>, training: bool) -> Self {
        let cells: Vec<usize> = (0..architecture.values()).map(|value| architecture.shape(value).cells()).collect();
        let gradient = |(&cells, &wanted): (&usize, &bool)| vec![F::ZERO; if wanted { rows * cells } else { 0 }];
        let workspaces: Vec<Workspace> =
            architecture.nodes().iter().map(|node| node.layer.workspace(&architecture.input_shapes(node))).collect();
        let kept_per_row: Vec<usize> =
            workspaces.iter().map(|workspace| if training { workspace.kept_per_row } else { 0 }).collect();
        let scratch = workspaces.iter().map(|workspace| rows * workspace.scratch_per_row + workspace.scratch).max();
        Self {
            values: cells.iter().map(|cells| vec![F::ZERO; rows * cells]).collect(),
            gradients: cells.iter().zip(&wanted).map(gradient).collect(),
            cells,
            wanted,
            kept: kept_per_row.iter().map(|cells| vec![F::ZERO; rows * cells]).collect(),
            kept_per_row,
            scratch: vec![F::ZERO; scratch.unwrap_or_default()],
        }
    }

    /// The rows of the input, to be filled.
    pub fn input(&mut self, rows: usize) -> &mut [F] {
        &mut self.values[0][..rows * self.cells[0]]
    }

    /// The rows of the output.
    pub fn output(&self, rows: usize) -> &[F] {
        let last = self.cells.len() - 1;
        &self.values[last][..rows * self.cells[last]]
    }

    /// The rows of the output, and where the loss's gradient goes.
    pub fn output_and_gradient(&mut self, rows: usize) -> (&mut [F], &mut [F]) {
        let last = self.cells.len() - 1;
        let cells = rows * self.cells[last];
        (&mut self.values[last][..cells], &mut self.gradients[last][..cells])
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
            let layer = &run.architecture.nodes()[index].layer;
            self.with_backward(run, index, gradient, accumulate, |cx| layer.backward(cx));
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
        let layer = &run.architecture.nodes()[index].layer;
        self.with_backward(run, index, gradient, accumulate, |cx| layer.sum_backward(cx, sums));
    }

    fn with_forward(&mut self, run: &Run<'_, F>, index: usize, call: impl FnOnce(&mut Forward<'_, F>)) {
        let node = &run.architecture.nodes()[index];
        let pass = run.pass(index, node);
        let (values, outputs) = self.values.split_at_mut(node.output);
        call(&mut Forward {
            pass,
            inputs: Values { node, shapes: run.architecture.shapes(), values, rows: pass.rows },
            parameters: run.parameters(node),
            output: &mut outputs[0][..pass.rows * self.cells[node.output]],
            kept: &mut self.kept[index][..pass.rows * self.kept_per_row[index]],
            scratch: &mut self.scratch,
            joined: run.joined(index).0,
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
        if !self.wanted[node.output] {
            return;
        }
        let pass = run.pass(index, node);
        let cells = pass.rows * self.cells[node.output];
        let (values, outputs) = self.values.split_at(node.output);
        let (gradients, output_gradients) = self.gradients.split_at_mut(node.output);
        let (joined, joined_backward) = run.joined(index);
        call(&mut Backward {
            pass,
            inputs: Values { node, shapes: run.architecture.shapes(), values, rows: pass.rows },
            parameters: run.parameters(node),
            output: &outputs[0][..cells],
            output_gradient: &mut output_gradients[0][..cells],
            input_gradients: InputGradients {
                node,
                shapes: run.architecture.shapes(),
                gradients,
                wanted: &self.wanted,
                rows: pass.rows,
            },
            parameter_gradients: ParameterGradients {
                places: run.architecture.parameters_of(node),
                trainable: gradient,
                accumulate,
            },
            kept: &mut self.kept[index][..pass.rows * self.kept_per_row[index]],
            scratch: &mut self.scratch,
            joined,
            joined_backward,
        });
    }
}

/// The values whose gradient some trainable parameter needs: those that come after one. The output's own always is,
/// since the loss writes it.
fn wanted_gradients(architecture: &Architecture) -> Vec<bool> {
    let mut wanted = vec![false; architecture.values()];
    for node in architecture.nodes() {
        let trains = architecture.parameters_of(node).iter().any(|parameter| parameter.spec.trainable);
        wanted[node.output] = trains || node.inputs.iter().any(|&value| wanted[value]);
    }
    wanted[architecture.output()] = true;
    wanted
}
