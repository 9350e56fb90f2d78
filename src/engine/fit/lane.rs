//! One lane: the buffers and the gradient of some of a step's rows.

use super::{FitPlan, Samples, cut::Cut};
use crate::engine::{
    activation::Activation,
    kernel::{self, Buffer},
    layer::Pass,
    loss::{BatchSums, Loss, ReducedLoss, Reduction},
    metric::Metric,
    network::{Output, Run, Tape},
    random::Noise,
    real::Real,
    spec::Architecture,
};
use ndarray::s;
use std::ops::Range;

/// What every lane of a fit reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task<'a> {
    pub plan: &'a FitPlan,
    pub cut: Cut,
    pub outputs: &'a [OutputTask],
    /// Where the cells of each input lie in a row of x.
    pub inputs: &'a [Range<usize>],
}

/// What is learned at one output.
#[derive(Debug)]
pub(super) struct OutputTask {
    pub loss: ReducedLoss,
    pub trained: bool,
    pub loss_weight: f64,
    /// The plan's, each resolved for this loss and output.
    pub metrics: Vec<Metric>,
    pub value: usize,
    pub mask: Option<usize>,
    /// The last activation, where training leaves it out and the loss takes its input.
    pub left_out: Option<Activation>,
    /// Loss rows of a sample: 1, or more where the output has more axes than one.
    pub positions: usize,
    /// Size of the output's last axis.
    pub width: usize,
    /// Where its targets lie in a row of y.
    pub targets: Range<usize>,
}

impl OutputTask {
    /// Cells of the sums of its metrics.
    pub fn metric_cells(&self) -> usize {
        self.metrics.iter().map(|metric| metric.cells(self.width)).sum()
    }
}

/// A lane's own memory.
#[derive(Debug)]
pub(super) struct Lane<F> {
    pub tape: Tape<F>,
    /// Of what [`super::sources::Sources`] wants of every lane.
    pub gradient: Buffer<F>,
    /// Rows of the last step that went backward, of the last shard where there are several.
    pub learned: usize,
    /// By output.
    targets: Vec<Vec<F>>,
    row_weights: Vec<F>,
    /// What each loss row of one output weighs.
    weights: Vec<F>,
    /// Targets and outputs of the loss rows that count, where others do not.
    counted: (Vec<F>, Vec<F>),
    /// By output: the sum of the losses of the last step's rows.
    pub losses: Vec<f64>,
    /// By output: how many of the last step's loss rows count.
    pub counts: Vec<f64>,
    /// By output: what these rows add to a loss of the whole batch.
    pub batch: Vec<BatchSums>,
    /// Sums of every metric of every output, one after the other, over the epoch.
    pub metrics: Vec<f64>,
    /// As many cells as the metric that has the most.
    scratch: Vec<f64>,
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
    /// By output: what the sum of the losses is divided by.
    pub totals: &'a [f64],
    /// By output: what its loss is made of, where that is one of the whole batch.
    pub batch: &'a [BatchSums],
}

impl<F: Real> Lane<F> {
    pub fn new(architecture: &Architecture, task: &Task<'_>, weighted: bool, sums: usize, gradient: usize) -> Self {
        let rows = task.cut.shard_rows;
        let masked = || task.outputs.iter().filter(|output| output.mask.is_some());
        let weights = task.outputs.iter().filter(|output| weighted || output.mask.is_some());
        let most = |sizes: &mut dyn Iterator<Item = usize>| vec![F::ZERO; rows * sizes.max().unwrap_or(0)];
        Self {
            tape: Tape::for_training(architecture, rows),
            gradient: Buffer::zeros(gradient),
            learned: 0,
            targets: task.outputs.iter().map(|output| vec![F::ZERO; rows * output.targets.len()]).collect(),
            row_weights: vec![F::ZERO; if weighted { rows } else { 0 }],
            weights: most(&mut weights.map(|output| output.positions)),
            counted: (
                most(&mut masked().map(|output| output.targets.len())),
                most(&mut masked().map(|output| output.positions * output.width)),
            ),
            losses: vec![0.0; task.outputs.len()],
            counts: vec![0.0; task.outputs.len()],
            batch: vec![BatchSums::default(); task.outputs.len()],
            metrics: vec![0.0; task.outputs.iter().map(OutputTask::metric_cells).sum()],
            scratch: vec![0.0; task.outputs.iter().map(OutputTask::metric_cells).max().unwrap_or(0)],
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

    /// Forgets the sums of the step before.
    fn reset(&mut self) {
        self.losses.fill(0.0);
        self.counts.fill(0.0);
        self.batch.fill(BatchSums::default());
        self.tape.penalty = 0.0;
    }

    /// Forward and backward of `rows`, shard by shard. Leaves the gradient and the losses.
    pub fn learn(&mut self, task: &Task<'_>, run: Run<'_, F>, rows: Rows<'_, '_, F>, mine: Range<usize>) {
        let nodes = run.architecture.nodes().len();
        self.reset();
        self.learned = 0;
        let mut accumulate = false;
        for shard in task.cut.shards(mine) {
            let run = Run { pass: self.load(task, rows, shard, true), ..run };
            self.tape.forward(&run, 0..nodes);
            self.evaluate(task, rows, run.pass.rows);
            let Self { tape, gradient, .. } = self;
            tape.backward(&run, 0..nodes, gradient, accumulate);
            self.learned = run.pass.rows;
            accumulate = true;
        }
        if !accumulate {
            self.gradient.fill(F::ZERO);
        }
    }

    /// Inference on `rows`, shard by shard. Leaves the losses and adds to the metrics.
    pub fn measure(&mut self, task: &Task<'_>, run: Run<'_, F>, rows: Rows<'_, '_, F>, mine: Range<usize>) {
        let nodes = run.architecture.nodes().len();
        self.reset();
        for shard in task.cut.shards(mine) {
            let run = Run { pass: self.load(task, rows, shard, false), ..run };
            self.tape.forward(&run, 0..nodes);
            self.count(task, rows, run.pass.rows);
            self.evaluate(task, rows, run.pass.rows);
        }
    }

    /// Brings all of this lane's rows into the buffers, for a run from meeting to meeting.
    pub fn begin(&mut self, task: &Task<'_>, rows: Rows<'_, '_, F>, mine: Range<usize>) {
        self.reset();
        self.pass = self.load(task, rows, mine, true);
        self.learned = self.pass.rows;
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

    /// Runs the last `nodes` forward, and counts what losses need to know of the whole batch.
    pub fn forward_to_end(&mut self, task: &Task<'_>, run: Run<'_, F>, rows: Rows<'_, '_, F>, nodes: Range<usize>) {
        if self.pass.rows > 0 {
            self.tape.forward(&Run { pass: self.pass, ..run }, nodes);
            self.count(task, rows, self.pass.rows);
        }
    }

    /// Evaluates all of this lane's rows.
    pub fn evaluate_all(&mut self, task: &Task<'_>, rows: Rows<'_, '_, F>) {
        if self.pass.rows > 0 {
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
    fn load(&mut self, task: &Task<'_>, rows: Rows<'_, '_, F>, shard: Range<usize>, training: bool) -> Pass {
        let (samples, order) = (rows.samples, &rows.order[shard.clone()]);
        for (input, columns) in task.inputs.iter().enumerate() {
            kernel::gather(samples.x.slice(s![.., columns.clone()]), order, self.tape.input(input, order.len()));
        }
        let outputs = task.outputs.iter().zip(&mut self.targets);
        for (output, targets) in outputs.filter(|(output, _)| !output.targets.is_empty()) {
            let cells = &mut targets[..order.len() * output.targets.len()];
            kernel::gather(samples.y.slice(s![.., output.targets.clone()]), order, cells);
        }
        if let Some(weights) = samples.weights {
            self.row_weights.iter_mut().zip(order).for_each(|(weight, &row)| *weight = weights[row]);
        }
        let noise = Noise { seed: task.plan.seed, step: rows.step, layer: 0, first_row: shard.start };
        let batch_rows = rows.order.len();
        Pass { rows: order.len(), repeat: 1, training, logits: false, trainable: true, batch_rows, noise }
    }

    /// Adds how many loss rows of each output count, of the rows that ran forward, and what they add to a loss of the whole
    /// batch.
    fn count(&mut self, task: &Task<'_>, rows: Rows<'_, '_, F>, count: usize) {
        let Self { tape, targets, row_weights, weights, counts, batch, .. } = self;
        let row_weights = rows.samples.weights.map(|_| &row_weights[..count]);
        for (index, output) in task.outputs.iter().enumerate().filter(|(_, output)| output.trained) {
            let targets = &targets[index][..count * output.targets.len()];
            let Output { values, mask, .. } = tape.output(output.value, output.mask, count);
            let weights = weigh(output, row_weights, mask, count, weights);
            counts[index] += match (output.loss.reduction, weights) {
                (Reduction::MeanWithSampleWeight, Some(weights)) => weight(output, targets, weights),
                _ => counted(output, targets, mask, count),
            };
            if output.loss.of_batch(&batch[index]).is_some() {
                batch[index] += Loss::batch_sums(targets, values, output.width, weights);
            }
        }
    }

    /// Adds the losses and the metrics of the rows that ran forward, and leaves the losses' gradients at the outputs.
    fn evaluate(&mut self, task: &Task<'_>, rows: Rows<'_, '_, F>, count: usize) {
        let Self { tape, targets, row_weights, weights, counted, losses, metrics, scratch, .. } = self;
        let row_weights = rows.samples.weights.map(|_| &row_weights[..count]);
        let mut cells = &mut metrics[..];
        for (index, output) in task.outputs.iter().enumerate() {
            let targets = &targets[index][..count * output.targets.len()];
            let Output { values, gradient, mask } = tape.output(output.value, output.mask, count);
            let weights = weigh(output, row_weights, mask, count, weights);
            let (width, left_out) = (output.width, output.left_out);
            if output.trained {
                let scale = F::of(output.loss_weight / rows.totals[index]);
                let batch = rows.batch[index];
                losses[index] +=
                    output.loss.evaluate_part(targets, values, width, left_out, weights, batch, scale, gradient);
            } else {
                gradient.fill(F::ZERO);
            }
            if output.metrics.is_empty() {
                continue;
            }
            if let Some(activation) = left_out {
                activation.forward(values, width);
            }
            let all = (targets, &*values);
            let (targets, values) = match mask {
                None => all,
                Some(mask) => only_counted(output, targets, values, mask, counted),
            };
            for metric in &output.metrics {
                let (mine, rest) = cells.split_at_mut(metric.cells(width));
                match weights.filter(|_| metric.weighted) {
                    Some(weights) => {
                        let scratch = &mut scratch[..mine.len()];
                        metric.update_weighted(all.0, all.1, weights, width, scratch, mine);
                    }
                    None => metric.update(targets, values, width, mine),
                }
                cells = rest;
            }
        }
    }
}

/// How many loss rows of `rows` rows count: those that the mask shows, and whose class is not ignored.
fn counted<F: Real>(output: &OutputTask, targets: &[F], mask: Option<&[F]>, rows: usize) -> f64 {
    let all = rows * output.positions;
    let each = mask.map_or(1, |mask| all / mask.len());
    match (output.loss.ignore_class(), mask) {
        (None, None) => all as f64,
        (None, Some(mask)) => mask.iter().map(|cell| cell.to_f64()).sum::<f64>() * each as f64,
        (Some(ignored), mask) => {
            let ignored = F::of(ignored as f64);
            let shown = |row: usize| mask.is_none_or(|mask| mask[row / each] != F::ZERO);
            targets.iter().enumerate().filter(|&(row, &class)| class != ignored && shown(row)).count() as f64
        }
    }
}

/// What the loss rows weigh together whose class is not ignored.
fn weight<F: Real>(output: &OutputTask, targets: &[F], weights: &[F]) -> f64 {
    let sum = |weights: &mut dyn Iterator<Item = &F>| weights.map(|weight| weight.to_f64()).sum();
    match output.loss.ignore_class() {
        None => sum(&mut weights.iter()),
        Some(ignored) => {
            let ignored = F::of(ignored as f64);
            sum(&mut weights.iter().zip(targets).filter(|(_, class)| **class != ignored).map(|(weight, _)| weight))
        }
    }
}

/// What each loss row of `output` weighs: its sample's weight, and nothing where the mask hides it.
fn weigh<'w, F: Real>(
    output: &OutputTask,
    row_weights: Option<&[F]>,
    mask: Option<&[F]>,
    rows: usize,
    weights: &'w mut [F],
) -> Option<&'w [F]> {
    if row_weights.is_none() && mask.is_none() {
        return None;
    }
    let weights = &mut weights[..rows * output.positions];
    for (row, weights) in weights.chunks_exact_mut(output.positions).enumerate() {
        weights.fill(row_weights.map_or(F::ONE, |weights| weights[row]));
    }
    if let Some(mask) = mask {
        let each = weights.len() / mask.len();
        for (weights, &cell) in weights.chunks_exact_mut(each).zip(mask) {
            weights.iter_mut().for_each(|weight| *weight *= cell);
        }
    }
    Some(weights)
}

/// Targets and outputs of the loss rows that the mask shows, one after the other.
fn only_counted<'w, F: Real>(
    output: &OutputTask,
    targets: &[F],
    values: &[F],
    mask: &[F],
    counted: &'w mut (Vec<F>, Vec<F>),
) -> (&'w [F], &'w [F]) {
    let (target_cells, cells) = (targets.len() / mask.len(), values.len() / mask.len());
    let mut steps = 0;
    for (step, _) in mask.iter().enumerate().filter(|(_, cell)| **cell != F::ZERO) {
        let (target, value) = (step * target_cells, step * cells);
        counted.0[steps * target_cells..][..target_cells].copy_from_slice(&targets[target..target + target_cells]);
        counted.1[steps * cells..][..cells].copy_from_slice(&values[value..value + cells]);
        steps += 1;
    }
    debug_assert_eq!(cells % output.width, 0, "whole loss rows");
    (&counted.0[..steps * target_cells], &counted.1[..steps * cells])
}
