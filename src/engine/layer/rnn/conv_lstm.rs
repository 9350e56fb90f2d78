//! [`ConvLstm`]: [`ConvLstm1d`], [`ConvLstm2d`] and [`ConvLstm3d`].

use super::{
    Direction, MergeMode,
    cell::{BackwardStep, Cell, CellConfig, ForwardStep, Weight},
    lstm_gates::LstmGates,
};
use crate::engine::{
    activation::Activation,
    constraint::Constraint,
    field::FieldError,
    init::{Initializer, UnitForgetBias},
    layer::{
        Padding, Primitive, Sizes,
        convolutional::{Correlation, Window, check, volume},
        settings_checks,
    },
    real::Real,
    regularizer::Regularizer,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// Long short-term memory over images: [`super::Lstm`] with convolutions in place of its products.
///
/// `z = conv(x_t, kernel) + conv(h_(t-1), recurrent_kernel) + bias`, in four parts of `filters` channels each, in the order
/// i, f, c, o: `c_t = recurrent_activation(z_f) * c_(t-1) + recurrent_activation(z_i) * activation(z_c)` and
/// `h_t = recurrent_activation(z_o) * activation(c_t)`, from `h_0 = c_0 = 0`. The convolution of the state has strides and
/// dilation of 1 and the padding `same`. A masked step leaves the state as it is.
///
/// # Shapes
/// `conv_lstm1d`: `[batch, steps, columns, channels]` to `[batch, new columns, filters]`, or to
/// `[batch, steps, new columns, filters]` with `return_sequences`; kernel `[kernel size, channels, 4 * filters]`,
/// recurrent_kernel `[kernel size, filters, 4 * filters]`. `conv_lstm2d`: with rows before the columns, as the kernels have.
/// `conv_lstm3d`: with planes before the rows. bias `[4 * filters]`.
///
/// # States
/// After the sequence, `h_0` and `c_0` may be given, of the shape of one step of the output each:
/// `"inputs": ["x", "encoder/1", "encoder/2"]`, or `initial_state` in Keras; the outputs of masked steps before the first one
/// that counts are zero even then. With `return_state`, `name/1` and `name/2` are `h` and `c` after the last step.
///
/// Source: <https://keras.io/api/layers/recurrent_layers/conv_lstm1d/>,
/// <https://keras.io/api/layers/recurrent_layers/conv_lstm2d/>,
/// <https://keras.io/api/layers/recurrent_layers/conv_lstm3d/>, <https://arxiv.org/abs/1506.04214>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConvLstm<const AXES: usize> {
    /// Channels of the state and of the output, at least 1.
    #[serde(deserialize_with = "settings_checks::count")]
    #[schema(minimum = 1, maximum = 2147483647)]
    pub filters: usize,
    /// Kernel size along each axis, at least 1.
    #[schema(schema_with = Sizes::<AXES>::schema)]
    pub kernel_size: Sizes<AXES>,
    /// Strides of the input's convolution along each axis, at least 1.
    #[serde(default = "Sizes::ones")]
    #[schema(schema_with = Sizes::<AXES>::schema)]
    pub strides: Sizes<AXES>,
    /// Padding of the input: `valid` or `same`.
    #[serde(default)]
    pub padding: Padding,
    /// Dilation of the input's convolution along each axis, at least 1; more than 1 only where every stride is 1.
    #[serde(default = "Sizes::ones")]
    #[schema(schema_with = Sizes::<AXES>::schema)]
    pub dilation_rate: Sizes<AXES>,
    /// Applied to what is written and to the carry.
    #[serde(default = "super::tanh")]
    pub activation: Activation,
    /// Applied to the gates.
    #[serde(default = "super::sigmoid")]
    pub recurrent_activation: Activation,
    /// Whether the layer uses a bias.
    #[serde(default = "settings_checks::yes")]
    #[schema(default = true)]
    pub use_bias: bool,
    /// Initializer of the kernel.
    #[serde(default = "settings_checks::glorot_uniform")]
    pub kernel_initializer: Initializer,
    /// Initializer of the recurrent kernel.
    #[serde(default = "super::orthogonal")]
    pub recurrent_initializer: Initializer,
    /// Initializer of the bias.
    #[serde(default = "settings_checks::zeros")]
    pub bias_initializer: Initializer,
    /// Whether the part of the bias that keeps the carry begins with 1.
    #[serde(default = "settings_checks::yes")]
    #[schema(default = true)]
    pub unit_forget_bias: bool,
    /// Regularizer for the `kernel`.
    #[serde(default)]
    pub kernel_regularizer: Option<Regularizer>,
    /// Regularizer for the `recurrent_kernel`.
    #[serde(default)]
    pub recurrent_regularizer: Option<Regularizer>,
    /// Regularizer for the `bias`.
    #[serde(default)]
    pub bias_regularizer: Option<Regularizer>,
    /// Activity regularizer: regularizer for the output, divided by the batch size.
    #[serde(default)]
    pub activity_regularizer: Option<Regularizer>,
    /// Constraint on the kernel after each step of training.
    #[serde(default)]
    pub kernel_constraint: Option<Constraint>,
    /// Constraint on the recurrent kernel after each step of training.
    #[serde(default)]
    pub recurrent_constraint: Option<Constraint>,
    /// Constraint on the bias after each step of training.
    #[serde(default)]
    pub bias_constraint: Option<Constraint>,
    /// The fraction of the inputs that is dropped in training, the same in every step and another one for each gate: 0 or
    /// more, less than 1.
    #[serde(default)]
    pub dropout: f64,
    /// The fraction of the state that is dropped in training before it meets the recurrent kernel, the same in every step
    /// and another one for each gate: 0 or more, less than 1.
    #[serde(default)]
    pub recurrent_dropout: f64,
    /// Takes the place of the job's seed for what is dropped.
    #[serde(default)]
    pub seed: Option<u64>,
    /// Whether the output of every step is given, and not the last one's alone.
    #[serde(default)]
    pub return_sequences: bool,
    /// Whether the state is given as well: the output and the carry after the last step.
    #[serde(default)]
    pub return_state: bool,
    /// Whether the last step is processed first; outputs are then given in that order.
    #[serde(default)]
    pub go_backwards: bool,
    /// Whether the output of a masked step is zero, and not that of the step before.
    #[serde(default)]
    pub zero_output_for_mask: bool,
    /// Whether masked steps leave the state as it is. Keras 3 does not tell a layer of the mask that is called with an
    /// `initial_state` and without a `mask`: an import says false there.
    #[serde(default = "settings_checks::yes")]
    #[schema(default = true)]
    pub use_mask: bool,
    /// Merged with a second input, the output of the other direction; for [`super::Bidirectional`] alone.
    #[serde(skip)]
    pub(super) merge: Option<MergeMode>,
    /// Gives sequences in the order of the input, whatever the order of processing; for [`super::Bidirectional`] alone.
    #[serde(skip)]
    pub(super) reverse_output: bool,
}

/// Long short-term memory over sequences of sequences.
pub type ConvLstm1d = ConvLstm<1>;
/// Long short-term memory over sequences of images.
pub type ConvLstm2d = ConvLstm<2>;
/// Long short-term memory over sequences of volumes.
pub type ConvLstm3d = ConvLstm<3>;

impl<const AXES: usize> ConvLstm<AXES> {
    fn gates(&self) -> LstmGates {
        LstmGates { units: self.filters, activation: self.activation, recurrent_activation: self.recurrent_activation }
    }

    /// The window of the input's convolution, for one step of the input.
    fn window(&self, step: &Shape) -> Window {
        Window::new(volume(step), self.kernel_size, self.strides, self.dilation_rate, self.padding)
    }

    /// The window of the state's convolution, for the state.
    fn recurrent_window(&self, state: &Shape) -> Window {
        Window::new(volume(state), self.kernel_size, Sizes::every(1), Sizes::every(1), Padding::Same)
    }
}

/// One step of a sequence of this shape.
fn step_of(input: &Shape) -> Shape {
    Shape(input.0.iter().skip(1).copied().collect())
}

impl<const AXES: usize> Cell for ConvLstm<AXES>
where
    Self: Into<Primitive>,
{
    const UNITS: &'static str = "/filters";

    fn config(&self) -> CellConfig {
        CellConfig {
            units: self.filters,
            gates: LstmGates::COUNT,
            use_bias: self.use_bias,
            recurrent_bias: false,
            dropout: self.dropout,
            recurrent_dropout: self.recurrent_dropout,
            seed: self.seed,
            return_sequences: self.return_sequences,
            return_state: self.return_state,
            go_backwards: self.go_backwards,
            use_mask: self.use_mask,
            merge: self.merge,
            reverse_output: self.reverse_output,
            zero_output_for_mask: self.zero_output_for_mask,
            carries: true,
            side: self.filters,
            sums: self.activation.needs_input() || self.recurrent_activation.needs_input(),
            drops_by_gate: true,
        }
    }

    fn set_direction(&mut self, direction: Direction) {
        self.go_backwards = direction.go_backwards;
        self.zero_output_for_mask = direction.zero_output_for_mask;
        self.merge = direction.merge;
        self.reverse_output = direction.reverse_output;
    }

    fn check_input(&self, input: &Shape) -> Result<(), FieldError> {
        let expected = match AXES {
            1 => "[steps, columns, channels]",
            2 => "[steps, rows, columns, channels]",
            _ => "[steps, planes, rows, columns, channels]",
        };
        let received = format_args!("one of {input}");
        settings_checks::range(input.0.len() == AXES + 2, "", &format!("an input of the shape {expected}"), received)?;
        let (step, width) = (step_of(input), LstmGates::COUNT.saturating_mul(self.filters));
        check(&step, &self.window(&step), step.last().max(width), self.padding)?;
        let state = self.state_shape(input);
        check(&state, &self.recurrent_window(&state), width, Padding::Same)
    }

    fn state_shape(&self, input: &Shape) -> Shape {
        self.window(&step_of(input)).output_shape::<AXES>(self.filters)
    }

    fn kernel_shapes(&self, input: &Shape) -> [Shape; 2] {
        let width = LstmGates::COUNT * self.filters;
        [input.last(), self.filters].map(|channels| Shape([&self.kernel_size.0[..], &[channels, width]].concat()))
    }

    fn convolutions(&self, input: &Shape) -> Option<[Correlation; 2]> {
        let (step, state) = (step_of(input), self.state_shape(input));
        let correlation = |window, channels| {
            let filters = LstmGates::COUNT * self.filters;
            Correlation { window, channels, filters, groups: 1 }
        };
        Some([correlation(self.window(&step), step.last()), correlation(self.recurrent_window(&state), self.filters)])
    }

    fn check_own(&self) -> Result<(), FieldError> {
        self.kernel_size.check("/kernel_size", 1)?;
        self.strides.check("/strides", 1)?;
        self.dilation_rate.check("/dilation_rate", 1)?;
        self.dilation_rate.check_with_strides(&self.strides)?;
        self.padding.check_around()?;
        self.activation.check().map_err(|error| error.under("/activation"))?;
        self.recurrent_activation.check().map_err(|error| error.under("/recurrent_activation"))
    }

    fn activity(&self) -> Option<Regularizer> {
        self.activity_regularizer
    }

    fn weights(&self) -> [Weight<'_>; 3] {
        [
            Weight {
                initializer: &self.kernel_initializer,
                regularizer: self.kernel_regularizer.as_ref(),
                constraint: self.kernel_constraint.as_ref(),
            },
            Weight {
                initializer: &self.recurrent_initializer,
                regularizer: self.recurrent_regularizer.as_ref(),
                constraint: self.recurrent_constraint.as_ref(),
            },
            Weight {
                initializer: &self.bias_initializer,
                regularizer: self.bias_regularizer.as_ref(),
                constraint: self.bias_constraint.as_ref(),
            },
        ]
    }

    fn first_bias(&self) -> Option<Initializer> {
        self.unit_forget_bias.then(|| UnitForgetBias::beside(&self.bias_initializer))
    }

    fn forward_step<F: Real>(&self, step: &mut ForwardStep<'_, F>) {
        self.gates().forward_step(step);
    }

    fn backward_step<F: Real>(&self, step: &mut BackwardStep<'_, F>) {
        self.gates().backward_step(step);
    }
}
