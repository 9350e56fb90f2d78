//! [`Dense`].

use crate::engine::{
    activation::Activation,
    constraint::Constraint,
    field::FieldError,
    init::Initializer,
    kernel::{self, Matrix, MatrixMut},
    layer::{Backward, Compute, Forward, Layer, MaskRule, ParameterSpec, Workspace, bias_activation, settings_checks},
    real::Real,
    regularizer::Regularizer,
    shape::{MAX_AXIS_SIZE, Shape},
};
use serde::{Deserialize, Serialize};

/// `y = activation(x · kernel + bias)`, along the last axis.
///
/// # Shapes
/// `[batch, …, inputs]` to `[batch, …, units]`; kernel `[inputs, units]`, bias `[units]`.
///
/// Source: <https://keras.io/api/layers/core_layers/dense/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Dense {
    /// Size of the output's last axis, at least 1.
    #[serde(deserialize_with = "settings_checks::count")]
    #[schema(minimum = 1, maximum = 2147483647)]
    pub units: usize,
    /// Activation function.
    #[serde(default)]
    pub activation: Activation,
    /// Whether the layer uses a bias.
    #[serde(default = "settings_checks::yes")]
    #[schema(default = true)]
    pub use_bias: bool,
    /// Initializer for the `kernel`.
    #[serde(default = "settings_checks::glorot_uniform")]
    pub kernel_initializer: Initializer,
    /// Initializer for the `bias`.
    #[serde(default = "settings_checks::zeros")]
    pub bias_initializer: Initializer,
    /// Regularizer for the `kernel`.
    #[serde(default)]
    pub kernel_regularizer: Option<Regularizer>,
    /// Regularizer for the `bias`.
    #[serde(default)]
    pub bias_regularizer: Option<Regularizer>,
    /// Activity regularizer: regularizer for the output, divided by the batch size.
    #[serde(default)]
    pub activity_regularizer: Option<Regularizer>,
    /// Constraint applied to the `kernel` after each step.
    #[serde(default)]
    pub kernel_constraint: Option<Constraint>,
    /// Constraint applied to the `bias` after each step.
    #[serde(default)]
    pub bias_constraint: Option<Constraint>,
}

const KERNEL: usize = 0;
const BIAS: usize = 1;

impl Layer for Dense {
    fn check(&self) -> Result<(), FieldError> {
        settings_checks::range(
            (1..=MAX_AXIS_SIZE).contains(&self.units),
            "/units",
            &format!("1 to {MAX_AXIS_SIZE}"),
            self.units,
        )?;
        self.activation.check().map_err(|error| error.under("/activation"))?;
        settings_checks::parameter(
            "kernel",
            &self.kernel_initializer,
            self.kernel_regularizer.as_ref(),
            self.kernel_constraint.as_ref(),
        )?;
        settings_checks::parameter(
            "bias",
            &self.bias_initializer,
            self.bias_regularizer.as_ref(),
            self.bias_constraint.as_ref(),
        )
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let mut shape = inputs[0].clone();
        match shape.0.last_mut() {
            Some(last) => *last = self.units,
            None => shape.0.push(self.units),
        }
        Ok(shape)
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let shape = Shape(vec![inputs[0].last(), self.units]);
        let (regularizer, constraint) = (self.kernel_regularizer, self.kernel_constraint.as_ref());
        let kernel = ParameterSpec::trained("kernel", shape, &self.kernel_initializer, regularizer, constraint);
        let (regularizer, constraint) = (self.bias_regularizer, self.bias_constraint.as_ref());
        let shape = Shape::vector(self.units);
        let bias = ParameterSpec::trained("bias", shape, &self.bias_initializer, regularizer, constraint);
        std::iter::once(kernel).chain(self.use_bias.then_some(bias)).collect()
    }

    fn mask(&self, _: &[Shape], _: &[Option<Shape>]) -> MaskRule {
        MaskRule::Pass(0)
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        let positions = inputs[0].elements() / inputs[0].last();
        let sums = if self.activation.needs_input() { positions * self.units } else { 0 };
        Workspace { kept_per_row: sums, ..Workspace::default() }
    }

    fn cost(&self, inputs: &[Shape]) -> u64 {
        2 * inputs[0].elements() as u64 * self.units as u64
    }

    fn product_rows(&self, inputs: &[Shape]) -> Option<usize> {
        Some(inputs[0].elements() / inputs[0].last())
    }

    fn last_activation(&self) -> Option<Activation> {
        Some(self.activation)
    }

    fn outer_product(&self) -> Option<usize> {
        Some(KERNEL)
    }

    fn activity_regularizer(&self) -> Option<Regularizer> {
        self.activity_regularizer
    }
}

impl<F: Real> Compute<F> for Dense {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let inputs = cx.inputs.shape(0).last();
        let x = Matrix::new(cx.inputs.get(0), inputs);
        let kernel = Matrix::new(cx.parameters.get(KERNEL), self.units);
        kernel::product_shared(cx.team, x, kernel, MatrixMut::new(cx.output, self.units));
        let bias = self.use_bias.then(|| cx.parameters.get(BIAS));
        let activation = (!cx.pass.logits).then_some(self.activation);
        bias_activation::add_bias_and_activate(bias, activation, self.units, cx.kept, cx.output);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        if !cx.pass.logits {
            self.activation.backward(cx.kept, cx.output, cx.output_gradient, self.units);
        }
        let inputs = cx.inputs.shape(0).last();
        let x = Matrix::new(cx.inputs.get(0), inputs);
        let dy = Matrix::new(&*cx.output_gradient, self.units);
        let accumulate = cx.parameter_gradients.accumulate;
        if let Some(gradient) = cx.parameter_gradients.get(KERNEL) {
            kernel::product(x.transposed(), dy, gradient, accumulate);
        }
        if self.use_bias
            && let Some(gradient) = cx.parameter_gradients.get(BIAS)
        {
            kernel::sum_rows(dy.elements(), gradient, accumulate);
        }
        if let Some(dx) = cx.input_gradients.get(0) {
            let kernel = Matrix::new(cx.parameters.get(KERNEL), self.units);
            kernel::product(dy, kernel.transposed(), dx, false);
        }
    }
}
