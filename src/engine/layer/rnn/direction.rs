//! [`Direction`].

use super::MergeMode;

/// A recurrent layer as one direction of [`super::Bidirectional`]: what both must agree on, and what one of them is told.
#[derive(Debug)]
pub struct Direction<'a> {
    /// Whether it gives the output of every step.
    pub return_sequences: bool,
    /// Whether it gives its state.
    pub return_state: bool,
    /// How many tensors its state is.
    pub states: usize,
    /// Whether it processes the last step first.
    pub go_backwards: &'a mut bool,
    /// Whether the output of a masked step is zero.
    pub zero_output_for_mask: &'a mut bool,
    /// How its output is merged with a second input, the output of the other direction.
    pub(super) merge: &'a mut Option<MergeMode>,
    /// Whether its output lies in the order of the input, whatever the order of processing.
    pub(super) turns_round: &'a mut bool,
}

/// The [`Direction`] of a layer whose settings have Keras's names.
macro_rules! direction {
    ($layer:ident) => {{
        let states = $layer.outline().states();
        Direction {
            return_sequences: $layer.return_sequences,
            return_state: $layer.return_state,
            states,
            go_backwards: &mut $layer.go_backwards,
            zero_output_for_mask: &mut $layer.zero_output_for_mask,
            merge: &mut $layer.merge,
            turns_round: &mut $layer.turns_round,
        }
    }};
}

pub(super) use direction;
