//! [`Training`].

use super::{batch_size::BatchSize, fields, output_setting::OutputSetting, schema};
use crate::{
    data::{
        named::PerOutput,
        recipe::{Scale, Task},
        weights::ClassWeight,
    },
    engine::{
        fit::{EarlyStopping, FitPlan, OutputPlan, ReduceLrOnPlateau, Role, ValidationFreq},
        loss::ReducedLoss,
        metric::Metric,
        optimizer::Optimizer,
    },
};
use serde::{Deserialize, Serialize};

/// How a job trains. A request may leave out every setting; a job shows what was filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Training {
    /// Number of epochs.
    #[serde(deserialize_with = "fields::epochs")]
    #[schema(required = true, minimum = 1, maximum = 1000000)]
    pub epochs: u32,
    /// Number of rows per step. All training rows where they are fewer, or with `"full"`.
    #[schema(required = true)]
    pub batch_size: BatchSize,
    /// Optimizer.
    #[schema(required = true)]
    pub optimizer: Optimizer,
    /// Loss; null for an output that is not trained.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "fields::loss")]
    #[schema(schema_with = schema::loss, required = true)]
    pub loss: Option<OutputSetting<Option<ReducedLoss>>>,
    /// Metrics to report.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "fields::metrics")]
    #[schema(schema_with = schema::metrics, required = true)]
    pub metrics: Option<OutputSetting<Vec<Metric>>>,
    /// Metrics weighted by `sample_weight` or `class_weight`.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "fields::metrics")]
    #[schema(schema_with = schema::weighted_metrics, required = false)]
    pub weighted_metrics: Option<OutputSetting<Vec<Metric>>>,
    /// Coefficient of each output's loss in the total loss.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "fields::loss_weights")]
    #[schema(schema_with = schema::loss_weights, required = false)]
    pub loss_weights: Option<OutputSetting<f64>>,
    /// Fraction of the rows used for validation.
    #[serde(deserialize_with = "fields::validation_split")]
    #[schema(required = true, minimum = 0, exclusive_maximum = 1)]
    pub validation_split: f64,
    /// Whether to shuffle the rows (by `seed`) before the split. Default: false for a model posted as Keras's JSON, whose
    /// `validation_split` takes the last rows; true otherwise.
    #[schema(required = true)]
    pub split_shuffle: bool,
    /// Whether to shuffle the training rows before each epoch.
    #[schema(required = true)]
    pub shuffle: bool,
    /// Seed of all randomness.
    #[schema(required = true)]
    pub seed: u64,
    /// Short for `preprocessing.number.scale`: how number columns are scaled. Default: `none` for a Keras model; `standardize` otherwise, except for columns that a layer
    /// such as `rescaling` or `masking` takes unscaled. The job's `preprocessing` lists each column.
    #[schema(required = true)]
    pub preprocessing: Scale,
    /// Stop training when a monitored value has stopped improving.
    pub early_stopping: Option<EarlyStopping>,
    /// Reduce the learning rate when a monitored value has stopped improving. Requires an optimizer whose learning rate is a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reduce_lr_on_plateau: Option<ReduceLrOnPlateau>,
    /// Whether a loss that is not finite ends the job with the weights of the last complete epoch. Otherwise it fails the job.
    #[serde(skip_serializing_if = "is_false")]
    pub terminate_on_nan: bool,
    /// Epochs after which validation runs: every n-th, or a list of epochs. Default: every epoch.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "fields::validation_freq")]
    pub validation_freq: Option<ValidationFreq>,
    /// Number of steps per epoch; the next epoch continues where the last one stopped. Default: one pass over the training rows.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "fields::steps_per_epoch")]
    #[schema(minimum = 1, maximum = 1000000000)]
    pub steps_per_epoch: Option<u32>,
    /// Weight of each class in the training loss.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "fields::class_weight")]
    pub class_weight: Option<ClassWeight>,
    /// Whether training rows of smaller classes are repeated, until every class has as many rows as the largest. Needs one target
    /// column of classes, and is an alternative to `class_weight`.
    #[serde(skip_serializing_if = "is_false")]
    pub oversampling: bool,
    /// Number column with the weight of each row in the loss. Not used as a feature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_weight: Option<String>,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Default for Training {
    fn default() -> Self {
        Self {
            epochs: 1,
            batch_size: BatchSize::default(),
            optimizer: Optimizer::default(),
            loss: None,
            metrics: None,
            weighted_metrics: None,
            loss_weights: None,
            validation_split: 0.0,
            split_shuffle: true,
            shuffle: true,
            seed: 0,
            preprocessing: Scale::standardize(),
            early_stopping: None,
            reduce_lr_on_plateau: None,
            terminate_on_nan: false,
            validation_freq: None,
            steps_per_epoch: None,
            class_weight: None,
            oversampling: false,
            sample_weight: None,
        }
    }
}

impl Training {
    /// The engine's plan for `rows` training rows. `tasks` are those of the outputs.
    pub fn plan(&self, tasks: &PerOutput<Task>, rows: usize, threads: usize) -> FitPlan {
        FitPlan {
            epochs: self.epochs,
            batch_size: self.batch_size.resolve(rows),
            optimizer: self.optimizer.clone(),
            outputs: self.outputs(tasks),
            shuffle: self.shuffle,
            seed: self.seed,
            early_stopping: self.early_stopping.clone(),
            reduce_lr_on_plateau: self.reduce_lr_on_plateau.clone(),
            terminate_on_nan: self.terminate_on_nan,
            validation_freq: self.validation_freq.clone().unwrap_or_default(),
            steps_per_epoch: self.steps_per_epoch.map(|steps| steps as usize),
            threads,
        }
    }

    /// The plan of each output of a job, in the model's order.
    pub(crate) fn outputs(&self, tasks: &PerOutput<Task>) -> Vec<OutputPlan> {
        let losses = self.loss.iter().flat_map(OutputSetting::named).enumerate();
        let outputs = losses.map(|(index, (name, loss))| {
            let task = tasks.get(name).copied().unwrap_or(Task::Regression);
            let list = |metrics: &Option<OutputSetting<Vec<Metric>>>| {
                metrics.as_ref().and_then(|metrics| metrics.get(name, index)).cloned().unwrap_or_default()
            };
            OutputPlan {
                name: name.to_owned(),
                loss: loss.unwrap_or_else(|| task.usual_loss().into()),
                role: match (loss, task) {
                    (Some(_), _) => Role::Trained,
                    (None, Task::Raw) => Role::Untrained,
                    (None, _) => Role::Measured,
                },
                loss_weight: self.loss_weights.as_ref().and_then(|it| it.get(name, index)).copied().unwrap_or(1.0),
                metrics: reported_metrics(list(&self.metrics), list(&self.weighted_metrics)),
                rescale: Vec::new(),
            }
        });
        outputs.collect()
    }

    /// The losses of the outputs that are trained.
    pub(crate) fn losses(&self) -> impl Iterator<Item = &ReducedLoss> {
        self.loss.iter().flat_map(OutputSetting::named).filter_map(|(_, loss)| loss.as_ref())
    }
}

/// The metrics of an output and its weighted ones, under the names by which Keras reports them.
fn reported_metrics(mut metrics: Vec<Metric>, weighted: Vec<Metric>) -> Vec<Metric> {
    let unweighted: Vec<String> = metrics.iter().map(Metric::name).collect();
    metrics.extend(weighted.into_iter().map(|metric| {
        let is_taken = unweighted.contains(&metric.name);
        let name = if is_taken { format!("weighted_{}", metric.name) } else { metric.name.clone() };
        Metric { name, weighted: true, ..metric }
    }));
    metrics
}
