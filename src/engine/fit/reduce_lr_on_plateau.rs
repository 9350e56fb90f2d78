//! [`ReduceLrOnPlateau`].

use super::monitor::{Comparison, Mode};
use crate::engine::{field::FieldError, metric::Goal, real::check, state::Codec};
use serde::{Deserialize, Serialize};
use std::io;

/// Reduces the learning rate when a monitored value has stopped improving: Keras's `ReduceLROnPlateau`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReduceLrOnPlateau {
    /// The value to monitor: `loss`, `val_loss`, or the name of a metric, with `val_` for validation.
    pub monitor: String,
    /// Factor by which the learning rate is multiplied, above 0 and below 1.
    pub factor: f64,
    /// Number of epochs without improvement after which the learning rate is reduced.
    pub patience: u32,
    /// Minimum change that counts as an improvement, at least 0.
    pub min_delta: f64,
    /// Whether smaller or greater values are better; `auto` infers it from the monitor.
    pub mode: Mode,
    /// Number of epochs to wait after a reduction.
    pub cooldown: u32,
    /// Minimum learning rate, at least 0.
    pub min_lr: f64,
}

impl Default for ReduceLrOnPlateau {
    fn default() -> Self {
        Self {
            monitor: "val_loss".into(),
            factor: 0.1,
            patience: 10,
            min_delta: 1e-4,
            mode: Mode::Auto,
            cooldown: 0,
            min_lr: 0.0,
        }
    }
}

impl ReduceLrOnPlateau {
    /// Ranges of the settings.
    pub fn check(&self) -> Result<(), FieldError> {
        check::positive("/factor", self.factor)?;
        check::below_one("/factor", self.factor)?;
        check::not_negative("/min_delta", self.min_delta)?;
        check::not_negative("/min_lr", self.min_lr)
    }
}

/// State of [`ReduceLrOnPlateau`].
#[derive(Debug)]
pub(super) struct PlateauState<'a> {
    settings: &'a ReduceLrOnPlateau,
    comparison: Comparison,
    best: Option<f64>,
    wait: u32,
    cooldown: u32,
}

impl<'a> PlateauState<'a> {
    pub fn new(settings: &'a ReduceLrOnPlateau, goal: Goal) -> Self {
        let comparison = Comparison { goal, min_delta: settings.min_delta };
        Self { settings, comparison, best: None, wait: 0, cooldown: 0 }
    }

    /// Writes or reads everything that continues from epoch to epoch.
    pub fn state(&mut self, codec: &mut Codec<'_>) -> io::Result<()> {
        codec.optional(&mut self.best)?;
        codec.small_count(&mut self.wait)?;
        codec.small_count(&mut self.cooldown)
    }

    /// The learning rate after an epoch with this value and learning rate `rate`.
    pub fn observe(&mut self, value: f64, rate: f64) -> f64 {
        let settings = self.settings;
        if self.cooldown > 0 {
            self.cooldown -= 1;
            self.wait = 0;
        }
        if self.comparison.improves(value, self.best) {
            self.best = Some(value);
            self.wait = 0;
        } else if self.cooldown == 0 {
            self.wait += 1;
            if self.wait >= settings.patience && rate as f32 > settings.min_lr as f32 {
                self.cooldown = settings.cooldown;
                self.wait = 0;
                return (rate * settings.factor).max(settings.min_lr);
            }
        }
        rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_falls_after_patience_and_cooldown_down_to_its_minimum() {
        let settings = ReduceLrOnPlateau {
            monitor: "loss".into(),
            factor: 0.5,
            patience: 2,
            cooldown: 1,
            min_lr: 0.3,
            ..ReduceLrOnPlateau::default()
        };
        let mut plateau = PlateauState::new(&settings, Goal::Minimize);
        let mut rate = 1.0;
        let expected = [1.0, 1.0, 0.5, 0.5, 0.3, 0.3, 0.3, 0.3];
        for (epoch, expected) in expected.into_iter().enumerate() {
            rate = plateau.observe(if epoch == 0 { 1.0 } else { 0.99995 }, rate);
            assert_eq!(rate, expected, "epoch {epoch}");
        }
        assert_eq!(plateau.observe(0.5, rate), 0.3);
    }
}
