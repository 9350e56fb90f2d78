//! [`Passes`].

use super::FitPlan;
use crate::engine::{
    random::{self, Purpose},
    state::Codec,
};
use rand::seq::SliceRandom;
use std::io;

/// The order of the rows in consecutive passes. An epoch is one pass, or `steps_per_epoch` steps that continue where
/// the previous epoch stopped.
#[derive(Debug)]
pub(super) struct Passes<'a> {
    plan: &'a FitPlan,
    order: Vec<usize>,
    /// Counts from 1; 0 before the first.
    pass: u64,
    /// Number of rows of this pass that were used.
    seen: usize,
}

impl<'a> Passes<'a> {
    pub fn new(plan: &'a FitPlan, rows: usize) -> Self {
        Self { plan, order: (0..rows).collect(), pass: 0, seen: rows }
    }

    /// Steps of an epoch.
    pub fn steps(&self) -> usize {
        self.plan.steps_per_epoch.unwrap_or_else(|| self.order.len().div_ceil(self.plan.batch_size))
    }

    /// The rows of the next step.
    pub fn next_rows(&mut self) -> &[usize] {
        if self.seen == self.order.len() {
            self.pass += 1;
            self.seen = 0;
            self.shuffle();
        }
        let start = self.seen;
        self.seen = self.order.len().min(start + self.plan.batch_size);
        &self.order[start..self.seen]
    }

    /// The order of this pass, which the seed and its number decide.
    fn shuffle(&mut self) {
        if self.plan.shuffle {
            self.order.iter_mut().enumerate().for_each(|(index, row)| *row = index);
            self.order.shuffle(&mut random::stream(self.plan.seed, Purpose::Shuffle, self.pass));
        }
    }

    /// Writes or reads everything that continues from epoch to epoch.
    pub fn state(&mut self, codec: &mut Codec<'_>) -> io::Result<()> {
        codec.count(&mut self.pass)?;
        self.seen = codec.length(self.seen, self.order.len())?;
        if self.pass > 0 && matches!(codec, Codec::Read(_)) {
            self.shuffle();
        }
        Ok(())
    }
}
