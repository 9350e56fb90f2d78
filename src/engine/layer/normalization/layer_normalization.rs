//! [`LayerNormalization`].

use super::normalize::Normalization;
use crate::engine::{
    constraint::Constraint,
    field::FieldError,
    init::Initializer,
    layer::{
        Backward, Compute, Forward, Layer, MaskRule, ParameterSpec, Workspace, axes::Axes, settings_checks, transpose,
    },
    real::{Real, check},
    regularizer::Regularizer,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// `y = gamma * (x - mean) / sqrt(variance + epsilon) + beta`, with the mean and the (biased) variance over `axis`.
///
/// # Shapes
/// Any, unchanged; gamma and beta have the sizes of the axes in `axis`.
///
/// Source: <https://keras.io/api/layers/normalization_layers/layer_normalization/>, <https://arxiv.org/abs/1607.06450>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LayerNormalization {
    /// The axes that are normalized together, counted with the batch axis or from the last one, which is -1: one, or a list.
    pub axis: Axes,
    /// Added to the variance, more than 0.
    pub epsilon: f64,
    /// Whether there is a beta.
    pub center: bool,
    /// Whether there is a gamma.
    pub scale: bool,
    /// Initializer for the `beta`.
    pub beta_initializer: Initializer,
    /// Initializer for the `gamma`.
    pub gamma_initializer: Initializer,
    /// Regularizer for the `beta`.
    pub beta_regularizer: Option<Regularizer>,
    /// Regularizer for the `gamma`.
    pub gamma_regularizer: Option<Regularizer>,
    /// Constraint applied to the `beta` after each step.
    pub beta_constraint: Option<Constraint>,
    /// Constraint applied to the `gamma` after each step.
    pub gamma_constraint: Option<Constraint>,
}

impl Default for LayerNormalization {
    fn default() -> Self {
        Self {
            axis: Axes::LAST,
            epsilon: 1e-3,
            center: true,
            scale: true,
            beta_initializer: Initializer::Zeros,
            gamma_initializer: Initializer::Ones,
            beta_regularizer: None,
            gamma_regularizer: None,
            beta_constraint: None,
            gamma_constraint: None,
        }
    }
}

impl LayerNormalization {
    fn normalization(&self, shape: &Shape) -> Normalization {
        Normalization {
            centered: true,
            epsilon: self.epsilon,
            width: self.axis.width(shape),
            scale: self.scale.then_some(0),
            shift: self.center.then_some(usize::from(self.scale)),
        }
    }
}

impl Layer for LayerNormalization {
    fn check(&self) -> Result<(), FieldError> {
        check::positive("/epsilon", self.epsilon)?;
        settings_checks::parameter(
            "beta",
            &self.beta_initializer,
            self.beta_regularizer.as_ref(),
            self.beta_constraint.as_ref(),
        )?;
        settings_checks::parameter(
            "gamma",
            &self.gamma_initializer,
            self.gamma_regularizer.as_ref(),
            self.gamma_constraint.as_ref(),
        )
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        self.axis.places(&inputs[0])?;
        Ok(inputs[0].clone())
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let shape = self.axis.sizes(&inputs[0]);
        let gamma = (&self.gamma_initializer, self.gamma_regularizer, self.gamma_constraint.as_ref());
        let beta = (&self.beta_initializer, self.beta_regularizer, self.beta_constraint.as_ref());
        ParameterSpec::gamma_and_beta(&shape, self.scale.then_some(gamma), self.center.then_some(beta))
    }

    fn mask(&self, _: &[Shape], _: &[Option<Shape>]) -> MaskRule {
        MaskRule::Pass(0)
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        self.normalization(&inputs[0]).workspace(&inputs[0], &self.axis.places(&inputs[0]).unwrap_or_default())
    }

    fn tables(&self, inputs: &[Shape]) -> Vec<Vec<u32>> {
        transpose::tables(&inputs[0], &self.axis.places(&inputs[0]).unwrap_or_default())
    }

    fn cost(&self, inputs: &[Shape]) -> u64 {
        8 * inputs[0].elements() as u64
    }
}

impl<F: Real> Compute<F> for LayerNormalization {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        self.normalization(cx.inputs.shape(0)).forward(cx);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        self.normalization(cx.inputs.shape(0)).backward(cx);
    }
}
