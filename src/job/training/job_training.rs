//! [`JobTraining`].

use super::{classical::ClassicalTraining, settings::Training};
use crate::data::{recipe::Scale, weights::ClassWeight};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::Value;

/// `training` of a job: the settings that its model has.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum JobTraining {
    /// Of a network.
    Network(Box<Training>),
    /// Of a classical model.
    Classical(ClassicalTraining),
}

/// What jobs of both kinds have.
#[derive(Debug, Clone, Copy)]
pub struct SharedTraining<'a> {
    /// Fraction of the rows that validate.
    pub validation_split: f64,
    /// Whether rows are shuffled before the split.
    pub split_shuffle: bool,
    /// Seed of all randomness.
    pub seed: u64,
    /// How number columns are scaled.
    pub preprocessing: &'a Scale,
    /// Weight of each class.
    pub class_weight: Option<&'a ClassWeight>,
    /// Whether training rows of smaller classes are repeated.
    pub oversampling: bool,
    /// Column with the weight of each row.
    pub sample_weight: Option<&'a str>,
}

impl JobTraining {
    /// Those of a network.
    pub fn network(&self) -> Option<&Training> {
        match self {
            Self::Network(training) => Some(training),
            Self::Classical(_) => None,
        }
    }

    /// The number of epochs; 0 for a classical model, whose fit says how many rounds it has.
    pub fn epochs(&self) -> u32 {
        self.network().map_or(0, |training| training.epochs)
    }

    /// The settings of both kinds.
    pub fn shared(&self) -> SharedTraining<'_> {
        match self {
            Self::Network(it) => SharedTraining {
                validation_split: it.validation_split,
                split_shuffle: it.split_shuffle,
                seed: it.seed,
                preprocessing: &it.preprocessing,
                class_weight: it.class_weight.as_ref(),
                oversampling: it.oversampling,
                sample_weight: it.sample_weight.as_deref(),
            },
            Self::Classical(it) => SharedTraining {
                validation_split: it.validation_split,
                split_shuffle: it.split_shuffle,
                seed: it.seed,
                preprocessing: &it.preprocessing,
                class_weight: it.class_weight.as_ref(),
                oversampling: it.oversampling,
                sample_weight: it.sample_weight.as_deref(),
            },
        }
    }
}

impl<'de> Deserialize<'de> for JobTraining {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        // Only networks have epochs, and a job shows every setting.
        match value.get("epochs") {
            Some(_) => serde_json::from_value(value).map(|it| Self::Network(Box::new(it))).map_err(D::Error::custom),
            None => serde_json::from_value(value).map(Self::Classical).map_err(D::Error::custom),
        }
    }
}
