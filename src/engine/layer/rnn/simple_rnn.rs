//! [`SimpleRnn`].

use super::{
    Direction, MergeMode,
    cell::{BackwardStep, Cell, CellConfig, ForwardStep, Weight},
};
use crate::engine::{
    activation::Activation, constraint::Constraint, field::FieldError, init::Initializer, layer::settings_checks,
    real::Real, regularizer::Regularizer,
};
use serde::{Deserialize, Serialize};

/// `h_t = activation(x_t · kernel + h_(t-1) · recurrent_kernel + bias)`, from `h_0 = 0`.
///
/// A masked step leaves the state as it is.
///
/// # Shapes
/// `[batch, steps, inputs]` to `[batch, units]`, or to `[batch, steps, units]` with `return_sequences`; kernel
/// `[inputs, units]`, recurrent_kernel `[units, units]`, bias `[units]`.
///
/// # States
/// After the sequence, `h_0` may be given, `[batch, units]`: `"inputs": ["x", "encoder/1"]`, or `initial_state` in Keras;
/// the outputs of masked steps before the first one that counts are zero even then.
/// With `return_state`, `name/1` is `h` after the last step.
///
/// Source: <https://keras.io/api/layers/recurrent_layers/simple_rnn/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimpleRnn {
    /// Size of the state and of the output's last axis, at least 1.
    #[serde(deserialize_with = "settings_checks::count")]
    #[schema(minimum = 1, maximum = 2147483647)]
    pub units: usize,
    /// Activation function.
    #[serde(default = "super::tanh")]
    pub activation: Activation,
    /// Whether the layer uses a bias.
    #[serde(default = "settings_checks::yes")]
    #[schema(default = true)]
    pub use_bias: bool,
    /// Initializer for the `kernel`.
    #[serde(default = "settings_checks::glorot_uniform")]
    pub kernel_initializer: Initializer,
    /// Initializer for the `recurrent_kernel`.
    #[serde(default = "super::orthogonal")]
    pub recurrent_initializer: Initializer,
    /// Initializer for the `bias`.
    #[serde(default = "settings_checks::zeros")]
    pub bias_initializer: Initializer,
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
    /// Constraint applied to the `kernel` after each step.
    #[serde(default)]
    pub kernel_constraint: Option<Constraint>,
    /// Constraint applied to the `recurrent_kernel` after each step.
    #[serde(default)]
    pub recurrent_constraint: Option<Constraint>,
    /// Constraint applied to the `bias` after each step.
    #[serde(default)]
    pub bias_constraint: Option<Constraint>,
    /// The fraction of the inputs that is dropped in training, the same in every step: 0 or more, less than 1.
    #[serde(default)]
    pub dropout: f64,
    /// The fraction of the state that is dropped in training before it meets the recurrent kernel, the same in every step:
    /// 0 or more, less than 1.
    #[serde(default)]
    pub recurrent_dropout: f64,
    /// Takes the place of the job's seed for what is dropped.
    #[serde(default)]
    pub seed: Option<u64>,
    /// Whether the output of every step is given, and not the last one's alone.
    #[serde(default)]
    pub return_sequences: bool,
    /// Whether the state is given as well: the output after the last step.
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
    /// Turns sequences round, so that they lie as they were given; for [`super::Bidirectional`] alone.
    #[serde(skip)]
    pub(super) reverse_output: bool,
}

impl Cell for SimpleRnn {
    fn config(&self) -> CellConfig {
        CellConfig {
            units: self.units,
            gates: 1,
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
            carries: false,
            side: 0,
            sums: self.activation.needs_input(),
            drops_by_gate: false,
        }
    }

    fn set_direction(&mut self, direction: Direction) {
        self.go_backwards = direction.go_backwards;
        self.zero_output_for_mask = direction.zero_output_for_mask;
        self.merge = direction.merge;
        self.reverse_output = direction.reverse_output;
    }

    fn check_own(&self) -> Result<(), FieldError> {
        self.activation.check().map_err(|error| error.under("/activation"))
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

    fn forward_step<F: Real>(&self, step: &mut ForwardStep<'_, F>) {
        step.recurrent.project(step.before, 0..1, step.gates, true);
        if !step.sums.is_empty() {
            step.sums.copy_from_slice(step.gates);
        }
        self.activation.forward(step.gates, self.units);
        step.output.copy_from_slice(step.gates);
    }

    fn backward_step<F: Real>(&self, step: &mut BackwardStep<'_, F>) {
        step.gates.copy_from_slice(step.d_output);
        self.activation.backward(step.sums, step.output, step.gates, self.units);
        step.recurrent.back(step.gates, 0..1, step.d_output, false);
    }
}
