//! Attention layers, and how queries attend to keys.

mod additive_attention;
#[allow(clippy::module_inception, reason = "the file of a layer has its name, as in Keras")]
mod attention;
mod attention_core;
mod multi_head_attention;
mod projection;
mod scores;

pub use additive_attention::AdditiveAttention;
pub use attention::{Attention, ScoreMode};
pub use multi_head_attention::{MultiHeadAttention, OutputShape};
