//! From the lanes' gradients to new weights.

use super::{lane::Lane, sources::Sources};
use crate::engine::{
    kernel::{Buffer, Team},
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
    /// Room for all of a gradient, where the optimizer needs it and no lane has it; else empty.
    gradient: Buffer<F>,
    /// Whether there is one lane, whose gradient is all there is.
    of_one_lane: bool,
    penalties: Vec<Penalized<F>>,
}

/// A parameter with a penalty.
#[derive(Debug)]
struct Penalized<F> {
    /// Its place among all parameters.
    parameter: usize,
    cells: Range<usize>,
    shape: Shape,
    regularizer: Regularizer,
    /// Empty where each cell has a penalty of its own.
    room: Vec<F>,
}

impl<F: Real> Update<F> {
    pub fn new(
        architecture: &Architecture,
        optimizer: &Optimizer,
        sources: &Sources,
        lanes: usize,
        threads: usize,
    ) -> Self {
        let trainable = || architecture.parameters().iter().filter(|parameter| parameter.spec.trainable);
        let penalized = |(index, parameter): (usize, &Parameter)| {
            let (cells, shape) = (parameter.cells.clone(), parameter.shape.clone());
            let regularizer = parameter.spec.regularizer.filter(|_| parameter.spec.trainable)?;
            let room = vec![F::ZERO; regularizer.room(&shape)];
            Some(Penalized { parameter: index, cells, shape, regularizer, room })
        };
        let tensors = trainable().map(|parameter| (parameter.name.as_str(), &parameter.shape));
        let of_one_lane = sources.are_flat(lanes);
        let whole = optimizer.needs_whole_gradient();
        let room = if whole && !of_one_lane { architecture.trainable_cells() } else { 0 };
        Self {
            updater: Updater::new(optimizer, tensors, sources.blocks(), threads, whole || of_one_lane),
            gradient: Buffer::filled(F::ZERO, room),
            of_one_lane,
            penalties: architecture.parameters().iter().enumerate().filter_map(penalized).collect(),
        }
    }

    /// The penalties on these weights.
    pub fn penalty(&mut self, weights: &[F]) -> f64 {
        let penalty = |Penalized { cells, shape, regularizer, room, .. }: &mut Penalized<F>| {
            regularizer.penalty(&weights[cells.clone()], shape, room)
        };
        self.penalties.iter_mut().map(penalty).sum()
    }

    /// Makes the gradient of the lanes' step and adds the penalties', and moves the weights.
    pub fn step(
        &mut self,
        team: &Team,
        learning_rate: f64,
        weights: &mut [F],
        lanes: &mut [Lane<F>],
        sources: &Sources,
    ) {
        for Penalized { parameter, cells, shape, regularizer, room } in &mut self.penalties {
            if let (false, Some(first)) = (room.is_empty(), lanes.first_mut()) {
                let gradient = &mut first.gradient[sources.places[*parameter].clone()];
                regularizer.add_gradient(&weights[cells.clone()], shape, room, gradient);
            }
        }
        let penalties = &self.penalties;
        let (gradient, lanes) = match lanes {
            [lane] if self.of_one_lane => (&mut lane.gradient, &[][..]),
            lanes => (&mut self.gradient, &*lanes),
        };
        self.updater.step(team, learning_rate, weights, gradient, |block, weights, gradient| {
            sources.write(block, lanes, gradient);
            let range = sources.cells_of(block);
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
