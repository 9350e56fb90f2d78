//! [`Direction`].

use super::MergeMode;

/// The settings of a recurrent layer that [`super::Bidirectional`] compares between both directions, or sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Direction {
    /// Whether it outputs every step.
    pub return_sequences: bool,
    /// Whether it outputs its state.
    pub return_state: bool,
    /// Number of tensors of its state.
    pub states: usize,
    /// Whether it processes the last step first.
    pub go_backwards: bool,
    /// Whether the output of a masked step is zero.
    pub zero_output_for_mask: bool,
    /// How its output is merged with a second input, the output of the other direction.
    pub(super) merge: Option<MergeMode>,
    /// Whether an output sequence is reversed, so that it is in the order of the input.
    pub(super) reverse_output: bool,
}
