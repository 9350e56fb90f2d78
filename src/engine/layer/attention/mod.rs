//! Attention layers, and how queries attend to keys.

mod additive_attention;
mod attention;
mod attention_core;
mod multi_head_attention;
mod projection;
mod scores;

pub use additive_attention::AdditiveAttention;
pub use attention::{Attention, ScoreMode};
pub use multi_head_attention::{MultiHeadAttention, OutputShape};
