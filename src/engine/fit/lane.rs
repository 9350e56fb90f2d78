//! [`Lane`]: the buffers and the gradient of a range of a step's rows.

use super::{
    Samples, loss_rows,
    rescale::rescale,
    task::{OutputTask, Task},
};
use crate::engine::{
    cancel::is_cancelled,
    kernel::{self, Buffer},
    layer::Pass,
    loss::{BatchSums, Loss, Reduction},
    network::{Output, Run, Tape},
    random::Noise,
    real::Real,
    spec::Architecture,
};
use ndarray::s;
use std::ops::Range;

/// A lane's own memory.
#[derive(Debug)]
pub(super) struct Lane<F> {
    pub tape: Tape<F>,
    /// Of the parameters that [`super::sources::GradientSources`] does not defer.
    pub gradient: Buffer<F>,
    /// Rows of the last backward pass: those of the last shard.
    pub backward_rows: usize,
    /// By output.
    targets: Vec<Vec<F>>,
    row_weights: Vec<F>,
    /// Weights of the loss rows of one output.
    weights: Vec<F>,
    /// Targets and outputs of the unmasked loss rows.
    unmasked: (Vec<F>, Vec<F>),
    /// Targets and outputs in the units of the metrics.
    rescaled: (Vec<F>, Vec<F>),
    /// By output: the sum of the losses of the last step's rows.
    pub losses: Vec<f64>,
    /// By output: the number of the last step's loss rows that count.
    pub counts: Vec<f64>,
    /// By output: partial sums for a loss of the whole batch.
    pub batch: Vec<BatchSums>,
    /// Sums of every metric of every output over the epoch, concatenated.
    pub metrics: Vec<f64>,
    /// Sums of one metric.
    scratch: Vec<f64>,
    /// Partial sums for the next batch reduction.
    pub sums: Vec<f64>,
    /// The rows between two batch reductions.
    pub pass: Pass,
}

/// The rows of a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchRows<'d, 'a, F> {
    pub samples: Samples<'d, F>,
    /// Indices of the rows, in order.
    pub order: &'a [usize],
    /// Number of the step in the fit.
    pub step: u64,
    /// By output: the divisor of the sum of the losses.
    pub totals: &'a [f64],
    /// By output: the sums of a loss of the whole batch.
    pub batch: &'a [BatchSums],
}

impl<F: Real> Lane<F> {
    pub fn new(architecture: &Architecture, task: &Task<'_>, weighted: bool, sums: usize, gradient: usize) -> Self {
        let rows = task.partition.shard_rows;
        let masked = || task.outputs.iter().filter(|output| output.mask.is_some());
        let weights = task.outputs.iter().filter(|output| weighted || output.mask.is_some());
        let rescaled = || task.outputs.iter().filter(|output| !output.rescale.is_empty());
        let max_of = |sizes: &mut dyn Iterator<Item = usize>| vec![F::ZERO; rows * sizes.max().unwrap_or(0)];
        Self {
            tape: Tape::for_training(architecture, rows),
            gradient: Buffer::zeros(gradient),
            backward_rows: 0,
            targets: task.outputs.iter().map(|output| vec![F::ZERO; rows * output.targets.len()]).collect(),
            row_weights: vec![F::ZERO; if weighted { rows } else { 0 }],
            weights: max_of(&mut weights.map(|output| output.positions)),
            unmasked: (
                max_of(&mut masked().map(|output| output.targets.len())),
                max_of(&mut masked().map(|output| output.positions * output.width)),
            ),
            rescaled: (
                max_of(&mut rescaled().map(|output| output.targets.len())),
                max_of(&mut rescaled().map(|output| output.positions * output.width)),
            ),
            losses: vec![0.0; task.outputs.len()],
            counts: vec![0.0; task.outputs.len()],
            batch: vec![BatchSums::default(); task.outputs.len()],
            metrics: vec![0.0; task.outputs.iter().map(OutputTask::metric_sums).sum()],
            scratch: vec![0.0; task.outputs.iter().map(OutputTask::metric_sums).max().unwrap_or(0)],
            sums: vec![0.0; sums],
            pass: Pass {
                rows: 0,
                repeat: 1,
                training: true,
                logits: false,
                trainable: true,
                batch_rows: 0,
                noise: Noise::default(),
            },
        }
    }

    /// Resets the sums of the previous step.
    fn reset(&mut self) {
        self.losses.fill(0.0);
        self.counts.fill(0.0);
        self.batch.fill(BatchSums::default());
        self.tape.penalty = 0.0;
    }

    /// Forward and backward pass of `rows`, shard by shard. Computes the gradient and the losses; ends early once cancelled.
    pub fn train(&mut self, task: &Task<'_>, run: Run<'_, F>, rows: BatchRows<'_, '_, F>, mine: Range<usize>) {
        let nodes = run.architecture.nodes().len();
        self.reset();
        self.backward_rows = 0;
        let mut accumulate = false;
        for shard in task.partition.shards(mine).take_while(|_| !is_cancelled()) {
            let run = Run { pass: self.load(task, rows, shard, true), ..run };
            self.tape.forward(&run, 0..nodes);
            self.evaluate(task, rows, run.pass.rows);
            let Self { tape, gradient, .. } = self;
            tape.backward(&run, 0..nodes, gradient, accumulate);
            self.backward_rows = run.pass.rows;
            accumulate = true;
        }
        if !accumulate {
            self.gradient.fill(F::ZERO);
        }
    }

    /// Inference on `rows`, shard by shard. Computes the losses and adds to the metrics; ends early once cancelled.
    pub fn validate(&mut self, task: &Task<'_>, run: Run<'_, F>, rows: BatchRows<'_, '_, F>, mine: Range<usize>) {
        let nodes = run.architecture.nodes().len();
        self.reset();
        for shard in task.partition.shards(mine).take_while(|_| !is_cancelled()) {
            let run = Run { pass: self.load(task, rows, shard, false), ..run };
            self.tape.forward(&run, 0..nodes);
            self.count(task, rows, run.pass.rows);
            self.evaluate(task, rows, run.pass.rows);
        }
    }

    /// Loads all of this lane's rows, for a step with batch reductions.
    pub fn load_all(&mut self, task: &Task<'_>, rows: BatchRows<'_, '_, F>, mine: Range<usize>) {
        self.reset();
        self.pass = self.load(task, rows, mine, true);
        self.backward_rows = self.pass.rows;
        if self.pass.rows == 0 {
            self.gradient.fill(F::ZERO);
            self.sums.fill(0.0);
        }
    }

    /// Runs `nodes` forward, and computes the partial sums of the next node.
    pub fn forward_to(&mut self, run: Run<'_, F>, nodes: Range<usize>) {
        if self.pass.rows > 0 {
            let run = Run { pass: self.pass, ..run };
            self.tape.forward(&run, nodes.clone());
            self.tape.sum_forward(&run, nodes.end, &mut self.sums);
        }
    }

    /// Runs the last `nodes` forward, and computes the partial sums of the losses.
    pub fn forward_to_end(
        &mut self,
        task: &Task<'_>,
        run: Run<'_, F>,
        rows: BatchRows<'_, '_, F>,
        nodes: Range<usize>,
    ) {
        if self.pass.rows > 0 {
            self.tape.forward(&Run { pass: self.pass, ..run }, nodes);
            self.count(task, rows, self.pass.rows);
        }
    }

    /// Evaluates the losses of all of this lane's rows.
    pub fn evaluate_all(&mut self, task: &Task<'_>, rows: BatchRows<'_, '_, F>) {
        if self.pass.rows > 0 {
            self.evaluate(task, rows, self.pass.rows);
        }
    }

    /// Runs the nodes after the first of `nodes` backward, and computes the partial sums of that first one.
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

    /// Loads the rows `shard` of a step.
    fn load(&mut self, task: &Task<'_>, rows: BatchRows<'_, '_, F>, shard: Range<usize>, training: bool) -> Pass {
        let (samples, order) = (rows.samples, &rows.order[shard.clone()]);
        for (input, layout) in task.inputs.iter().enumerate() {
            self.tape.load(input, layout, samples.x, order);
        }
        let outputs = task.outputs.iter().zip(&mut self.targets);
        for (output, targets) in outputs.filter(|(output, _)| !output.targets.is_empty()) {
            let elements = &mut targets[..order.len() * output.targets.len()];
            kernel::gather(samples.y.slice(s![.., output.targets.clone()]), order, elements);
        }
        if let Some(weights) = samples.weights {
            self.row_weights.iter_mut().zip(order).for_each(|(weight, &row)| *weight = weights[row]);
        }
        let noise = Noise { seed: task.plan.seed, step: rows.step, layer: 0, first_row: shard.start };
        let batch_rows = rows.order.len();
        Pass { rows: order.len(), repeat: 1, training, logits: false, trainable: true, batch_rows, noise }
    }

    /// Adds the number of loss rows of each output that count, and the partial sums of a loss of the whole batch.
    fn count(&mut self, task: &Task<'_>, rows: BatchRows<'_, '_, F>, count: usize) {
        let Self { tape, targets, row_weights, weights, counts, batch, .. } = self;
        let row_weights = rows.samples.weights.map(|_| &row_weights[..count]);
        for (index, output) in task.outputs.iter().enumerate().filter(|(_, output)| output.trained) {
            let targets = &targets[index][..count * output.targets.len()];
            let Output { values, mask, .. } = tape.output(output.value, output.mask, count);
            let weights = loss_rows::weights(output, row_weights, mask, count, weights);
            counts[index] += match (output.loss.reduction, weights) {
                (Reduction::MeanWithSampleWeight, Some(weights)) => loss_rows::total_weight(output, targets, weights),
                _ => loss_rows::count(output, targets, mask, count),
            };
            if output.loss.batch_loss(&batch[index]).is_some() {
                batch[index] += Loss::batch_sums(targets, values, output.width, weights);
            }
        }
    }

    /// Adds the losses and the metrics, and writes the gradients of the losses at the outputs.
    fn evaluate(&mut self, task: &Task<'_>, rows: BatchRows<'_, '_, F>, count: usize) {
        let Self { tape, targets, row_weights, weights, unmasked, rescaled, losses, metrics, scratch, .. } = self;
        let row_weights = rows.samples.weights.map(|_| &row_weights[..count]);
        let mut elements = &mut metrics[..];
        for (index, output) in task.outputs.iter().enumerate() {
            let targets = &targets[index][..count * output.targets.len()];
            let Output { values, gradient, mask } = tape.output(output.value, output.mask, count);
            let weights = loss_rows::weights(output, row_weights, mask, count, weights);
            let (width, fused) = (output.width, output.fused);
            if output.trained {
                let scale = F::of(output.loss_weight / rows.totals[index]);
                let batch = rows.batch[index];
                losses[index] +=
                    output.loss.evaluate_part(targets, values, width, fused, weights, batch, scale, gradient);
            } else {
                gradient.fill(F::ZERO);
            }
            if output.metrics.is_empty() {
                continue;
            }
            if let Some(activation) = fused {
                activation.forward(values, width);
            }
            let all = match output.rescale.is_empty() {
                true => (targets, &*values),
                false => {
                    rescale(targets, &output.rescale, &mut rescaled.0);
                    rescale(values, &output.rescale, &mut rescaled.1);
                    (
                        rescaled.0.get(..targets.len()).unwrap_or_default(),
                        rescaled.1.get(..values.len()).unwrap_or_default(),
                    )
                }
            };
            let (targets, values) = match mask {
                None => all,
                Some(mask) => loss_rows::unmasked(output, all.0, all.1, mask, unmasked),
            };
            for metric in &output.metrics {
                let (mine, rest) = elements.split_at_mut(metric.sums(width));
                match weights.filter(|_| metric.weighted) {
                    Some(weights) => {
                        let scratch = &mut scratch[..mine.len()];
                        metric.update_weighted(all.0, all.1, weights, width, scratch, mine);
                    }
                    None => metric.update(targets, values, width, mine),
                }
                elements = rest;
            }
        }
    }
}
