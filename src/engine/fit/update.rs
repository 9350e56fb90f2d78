//! From the lanes' gradients to new weights.

use super::lane::Lane;
use crate::engine::{
    kernel::{self, Team},
    optimizer::{Optimizer, Updater},
    real::Real,
    regularizer::Regularizer,
    spec::Architecture,
};
use std::ops::Range;

/// What a fit keeps to move weights.
#[derive(Debug)]
pub(super) struct Update<F> {
    updater: Updater<F>,
    penalties: Vec<(Range<usize>, Regularizer)>,
}

impl<F: Real> Update<F> {
    pub fn new(architecture: &Architecture, optimizer: &Optimizer) -> Self {
        let parameters = architecture.parameters().iter();
        let trainable = parameters.clone().filter(|parameter| parameter.spec.trainable);
        Self {
            updater: Updater::new(optimizer, trainable.map(|parameter| (parameter.name.as_str(), &parameter.shape))),
            penalties: parameters
                .filter_map(|parameter| Some((parameter.cells.clone(), parameter.spec.regularizer?)))
                .collect(),
        }
    }

    /// The penalties on these weights.
    pub fn penalty(&self, weights: &[F]) -> f64 {
        self.penalties.iter().map(|(cells, regularizer)| regularizer.penalty(&weights[cells.clone()])).sum()
    }

    /// Adds the lanes' gradients in lane order, and the penalties', and moves the weights.
    pub fn step(&mut self, team: &Team<'_>, learning_rate: f64, weights: &mut [F], lanes: &mut [Lane<F>]) {
        let Some((first, others)) = lanes.split_first_mut() else { return };
        let penalties = &self.penalties;
        self.updater.step(team, learning_rate, weights, &mut first.gradient, |range, weights, gradient| {
            for lane in &*others {
                kernel::add(&lane.gradient[range.clone()], gradient);
            }
            for (cells, regularizer) in penalties {
                let (start, end) = (cells.start.max(range.start), cells.end.min(range.end));
                if start < end {
                    let mine = start - range.start..end - range.start;
                    regularizer.add_gradient(&weights[mine.clone()], &mut gradient[mine]);
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
