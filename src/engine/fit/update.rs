//! From the lanes' gradients to new weights.

use super::lane::Lane;
use crate::engine::{
    kernel::{self, Team},
    optimizer::{Optimizer, Updater},
    real::Real,
    regularizer::Regularizer,
    shape::Shape,
    spec::{Architecture, Parameter},
};
use std::ops::Range;

/// What a fit keeps to move weights.
#[derive(Debug)]
pub(super) struct Update<F> {
    updater: Updater<F>,
    penalties: Vec<Penalized<F>>,
}

/// A parameter with a penalty.
#[derive(Debug)]
struct Penalized<F> {
    cells: Range<usize>,
    shape: Shape,
    regularizer: Regularizer,
    /// Empty where each cell has a penalty of its own.
    room: Vec<F>,
}

impl<F: Real> Update<F> {
    pub fn new(architecture: &Architecture, optimizer: &Optimizer) -> Self {
        let trainable = || architecture.parameters().iter().filter(|parameter| parameter.spec.trainable);
        let penalized = |parameter: &Parameter| {
            let (cells, shape, regularizer) =
                (parameter.cells.clone(), parameter.shape.clone(), parameter.spec.regularizer?);
            let room = vec![F::ZERO; regularizer.room(&shape)];
            Some(Penalized { cells, shape, regularizer, room })
        };
        Self {
            updater: Updater::new(optimizer, trainable().map(|parameter| (parameter.name.as_str(), &parameter.shape))),
            penalties: trainable().filter_map(penalized).collect(),
        }
    }

    /// The penalties on these weights.
    pub fn penalty(&mut self, weights: &[F]) -> f64 {
        let penalty = |Penalized { cells, shape, regularizer, room }: &mut Penalized<F>| {
            regularizer.penalty(&weights[cells.clone()], shape, room)
        };
        self.penalties.iter_mut().map(penalty).sum()
    }

    /// Adds the lanes' gradients in lane order, and the penalties', and moves the weights.
    pub fn step(&mut self, team: &Team, learning_rate: f64, weights: &mut [F], lanes: &mut [Lane<F>]) {
        let Some((first, others)) = lanes.split_first_mut() else { return };
        for Penalized { cells, shape, regularizer, room } in &mut self.penalties {
            if !room.is_empty() {
                let gradient = &mut first.gradient[cells.clone()];
                regularizer.add_gradient(&weights[cells.clone()], shape, room, gradient);
            }
        }
        let penalties = &self.penalties;
        self.updater.step(team, learning_rate, weights, &mut first.gradient, |range, weights, gradient| {
            for lane in &*others {
                kernel::add(&lane.gradient[range.clone()], gradient);
            }
            for Penalized { cells, shape, regularizer, .. } in penalties.iter().filter(|it| it.room.is_empty()) {
                let (start, end) = (cells.start.max(range.start), cells.end.min(range.end));
                if start < end {
                    let mine = start - range.start..end - range.start;
                    regularizer.add_gradient(&weights[mine.clone()], shape, &mut [], &mut gradient[mine]);
                }
            }
        });
    }

    /// The learning rate of the next step by the settings.
    pub fn learning_rate(&self) -> f64 {
        self.updater.learning_rate()
    }

    /// Where a fit ends: what the optimizer leaves of the weights.
    pub fn finish(&self, weights: &mut [F]) {
        self.updater.finish(weights);
    }
}
