//! [`TransposedConvolution`]: [`Conv1dTranspose`], [`Conv2dTranspose`] and [`Conv3dTranspose`].

use super::{Correlation, Padding, Sizes, Window, check, check_axes, volume};
use crate::engine::{
    activation::Activation,
    constraint::Constraint,
    field::FieldError,
    init::Initializer,
    kernel::{self, Team},
    layer::{Backward, Compute, Forward, Layer, ParameterSpec, Workspace, bias_activation, settings_checks},
    real::Real,
    regularizer::Regularizer,
    shape::{MAX_AXIS_SIZE, Shape},
};
use serde::{Deserialize, Serialize};

/// `y[i * strides + tap * dilation_rate - padding, f] = activation(Σ x[i, c] * kernel[tap, f, c] + bias[f])`, over the
/// channels and whatever meets at a place: the way back of a convolution from `filters` channels to as many filters as
/// the input has channels.
///
/// # Shapes
/// `conv1d_transpose`: `[batch, steps, channels]` to `[batch, new steps, filters]`; kernel `[kernel size, filters,
/// channels]`. `conv2d_transpose`: `[batch, rows, columns, channels]` to `[batch, new rows, new columns, filters]`; kernel
/// `[kernel rows, kernel columns, filters, channels]`. `conv3d_transpose`: with planes before the rows, as the kernel has. bias
/// `[filters]`. An axis of n becomes, with the kernel's reach r (`(kernel size - 1) * dilation_rate + 1`): valid, `(n - 1) *
/// stride + max(r, stride)`, or `(n - 1) * stride + r + output_padding`; same, `n * stride`, or `(n - 1) * stride + r % 2 +
/// output_padding`.
///
/// Source: <https://keras.io/api/layers/convolution_layers/convolution1d_transpose/>,
/// <https://keras.io/api/layers/convolution_layers/convolution2d_transpose/>,
/// <https://keras.io/api/layers/convolution_layers/convolution3d_transpose/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransposedConvolution<const AXES: usize> {
    /// Size of the output's last axis, at least 1.
    #[serde(deserialize_with = "settings_checks::count")]
    #[schema(minimum = 1, maximum = 2147483647)]
    pub filters: usize,
    /// Kernel size along each axis, at least 1.
    #[schema(schema_with = Sizes::<AXES>::schema)]
    pub kernel_size: Sizes<AXES>,
    /// Steps of the output from one place of the input to the next along each axis, at least 1.
    #[serde(default = "Sizes::ones")]
    #[schema(schema_with = Sizes::<AXES>::schema)]
    pub strides: Sizes<AXES>,
    /// What stands around the output, and is cut off.
    #[serde(default)]
    pub padding: Padding,
    /// What the output is longer by along each axis, less than the stride; as its shapes say where absent.
    #[serde(default)]
    #[schema(schema_with = Sizes::<AXES>::schema)]
    pub output_padding: Option<Sizes<AXES>>,
    /// Dilation rate along each axis, at least 1; more than 1 only where every stride is 1.
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

/// A transposed convolution of sequences.
pub type Conv1dTranspose = TransposedConvolution<1>;
/// A transposed convolution of images.
pub type Conv2dTranspose = TransposedConvolution<2>;
/// A transposed convolution of volumes.
pub type Conv3dTranspose = TransposedConvolution<3>;

const KERNEL: usize = 0;
const BIAS: usize = 1;

impl<const AXES: usize> TransposedConvolution<AXES> {
    /// The output's axes besides its channels, without regard to whether they can be.
    fn axes(&self, input: &Shape) -> Sizes<AXES> {
        let axis = |axis: usize| {
            let (stride, reach) =
                (self.strides.0[axis], (self.kernel_size.0[axis] - 1) * self.dilation_rate.0[axis] + 1);
            let steps = (input.0[axis] - 1) * stride;
            match (self.padding, self.output_padding.map(|padding| padding.0[axis])) {
                (Padding::Valid, None) => steps + reach.max(stride),
                (Padding::Valid, Some(more)) => steps + reach + more,
                (Padding::Same | Padding::Causal, None) => steps + stride,
                (Padding::Same | Padding::Causal, Some(more)) => steps + reach % 2 + more,
            }
        };
        Sizes(std::array::from_fn(axis))
    }

    /// The convolution whose way back this is: its images are the outputs here.
    fn correlation(&self, input: &Shape) -> Correlation {
        let output = self.axes(input).triple();
        let window = Window::new(output, self.kernel_size, self.strides, self.dilation_rate, self.padding);
        Correlation { window, channels: self.filters, filters: input.last(), groups: 1 }
    }
}

impl<const AXES: usize> Layer for TransposedConvolution<AXES> {
    fn check(&self) -> Result<(), FieldError> {
        let expected = format!("1 to {MAX_AXIS_SIZE}");
        settings_checks::range((1..=MAX_AXIS_SIZE).contains(&self.filters), "/filters", &expected, self.filters)?;
        self.kernel_size.check("/kernel_size", 1)?;
        self.strides.check("/strides", 1)?;
        self.dilation_rate.check("/dilation_rate", 1)?;
        self.dilation_rate.check_with_strides(&self.strides)?;
        self.padding.check_around()?;
        if let Some(padding) = self.output_padding {
            let less = padding.0.iter().zip(&self.strides.0).all(|(padding, stride)| padding < stride);
            let expected = format!("less than the strides {:?}", self.strides.0);
            settings_checks::range(less, "/output_padding", &expected, format_args!("{:?}", padding.0))?;
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
        let output = Shape([&self.axes(&inputs[0]).0[..], &[self.filters]].concat());
        let window = self.correlation(&inputs[0]).window;
        check(&output, &window, inputs[0].last().max(self.filters), self.padding)?;
        // Of a kernel with an even reach and no output padding, the last stride would be empty.
        if window.axes.map(|axis| axis.output) == volume(&inputs[0]) {
            return Ok(output);
        }
        let detail = format!(
            "expected an output padding of at least 1 for the kernel {:?}, received 0 along an axis",
            self.kernel_size.0
        );
        Err(FieldError::new("/output_padding", detail))
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let kernel = [&self.kernel_size.0[..], &[self.filters, inputs[0].last()]].concat();
        let (regularizer, constraint) = (self.kernel_regularizer, self.kernel_constraint.as_ref());
        let kernel = ParameterSpec::trained("kernel", Shape(kernel), &self.kernel_initializer, regularizer, constraint);
        let (regularizer, constraint) = (self.bias_regularizer, self.bias_constraint.as_ref());
        let shape = Shape::vector(self.filters);
        let bias = ParameterSpec::trained("bias", shape, &self.bias_initializer, regularizer, constraint);
        std::iter::once(kernel).chain(self.use_bias.then_some(bias)).collect()
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        let correlation = self.correlation(&inputs[0]);
        let sums = if self.activation.needs_input() { correlation.image_cells() } else { 0 };
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

impl<F: Real, const AXES: usize> Compute<F> for TransposedConvolution<AXES> {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let correlation = self.correlation(cx.inputs.shape(0));
        let mut rooms = correlation.rooms(cx.scratch);
        correlation.turn_kernel(cx.parameters.get(KERNEL), &mut rooms);
        let bias = self.use_bias.then(|| cx.parameters.get(BIAS));
        let activation = (!cx.pass.logits).then_some(self.activation);
        let cells = correlation.images() * correlation.image_cells();
        let mut kept = cx.kept.chunks_mut(cells);
        let inputs = cx.inputs.get(0).chunks(correlation.images() * correlation.output_elements());
        for (inputs, output) in inputs.zip(cx.output.chunks_mut(cells)) {
            correlation.back(cx.tables, inputs, &mut rooms, output);
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
        let cells = correlation.images() * correlation.image_cells();
        let places = correlation.images() * correlation.output_elements();
        let mut input_gradient = cx.input_gradients.get(0);
        let mut accumulate = cx.parameter_gradients.accumulate;
        let mut kept = cx.kept.chunks(cells);
        let blocks = cx.output.chunks(cells).zip(cx.output_gradient.chunks_mut(cells));
        for (block, ((output, dy), inputs)) in blocks.zip(cx.inputs.get(0).chunks(places)).enumerate() {
            if let Some(activation) = activation {
                activation.backward(kept.next().unwrap_or_default(), output, dy, self.filters);
            }
            if let Some(gradient) = cx.parameter_gradients.get(KERNEL) {
                correlation.kernel_gradient(cx.tables, dy, inputs, &mut rooms, gradient, accumulate);
            }
            if self.use_bias
                && let Some(gradient) = cx.parameter_gradients.get(BIAS)
            {
                kernel::sum_rows(dy, gradient, accumulate);
            }
            if let Some(dx) = &mut input_gradient {
                let dx = &mut dx[block * places..][..inputs.len()];
                correlation.forward(&Team::ALONE, cx.tables, dy, cx.parameters.get(KERNEL), &mut rooms, dx);
            }
            accumulate = true;
        }
    }
}
