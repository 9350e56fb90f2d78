//! [`Trainer`]: training steps and validation over all lanes.

use super::{
    FitPlan, Samples,
    lane::{BatchRows, Lane},
    partition::{Partition, needs_batch_reduction},
    sources::GradientSources,
    task::{DataLayout, OutputTask, Task},
    update::WeightUpdate,
};
use crate::engine::{
    cancel::is_cancelled,
    constraint::Constraint,
    kernel::Team,
    layer::{BeforeStep, Pass},
    loss::BatchSums,
    network::{Network, Reduced, Run, Weights},
    random::Noise,
    real::Real,
    shape::Shape,
    spec::Architecture,
    state::Codec,
};
use reduction::NodeReduction;
use std::{io, ops::Range};

/// The state of a fit, allocated once.
#[derive(Debug)]
pub(super) struct Trainer<'a, F> {
    team: &'a Team,
    architecture: &'a Architecture,
    trainable: &'a mut [F],
    fixed: &'a mut [F],
    task: Task<'a>,
    lanes: Vec<Lane<F>>,
    pub(super) sources: GradientSources,
    update: WeightUpdate<F>,
    /// The nodes that need a batch reduction, in order.
    reductions: Vec<NodeReduction>,
    /// By node.
    reduced: Vec<Reduced<F>>,
    lane_rows: Vec<usize>,
    sums: Vec<f64>,
    constraints: Vec<(Range<usize>, Shape, Constraint)>,
    /// The nodes that change their parameters before a step, and scratch memory for that.
    before_step: (Vec<usize>, Vec<F>),
    /// Nodes whose last activation is fused with a loss.
    fused: Vec<usize>,
    /// Whether the result of a row depends on the whole batch.
    needs_batch_reduction: bool,
    /// By output: the divisor of the sum of the losses.
    totals: Vec<f64>,
    /// By output: the sums of a loss of the whole batch.
    batch: Vec<BatchSums>,
    /// By output: the mean loss of the last step or validation.
    losses: Vec<f64>,
    steps: u64,
}

impl<'a, F: Real> Trainer<'a, F> {
    pub fn new(
        team: &'a Team,
        network: &'a mut Network<F>,
        plan: &'a FitPlan,
        layout: &'a DataLayout,
        batch_rows: usize,
        weighted: bool,
    ) -> Self {
        Self::with_sources(team, network, plan, layout, batch_rows, weighted, GradientSources::new)
    }

    /// With these gradient sources.
    pub fn with_sources(
        team: &'a Team,
        network: &'a mut Network<F>,
        plan: &'a FitPlan,
        layout: &'a DataLayout,
        batch_rows: usize,
        weighted: bool,
        sources: impl FnOnce(&Architecture, &Partition) -> GradientSources,
    ) -> Self {
        let (architecture, trainable, fixed) = network.parts_mut();
        let losses = || plan.trained().map(|output| &output.loss);
        let partition = Partition::new(architecture, batch_rows, losses());
        let task = Task { plan, partition, outputs: &layout.outputs, inputs: &layout.inputs };
        let mut reductions = Vec::new();
        let mut reduced = Vec::new();
        let mut max_sums = 0;
        for (index, node) in architecture.nodes().iter().enumerate() {
            let reduction = node.batch_reduction();
            reduced.push(reduction.map_or_else(Reduced::default, |reduction| Reduced {
                forward: vec![F::ZERO; reduction.forward_reduced],
                backward: vec![F::ZERO; reduction.backward_reduced],
            }));
            if let Some(reduction) = reduction {
                reductions.push(NodeReduction { node: index, reduction });
                max_sums = max_sums.max(reduction.forward_sums).max(reduction.backward_sums);
            }
        }
        let trained = || architecture.parameters().iter().filter(|parameter| parameter.spec.trainable);
        let fused = |(index, output): (usize, &OutputTask)| {
            architecture.activation_node(index).filter(|_| output.fused.is_some())
        };
        let sources = sources(architecture, &partition);
        let lane = |_| Lane::new(architecture, &task, weighted, max_sums, sources.elements);
        Self {
            update: WeightUpdate::new(architecture, &plan.optimizer, &sources, partition.lanes, team.threads()),
            lanes: (0..partition.lanes).map(lane).collect(),
            sources,
            lane_rows: vec![0; partition.lanes],
            sums: vec![0.0; partition.lanes * max_sums],
            team,
            architecture,
            trainable,
            fixed,
            task,
            reductions,
            reduced,
            constraints: trained()
                .filter_map(|it| Some((it.range.clone(), it.shape.clone(), it.spec.constraint.clone()?)))
                .collect(),
            before_step: before_step(architecture),
            fused: layout.outputs.iter().enumerate().filter_map(fused).collect(),
            needs_batch_reduction: needs_batch_reduction(architecture, losses()),
            totals: vec![0.0; layout.outputs.len()],
            batch: vec![BatchSums::default(); layout.outputs.len()],
            losses: vec![0.0; layout.outputs.len()],
            steps: 0,
        }
    }

    /// One step over the rows `order`: forward, backward, optimizer. Returns the mean loss including penalties; if that
    /// is NaN or infinite, or the step is cancelled, the weights are not changed.
    pub fn step(&mut self, samples: Samples<'_, F>, order: &[usize], learning_rate: f64) -> f64 {
        self.steps += 1;
        self.change_before_step();
        for (total, output) in self.totals.iter_mut().zip(self.task.outputs) {
            *total = output.loss.divisor((order.len() * output.positions) as f64, samples.weights.is_some());
        }
        if self.needs_batch_reduction {
            self.train_step_reduced(samples, order);
        } else {
            let Self { architecture, trainable, fixed, fused, reduced, sources, task, .. } = self;
            let run = run(architecture, trainable, fixed, fused, reduced, &sources.places);
            let rows = BatchRows { samples, order, step: self.steps, totals: &self.totals, batch: &self.batch };
            self.team.each(&mut self.lanes, |index, lane| {
                lane.train(task, run, rows, task.partition.lane(index, order.len()))
            });
        }
        let loss = self.total_loss(order.len());
        if loss.is_finite() && !is_cancelled() {
            self.update.step(self.team, learning_rate, self.trainable, &mut self.lanes, &self.sources);
            for (elements, shape, constraint) in &self.constraints {
                constraint.apply(&mut self.trainable[elements.clone()], shape);
            }
        }
        loss
    }

    /// Runs the layers that change their parameters before a step.
    fn change_before_step(&mut self) {
        let (nodes, scratch) = &mut self.before_step;
        for &index in &*nodes {
            let node = &self.architecture.nodes()[index];
            let places = self.architecture.parameters_of(node);
            node.layer.compute().before_step(&mut BeforeStep {
                places,
                trainable: self.trainable,
                fixed: self.fixed,
                scratch,
            });
        }
    }

    /// The weighted sum of the outputs' mean losses, plus the penalties; writes the mean losses to `losses`.
    fn total_loss(&mut self, rows: usize) -> f64 {
        let mut sum = 0.0;
        let outputs = self.task.outputs.iter().zip(&mut self.losses).enumerate();
        for (index, (output, loss)) in outputs.filter(|(_, (output, _))| output.trained) {
            let batch_loss = output.loss.batch_loss(&self.batch[index]);
            let sum_of_rows = || self.lanes.iter().map(|lane| lane.losses[index]).sum();
            *loss = batch_loss.unwrap_or_else(sum_of_rows) / self.totals[index];
            sum += output.loss_weight * *loss;
        }
        let activity_penalty = self.lanes.iter().map(|lane| lane.tape.penalty).sum::<f64>() / rows as f64;
        sum + activity_penalty + self.update.penalty(self.trainable)
    }

    /// By output that has a loss: its mean of the last step or validation.
    pub fn losses(&self) -> impl Iterator<Item = f64> {
        self.task.outputs.iter().zip(&self.losses).filter(|(output, _)| output.trained).map(|(_, loss)| *loss)
    }

    /// The optimizer's learning rate of the next step.
    pub fn learning_rate(&self) -> f64 {
        self.update.learning_rate()
    }

    /// At the end of a fit: replaces the weights by their moving averages, if the optimizer keeps these.
    pub fn finish(&mut self) {
        self.update.finish(self.trainable);
    }

    /// The mean loss of `samples` at inference, including penalties; metrics are in [`Self::take_metrics`].
    ///
    /// As in Keras, a loss that is no mean over rows is the mean over batches, weighted by their rows, and that of one
    /// of several outputs the unweighted mean over batches.
    pub fn validate(&mut self, samples: Samples<'_, F>, order: &[usize]) -> f64 {
        let trained = || self.task.outputs.iter().filter(|output| output.trained);
        let several = trained().count() > 1;
        let in_batches = several || trained().any(|output| output.mask.is_some() || output.loss.depends_on_batching());
        let batch_size = if in_batches { self.task.plan.batch_size } else { order.len() };
        let mut mean = 0.0;
        let mut means = vec![0.0; self.losses.len()];
        for rows in order.chunks(batch_size).take_while(|_| !is_cancelled()) {
            let share = rows.len() as f64 / order.len() as f64;
            let once = 1.0 / order.len().div_ceil(batch_size) as f64;
            mean += share * self.validate_batch(samples, rows);
            means.iter_mut().zip(&self.losses).for_each(|(mean, loss)| *mean += once * loss);
        }
        self.losses = means;
        mean
    }

    fn validate_batch(&mut self, samples: Samples<'_, F>, order: &[usize]) -> f64 {
        self.totals.fill(1.0);
        let Self { architecture, trainable, fixed, fused, task, totals, batch, .. } = self;
        let rows = BatchRows { samples, order, step: 0, totals, batch };
        let run = run(architecture, trainable, fixed, fused, &[], &[]);
        self.team.each(&mut self.lanes, |index, lane| {
            lane.validate(task, run, rows, task.partition.lane(index, order.len()))
        });
        self.sum_counts(samples.weights.is_some());
        self.total_loss(order.len())
    }

    /// The metrics of all rows since the last call, in the plan's order.
    pub fn take_metrics(&mut self) -> Vec<f64> {
        let Some((first, others)) = self.lanes.split_first_mut() else { return Vec::new() };
        for lane in others {
            first.metrics.iter_mut().zip(&mut lane.metrics).for_each(|(sum, element)| *sum += std::mem::take(element));
        }
        let mut elements = &first.metrics[..];
        let mut results = Vec::new();
        for output in self.task.outputs {
            for metric in &output.metrics {
                let (mine, rest) = elements.split_at(metric.sums(output.width));
                elements = rest;
                results.push(metric.result(mine));
            }
        }
        first.metrics.fill(0.0);
        results
    }

    /// Whether all weights are finite.
    pub fn is_finite(&self) -> bool {
        self.trainable.iter().chain(&*self.fixed).all(|weight| weight.finite())
    }

    /// Copies the weights, moving statistics included, into `copy`.
    pub fn save(&self, copy: &mut Vec<F>) {
        copy.clear();
        copy.reserve_exact(self.elements());
        copy.extend_from_slice(self.trainable);
        copy.extend_from_slice(self.fixed);
    }

    /// Number of weights, moving statistics included.
    pub fn elements(&self) -> usize {
        self.trainable.len() + self.fixed.len()
    }

    /// Writes or reads everything that continues from epoch to epoch.
    pub fn state(&mut self, codec: &mut Codec<'_>) -> io::Result<()> {
        codec.elements(self.trainable)?;
        codec.elements(self.fixed)?;
        codec.count(&mut self.steps)?;
        self.update.state(codec)
    }

    /// Restores weights that [`Self::save`] copied.
    pub fn restore(&mut self, copy: &[F]) {
        let (trainable, fixed) = copy.split_at(self.trainable.len());
        self.trainable.copy_from_slice(trainable);
        self.fixed.copy_from_slice(fixed);
    }
}

/// The nodes that change their parameters before a step, and scratch memory for one of them.
fn before_step<F: Real>(architecture: &Architecture) -> (Vec<usize>, Vec<F>) {
    let nodes = architecture.nodes().iter().enumerate();
    let rooms = nodes.filter_map(|(index, node)| Some((index, node.layer.before_step_room(&node.input_shapes)?)));
    let (nodes, rooms): (Vec<usize>, Vec<usize>) = rooms.unzip();
    (nodes, vec![F::ZERO; rooms.into_iter().max().unwrap_or(0)])
}

fn run<'r, F: Real>(
    architecture: &'r Architecture,
    trainable: &'r [F],
    fixed: &'r [F],
    fused: &'r [usize],
    reduced: &'r [Reduced<F>],
    places: &'r [Range<usize>],
) -> Run<'r, F> {
    let noise = Noise::default();
    let pass = Pass { rows: 0, repeat: 1, training: false, logits: false, trainable: true, batch_rows: 0, noise };
    Run { architecture, weights: Weights { trainable, fixed }, pass, fused, reduced, places, team: &Team::ALONE }
}

mod reduction;

#[cfg(test)]
mod gradients;
