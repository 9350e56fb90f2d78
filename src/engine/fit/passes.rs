//! [`Passes`].

use super::FitPlan;
use crate::engine::random::{self, Purpose};
use rand::seq::SliceRandom;

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
            if self.plan.shuffle {
                self.order.iter_mut().enumerate().for_each(|(index, row)| *row = index);
                self.order.shuffle(&mut random::stream(self.plan.seed, Purpose::Shuffle, self.pass));
            }
        }
        let start = self.seen;
        self.seen = self.order.len().min(start + self.plan.batch_size);
        &self.order[start..self.seen]
    }
}
