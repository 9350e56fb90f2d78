//! [`Options`].

use crate::engine::{field::FieldError, real::check, schedule::LearningRate};
use serde::{Deserialize, Serialize};

/// What every optimizer has beside its rule: Keras's base optimizer.
///
/// In each step: the gradient is clipped, `weight_decay * learning_rate * w` is taken from each weight w, and the rule moves
/// the weights. With `gradient_accumulation_steps` = n that happens in every n-th step alone, with the mean of n gradients. With
/// `use_ema` the average of the weights follows each step, and replaces the weights where the fit ends. (Keras's
/// `loss_scale_factor` multiplies the loss and divides the gradient by the same number, which changes nothing in `f32`.)
///
/// Source: <https://keras.io/api/optimizers/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = OptimizerOptions)]
pub struct Options {
    /// The size of a step: a number over 0, or a schedule such as `{"type": "cosine_decay", …}`.
    pub learning_rate: LearningRate,
    /// The part of each weight, times the learning rate, that is taken away each step.
    pub weight_decay: Option<f64>,
    /// The greatest length of a tensor's gradient; longer ones are shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clipnorm: Option<f64>,
    /// The greatest length of the whole gradient, which is shortened where it is longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub global_clipnorm: Option<f64>,
    /// The greatest size of each number of the gradient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clipvalue: Option<f64>,
    /// Whether the model ends with the moving average of its weights.
    #[serde(skip_serializing_if = "is_false")]
    pub use_ema: bool,
    /// How slowly that average changes, 0 to 1.
    #[serde(skip_serializing_if = "is_default_momentum")]
    pub ema_momentum: f64,
    /// After how many steps the weights become their average, each time; only at the end where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ema_overwrite_frequency: Option<u32>,
    /// Steps whose gradients' mean moves the weights once, at least 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradient_accumulation_steps: Option<u32>,
}

const EMA_MOMENTUM: f64 = 0.99;

fn is_false(value: &bool) -> bool {
    !value
}

fn is_default_momentum(value: &f64) -> bool {
    *value == EMA_MOMENTUM
}

impl Default for Options {
    fn default() -> Self {
        Self {
            learning_rate: LearningRate::Constant(1e-3),
            weight_decay: None,
            clipnorm: None,
            global_clipnorm: None,
            clipvalue: None,
            use_ema: false,
            ema_momentum: EMA_MOMENTUM,
            ema_overwrite_frequency: None,
            gradient_accumulation_steps: None,
        }
    }
}

impl Options {
    /// Ranges; the pointer is below the optimizer.
    pub(super) fn check(&self) -> Result<(), FieldError> {
        self.learning_rate.check().map_err(|error| error.under("/learning_rate"))?;
        check::not_negative("/weight_decay", self.weight_decay.unwrap_or_default())?;
        let clips =
            [("clipnorm", self.clipnorm), ("global_clipnorm", self.global_clipnorm), ("clipvalue", self.clipvalue)];
        let mut given = clips.into_iter().filter_map(|(name, most)| Some((name, most?)));
        given.clone().try_for_each(|(name, most)| check::positive(&format!("/{name}"), most))?;
        if let (Some((first, _)), Some((second, most))) = (given.next(), given.next()) {
            let detail = format!(
                "expected at most one of clipnorm, global_clipnorm and clipvalue, received {most:?} beside {first}"
            );
            return Err(FieldError::new(format!("/{second}"), detail));
        }
        check::fraction("/ema_momentum", self.ema_momentum)?;
        let least = |pointer: &str, least: u32, value: Option<u32>| match value {
            Some(value) if value < least => {
                Err(FieldError::new(pointer, format!("expected at least {least}, received {value}")))
            }
            _ => Ok(()),
        };
        least("/ema_overwrite_frequency", 1, self.ema_overwrite_frequency)?;
        least("/gradient_accumulation_steps", 2, self.gradient_accumulation_steps)
    }

    /// Whether it asks for the length of a gradient.
    pub(super) fn clips_by_norm(&self) -> bool {
        self.clipnorm.is_some() || self.global_clipnorm.is_some()
    }

    /// Values that it keeps for each weight.
    pub(super) fn copies(&self) -> usize {
        usize::from(self.use_ema) + usize::from(self.gradient_accumulation_steps.is_some())
    }
}
