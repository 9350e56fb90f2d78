//! [`ValidationFreq`].

use serde::{Deserialize, Serialize};

/// Keras's `validation_freq`: after which epochs the validation rows are measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum ValidationFreq {
    /// After every so many epochs, at least 1.
    Every(u32),
    /// After these, counted from 1.
    Epochs(Vec<u32>),
}

impl Default for ValidationFreq {
    fn default() -> Self {
        Self::Every(1)
    }
}

impl ValidationFreq {
    /// Whether it is time after this epoch, counted from 1.
    pub fn is_due(&self, epoch: u32) -> bool {
        match self {
            Self::Every(epochs) => epoch.is_multiple_of(*epochs),
            Self::Epochs(epochs) => epochs.contains(&epoch),
        }
    }

    /// Whether it is ever time in a fit of so many epochs.
    pub fn is_ever_due(&self, epochs: u32) -> bool {
        match self {
            Self::Every(every) => *every > 0 && *every <= epochs,
            Self::Epochs(list) => list.iter().any(|epoch| (1..=epochs).contains(epoch)),
        }
    }
}
