//! [`PositionEmbedding`].

use crate::engine::{
    constraint::Constraint,
    field::FieldError,
    init::Initializer,
    kernel,
    layer::{Backward, Compute, Forward, Layer, MaskRule, ParameterSpec, settings_checks},
    real::Real,
    regularizer::Regularizer,
    shape::{MAX_AXIS_SIZE, Shape},
};
use serde::{Deserialize, Serialize};

/// `y = x + embeddings`: each step gets a vector of its own added, which is learned.
///
/// # Shapes
/// `[batch, steps, dim]`, unchanged; embeddings `[sequence_length, dim]`, of which the first `steps` are added.
///
/// Source: <https://keras.io/keras_hub/api/modeling_layers/position_embedding/>, which gives the vectors and leaves the sum
/// to an `Add` after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PositionEmbedding {
    /// Most steps; those of the input where absent.
    #[serde(default, deserialize_with = "settings_checks::optional_count")]
    #[schema(minimum = 1, maximum = 2147483647)]
    pub sequence_length: Option<usize>,
    /// Initializer for the `embeddings`.
    #[serde(default = "settings_checks::glorot_uniform")]
    pub embeddings_initializer: Initializer,
    /// Regularizer for the `embeddings`.
    #[serde(default)]
    pub embeddings_regularizer: Option<Regularizer>,
    /// Constraint applied to the `embeddings` after each step.
    #[serde(default)]
    pub embeddings_constraint: Option<Constraint>,
}

impl Layer for PositionEmbedding {
    fn check(&self) -> Result<(), FieldError> {
        settings_checks::parameter(
            "embeddings",
            &self.embeddings_initializer,
            self.embeddings_regularizer.as_ref(),
            self.embeddings_constraint.as_ref(),
        )
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        settings_checks::sequence(&inputs[0])?;
        let (steps, most) = (inputs[0].0[0], self.sequence_length.unwrap_or(MAX_AXIS_SIZE));
        settings_checks::range(
            steps <= most,
            "/sequence_length",
            &format!("at least the input's {steps} steps"),
            most,
        )?;
        Ok(inputs[0].clone())
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let steps = self.sequence_length.unwrap_or(inputs[0].0[0]);
        vec![ParameterSpec::trained(
            "embeddings",
            Shape(vec![steps, inputs[0].last()]),
            &self.embeddings_initializer,
            self.embeddings_regularizer,
            self.embeddings_constraint.as_ref(),
        )]
    }

    fn mask(&self, _: &[Shape], _: &[Option<Shape>]) -> MaskRule {
        MaskRule::Pass(0)
    }
}

impl<F: Real> Compute<F> for PositionEmbedding {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        cx.output.copy_from_slice(cx.inputs.get(0));
        let embeddings = &cx.parameters.get(0)[..cx.inputs.shape(0).elements()];
        kernel::add_to_rows(embeddings, cx.output);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let accumulate = cx.parameter_gradients.accumulate;
        if let Some(gradient) = cx.parameter_gradients.get(0) {
            let (used, unused) = gradient.split_at_mut(cx.inputs.shape(0).elements());
            kernel::sum_rows(cx.output_gradient, used, accumulate);
            if !accumulate {
                unused.fill(F::ZERO);
            }
        }
        if let Some(gradient) = cx.input_gradients.get(0) {
            gradient.copy_from_slice(cx.output_gradient);
        }
    }
}
