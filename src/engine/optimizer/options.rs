//! [`Options`].

use crate::engine::{field::FieldError, real::check, schedule::LearningRate};
use serde::{Deserialize, Serialize};

/// Options of every optimizer: Keras's base optimizer.
///
/// Each step clips the gradient, subtracts `weight_decay * learning_rate * w` from each weight w, and updates the
/// weights. With `gradient_accumulation_steps` = n only every n-th step does, with the mean of n gradients. With
/// `use_ema` the moving average of the weights is updated in each step and replaces the weights at the end. Keras's
/// `loss_scale_factor` has no effect in `f32`.
///
/// Source: <https://keras.io/api/optimizers/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = OptimizerOptions)]
pub struct Options {
    /// Learning rate: a number over 0, or a schedule such as `{"type": "cosine_decay", …}`.
    pub learning_rate: LearningRate,
    /// Weight decay: the fraction of each weight, times the learning rate, that is subtracted in each step.
    pub weight_decay: Option<f64>,
    /// Maximum norm of the gradient of each tensor; larger ones are scaled down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clipnorm: Option<f64>,
    /// Maximum norm of the gradient of all tensors together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub global_clipnorm: Option<f64>,
    /// Maximum absolute value of each element of the gradient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clipvalue: Option<f64>,
    /// Whether to replace the weights by their exponential moving average at the end of training.
    #[serde(skip_serializing_if = "is_false")]
    pub use_ema: bool,
    /// Momentum of the moving average, 0 to 1.
    #[serde(skip_serializing_if = "is_default_momentum")]
    pub ema_momentum: f64,
    /// Number of steps after which the weights are overwritten by their moving average. Default: only at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ema_overwrite_frequency: Option<u32>,
    /// Number of steps over which gradients are accumulated before an update, at least 2.
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
        let mut given = clips.into_iter().filter_map(|(name, max)| Some((name, max?)));
        given.clone().try_for_each(|(name, max)| check::positive(&format!("/{name}"), max))?;
        if let (Some((first, _)), Some((second, max))) = (given.next(), given.next()) {
            let detail = format!(
                "expected at most one of clipnorm, global_clipnorm and clipvalue, received {max:?} beside {first}"
            );
            return Err(FieldError::new(format!("/{second}"), detail));
        }
        check::fraction("/ema_momentum", self.ema_momentum)?;
        let min = |pointer: &str, min: u32, value: Option<u32>| match value {
            Some(value) if value < min => {
                Err(FieldError::new(pointer, format!("expected at least {min}, received {value}")))
            }
            _ => Ok(()),
        };
        min("/ema_overwrite_frequency", 1, self.ema_overwrite_frequency)?;
        min("/gradient_accumulation_steps", 2, self.gradient_accumulation_steps)
    }

    /// Whether it clips by norm.
    pub(super) fn clips_by_norm(&self) -> bool {
        self.clipnorm.is_some() || self.global_clipnorm.is_some()
    }

    /// Values of state per weight.
    pub(super) fn copies(&self) -> usize {
        usize::from(self.use_ema) + usize::from(self.gradient_accumulation_steps.is_some())
    }
}
