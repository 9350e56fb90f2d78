//! [`ValidationFreq`].

use serde::{Deserialize, Serialize};

/// The epochs after which the model is validated: Keras's `validation_freq`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum ValidationFreq {
    /// After every `n`th epoch, at least 1.
    Every(u32),
    /// After these epochs, counted from 1.
    Epochs(Vec<u32>),
}

impl Default for ValidationFreq {
    fn default() -> Self {
        Self::Every(1)
    }
}

impl ValidationFreq {
    /// Whether the model is validated after this epoch, counted from 1.
    pub fn is_due(&self, epoch: u32) -> bool {
        match self {
            Self::Every(epochs) => epoch.is_multiple_of(*epochs),
            Self::Epochs(epochs) => epochs.contains(&epoch),
        }
    }

    /// Whether a fit of this many epochs is ever validated.
    pub fn is_ever_due(&self, epochs: u32) -> bool {
        match self {
            Self::Every(every) => *every > 0 && *every <= epochs,
            Self::Epochs(list) => list.iter().any(|epoch| (1..=epochs).contains(epoch)),
        }
    }
}
