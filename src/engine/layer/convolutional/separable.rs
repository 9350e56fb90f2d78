//! [`SeparableConvolution`]: [`SeparableConv1d`] and [`SeparableConv2d`].

use super::{Padding, Planes, Sizes, Window, check, check_axes, volume};
use crate::engine::{
    activation::Activation,
    constraint::Constraint,
    field::FieldError,
    init::Initializer,
    kernel::{self, Matrix},
    layer::{Backward, Compute, Forward, Layer, ParameterSpec, Workspace, bias_activation, settings_checks},
    real::Real,
    regularizer::Regularizer,
    shape::{MAX_AXIS_SIZE, Shape},
};
use serde::{Deserialize, Serialize};

/// `y[o, f] = activation(Σ z[o, i] * pointwise_kernel[i, f] + bias[f])` with
/// `z[o, c * depth_multiplier + m] = Σ x[o * strides + tap * dilation_rate - padding, c] * depthwise_kernel[tap, c, m]`:
/// each channel separately, then all of them at each position.
///
/// # Shapes
/// `separable_conv1d`: `[batch, steps, channels]` to `[batch, new steps, filters]`; depthwise_kernel `[kernel size,
/// channels, depth_multiplier]`, pointwise_kernel `[1, channels * depth_multiplier, filters]`. `separable_conv2d`: `[batch,
/// rows, columns, channels]` to `[batch, new rows, new columns, filters]`; depthwise_kernel `[kernel rows, kernel columns,
/// channels, depth_multiplier]`, pointwise_kernel `[1, 1, channels * depth_multiplier, filters]`. bias `[filters]`.
///
/// Source: <https://keras.io/api/layers/convolution_layers/separable_convolution1d/>,
/// <https://keras.io/api/layers/convolution_layers/separable_convolution2d/>, <https://arxiv.org/abs/1610.02357>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeparableConvolution<const AXES: usize> {
    /// Size of the output's last axis, at least 1.
    #[serde(deserialize_with = "settings_checks::count")]
    #[schema(minimum = 1, maximum = 2147483647)]
    pub filters: usize,
    /// Kernel size along each axis, at least 1.
    #[schema(schema_with = Sizes::<AXES>::schema)]
    pub kernel_size: Sizes<AXES>,
    /// Stride along each axis, at least 1.
    #[serde(default = "Sizes::ones")]
    #[schema(schema_with = Sizes::<AXES>::schema)]
    pub strides: Sizes<AXES>,
    /// Padding: `valid` (none) or `same`.
    #[serde(default)]
    pub padding: Padding,
    /// Dilation rate along each axis, at least 1.
    #[serde(default = "Sizes::ones")]
    #[schema(schema_with = Sizes::<AXES>::schema)]
    pub dilation_rate: Sizes<AXES>,
    /// Sums of each channel, at least 1.
    #[serde(default = "settings_checks::one", deserialize_with = "settings_checks::count")]
    #[schema(default = 1, minimum = 1, maximum = 2147483647)]
    pub depth_multiplier: usize,
    /// Activation function.
    #[serde(default)]
    pub activation: Activation,
    /// Whether the layer uses a bias.
    #[serde(default = "settings_checks::yes")]
    #[schema(default = true)]
    pub use_bias: bool,
    /// Initializer for the `depthwise_kernel`.
    #[serde(default = "settings_checks::glorot_uniform")]
    pub depthwise_initializer: Initializer,
    /// Initializer for the `pointwise_kernel`.
    #[serde(default = "settings_checks::glorot_uniform")]
    pub pointwise_initializer: Initializer,
    /// Initializer for the `bias`.
    #[serde(default = "settings_checks::zeros")]
    pub bias_initializer: Initializer,
    /// Regularizer for the `depthwise_kernel`.
    #[serde(default)]
    pub depthwise_regularizer: Option<Regularizer>,
    /// Regularizer for the `pointwise_kernel`.
    #[serde(default)]
    pub pointwise_regularizer: Option<Regularizer>,
    /// Regularizer for the `bias`.
    #[serde(default)]
    pub bias_regularizer: Option<Regularizer>,
    /// Activity regularizer: regularizer for the output, divided by the batch size.
    #[serde(default)]
    pub activity_regularizer: Option<Regularizer>,
    /// Constraint applied to the `depthwise_kernel` after each step.
    #[serde(default)]
    pub depthwise_constraint: Option<Constraint>,
    /// Constraint applied to the `pointwise_kernel` after each step.
    #[serde(default)]
    pub pointwise_constraint: Option<Constraint>,
    /// Constraint applied to the `bias` after each step.
    #[serde(default)]
    pub bias_constraint: Option<Constraint>,
}

/// A separable convolution of sequences.
pub type SeparableConv1d = SeparableConvolution<1>;
/// A separable convolution of images.
pub type SeparableConv2d = SeparableConvolution<2>;

const DEPTHWISE: usize = 0;
const POINTWISE: usize = 1;
const BIAS: usize = 2;

impl<const AXES: usize> SeparableConvolution<AXES> {
    fn planes(&self, input: &Shape) -> Planes {
        let window = Window::new(volume(input), self.kernel_size, self.strides, self.dilation_rate, self.padding);
        Planes { window, channels: input.last(), multiplier: self.depth_multiplier }
    }

    fn sums(&self, planes: &Planes) -> usize {
        if self.activation.needs_input() { planes.window.outputs() * self.filters } else { 0 }
    }
}

impl<const AXES: usize> Layer for SeparableConvolution<AXES> {
    fn check(&self) -> Result<(), FieldError> {
        for (name, count) in [("/filters", self.filters), ("/depth_multiplier", self.depth_multiplier)] {
            settings_checks::range(
                (1..=MAX_AXIS_SIZE).contains(&count),
                name,
                &format!("1 to {MAX_AXIS_SIZE}"),
                count,
            )?;
        }
        self.kernel_size.check("/kernel_size", 1)?;
        self.strides.check("/strides", 1)?;
        self.padding.check_around()?;
        self.dilation_rate.check("/dilation_rate", 1)?;
        self.activation.check().map_err(|error| error.under("/activation"))?;
        let (regularizer, constraint) = (self.depthwise_regularizer.as_ref(), self.depthwise_constraint.as_ref());
        settings_checks::parameter("depthwise", &self.depthwise_initializer, regularizer, constraint)?;
        let (regularizer, constraint) = (self.pointwise_regularizer.as_ref(), self.pointwise_constraint.as_ref());
        settings_checks::parameter("pointwise", &self.pointwise_initializer, regularizer, constraint)?;
        settings_checks::parameter(
            "bias",
            &self.bias_initializer,
            self.bias_regularizer.as_ref(),
            self.bias_constraint.as_ref(),
        )
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        check_axes::<AXES>(&inputs[0])?;
        let planes = self.planes(&inputs[0]);
        check(&inputs[0], &planes.window, planes.width().max(self.filters), self.padding)?;
        Ok(planes.window.output_shape::<AXES>(self.filters))
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let planes = self.planes(&inputs[0]);
        let depthwise = Shape([&self.kernel_size.0[..], &[planes.channels, planes.multiplier]].concat());
        let pointwise = Shape([&[1; AXES][..], &[planes.width(), self.filters]].concat());
        let (initializer, regularizer) = (&self.depthwise_initializer, self.depthwise_regularizer);
        let constraint = self.depthwise_constraint.as_ref();
        let depthwise = ParameterSpec::trained("depthwise_kernel", depthwise, initializer, regularizer, constraint);
        let (initializer, regularizer) = (&self.pointwise_initializer, self.pointwise_regularizer);
        let constraint = self.pointwise_constraint.as_ref();
        let pointwise = ParameterSpec::trained("pointwise_kernel", pointwise, initializer, regularizer, constraint);
        let (regularizer, constraint) = (self.bias_regularizer, self.bias_constraint.as_ref());
        let shape = Shape::vector(self.filters);
        let bias = ParameterSpec::trained("bias", shape, &self.bias_initializer, regularizer, constraint);
        [depthwise, pointwise].into_iter().chain(self.use_bias.then_some(bias)).collect()
    }

    /// Kept: what the depthwise kernel gives, and the sums where the activation asks for them.
    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        let planes = self.planes(&inputs[0]);
        let middle = planes.output_elements();
        Workspace { kept_per_row: middle + self.sums(&planes), scratch: planes.room() + middle, ..Workspace::default() }
    }

    fn cost(&self, inputs: &[Shape]) -> u64 {
        let planes = self.planes(&inputs[0]);
        planes.cost().saturating_add(2 * (planes.output_elements() as u64).saturating_mul(self.filters as u64))
    }

    fn product_rows(&self, inputs: &[Shape]) -> Option<usize> {
        Some(self.planes(&inputs[0]).outputs())
    }

    fn last_activation(&self) -> Option<Activation> {
        Some(self.activation)
    }

    fn activity_regularizer(&self) -> Option<Regularizer> {
        self.activity_regularizer
    }
}

impl<F: Real, const AXES: usize> Compute<F> for SeparableConvolution<AXES> {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let planes = self.planes(cx.inputs.shape(0));
        let (room, spare) = cx.scratch.split_at_mut(planes.room());
        let (depthwise, pointwise) = (cx.parameters.get(DEPTHWISE), cx.parameters.get(POINTWISE));
        let bias = self.use_bias.then(|| cx.parameters.get(BIAS));
        let activation = (!cx.pass.logits).then_some(self.activation);
        let mut kept = cx.kept.chunks_exact_mut(planes.output_elements() + self.sums(&planes));
        let outputs = cx.output.chunks_exact_mut(planes.window.outputs() * self.filters);
        for (image, output) in cx.inputs.get(0).chunks_exact(planes.image_cells()).zip(outputs) {
            let (middle, sums) = match kept.next() {
                Some(kept) => kept.split_at_mut(planes.output_elements()),
                None => (&mut spare[..planes.output_elements()], &mut [][..]),
            };
            planes.forward(planes.framed(image, room), depthwise, middle);
            let middle = Matrix::new(&*middle, planes.width());
            kernel::product(middle, Matrix::new(pointwise, self.filters), output, false);
            bias_activation::add_bias_and_activate(bias, activation, self.filters, sums, output);
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let planes = self.planes(cx.inputs.shape(0));
        let (room, spare) = cx.scratch.split_at_mut(planes.room());
        let middle_gradient = &mut spare[..planes.output_elements()];
        let activation = (!cx.pass.logits).then_some(self.activation);
        let mut accumulate = cx.parameter_gradients.accumulate;
        let kept = cx.kept.chunks_exact(planes.output_elements() + self.sums(&planes));
        let mut input_gradients = cx.input_gradients.get(0).map(|dx| dx.chunks_exact_mut(planes.image_cells()));
        let cells = planes.window.outputs() * self.filters;
        let images = cx.inputs.get(0).chunks_exact(planes.image_cells()).zip(kept);
        let outputs = cx.output.chunks_exact(cells).zip(cx.output_gradient.chunks_exact_mut(cells));
        for ((image, kept), (output, dy)) in images.zip(outputs) {
            let (middle, sums) = kept.split_at(planes.output_elements());
            if let Some(activation) = activation {
                activation.backward(sums, output, dy, self.filters);
            }
            let dy = Matrix::new(&*dy, self.filters);
            if self.use_bias
                && let Some(gradient) = cx.parameter_gradients.get(BIAS)
            {
                kernel::sum_rows(dy.elements(), gradient, accumulate);
            }
            if let Some(gradient) = cx.parameter_gradients.get(POINTWISE) {
                kernel::product(Matrix::new(middle, planes.width()).transposed(), dy, gradient, accumulate);
            }
            let pointwise = Matrix::new(cx.parameters.get(POINTWISE), self.filters);
            kernel::product(dy, pointwise.transposed(), middle_gradient, false);
            if let Some(gradient) = cx.parameter_gradients.get(DEPTHWISE) {
                if !accumulate {
                    gradient.fill(F::ZERO);
                }
                planes.kernel_gradient(planes.framed(image, room), middle_gradient, gradient);
            }
            if let Some(dx) = input_gradients.as_mut().and_then(Iterator::next) {
                planes.back(middle_gradient, cx.parameters.get(DEPTHWISE), room, dx);
            }
            accumulate = true;
        }
    }
}
