//! [`WeightUpdate`]: from the lanes' gradients to new weights.

use super::{lane::Lane, sources::GradientSources};
use crate::engine::{
    cancel::is_cancelled,
    kernel::{Buffer, Team},
    optimizer::{Optimizer, Updater},
    real::Real,
    regularizer::Regularizer,
    shape::Shape,
    spec::{Architecture, Parameter},
    state::Codec,
};
use std::{io, ops::Range};

/// The optimizer and the regularizers of a fit.
#[derive(Debug)]
pub(super) struct WeightUpdate<F> {
    updater: Updater<F>,
    /// The whole gradient, if the optimizer needs it and no lane has it; else empty.
    gradient: Buffer<F>,
    /// Whether the gradient is that of the only lane.
    of_one_lane: bool,
    regularized: Vec<RegularizedParameter<F>>,
}

/// A parameter with a regularizer.
#[derive(Debug)]
struct RegularizedParameter<F> {
    /// Its index among all parameters.
    parameter: usize,
    range: Range<usize>,
    shape: Shape,
    regularizer: Regularizer,
    /// Empty if the penalty is elementwise.
    scratch: Vec<F>,
}

impl<F: Real> WeightUpdate<F> {
    pub fn new(
        architecture: &Architecture,
        optimizer: &Optimizer,
        sources: &GradientSources,
        lanes: usize,
        threads: usize,
    ) -> Self {
        let trainable = || architecture.parameters().iter().filter(|parameter| parameter.spec.trainable);
        let regularized = |(index, parameter): (usize, &Parameter)| {
            let (range, shape) = (parameter.range.clone(), parameter.shape.clone());
            let regularizer = parameter.spec.regularizer.filter(|_| parameter.spec.trainable)?;
            let scratch = vec![F::ZERO; regularizer.scratch_elements(&shape)];
            Some(RegularizedParameter { parameter: index, range, shape, regularizer, scratch })
        };
        let tensors = trainable().map(|parameter| (parameter.name.as_str(), &parameter.shape));
        let of_one_lane = sources.is_lane_gradient(lanes);
        let whole = optimizer.needs_whole_gradient();
        let scratch = if whole && !of_one_lane { architecture.trainable_elements() } else { 0 };
        Self {
            updater: Updater::new(optimizer, tensors, sources.blocks(), threads, whole || of_one_lane),
            gradient: Buffer::filled(F::ZERO, scratch),
            of_one_lane,
            regularized: architecture.parameters().iter().enumerate().filter_map(regularized).collect(),
        }
    }

    /// The penalty of the regularizers on these weights.
    pub fn penalty(&mut self, weights: &[F]) -> f64 {
        let penalty = |RegularizedParameter { range, shape, regularizer, scratch, .. }: &mut RegularizedParameter<
            F,
        >| { regularizer.penalty(&weights[range.clone()], shape, scratch) };
        self.regularized.iter_mut().map(penalty).sum()
    }

    /// Sums the lanes' gradients, adds those of the regularizers, and updates the weights; ends early once cancelled.
    pub fn step(
        &mut self,
        team: &Team,
        learning_rate: f64,
        weights: &mut [F],
        lanes: &mut [Lane<F>],
        sources: &GradientSources,
    ) {
        for RegularizedParameter { parameter, range, shape, regularizer, scratch } in &mut self.regularized {
            if let (false, Some(first)) = (scratch.is_empty(), lanes.first_mut()) {
                let gradient = &mut first.gradient[sources.places[*parameter].clone()];
                regularizer.add_gradient(&weights[range.clone()], shape, scratch, gradient);
            }
        }
        let regularized = &self.regularized;
        let (gradient, lanes) = match lanes {
            [lane] if self.of_one_lane => (&mut lane.gradient, &[][..]),
            lanes => (&mut self.gradient, &*lanes),
        };
        self.updater.step(team, learning_rate, weights, gradient, |block, weights, gradient| {
            if is_cancelled() {
                return;
            }
            sources.write(block, lanes, gradient);
            let block_range = sources.block_range(block);
            for RegularizedParameter { range, shape, regularizer, .. } in
                regularized.iter().filter(|it| it.scratch.is_empty())
            {
                let (start, end) = (range.start.max(block_range.start), range.end.min(block_range.end));
                if start < end {
                    let mine = start - block_range.start..end - block_range.start;
                    regularizer.add_gradient(&weights[mine.clone()], shape, &mut [], &mut gradient[mine]);
                }
            }
        });
    }

    /// The optimizer's learning rate of the next step.
    pub fn learning_rate(&self) -> f64 {
        self.updater.learning_rate()
    }

    /// Writes or reads everything that continues from step to step.
    pub fn state(&mut self, codec: &mut Codec<'_>) -> io::Result<()> {
        self.updater.state(codec)
    }

    /// At the end of a fit: replaces the weights by their moving averages, if the optimizer keeps these.
    pub fn finish(&self, weights: &mut [F]) {
        self.updater.finish(weights);
    }
}
