//! Training steps of networks in which the result of a row depends on the whole batch: lanes synchronize where sums
//! over the batch are needed.

use super::{
    super::lane::{BatchRows, Lane},
    Trainer, run,
};
use crate::engine::{
    fit::Samples,
    layer::{BatchReduction, Reduce},
    loss::BatchSums,
    network::Run,
    real::Real,
};

#[derive(Debug, Clone, Copy)]
pub(super) struct NodeReduction {
    pub(super) node: usize,
    pub(super) reduction: BatchReduction,
}

#[derive(Debug, Clone, Copy)]
enum Direction {
    Forward,
    Backward,
}

impl<F: Real> Trainer<'_, F> {
    /// Forward and backward pass of a network with batch reductions: every lane keeps all of its rows, and runs from
    /// one reduction to the next.
    pub(super) fn train_step_reduced(&mut self, samples: Samples<'_, F>, order: &[usize]) {
        let task = self.task;
        let nodes = self.architecture.nodes().len();
        let rows = BatchRows { samples, order, step: self.steps, totals: &[], batch: &[] };
        self.team
            .each(&mut self.lanes, |index, lane| lane.load_all(&task, rows, task.partition.lane(index, order.len())));
        self.lane_rows.iter_mut().zip(&self.lanes).for_each(|(rows, lane)| *rows = lane.pass.rows);
        let mut start = 0;
        for reduction in 0..self.reductions.len() {
            let node = self.reductions[reduction].node;
            self.each_lane(|lane, run| lane.forward_to(run, start..node));
            self.reduce(reduction, Direction::Forward);
            start = node;
        }
        self.each_lane(|lane, run| lane.forward_to_end(&task, run, rows, start..nodes));
        self.sum_counts(samples.weights.is_some());
        let Self { team, lanes, totals, batch, .. } = self;
        let rows = BatchRows { totals, batch, ..rows };
        team.each(lanes, |_, lane| lane.evaluate_all(&task, rows));
        let mut end = nodes;
        for reduction in (0..self.reductions.len()).rev() {
            let node = self.reductions[reduction].node;
            self.each_lane(|lane, run| lane.backward_to(run, node..end));
            self.reduce(reduction, Direction::Backward);
            end = node + 1;
        }
        self.each_lane(|lane, run| lane.backward(run, 0..end));
    }

    /// Sums what the lanes have counted: the sums of losses, and the loss rows by which they are divided; 1 if none
    /// counts.
    pub(super) fn sum_counts(&mut self, weighted: bool) {
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
        let Self { architecture, trainable, fixed, fused, reduced, sources, .. } = self;
        let run = run(architecture, trainable, fixed, fused, reduced, &sources.places);
        self.team.each(&mut self.lanes, |_, lane| work(lane, run));
    }

    /// Reduces the lanes' partial sums, in lane order.
    fn reduce(&mut self, reduction: usize, direction: Direction) {
        let NodeReduction { node: index, reduction } = self.reductions[reduction];
        let node = &self.architecture.nodes()[index];
        let reduced = &mut self.reduced[index];
        let (elements, reduced) = match direction {
            Direction::Forward => (reduction.forward_sums, &mut reduced.forward),
            Direction::Backward => (reduction.backward_sums, &mut reduced.backward),
        };
        let sums = &mut self.sums[..elements * self.lanes.len()];
        for (sums, lane) in sums.chunks_exact_mut(elements).zip(&self.lanes) {
            sums.copy_from_slice(&lane.sums[..elements]);
        }
        let mut cx = Reduce {
            rows: &self.lane_rows,
            repeat: node.repeat,
            masked: node.masks[0].is_some(),
            sums,
            reduced,
            shape: &node.input_shapes[0],
            fixed: self.fixed,
            places: self.architecture.parameters_of(node),
        };
        match direction {
            Direction::Forward => node.layer.compute().reduce_forward(&mut cx),
            Direction::Backward => node.layer.compute().reduce_backward(&mut cx),
        }
    }
}
