//! [`Dense`].

use crate::engine::{
    activation::Activation,
    constraint::Constraint,
    field::FieldError,
    init::Initializer,
    input_layout::{LookedUp, Segment},
    kernel::{self, Matrix, MatrixMut},
    layer::{Backward, Compute, Forward, Layer, MaskRule, ParameterSpec, Workspace, bias_activation, settings_checks},
    real::Real,
    regularizer::Regularizer,
    shape::{MAX_AXIS_SIZE, Shape},
};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// `y = activation(x · kernel + bias)`, along the last axis.
///
/// # Shapes
/// `[batch, …, inputs]` to `[batch, …, units]`; kernel `[inputs, units]`, bias `[units]`.
///
/// Over one-hot columns of 64 and more levels at the model's input, rows of the kernel are looked up instead of
/// multiplied.
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

impl Dense {
    /// `x · kernel`, where the product with the elements of a wide one-hot column is a row of the kernel.
    fn look_up<F: Real>(&self, x: Matrix<'_, F>, kernel: &[F], looked_up: LookedUp<'_>, output: &mut [F]) {
        let mut accumulate = false;
        for Segment { elements, .. } in looked_up.segments.iter().filter(|segment| segment.looked_up.is_none()) {
            let rows = Matrix::new(self.rows(kernel, elements), self.units);
            kernel::product(x.columns(elements.clone()), rows, output, accumulate);
            accumulate = true;
        }
        if !accumulate {
            output.fill(F::ZERO);
        }
        for Segment { elements, looked_up: column } in looked_up.segments {
            if let Some(column) = *column {
                kernel::add_looked_up(self.rows(kernel, elements), self.units, looked_up.rows(column), output);
            }
        }
    }

    /// `xᵀ · dy`, where the product with a wide one-hot column adds each row of `dy` to a row of the gradient.
    fn scatter<F: Real>(
        &self,
        x: Matrix<'_, F>,
        dy: Matrix<'_, F>,
        looked_up: LookedUp<'_>,
        gradient: &mut [F],
        accumulate: bool,
    ) {
        for Segment { elements, looked_up: column } in looked_up.segments {
            let gradient = &mut gradient[elements.start * self.units..elements.end * self.units];
            match *column {
                None => kernel::product(x.columns(elements.clone()).transposed(), dy, gradient, accumulate),
                Some(column) => {
                    if !accumulate {
                        gradient.fill(F::ZERO);
                    }
                    kernel::add_at(dy.elements(), self.units, looked_up.rows(column), gradient);
                }
            }
        }
    }

    /// The rows of the kernel for some elements of the input.
    fn rows<'a, F>(&self, kernel: &'a [F], elements: &Range<usize>) -> &'a [F] {
        &kernel[elements.start * self.units..elements.end * self.units]
    }
}

impl<F: Real> Compute<F> for Dense {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let inputs = cx.inputs.shape(0).last();
        let x = Matrix::new(cx.inputs.get(0), inputs);
        let weights = cx.parameters.get(KERNEL);
        match cx.inputs.looked_up(0) {
            None => {
                let kernel = Matrix::new(weights, self.units);
                kernel::product_shared(cx.team, x, kernel, MatrixMut::new(cx.output, self.units));
            }
            Some(looked_up) => self.look_up(x, weights, looked_up, cx.output),
        }
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
            match cx.inputs.looked_up(0) {
                None => kernel::product(x.transposed(), dy, gradient, accumulate),
                Some(looked_up) => self.scatter(x, dy, looked_up, gradient, accumulate),
            }
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
