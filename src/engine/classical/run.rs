//! [`Run`]: what a fit is told from outside and tells.

use super::{FitError, TrainingData};
use std::sync::atomic::{AtomicBool, Ordering};

/// How far a fit is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// Trees, boosting rounds or iterations that are done.
    pub done: usize,
    /// How many there will be at most.
    pub total: usize,
    /// What is counted.
    pub unit: Unit,
    /// Name of the loss of the next two (`log_loss`, `squared_error`); `None` where the model computes none on its way.
    pub loss: Option<&'static str>,
    /// The loss on the training rows.
    pub training: Option<f64>,
    /// The loss on the validation rows.
    pub validation: Option<f64>,
}

/// What [`Progress`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Trees of a forest.
    Trees,
    /// Boosting rounds.
    Rounds,
    /// Iterations of a solver.
    Iterations,
}

/// The surroundings of a fit. Rayon's current thread pool computes (`pool.install(|| model.fit(…))`); the result has the same
/// bits for any number of threads.
pub struct Run<'a> {
    /// The seed where the model has no `random_state`.
    pub seed: u32,
    /// Set from outside to end the fit; looked at every few milliseconds.
    pub cancel: &'a AtomicBool,
    /// Set from outside to end the fit with the trees or rounds that it has; looked at after each call of `progress`. Models without a
    /// result before their end ignore it.
    pub finish: &'a AtomicBool,
    /// Called after every tree group, round or some iterations.
    pub progress: &'a mut (dyn FnMut(Progress) + Send),
    /// Rows that are not trained on: their loss is in [`Progress`], and early stopping uses them where the model has it.
    pub validation: Option<TrainingData<'a>>,
}

impl Run<'_> {
    /// Whether the fit is to end with what it has.
    pub fn is_finishing(&self) -> bool {
        self.finish.load(Ordering::Relaxed)
    }

    /// Fails if the fit was cancelled.
    pub fn check(&self) -> Result<(), FitError> {
        check_cancel(self.cancel)
    }
}

/// Fails if `cancel` is set.
pub fn check_cancel(cancel: &AtomicBool) -> Result<(), FitError> {
    if cancel.load(Ordering::Relaxed) { Err(FitError::Cancelled) } else { Ok(()) }
}
