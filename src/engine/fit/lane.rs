//! One lane: the buffers and the gradient of some of a step's rows.

use super::{FitPlan, Samples, cut::Cut};
use crate::engine::{
    kernel,
    layer::Pass,
    metric::Metric,
    network::{Run, Tape},
    random::Noise,
    real::Real,
    spec::Architecture,
};
use std::ops::Range;

/// What every lane of a fit reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task<'a> {
    pub plan: &'a FitPlan,
    /// The plan's, each resolved for this loss and output.
    pub metrics: &'a [Metric],
    pub cut: Cut,
    /// The last activation is left to the loss.
    pub absorbed: bool,
    /// Loss rows of a sample: 1, or more where the output has more axes than one.
    pub positions: usize,
    /// Size of the output's last axis.
    pub width: usize,
}

/// A lane's own memory.
#[derive(Debug)]
pub(super) struct Lane<F> {
    pub tape: Tape<F>,
    pub gradient: Vec<F>,
    targets: Vec<F>,
    weights: Vec<F>,
    /// Sum of the losses of the last step's rows.
    pub loss: f64,
    /// Sums of every metric, one after the other, over the epoch.
    pub metrics: Vec<f64>,
    /// Sums of the node at which lanes meet next.
    pub sums: Vec<f64>,
    /// The rows between one meeting and the next.
    pub pass: Pass,
}

/// Some rows of a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'d, 'a, F> {
    pub samples: Samples<'d, F>,
    /// The step's rows, in order.
    pub order: &'a [usize],
    /// Counted over the whole fit.
    pub step: u64,
}

impl<F: Real> Lane<F> {
    pub fn new(architecture: &Architecture, task: &Task<'_>, target_cells: usize, weighted: bool, sums: usize) -> Self {
        let rows = task.cut.shard_rows;
        Self {
            tape: Tape::for_training(architecture, rows),
            gradient: vec![F::ZERO; architecture.trainable_cells()],
            targets: vec![F::ZERO; rows * target_cells],
            weights: vec![F::ZERO; if weighted { rows * task.positions } else { 0 }],
            loss: 0.0,
            metrics: vec![0.0; task.metrics.iter().map(|metric| metric.cells(task.width)).sum()],
            sums: vec![0.0; sums],
            pass: Pass { rows: 0, training: true, logits: false, noise: Noise::default() },
        }
    }

    /// Forward and backward of `rows`, shard by shard. Leaves the gradient and the loss.
    pub fn learn(&mut self, task: &Task<'_>, run: Run<'_, F>, rows: Rows<'_, '_, F>, mine: Range<usize>) {
        let nodes = run.architecture.nodes().len();
        self.loss = 0.0;
        let mut accumulate = false;
        for shard in task.cut.shards(mine) {
            let run = Run { pass: self.load(task, rows, shard, true), ..run };
            self.tape.forward(&run, 0..nodes);
            self.evaluate(task, rows, run.pass.rows);
            let Self { tape, gradient, .. } = self;
            tape.backward(&run, 0..nodes, gradient, accumulate);
            accumulate = true;
        }
        if !accumulate {
            self.gradient.fill(F::ZERO);
        }
    }

    /// Inference on `rows`, shard by shard. Leaves the loss and adds to the metrics.
    pub fn measure(&mut self, task: &Task<'_>, run: Run<'_, F>, rows: Rows<'_, '_, F>, mine: Range<usize>) {
        let nodes = run.architecture.nodes().len();
        self.loss = 0.0;
        for shard in task.cut.shards(mine) {
            let run = Run { pass: self.load(task, rows, shard, false), ..run };
            self.tape.forward(&run, 0..nodes);
            self.evaluate(task, rows, run.pass.rows);
        }
    }

    /// Brings all of this lane's rows into the buffers, for a run from meeting to meeting.
    pub fn begin(&mut self, task: &Task<'_>, rows: Rows<'_, '_, F>, mine: Range<usize>) {
        self.loss = 0.0;
        self.pass = self.load(task, rows, mine, true);
        if self.pass.rows == 0 {
            self.gradient.fill(F::ZERO);
            self.sums.fill(0.0);
        }
    }

    /// Runs `nodes` forward, and sums up for the one that follows.
    pub fn forward_to(&mut self, run: Run<'_, F>, nodes: Range<usize>) {
        if self.pass.rows > 0 {
            let run = Run { pass: self.pass, ..run };
            self.tape.forward(&run, nodes.clone());
            self.tape.sum_forward(&run, nodes.end, &mut self.sums);
        }
    }

    /// Runs the last `nodes` forward, and evaluates.
    pub fn forward_to_loss(&mut self, task: &Task<'_>, run: Run<'_, F>, rows: Rows<'_, '_, F>, nodes: Range<usize>) {
        if self.pass.rows > 0 {
            self.tape.forward(&Run { pass: self.pass, ..run }, nodes);
            self.evaluate(task, rows, self.pass.rows);
        }
    }

    /// Runs the nodes after the first of `nodes` backward, and sums up for that first one.
    pub fn backward_to(&mut self, run: Run<'_, F>, nodes: Range<usize>) {
        if self.pass.rows > 0 {
            let run = Run { pass: self.pass, ..run };
            let Self { tape, gradient, sums, .. } = self;
            tape.backward(&run, nodes.start + 1..nodes.end, gradient, false);
            tape.sum_backward(&run, nodes.start, gradient, false, sums);
        }
    }

    /// Runs the first `nodes` backward.
    pub fn backward(&mut self, run: Run<'_, F>, nodes: Range<usize>) {
        if self.pass.rows > 0 {
            let run = Run { pass: self.pass, ..run };
            self.tape.backward(&run, nodes, &mut self.gradient, false);
        }
    }

    /// Brings the rows `shard` of a step into the buffers.
    pub fn load(&mut self, task: &Task<'_>, rows: Rows<'_, '_, F>, shard: Range<usize>, training: bool) -> Pass {
        let (samples, order) = (rows.samples, &rows.order[shard.clone()]);
        kernel::gather(samples.x, order, self.tape.input(order.len()));
        kernel::gather(samples.y, order, &mut self.targets[..order.len() * samples.y.ncols()]);
        if let Some(weights) = samples.weights {
            for (cells, &row) in self.weights.chunks_exact_mut(task.positions).zip(order) {
                cells.fill(weights[row]);
            }
        }
        let noise = Noise { seed: task.plan.seed, step: rows.step, layer: 0, first_row: shard.start };
        Pass { rows: order.len(), training, logits: task.absorbed, noise }
    }

    /// Adds the loss and the metrics of the rows that ran forward, and leaves the loss's gradient at the output.
    pub fn evaluate(&mut self, task: &Task<'_>, rows: Rows<'_, '_, F>, count: usize) {
        let targets = &self.targets[..count * rows.samples.y.ncols()];
        let weights = rows.samples.weights.map(|_| &self.weights[..count * task.positions]);
        let (output, gradient) = self.tape.output_and_gradient(count);
        let scale = F::of(1.0 / (rows.order.len() * task.positions) as f64);
        self.loss += task.plan.loss.evaluate(targets, output, task.width, task.absorbed, weights, scale, gradient);
        if task.metrics.is_empty() {
            return;
        }
        if let (true, Some(activation)) = (task.absorbed, task.plan.loss.absorbs()) {
            activation.forward(output, task.width);
        }
        let mut cells = &mut self.metrics[..];
        for metric in task.metrics {
            let (mine, rest) = cells.split_at_mut(metric.cells(task.width));
            metric.update(targets, output, task.width, mine);
            cells = rest;
        }
    }
}
