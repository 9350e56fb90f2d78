//! [`FitState`]: what continues from epoch to epoch, to be written and to be continued by [`resume`](super::resume).

use super::{
    early_stopping::EarlyStoppingState, logged::Logged, passes::Passes, reduce_lr_on_plateau::PlateauState,
    trainer::Trainer,
};
use crate::engine::{
    real::Real,
    state::{Codec, invalid},
};
use std::io::{self, Write};

/// The state of a fit after an epoch.
pub trait FitState {
    /// Writes it. A fit that continues from it has the bits of one that was never interrupted.
    fn write(&mut self, out: &mut dyn Write) -> io::Result<()>;
}

/// The weights and the logs of an epoch, to be restored.
pub(super) struct Checkpoint<F> {
    /// 0 if nothing is saved.
    pub epoch: u32,
    logs: Vec<(String, f64)>,
    weights: Vec<F>,
}

impl<F> Default for Checkpoint<F> {
    fn default() -> Self {
        Self { epoch: 0, logs: Vec::new(), weights: Vec::new() }
    }
}

impl<F: Real> Checkpoint<F> {
    pub fn save(&mut self, epoch: u32, logs: &[(String, f64)], trainer: &Trainer<'_, F>) {
        self.epoch = epoch;
        logs.clone_into(&mut self.logs);
        trainer.save(&mut self.weights);
    }

    pub fn restore(self, trainer: &mut Trainer<'_, F>) -> (u32, Vec<(String, f64)>) {
        trainer.restore(&self.weights);
        (self.epoch, self.logs)
    }

    fn state(&mut self, codec: &mut Codec<'_>, logged: &[Logged], elements: usize) -> io::Result<()> {
        codec.small_count(&mut self.epoch)?;
        let count = codec.length(self.logs.len(), logged.len())?;
        if self.logs.len() != count {
            self.logs = logged.iter().take(count).map(|log| (log.name.clone(), 0.0)).collect();
        }
        self.logs.iter_mut().try_for_each(|(_, value)| codec.number(value))?;
        codec.vector(&mut self.weights, elements)?;
        let is_whole = self.weights.len() == elements || (self.epoch == 0 && self.weights.is_empty());
        if is_whole { Ok(()) } else { Err(invalid()) }
    }
}

/// Everything that continues from epoch to epoch.
pub(super) struct LoopState<'s, 'a, 'p, F> {
    pub trainer: &'s mut Trainer<'a, F>,
    pub passes: &'s mut Passes<'a>,
    pub reduced: &'s mut Option<f64>,
    pub early_stopping: Option<&'s mut EarlyStoppingState<'p>>,
    pub plateau: Option<&'s mut PlateauState<'p>>,
    pub best: &'s mut Checkpoint<F>,
    pub last: &'s mut Checkpoint<F>,
    pub best_loss: &'s mut f64,
    pub epoch: &'s mut u32,
    pub best_epoch: &'s mut u32,
    pub logged: &'s [Logged],
}

impl<F: Real> LoopState<'_, '_, '_, F> {
    /// Writes or reads it.
    pub fn visit(&mut self, codec: &mut Codec<'_>) -> io::Result<()> {
        let elements = self.trainer.elements();
        codec.small_count(self.epoch)?;
        codec.small_count(self.best_epoch)?;
        codec.number(self.best_loss)?;
        codec.optional(self.reduced)?;
        self.passes.state(codec)?;
        if let Some(early_stopping) = &mut self.early_stopping {
            early_stopping.state(codec)?;
        }
        if let Some(plateau) = &mut self.plateau {
            plateau.state(codec)?;
        }
        self.best.state(codec, self.logged, elements)?;
        self.last.state(codec, self.logged, elements)?;
        self.trainer.state(codec)
    }
}

impl<F: Real> FitState for LoopState<'_, '_, '_, F> {
    fn write(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.visit(&mut Codec::Write(out))
    }
}
