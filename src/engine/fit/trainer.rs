//! One step of training, and one measurement, over every lane.

use super::{
    FitPlan, Samples,
    cut::Cut,
    lane::{Lane, Rows, Task},
    update::Update,
};
use crate::engine::{
    kernel::Team,
    layer::{Join, Layer, Meeting, Pass},
    metric::Metric,
    network::{Joined, Network, Run, Weights},
    random::Noise,
    real::Real,
    spec::Architecture,
};

/// A fit's memory, laid out once.
#[derive(Debug)]
pub(super) struct Trainer<'a, F> {
    team: &'a Team<'a>,
    architecture: &'a Architecture,
    trainable: &'a mut [F],
    fixed: &'a mut [F],
    task: Task<'a>,
    lanes: Vec<Lane<F>>,
    update: Update<F>,
    /// The nodes at which lanes meet, in order.
    meetings: Vec<AtNode>,
    /// By node.
    joined: Vec<Joined<F>>,
    lane_rows: Vec<usize>,
    sums: Vec<f64>,
    steps: u64,
}

impl<'a, F: Real> Trainer<'a, F> {
    pub fn new(
        team: &'a Team<'a>,
        network: &'a mut Network<F>,
        plan: &'a FitPlan,
        metrics: &'a [Metric],
        training: Samples<'_, F>,
        weighted: bool,
    ) -> Self {
        let (architecture, trainable, fixed) = network.parts_mut();
        let batch = plan.batch_size.min(training.x.nrows());
        let cut = Cut::new(architecture, batch);
        let shape = architecture.output_shape();
        let last = architecture.nodes().last().and_then(|node| node.layer.last_activation());
        let absorbed = plan.loss.absorbs().is_some() && plan.loss.absorbs() == last;
        let task = Task { plan, metrics, cut, absorbed, positions: shape.cells() / shape.last(), width: shape.last() };
        let mut meetings = Vec::new();
        let mut joined = Vec::new();
        let mut most_sums = 0;
        for (index, node) in architecture.nodes().iter().enumerate() {
            let meeting = node.layer.meeting(&architecture.input_shapes(node));
            joined.push(meeting.map_or_else(Joined::default, |meeting| Joined {
                forward: vec![F::ZERO; meeting.forward_joined],
                backward: vec![F::ZERO; meeting.backward_joined],
            }));
            if let Some(meeting) = meeting {
                meetings.push(AtNode { node: index, meeting });
                most_sums = most_sums.max(meeting.forward_sums).max(meeting.backward_sums);
            }
        }
        let target_cells = training.y.ncols();
        let lane = || Lane::new(architecture, &task, target_cells, weighted, most_sums);
        Self {
            update: Update::new(architecture, &plan.optimizer),
            lanes: (0..cut.lanes).map(|_| lane()).collect(),
            lane_rows: vec![0; cut.lanes],
            sums: vec![0.0; cut.lanes * most_sums],
            team,
            architecture,
            trainable,
            fixed,
            task,
            meetings,
            joined,
            steps: 0,
        }
    }

    /// One step over the rows `order`: forward, backward, and the optimizer. Gives the mean loss, penalties included;
    /// where that is not finite, the weights stay as they were.
    pub fn step(&mut self, samples: Samples<'_, F>, order: &[usize], learning_rate: f64) -> f64 {
        self.steps += 1;
        let rows = Rows { samples, order, step: self.steps };
        if self.meetings.is_empty() {
            let (task, run) = (&self.task, run(self.architecture, self.trainable, self.fixed, &self.joined));
            self.team
                .each(&mut self.lanes, |index, lane| lane.learn(task, run, rows, task.cut.lane(index, order.len())));
        } else {
            self.learn_with_meetings(rows);
        }
        let sum: f64 = self.lanes.iter().map(|lane| lane.loss).sum();
        let loss = sum / (order.len() * self.task.positions) as f64 + self.update.penalty(self.trainable);
        if loss.is_finite() {
            self.update.step(self.team, learning_rate, self.trainable, &mut self.lanes);
        }
        loss
    }

    /// Forward and backward of a network some of whose layers need sums over the whole batch: every lane keeps all of
    /// its rows, and runs from one such layer to the next.
    fn learn_with_meetings(&mut self, rows: Rows<'_, '_, F>) {
        let task = self.task;
        let nodes = self.architecture.nodes().len();
        self.team.each(&mut self.lanes, |index, lane| lane.begin(&task, rows, task.cut.lane(index, rows.order.len())));
        self.lane_rows.iter_mut().zip(&self.lanes).for_each(|(rows, lane)| *rows = lane.pass.rows);
        let mut start = 0;
        for meeting in 0..self.meetings.len() {
            let node = self.meetings[meeting].node;
            self.each_lane(|lane, run| lane.forward_to(run, start..node));
            self.join(meeting, Direction::Forward);
            start = node;
        }
        self.each_lane(|lane, run| lane.forward_to_loss(&task, run, rows, start..nodes));
        let mut end = nodes;
        for meeting in (0..self.meetings.len()).rev() {
            let node = self.meetings[meeting].node;
            self.each_lane(|lane, run| lane.backward_to(run, node..end));
            self.join(meeting, Direction::Backward);
            end = node + 1;
        }
        self.each_lane(|lane, run| lane.backward(run, 0..end));
    }

    fn each_lane(&mut self, work: impl Fn(&mut Lane<F>, Run<'_, F>) + Sync) {
        let run = run(self.architecture, self.trainable, self.fixed, &self.joined);
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
            sums,
            joined,
            shape: self.architecture.shape(node.inputs[0]),
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
    pub fn measure(&mut self, samples: Samples<'_, F>, order: &[usize]) -> f64 {
        let task = self.task;
        let rows = Rows { samples, order, step: 0 };
        let run = run(self.architecture, self.trainable, self.fixed, &[]);
        self.team
            .each(&mut self.lanes, |index, lane| lane.measure(&task, run, rows, task.cut.lane(index, order.len())));
        let sum: f64 = self.lanes.iter().map(|lane| lane.loss).sum();
        sum / (order.len() * self.task.positions) as f64 + self.update.penalty(self.trainable)
    }

    /// The metrics of every row since the last call, in the plan's order.
    pub fn take_metrics(&mut self) -> Vec<f64> {
        let Some((first, others)) = self.lanes.split_first_mut() else { return Vec::new() };
        for lane in others {
            first.metrics.iter_mut().zip(&mut lane.metrics).for_each(|(sum, cell)| *sum += std::mem::take(cell));
        }
        let mut cells = &first.metrics[..];
        let results = self.task.metrics.iter().map(|metric| {
            let (mine, rest) = cells.split_at(metric.cells(self.task.width));
            cells = rest;
            metric.result(mine)
        });
        let results = results.collect();
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
    joined: &'r [Joined<F>],
) -> Run<'r, F> {
    let pass = Pass { rows: 0, training: false, logits: false, noise: Noise::default() };
    Run { architecture, weights: Weights { trainable, fixed }, pass, joined }
}
