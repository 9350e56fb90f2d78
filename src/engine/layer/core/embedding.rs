//! [`Embedding`].

use crate::engine::{
    constraint::Constraint,
    field::FieldError,
    init::{Initializer, RandomUniform},
    kernel,
    layer::{Backward, Compute, Forward, Layer, MaskRule, ParameterSpec, settings_checks},
    real::Real,
    regularizer::Regularizer,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// `y = embeddings[x]`: a vector that is learned for each of `input_dim` whole numbers.
///
/// Rows in which a number is not whole or out of range are refused before a job trains on them and before a prediction.
///
/// # Shapes
/// `[batch, …]` to `[batch, …, output_dim]`; embeddings `[input_dim, output_dim]`.
///
/// Source: <https://keras.io/api/layers/core_layers/embedding/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Embedding {
    /// How many numbers there are: 0 to this, without this.
    #[serde(deserialize_with = "settings_checks::count")]
    #[schema(minimum = 1, maximum = 2147483647)]
    pub input_dim: usize,
    /// Elements of each vector.
    #[serde(deserialize_with = "settings_checks::count")]
    #[schema(minimum = 1, maximum = 2147483647)]
    pub output_dim: usize,
    /// Initializer for the `embeddings`.
    #[serde(default = "uniform")]
    pub embeddings_initializer: Initializer,
    /// Regularizer for the `embeddings`.
    #[serde(default)]
    pub embeddings_regularizer: Option<Regularizer>,
    /// Activity regularizer: regularizer for the output, divided by the batch size.
    #[serde(default)]
    pub activity_regularizer: Option<Regularizer>,
    /// Constraint applied to the `embeddings` after each step.
    #[serde(default)]
    pub embeddings_constraint: Option<Constraint>,
    /// Whether 0 is padding, which the layers after this one leave out.
    #[serde(default)]
    pub mask_zero: bool,
}

/// Keras's default initializer of embeddings.
fn uniform() -> Initializer {
    Initializer::RandomUniform(RandomUniform::default())
}

const EMBEDDINGS: usize = 0;

impl Embedding {
    /// Where the vector of `x` lies. Numbers out of range, which are refused before, stay within the table.
    fn place<F: Real>(&self, x: F) -> std::ops::Range<usize> {
        let first = (x.to_f64() as usize).min(self.input_dim - 1) * self.output_dim;
        first..first + self.output_dim
    }
}

impl Layer for Embedding {
    fn check(&self) -> Result<(), FieldError> {
        let (regularizer, constraint) = (self.embeddings_regularizer.as_ref(), self.embeddings_constraint.as_ref());
        settings_checks::parameter("embeddings", &self.embeddings_initializer, regularizer, constraint)
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        Ok(Shape([inputs[0].0.as_slice(), &[self.output_dim]].concat()))
    }

    fn parameters(&self, _: &[Shape]) -> Vec<ParameterSpec> {
        vec![ParameterSpec::trained(
            "embeddings",
            Shape(vec![self.input_dim, self.output_dim]),
            &self.embeddings_initializer,
            self.embeddings_regularizer,
            self.embeddings_constraint.as_ref(),
        )]
    }

    fn looks_up(&self) -> Option<usize> {
        Some(self.input_dim)
    }

    fn mask(&self, inputs: &[Shape], _: &[Option<Shape>]) -> MaskRule {
        if self.mask_zero { MaskRule::Write(inputs[0].clone()) } else { MaskRule::Drop }
    }

    fn cost(&self, inputs: &[Shape]) -> u64 {
        inputs[0].elements() as u64 * self.output_dim as u64
    }

    fn activity_regularizer(&self) -> Option<Regularizer> {
        self.activity_regularizer
    }

    fn begins_mask(&self) -> bool {
        true
    }
}

impl<F: Real> Compute<F> for Embedding {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let (x, embeddings) = (cx.inputs.get(0), cx.parameters.get(EMBEDDINGS));
        for (y, &x) in cx.output.chunks_exact_mut(self.output_dim).zip(x) {
            y.copy_from_slice(&embeddings[self.place(x)]);
        }
        for (mask, &x) in cx.mask.iter_mut().zip(x) {
            *mask = if x == F::ZERO { F::ZERO } else { F::ONE };
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let accumulate = cx.parameter_gradients.accumulate;
        if let Some(gradient) = cx.parameter_gradients.get(EMBEDDINGS) {
            if !accumulate {
                gradient.fill(F::ZERO);
            }
            for (dy, &x) in cx.output_gradient.chunks_exact(self.output_dim).zip(cx.inputs.get(0)) {
                kernel::add(dy, &mut gradient[self.place(x)]);
            }
        }
        // A whole number has no neighbours to move to.
        if let Some(dx) = cx.input_gradients.get(0) {
            dx.fill(F::ZERO);
        }
    }
}
