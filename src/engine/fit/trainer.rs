//! One step of training, and one measurement, over every lane.

use super::{
    FitPlan, Role, Samples,
    cut::{Cut, meets},
    lane::{Lane, OutputTask, Rows, Task},
    sources::Sources,
    update::Update,
};
use crate::engine::{
    constraint::Constraint,
    kernel::Team,
    layer::{BeforeStep, Join, Layer, Meeting, Pass},
    loss::BatchSums,
    network::{Joined, Network, Run, Weights, columns},
    random::Noise,
    real::Real,
    shape::Shape,
    spec::Architecture,
};
use std::ops::Range;

/// A fit's memory, laid out once.
#[derive(Debug)]
pub(super) struct Trainer<'a, F> {
    team: &'a Team,
    architecture: &'a Architecture,
    trainable: &'a mut [F],
    fixed: &'a mut [F],
    task: Task<'a>,
    lanes: Vec<Lane<F>>,
    pub(super) sources: Sources,
    update: Update<F>,
    /// The nodes at which lanes meet, in order.
    meetings: Vec<AtNode>,
    /// By node.
    joined: Vec<Joined<F>>,
    lane_rows: Vec<usize>,
    sums: Vec<f64>,
    constraints: Vec<(Range<usize>, Shape, Constraint)>,
    /// The nodes that change their parameters before a step, and memory for that.
    before_step: (Vec<usize>, Vec<F>),
    /// Nodes whose last activation is left to a loss.
    absorbed: Vec<usize>,
    /// Whether something about a row follows from the whole batch.
    meets: bool,
    /// By output: what the sum of the losses is divided by.
    totals: Vec<f64>,
    /// By output: what its loss is made of, where that is one of the whole batch.
    batch: Vec<BatchSums>,
    /// By output: the mean loss of the last step or measurement.
    losses: Vec<f64>,
    steps: u64,
}

impl<'a, F: Real> Trainer<'a, F> {
    pub fn new(
        team: &'a Team,
        network: &'a mut Network<F>,
        plan: &'a FitPlan,
        parts: &'a Parts,
        batch_rows: usize,
        weighted: bool,
    ) -> Self {
        Self::with_sources(team, network, plan, parts, batch_rows, weighted, Sources::new)
    }

    /// With gradients from where `sources` says.
    pub fn with_sources(
        team: &'a Team,
        network: &'a mut Network<F>,
        plan: &'a FitPlan,
        parts: &'a Parts,
        batch_rows: usize,
        weighted: bool,
        sources: impl FnOnce(&Architecture, &Cut) -> Sources,
    ) -> Self {
        let (architecture, trainable, fixed) = network.parts_mut();
        let losses = || plan.trained().map(|output| &output.loss);
        let cut = Cut::new(architecture, batch_rows, losses());
        let task = Task { plan, cut, outputs: &parts.outputs, inputs: &parts.inputs };
        let mut meetings = Vec::new();
        let mut joined = Vec::new();
        let mut most_sums = 0;
        for (index, node) in architecture.nodes().iter().enumerate() {
            let meeting = node.meeting();
            joined.push(meeting.map_or_else(Joined::default, |meeting| Joined {
                forward: vec![F::ZERO; meeting.forward_joined],
                backward: vec![F::ZERO; meeting.backward_joined],
            }));
            if let Some(meeting) = meeting {
                meetings.push(AtNode { node: index, meeting });
                most_sums = most_sums.max(meeting.forward_sums).max(meeting.backward_sums);
            }
        }
        let trained = || architecture.parameters().iter().filter(|parameter| parameter.spec.trainable);
        let absorbs = |(index, output): (usize, &OutputTask)| {
            architecture.activation_node(index).filter(|_| output.left_out.is_some())
        };
        let sources = sources(architecture, &cut);
        let lane = |_| Lane::new(architecture, &task, weighted, most_sums, sources.cells);
        Self {
            update: Update::new(architecture, &plan.optimizer, &sources, cut.lanes, team.threads()),
            lanes: (0..cut.lanes).map(lane).collect(),
            sources,
            lane_rows: vec![0; cut.lanes],
            sums: vec![0.0; cut.lanes * most_sums],
            team,
            architecture,
            trainable,
            fixed,
            task,
            meetings,
            joined,
            constraints: trained()
                .filter_map(|it| Some((it.cells.clone(), it.shape.clone(), it.spec.constraint.clone()?)))
                .collect(),
            before_step: before_step(architecture),
            absorbed: parts.outputs.iter().enumerate().filter_map(absorbs).collect(),
            meets: meets(architecture, losses()),
            totals: vec![0.0; parts.outputs.len()],
            batch: vec![BatchSums::default(); parts.outputs.len()],
            losses: vec![0.0; parts.outputs.len()],
            steps: 0,
        }
    }

    /// One step over the rows `order`: forward, backward, and the optimizer. Gives the mean loss, penalties included;
    /// where that is not finite, the weights stay as they were.
    pub fn step(&mut self, samples: Samples<'_, F>, order: &[usize], learning_rate: f64) -> f64 {
        self.steps += 1;
        self.change_before_step();
        for (total, output) in self.totals.iter_mut().zip(self.task.outputs) {
            *total = output.loss.divisor((order.len() * output.positions) as f64, samples.weights.is_some());
        }
        if self.meets {
            self.learn_with_meetings(samples, order);
        } else {
            let Self { architecture, trainable, fixed, absorbed, joined, sources, task, .. } = self;
            let run = run(architecture, trainable, fixed, absorbed, joined, &sources.places);
            let rows = Rows { samples, order, step: self.steps, totals: &self.totals, batch: &self.batch };
            self.team
                .each(&mut self.lanes, |index, lane| lane.learn(task, run, rows, task.cut.lane(index, order.len())));
        }
        let loss = self.total_loss(order.len());
        if loss.is_finite() {
            self.update.step(self.team, learning_rate, self.trainable, &mut self.lanes, &self.sources);
            for (cells, shape, constraint) in &self.constraints {
                constraint.apply(&mut self.trainable[cells.clone()], shape);
            }
        }
        loss
    }

    /// Lets layers change their parameters before the step.
    fn change_before_step(&mut self) {
        let (nodes, scratch) = &mut self.before_step;
        for &index in &*nodes {
            let node = &self.architecture.nodes()[index];
            let places = self.architecture.parameters_of(node);
            node.layer.before_step(&mut BeforeStep { places, trainable: self.trainable, fixed: self.fixed, scratch });
        }
    }

    /// The sum of every output's mean loss by its weight, and the penalties; leaves the outputs' own in `losses`.
    fn total_loss(&mut self, rows: usize) -> f64 {
        let mut sum = 0.0;
        let outputs = self.task.outputs.iter().zip(&mut self.losses).enumerate();
        for (index, (output, loss)) in outputs.filter(|(_, (output, _))| output.trained) {
            let of_batch = output.loss.of_batch(&self.batch[index]);
            let of_rows = || self.lanes.iter().map(|lane| lane.losses[index]).sum();
            *loss = of_batch.unwrap_or_else(of_rows) / self.totals[index];
            sum += output.loss_weight * *loss;
        }
        let of_outputs = self.lanes.iter().map(|lane| lane.tape.penalty).sum::<f64>() / rows as f64;
        sum + of_outputs + self.update.penalty(self.trainable)
    }

    /// By output that has a loss: its mean of the last step or measurement.
    pub fn losses(&self) -> impl Iterator<Item = f64> {
        self.task.outputs.iter().zip(&self.losses).filter(|(output, _)| output.trained).map(|(_, loss)| *loss)
    }

    /// Forward and backward of a network some of whose layers need sums over the whole batch: every lane keeps all of
    /// its rows, and runs from one such layer to the next.
    fn learn_with_meetings(&mut self, samples: Samples<'_, F>, order: &[usize]) {
        let task = self.task;
        let nodes = self.architecture.nodes().len();
        let rows = Rows { samples, order, step: self.steps, totals: &[], batch: &[] };
        self.team.each(&mut self.lanes, |index, lane| lane.begin(&task, rows, task.cut.lane(index, order.len())));
        self.lane_rows.iter_mut().zip(&self.lanes).for_each(|(rows, lane)| *rows = lane.pass.rows);
        let mut start = 0;
        for meeting in 0..self.meetings.len() {
            let node = self.meetings[meeting].node;
            self.each_lane(|lane, run| lane.forward_to(run, start..node));
            self.join(meeting, Direction::Forward);
            start = node;
        }
        self.each_lane(|lane, run| lane.forward_to_end(&task, run, rows, start..nodes));
        self.count(samples.weights.is_some());
        let Self { team, lanes, totals, batch, .. } = self;
        let rows = Rows { totals, batch, ..rows };
        team.each(lanes, |_, lane| lane.evaluate_all(&task, rows));
        let mut end = nodes;
        for meeting in (0..self.meetings.len()).rev() {
            let node = self.meetings[meeting].node;
            self.each_lane(|lane, run| lane.backward_to(run, node..end));
            self.join(meeting, Direction::Backward);
            end = node + 1;
        }
        self.each_lane(|lane, run| lane.backward(run, 0..end));
    }

    /// Joins what every lane counted: what losses are made of, and the loss rows that they are divided by; where none counts,
    /// one.
    fn count(&mut self, weighted: bool) {
        let outputs = self.task.outputs.iter().enumerate();
        for ((index, output), (total, batch)) in outputs.zip(self.totals.iter_mut().zip(&mut self.batch)) {
            let count: f64 = self.lanes.iter().map(|lane| lane.counts[index]).sum();
            let divisor = output.loss.divisor(count, weighted || output.mask.is_some());
            *total = if divisor > 0.0 { divisor } else { 1.0 };
            *batch = BatchSums::default();
            self.lanes.iter().for_each(|lane| *batch += lane.batch[index]);
        }
    }

    fn each_lane(&mut self, work: impl Fn(&mut Lane<F>, Run<'_, F>) + Sync) {
        let Self { architecture, trainable, fixed, absorbed, joined, sources, .. } = self;
        let run = run(architecture, trainable, fixed, absorbed, joined, &sources.places);
        self.team.each(&mut self.lanes, |_, lane| work(lane, run));
    }

    /// Joins every lane's sums, in lane order.
    fn join(&mut self, meeting: usize, direction: Direction) {
        let AtNode { node: index, meeting } = self.meetings[meeting];
        let node = &self.architecture.nodes()[index];
        let joined = &mut self.joined[index];
        let (cells, joined) = match direction {
            Direction::Forward => (meeting.forward_sums, &mut joined.forward),
            Direction::Backward => (meeting.backward_sums, &mut joined.backward),
        };
        let sums = &mut self.sums[..cells * self.lanes.len()];
        for (sums, lane) in sums.chunks_exact_mut(cells).zip(&self.lanes) {
            sums.copy_from_slice(&lane.sums[..cells]);
        }
        let mut cx = Join {
            rows: &self.lane_rows,
            repeat: node.repeat,
            masked: node.masks[0].is_some(),
            sums,
            joined,
            shape: &node.input_shapes[0],
            fixed: self.fixed,
            places: self.architecture.parameters_of(node),
        };
        match direction {
            Direction::Forward => node.layer.join_forward(&mut cx),
            Direction::Backward => node.layer.join_backward(&mut cx),
        }
    }

    /// The learning rate of the next step by the optimizer's settings.
    pub fn learning_rate(&self) -> f64 {
        self.update.learning_rate()
    }

    /// Where a fit ends: what the optimizer leaves of the weights.
    pub fn finish(&mut self) {
        self.update.finish(self.trainable);
    }

    /// The mean loss of `samples` at inference, penalties included; metrics are in [`Self::take_metrics`].
    ///
    /// Where a loss is no mean of rows, it is the mean over batches, each as often as it has rows, as Keras's. That of an output
    /// among several is the mean over batches, each once.
    pub fn measure(&mut self, samples: Samples<'_, F>, order: &[usize]) -> f64 {
        let trained = || self.task.outputs.iter().filter(|output| output.trained);
        let several = trained().count() > 1;
        let of_batches = several || trained().any(|output| output.mask.is_some() || output.loss.depends_on_cut());
        let most = if of_batches { self.task.plan.batch_size } else { order.len() };
        let mut mean = 0.0;
        let mut means = vec![0.0; self.losses.len()];
        for rows in order.chunks(most) {
            let share = rows.len() as f64 / order.len() as f64;
            let once = 1.0 / order.len().div_ceil(most) as f64;
            mean += share * self.measure_batch(samples, rows);
            means.iter_mut().zip(&self.losses).for_each(|(mean, loss)| *mean += once * loss);
        }
        self.losses = means;
        mean
    }

    fn measure_batch(&mut self, samples: Samples<'_, F>, order: &[usize]) -> f64 {
        self.totals.fill(1.0);
        let Self { architecture, trainable, fixed, absorbed, task, totals, batch, .. } = self;
        let rows = Rows { samples, order, step: 0, totals, batch };
        let run = run(architecture, trainable, fixed, absorbed, &[], &[]);
        self.team.each(&mut self.lanes, |index, lane| lane.measure(task, run, rows, task.cut.lane(index, order.len())));
        self.count(samples.weights.is_some());
        self.total_loss(order.len())
    }

    /// The metrics of every row since the last call, in the plan's order.
    pub fn take_metrics(&mut self) -> Vec<f64> {
        let Some((first, others)) = self.lanes.split_first_mut() else { return Vec::new() };
        for lane in others {
            first.metrics.iter_mut().zip(&mut lane.metrics).for_each(|(sum, cell)| *sum += std::mem::take(cell));
        }
        let mut cells = &first.metrics[..];
        let mut results = Vec::new();
        for output in self.task.outputs {
            for metric in &output.metrics {
                let (mine, rest) = cells.split_at(metric.cells(output.width));
                cells = rest;
                results.push(metric.result(mine));
            }
        }
        first.metrics.fill(0.0);
        results
    }

    /// Whether every weight is a finite number.
    pub fn is_finite(&self) -> bool {
        self.trainable.iter().chain(&*self.fixed).all(|weight| weight.finite())
    }

    /// Copies the weights, moving statistics included, into `copy`.
    pub fn save(&self, copy: &mut Vec<F>) {
        copy.clear();
        copy.reserve_exact(self.trainable.len() + self.fixed.len());
        copy.extend_from_slice(self.trainable);
        copy.extend_from_slice(self.fixed);
    }

    /// Goes back to weights that [`Self::save`] took.
    pub fn restore(&mut self, copy: &[F]) {
        let (trainable, fixed) = copy.split_at(self.trainable.len());
        self.trainable.copy_from_slice(trainable);
        self.fixed.copy_from_slice(fixed);
    }
}

/// The nodes that change their parameters before a step, and as much memory as one of them needs.
fn before_step<F: Real>(architecture: &Architecture) -> (Vec<usize>, Vec<F>) {
    let nodes = architecture.nodes().iter().enumerate();
    let rooms = nodes.filter_map(|(index, node)| Some((index, node.layer.before_step_room(&node.input_shapes)?)));
    let (nodes, rooms): (Vec<usize>, Vec<usize>) = rooms.unzip();
    (nodes, vec![F::ZERO; rooms.into_iter().max().unwrap_or(0)])
}

#[derive(Debug, Clone, Copy)]
struct AtNode {
    node: usize,
    meeting: Meeting,
}

#[derive(Debug, Clone, Copy)]
enum Direction {
    Forward,
    Backward,
}

fn run<'r, F: Real>(
    architecture: &'r Architecture,
    trainable: &'r [F],
    fixed: &'r [F],
    absorbed: &'r [usize],
    joined: &'r [Joined<F>],
    places: &'r [Range<usize>],
) -> Run<'r, F> {
    let noise = Noise::default();
    let pass = Pass { rows: 0, repeat: 1, training: false, logits: false, trainable: true, batch_rows: 0, noise };
    Run { architecture, weights: Weights { trainable, fixed }, pass, absorbed, joined, places, team: &Team::ALONE }
}

/// A plan's inputs and outputs at their places in a network.
#[derive(Debug)]
pub(super) struct Parts {
    inputs: Vec<Range<usize>>,
    outputs: Vec<OutputTask>,
}

impl Parts {
    pub fn new(architecture: &Architecture, plan: &FitPlan) -> Self {
        let mut next = 0;
        let outputs = plan.outputs.iter().zip(architecture.outputs()).enumerate().map(|(index, (output, &value))| {
            let shape = architecture.shape(value);
            let (width, positions) = (shape.last(), shape.cells() / shape.last());
            let last = architecture.last_activation(index);
            let target_width = if output.role == Role::Untrained { 0 } else { output.loss.target_width(width) };
            let targets = next..next + positions * target_width;
            let trained = output.role == Role::Trained;
            next = targets.end;
            OutputTask {
                loss: output.loss,
                trained,
                loss_weight: output.loss_weight,
                metrics: output.metrics.iter().map(|metric| metric.resolve(&output.loss)).collect(),
                value,
                mask: architecture.output_mask(index),
                left_out: last.filter(|&last| trained && output.loss.takes_logits_of(last)),
                positions,
                width,
                targets,
            }
        });
        Self { outputs: outputs.collect(), inputs: columns(architecture.input_shapes().iter()).collect() }
    }

    /// Cells of a row of targets.
    pub fn target_cells(&self) -> usize {
        self.outputs.last().map_or(0, |output| output.targets.end)
    }
}

#[cfg(test)]
mod gradients;
