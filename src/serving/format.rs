//! How an answer is written.

use serde::Deserialize;

/// Bytes of an answer that are written at a time.
pub const PART_BYTES: u64 = 1 << 18;

/// What an instance's entry in the answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// A label with every label's probability, or a value.
    #[default]
    Labelled,
    /// The network's own output, in its shape.
    Raw,
}
