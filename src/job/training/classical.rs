//! [`ClassicalTraining`]: settings of a job that trains a classical model; those of the model itself are in its definition.

use super::{fields, output_setting::OutputSetting, schema};
use crate::{
    data::{
        recipe::{Scale, Task},
        weights::ClassWeight,
    },
    engine::{
        loss::Loss,
        metric::{Measure, Metric},
    },
};
use serde::{Deserialize, Serialize};

/// How a job trains a classical model. A request may leave out every setting; a job shows what was filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClassicalTraining {
    /// Metrics to report.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "fields::metrics")]
    #[schema(schema_with = schema::metrics, required = true)]
    pub metrics: Option<OutputSetting<Vec<Metric>>>,
    /// Fraction of the rows used for validation.
    #[serde(deserialize_with = "fields::validation_split")]
    #[schema(required = true, minimum = 0, exclusive_maximum = 1)]
    pub validation_split: f64,
    /// Whether to shuffle the rows (by `seed`) before the split.
    #[schema(required = true)]
    pub split_shuffle: bool,
    /// Seed of the split, and of the model where it has no `random_state`.
    #[schema(required = true)]
    pub seed: u64,
    /// Short for `preprocessing.number.scale`: how number columns are scaled, for models that need numbers of one scale.
    #[schema(required = true)]
    pub preprocessing: Scale,
    /// Weight of each class. Multiplied with the model's own `class_weight` and with `sample_weight`.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "fields::class_weight")]
    pub class_weight: Option<ClassWeight>,
    /// Whether training rows of smaller classes are repeated, until every class has as many rows as the largest.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub oversampling: bool,
    /// Number column with the weight of each row. Not used as a feature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_weight: Option<String>,
}

impl Default for ClassicalTraining {
    fn default() -> Self {
        Self {
            metrics: None,
            validation_split: 0.0,
            split_shuffle: true,
            seed: 0,
            preprocessing: Scale::standardize(),
            class_weight: None,
            oversampling: false,
            sample_weight: None,
        }
    }
}

/// The loss whose targets a metric sees, and how many outputs: of two classes the probability of the second one, except for
/// metrics that compare classes.
pub fn seen_by(metric: &Metric, task: Task, outputs: usize) -> (Loss, usize) {
    let of_classes = matches!(
        metric.measure,
        Measure::CategoricalAccuracy
            | Measure::SparseCategoricalAccuracy
            | Measure::TopKCategoricalAccuracy(_)
            | Measure::SparseTopKCategoricalAccuracy(_)
            | Measure::CategoricalCrossentropy(_)
            | Measure::SparseCategoricalCrossentropy(_)
            | Measure::CategoricalHinge
            | Measure::MatthewsCorrelation
            | Measure::CohenKappa(_)
            | Measure::Iou(_)
            | Measure::MeanIou(_)
    );
    match task {
        Task::Regression => (Loss::MeanSquaredError, outputs),
        Task::Binary if !of_classes => (Loss::BinaryCrossentropy(Default::default()), 1),
        _ => (Loss::SparseCategoricalCrossentropy(Default::default()), outputs),
    }
}

impl ClassicalTraining {
    /// The metrics of the only output.
    pub fn metrics(&self) -> Vec<Metric> {
        self.metrics.as_ref().and_then(|metrics| metrics.get("", 0)).cloned().unwrap_or_default()
    }
}
