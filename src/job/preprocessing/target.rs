//! The scale of the targets of a regression.

use super::settings::TargetScaleRequest;
use crate::{
    data::recipe::{Scale, Task},
    engine::{activation::Activation, field::FieldError, loss::Loss},
};
use serde::{Deserialize, Serialize};

/// How the target of an output is scaled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TargetScale {
    /// The output, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// The scale. It is fitted on the training rows and undone in predictions.
    pub scale: Scale,
    /// Why this scale.
    pub reason: String,
    /// What the loss is of: `scaled_target` or `target`. Metrics are in the target's own units.
    pub loss_of: LossOf,
}

/// What a loss is computed of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LossOf {
    /// The target in its own units.
    Target,
    /// The scaled target.
    ScaledTarget,
}

/// The scale of an output's target; `None` where it is no regression. `request` is an error for an output without one.
pub fn choose_target_scale(
    request: Option<&TargetScaleRequest>,
    output: Option<&str>,
    task: Task,
    loss: Loss,
    last: Option<Activation>,
    is_of_keras: bool,
) -> Result<Option<TargetScale>, FieldError> {
    if task != Task::Regression {
        return Ok(None);
    }
    let given = request.and_then(|request| request.scale.clone());
    let is_linear = matches!(last, None | Some(Activation::Linear));
    let scales = matches!(loss, Loss::MeanSquaredError | Loss::MeanAbsoluteError | Loss::Huber(_) | Loss::LogCosh);
    if let Some(step) = given.as_ref().and_then(Scale::first_without_inverse) {
        let detail = format!(
            "expected standardize, min_max, robust, log1p or none, which predictions can undo, received {step}"
        );
        return Err(FieldError::new("/preprocessing/target/scale", detail));
    }
    let (scale, reason) = match given {
        Some(scale) => (scale, "`preprocessing` of the job".to_owned()),
        None if is_of_keras => (Scale::none(), "the model is Keras's".to_owned()),
        None if !is_linear => (Scale::none(), "the output has an activation".to_owned()),
        None if !scales => (Scale::none(), "the loss depends on the units of the target".to_owned()),
        None => (Scale::standardize(), "the default of a linear output".to_owned()),
    };
    let loss_of = if scale.is_none() { LossOf::Target } else { LossOf::ScaledTarget };
    Ok(Some(TargetScale { output: output.map(str::to_owned), scale, reason, loss_of }))
}
