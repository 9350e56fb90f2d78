//! Recurrent layers: one cell a file, and the walk along a sequence that they share.
//!
//! Inside, everything lies step by step, and within a step row by row: the input kernel meets every step at once, each
//! step's recurrent product reads and writes what lies in order, and the gradient of each kernel is one product over all
//! steps.

mod bidirectional;
mod cell;
mod conv_lstm;
mod convolution_kernel;
mod direction;
mod gru;
mod kernels;
mod layer;
mod lstm;
mod lstm_gates;
mod memory;
mod merge;
mod noise;
mod sequence;
mod simple_rnn;
mod time_distributed;

pub use bidirectional::Bidirectional;
pub use conv_lstm::{ConvLstm, ConvLstm1d, ConvLstm2d, ConvLstm3d};
pub use direction::Direction;
pub use gru::Gru;
pub use lstm::Lstm;
pub use merge::MergeMode;
pub use simple_rnn::SimpleRnn;
pub use time_distributed::TimeDistributed;

use crate::engine::{
    activation::Activation,
    init::{Initializer, Orthogonal},
};

/// Keras's activation of a recurrent layer.
fn tanh() -> Activation {
    Activation::Tanh
}

/// Keras's activation of gates.
fn sigmoid() -> Activation {
    Activation::Sigmoid
}

/// Keras's default initializer of a recurrent kernel.
fn orthogonal() -> Initializer {
    Initializer::Orthogonal(Orthogonal::default())
}
