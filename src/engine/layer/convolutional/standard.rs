//! [`Convolution`]: [`Conv1d`], [`Conv2d`] and [`Conv3d`].

use super::{Correlation, Padding, Sizes, Window, check, check_axes, volume};
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

/// `y[o, f] = activation(Σ x[o * strides + tap * dilation_rate - padding, c] * kernel[tap, c, f] + bias[f])`, over the taps
/// of the kernel and the channels of the filter's group.
///
/// # Shapes
/// `conv1d`: `[batch, steps, channels]` to `[batch, new steps, filters]`; kernel `[kernel size, channels / groups,
/// filters]`. `conv2d`: `[batch, rows, columns, channels]` to `[batch, new rows, new columns, filters]`; kernel `[kernel
/// rows, kernel columns, channels / groups, filters]`. `conv3d`: with planes before the rows, as the kernel has. bias
/// `[filters]`.
///
/// Source: <https://keras.io/api/layers/convolution_layers/convolution1d/>,
/// <https://keras.io/api/layers/convolution_layers/convolution2d/>,
/// <https://keras.io/api/layers/convolution_layers/convolution3d/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Convolution<const AXES: usize> {
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
    /// Padding: `valid` (none), `same`, or, for sequences, `causal`.
    #[serde(default)]
    pub padding: Padding,
    /// Dilation rate along each axis, at least 1; more than 1 only where every stride is 1.
    #[serde(default = "Sizes::ones")]
    #[schema(schema_with = Sizes::<AXES>::schema)]
    pub dilation_rate: Sizes<AXES>,
    /// Number of groups that channels and filters are split into; each group is convolved separately.
    #[serde(default = "settings_checks::one", deserialize_with = "settings_checks::count")]
    #[schema(default = 1, minimum = 1, maximum = 2147483647)]
    pub groups: usize,
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

/// A convolution of sequences.
pub type Conv1d = Convolution<1>;
/// A convolution of images.
pub type Conv2d = Convolution<2>;
/// A convolution of volumes.
pub type Conv3d = Convolution<3>;

const KERNEL: usize = 0;
const BIAS: usize = 1;

impl<const AXES: usize> Convolution<AXES> {
    fn correlation(&self, input: &Shape) -> Correlation {
        let window = Window::new(volume(input), self.kernel_size, self.strides, self.dilation_rate, self.padding);
        Correlation { window, channels: input.last(), filters: self.filters, groups: self.groups }
    }
}

impl<const AXES: usize> Layer for Convolution<AXES> {
    fn check(&self) -> Result<(), FieldError> {
        for (name, count) in [("/filters", self.filters), ("/groups", self.groups)] {
            settings_checks::range(
                (1..=MAX_AXIS_SIZE).contains(&count),
                name,
                &format!("1 to {MAX_AXIS_SIZE}"),
                count,
            )?;
        }
        let expected = format!("a divisor of the {} filters", self.filters);
        settings_checks::range(self.filters.is_multiple_of(self.groups), "/groups", &expected, self.groups)?;
        self.kernel_size.check("/kernel_size", 1)?;
        self.strides.check("/strides", 1)?;
        self.dilation_rate.check("/dilation_rate", 1)?;
        self.dilation_rate.check_with_strides(&self.strides)?;
        if AXES > 1 {
            self.padding.check_around()?;
        }
        self.activation.check().map_err(|error| error.under("/activation"))?;
        let (regularizer, constraint) = (self.kernel_regularizer.as_ref(), self.kernel_constraint.as_ref());
        settings_checks::parameter("kernel", &self.kernel_initializer, regularizer, constraint)?;
        settings_checks::parameter(
            "bias",
            &self.bias_initializer,
            self.bias_regularizer.as_ref(),
            self.bias_constraint.as_ref(),
        )
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        check_axes::<AXES>(&inputs[0])?;
        let channels = inputs[0].last();
        let expected = format!("a divisor of the {channels} channels of the input");
        settings_checks::range(channels.is_multiple_of(self.groups), "/groups", &expected, self.groups)?;
        let window = self.correlation(&inputs[0]).window;
        check(&inputs[0], &window, channels.max(self.filters), self.padding)?;
        Ok(window.output_shape::<AXES>(self.filters))
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let kernel = [&self.kernel_size.0[..], &[inputs[0].last() / self.groups, self.filters]].concat();
        let (regularizer, constraint) = (self.kernel_regularizer, self.kernel_constraint.as_ref());
        let kernel = ParameterSpec::trained("kernel", Shape(kernel), &self.kernel_initializer, regularizer, constraint);
        let (regularizer, constraint) = (self.bias_regularizer, self.bias_constraint.as_ref());
        let shape = Shape::vector(self.filters);
        let bias = ParameterSpec::trained("bias", shape, &self.bias_initializer, regularizer, constraint);
        std::iter::once(kernel).chain(self.use_bias.then_some(bias)).collect()
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        let correlation = self.correlation(&inputs[0]);
        let sums = if self.activation.needs_input() { correlation.output_elements() } else { 0 };
        Workspace { kept_per_row: sums, scratch: correlation.scratch(), ..Workspace::default() }
    }

    fn tables(&self, inputs: &[Shape]) -> Vec<Vec<u32>> {
        self.correlation(&inputs[0]).tables()
    }

    fn cost(&self, inputs: &[Shape]) -> u64 {
        self.correlation(&inputs[0]).cost()
    }

    fn product_rows(&self, inputs: &[Shape]) -> Option<usize> {
        Some(self.correlation(&inputs[0]).outputs())
    }

    fn last_activation(&self) -> Option<Activation> {
        Some(self.activation)
    }

    fn activity_regularizer(&self) -> Option<Regularizer> {
        self.activity_regularizer
    }
}

impl<F: Real, const AXES: usize> Compute<F> for Convolution<AXES> {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let correlation = self.correlation(cx.inputs.shape(0));
        let mut rooms = correlation.rooms(cx.scratch);
        let weights = cx.parameters.get(KERNEL);
        let bias = self.use_bias.then(|| cx.parameters.get(BIAS));
        let activation = (!cx.pass.logits).then_some(self.activation);
        let outputs = correlation.images() * correlation.output_elements();
        let mut kept = cx.kept.chunks_mut(outputs);
        let images = cx.inputs.get(0).chunks(correlation.images() * correlation.image_cells());
        for (images, output) in images.zip(cx.output.chunks_mut(outputs)) {
            correlation.forward(cx.team, cx.tables, images, weights, &mut rooms, output);
            bias_activation::add_bias_and_activate(
                bias,
                activation,
                self.filters,
                kept.next().unwrap_or_default(),
                output,
            );
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let correlation = self.correlation(cx.inputs.shape(0));
        let mut rooms = correlation.rooms(cx.scratch);
        let activation = (!cx.pass.logits).then_some(self.activation);
        let outputs = correlation.images() * correlation.output_elements();
        let cells = correlation.images() * correlation.image_cells();
        let mut input_gradient = cx.input_gradients.get(0);
        if input_gradient.is_some() {
            correlation.turn_kernel(cx.parameters.get(KERNEL), &mut rooms);
        }
        let mut accumulate = cx.parameter_gradients.accumulate;
        let mut kept = cx.kept.chunks(outputs);
        let blocks = cx.output.chunks(outputs).zip(cx.output_gradient.chunks_mut(outputs));
        for (block, ((output, dy), images)) in blocks.zip(cx.inputs.get(0).chunks(cells)).enumerate() {
            if let Some(activation) = activation {
                activation.backward(kept.next().unwrap_or_default(), output, dy, self.filters);
            }
            if let Some(gradient) = cx.parameter_gradients.get(KERNEL) {
                correlation.kernel_gradient(cx.tables, images, dy, &mut rooms, gradient, accumulate);
            }
            if self.use_bias
                && let Some(gradient) = cx.parameter_gradients.get(BIAS)
            {
                kernel::sum_rows(dy, gradient, accumulate);
            }
            if let Some(dx) = &mut input_gradient {
                correlation.back(cx.tables, dy, &mut rooms, &mut dx[block * cells..][..images.len()]);
            }
            accumulate = true;
        }
    }
}
