//! [`DepthwiseConvolution`]: [`DepthwiseConv1d`] and [`DepthwiseConv2d`].

use super::{Padding, Planes, Sizes, Window, check, check_axes, volume};
use crate::engine::{
    activation::Activation,
    constraint::Constraint,
    field::FieldError,
    init::Initializer,
    kernel,
    layer::{Backward, Compute, Forward, Layer, ParameterSpec, Workspace, bias_activation, settings_checks},
    real::Real,
    regularizer::Regularizer,
    shape::{MAX_AXIS_SIZE, Shape},
};
use serde::{Deserialize, Serialize};

/// `y[o, c * depth_multiplier + m] = activation(Σ x[o * strides + tap * dilation_rate - padding, c] * kernel[tap, c, m] +
/// bias[c * depth_multiplier + m])`, over the taps: each channel separately.
///
/// # Shapes
/// `depthwise_conv1d`: `[batch, steps, channels]` to `[batch, new steps, channels * depth_multiplier]`; kernel `[kernel
/// size, channels, depth_multiplier]`. `depthwise_conv2d`: `[batch, rows, columns, channels]` to `[batch, new rows, new
/// columns, channels * depth_multiplier]`; kernel `[kernel rows, kernel columns, channels, depth_multiplier]`. bias
/// `[channels * depth_multiplier]`.
///
/// Source: <https://keras.io/api/layers/convolution_layers/depthwise_convolution1d/>,
/// <https://keras.io/api/layers/convolution_layers/depthwise_convolution2d/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DepthwiseConvolution<const AXES: usize> {
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
    /// Outputs of each channel, at least 1.
    #[serde(default = "settings_checks::one", deserialize_with = "settings_checks::count")]
    #[schema(default = 1, minimum = 1, maximum = 2147483647)]
    pub depth_multiplier: usize,
    /// Dilation rate along each axis, at least 1.
    #[serde(default = "Sizes::ones")]
    #[schema(schema_with = Sizes::<AXES>::schema)]
    pub dilation_rate: Sizes<AXES>,
    /// Activation function.
    #[serde(default)]
    pub activation: Activation,
    /// Whether the layer uses a bias.
    #[serde(default = "settings_checks::yes")]
    #[schema(default = true)]
    pub use_bias: bool,
    /// Initializer for the `kernel`.
    #[serde(default = "settings_checks::glorot_uniform")]
    pub depthwise_initializer: Initializer,
    /// Initializer for the `bias`.
    #[serde(default = "settings_checks::zeros")]
    pub bias_initializer: Initializer,
    /// Regularizer for the `kernel`.
    #[serde(default)]
    pub depthwise_regularizer: Option<Regularizer>,
    /// Regularizer for the `bias`.
    #[serde(default)]
    pub bias_regularizer: Option<Regularizer>,
    /// Activity regularizer: regularizer for the output, divided by the batch size.
    #[serde(default)]
    pub activity_regularizer: Option<Regularizer>,
    /// Constraint applied to the `kernel` after each step.
    #[serde(default)]
    pub depthwise_constraint: Option<Constraint>,
    /// Constraint applied to the `bias` after each step.
    #[serde(default)]
    pub bias_constraint: Option<Constraint>,
}

/// A depthwise convolution of sequences.
pub type DepthwiseConv1d = DepthwiseConvolution<1>;
/// A depthwise convolution of images.
pub type DepthwiseConv2d = DepthwiseConvolution<2>;

const KERNEL: usize = 0;
const BIAS: usize = 1;

impl<const AXES: usize> DepthwiseConvolution<AXES> {
    fn planes(&self, input: &Shape) -> Planes {
        let window = Window::new(volume(input), self.kernel_size, self.strides, self.dilation_rate, self.padding);
        Planes { window, channels: input.last(), multiplier: self.depth_multiplier }
    }
}

impl<const AXES: usize> Layer for DepthwiseConvolution<AXES> {
    fn check(&self) -> Result<(), FieldError> {
        self.kernel_size.check("/kernel_size", 1)?;
        self.strides.check("/strides", 1)?;
        self.padding.check_around()?;
        let (multiplier, expected) = (self.depth_multiplier, format!("1 to {MAX_AXIS_SIZE}"));
        settings_checks::range((1..=MAX_AXIS_SIZE).contains(&multiplier), "/depth_multiplier", &expected, multiplier)?;
        self.dilation_rate.check("/dilation_rate", 1)?;
        self.activation.check().map_err(|error| error.under("/activation"))?;
        let (regularizer, constraint) = (self.depthwise_regularizer.as_ref(), self.depthwise_constraint.as_ref());
        settings_checks::parameter("depthwise", &self.depthwise_initializer, regularizer, constraint)?;
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
        check(&inputs[0], &planes.window, planes.width(), self.padding)?;
        Ok(planes.window.output_shape::<AXES>(planes.width()))
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let planes = self.planes(&inputs[0]);
        let kernel = Shape([&self.kernel_size.0[..], &[planes.channels, planes.multiplier]].concat());
        let (regularizer, constraint) = (self.depthwise_regularizer, self.depthwise_constraint.as_ref());
        let kernel = ParameterSpec::trained("kernel", kernel, &self.depthwise_initializer, regularizer, constraint)
            .with_setting("depthwise");
        let (regularizer, constraint) = (self.bias_regularizer, self.bias_constraint.as_ref());
        let shape = Shape::vector(planes.width());
        let bias = ParameterSpec::trained("bias", shape, &self.bias_initializer, regularizer, constraint);
        std::iter::once(kernel).chain(self.use_bias.then_some(bias)).collect()
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        let planes = self.planes(&inputs[0]);
        let sums = if self.activation.needs_input() { planes.output_elements() } else { 0 };
        Workspace { kept_per_row: sums, scratch: planes.room(), ..Workspace::default() }
    }

    fn cost(&self, inputs: &[Shape]) -> u64 {
        self.planes(&inputs[0]).cost()
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

impl<F: Real, const AXES: usize> Compute<F> for DepthwiseConvolution<AXES> {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let planes = self.planes(cx.inputs.shape(0));
        let room = &mut cx.scratch[..planes.room()];
        let weights = cx.parameters.get(KERNEL);
        let bias = self.use_bias.then(|| cx.parameters.get(BIAS));
        let activation = (!cx.pass.logits).then_some(self.activation);
        let mut kept = cx.kept.chunks_exact_mut(planes.output_elements());
        let outputs = cx.output.chunks_exact_mut(planes.output_elements());
        for (image, output) in cx.inputs.get(0).chunks_exact(planes.image_cells()).zip(outputs) {
            planes.forward(planes.framed(image, room), weights, output);
            bias_activation::add_bias_and_activate(
                bias,
                activation,
                planes.width(),
                kept.next().unwrap_or_default(),
                output,
            );
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let planes = self.planes(cx.inputs.shape(0));
        let room = &mut cx.scratch[..planes.room()];
        let activation = (!cx.pass.logits).then_some(self.activation);
        let mut accumulate = cx.parameter_gradients.accumulate;
        let mut kept = cx.kept.chunks_exact(planes.output_elements());
        let mut input_gradients = cx.input_gradients.get(0).map(|dx| dx.chunks_exact_mut(planes.image_cells()));
        let images = cx.inputs.get(0).chunks_exact(planes.image_cells());
        let gradients = cx.output_gradient.chunks_exact_mut(planes.output_elements());
        for ((image, output), dy) in images.zip(cx.output.chunks_exact(planes.output_elements())).zip(gradients) {
            if let Some(activation) = activation {
                activation.backward(kept.next().unwrap_or_default(), output, dy, planes.width());
            }
            if let Some(gradient) = cx.parameter_gradients.get(KERNEL) {
                if !accumulate {
                    gradient.fill(F::ZERO);
                }
                planes.kernel_gradient(planes.framed(image, room), dy, gradient);
            }
            if self.use_bias
                && let Some(gradient) = cx.parameter_gradients.get(BIAS)
            {
                kernel::sum_rows(dy, gradient, accumulate);
            }
            if let Some(dx) = input_gradients.as_mut().and_then(Iterator::next) {
                planes.back(dy, cx.parameters.get(KERNEL), room, dx);
            }
            accumulate = true;
        }
    }
}
