//! `training` of a job: every setting of the fit and of what comes before it.

use crate::{
    data::{
        named::PerOutput,
        recipe::{Preprocessing, Task},
        weights::ClassWeight,
    },
    engine::{
        field::{FieldError, escape, nearest, overflowing_numbers, parse},
        fit::{EarlyStopping, FitPlan, OutputPlan, ReduceLrOnPlateau, Role, ValidationFreq},
        loss::ReducedLoss,
        metric::Metric,
        optimizer::Optimizer,
    },
    job::{batch_size::BatchSize, output_settings::OutputSettings},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::ops::RangeInclusive;

/// Most epochs of a job: every one is kept as an event.
pub const MOST_EPOCHS: u32 = 1_000_000;

/// Most steps of an epoch.
const MOST_STEPS_PER_EPOCH: u64 = 1_000_000_000;

/// How a job trains. What a request leaves out is filled in when the job is made, and shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// Times that every training row is seen, 1 to 1000000; 1 where absent.
    #[schema(minimum = 1, maximum = 1000000)]
    pub epochs: u32,
    /// Rows of one step: a number, which is all training rows where they are fewer, or `"full"` for all of them; 32 where
    /// absent.
    pub batch_size: BatchSize,
    /// adam where absent.
    pub optimizer: Optimizer,
    /// Where absent: a cross-entropy for classes, `mean_squared_error` for numbers. With several outputs one for all of
    /// them, a list in the model's order of outputs, or an object by output; an output whose loss is null is not trained and
    /// needs no target. Its object may say what the rows of a batch become together, by `reduction`.
    #[schema(schema_with = loss_schema)]
    pub loss: PerOutput<Option<ReducedLoss>>,
    /// Where absent: `accuracy` for classes, `mean_absolute_error` for numbers. With several outputs a list for all of
    /// them, or an object of lists by output.
    #[schema(schema_with = metrics_schema)]
    pub metrics: PerOutput<Vec<Metric>>,
    /// What is reported too, with rows that count as much as they weigh in the loss: Keras's `weighted_metrics`. One that has
    /// the name of a metric is reported as `weighted_` and that name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = metrics_schema, required = false)]
    pub weighted_metrics: Option<PerOutput<Vec<Metric>>>,
    /// What each output's loss is multiplied by in the sum of them: a number for every output, a list in the model's order
    /// of outputs, or an object by output; 1 where absent.
    #[schema(schema_with = loss_weights_schema, required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_weights: Option<PerOutput<f64>>,
    /// The fraction of the rows that validates, from 0 (none, where absent) to less than 1.
    #[schema(minimum = 0, exclusive_maximum = 1)]
    pub validation_split: f64,
    /// Whether rows are shuffled (by `seed`) before the split. Where absent: false for a model that was posted as Keras's JSON,
    /// whose `validation_split` takes the last rows, and true for others.
    pub split_shuffle: bool,
    /// Whether the training rows are put in a new order each epoch; true where absent.
    pub shuffle: bool,
    /// Where all randomness comes from; 0 where absent.
    pub seed: u64,
    /// How number columns are scaled. Where absent: `none` for a Keras model, `standardize` for others but for columns that a
    /// layer reads raw, such as `rescaling` or `masking`. The job's own `preprocessing` shows each column.
    pub preprocessing: Preprocessing,
    /// When to stop before the last epoch.
    #[serde(default)]
    pub early_stopping: Option<EarlyStopping>,
    /// When to go on with smaller steps. Only beside an optimizer whose learning rate is a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reduce_lr_on_plateau: Option<ReduceLrOnPlateau>,
    /// Whether a loss that is not finite ends the job with the weights of the last whole epoch; where false or absent, it
    /// fails the job.
    #[serde(default, skip_serializing_if = "is_false")]
    pub terminate_on_nan: bool,
    /// After which epochs the validation rows are measured: every so many, or a list of epochs; after each where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_freq: Option<ValidationFreq>,
    /// Steps of an epoch, which then goes on in the rows where the one before ended; as many as all rows make where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000000000)]
    pub steps_per_epoch: Option<u32>,
    /// What each class weighs in the training loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_weight: Option<ClassWeight>,
    /// The number column that says what each row weighs in the loss. It is no feature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_weight: Option<String>,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Training {
    /// The engine's part, for `rows` training rows and outputs of these tasks.
    pub fn plan(&self, tasks: &PerOutput<Task>, rows: usize, threads: usize) -> FitPlan {
        FitPlan {
            epochs: self.epochs,
            batch_size: self.batch_size.of(rows),
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
}

impl Training {
    /// The weighted metrics of an output.
    fn weighted_metrics_of(&self, output: &str) -> &[Metric] {
        match &self.weighted_metrics {
            Some(PerOutput::One(metrics)) => metrics,
            Some(PerOutput::Each(each)) => each.get(output).map(Vec::as_slice).unwrap_or_default(),
            None => &[],
        }
    }

    /// What each output learns, in the model's order.
    fn outputs(&self, tasks: &PerOutput<Task>) -> Vec<OutputPlan> {
        let task = |name| tasks.get(name).copied().unwrap_or(Task::Regression);
        let outputs = self.loss.named().into_iter().map(|(name, loss)| OutputPlan {
            name: name.to_owned(),
            loss: loss.unwrap_or_else(|| task(name).usual_loss().into()),
            role: match (loss, task(name)) {
                (Some(_), _) => Role::Trained,
                (None, Task::Raw) => Role::Untrained,
                (None, _) => Role::Measured,
            },
            loss_weight: self.loss_weights.as_ref().and_then(|weights| weights.get(name)).copied().unwrap_or(1.0),
            metrics: reported(self.metrics.get(name).map_or(&[], Vec::as_slice), self.weighted_metrics_of(name)),
        });
        outputs.collect()
    }
}

/// The metrics of an output and its weighted ones under the names that Keras reports them by.
pub(super) fn reported(metrics: &[Metric], weighted: &[Metric]) -> Vec<Metric> {
    let mut all = metrics.to_vec();
    for metric in weighted {
        let taken = metrics.iter().any(|known| known.name == metric.name);
        let name = if taken { format!("weighted_{}", metric.name) } else { metric.name.clone() };
        all.push(Metric { name, measure: metric.measure.clone(), weighted: true });
    }
    all
}

fn metrics_schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
    use utoipa::openapi::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Ref};
    let list = || ArrayBuilder::new().items(Ref::from_schema_name(<Metric as utoipa::ToSchema>::name()));
    let each = ObjectBuilder::new().additional_properties(Some(list()));
    OneOfBuilder::new()
        .description(Some("A list for every output, or an object of lists by output."))
        .item(list())
        .item(each)
        .into()
}

fn loss_schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
    use utoipa::openapi::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Ref, Schema, Type};
    let loss = || Ref::from_schema_name(<ReducedLoss as utoipa::ToSchema>::name());
    let or_null = || OneOfBuilder::new().item(loss()).item(ObjectBuilder::new().schema_type(Type::Null));
    OneOfBuilder::new()
        .description(Some("A loss for every output, a list in the model's order of outputs, or an object by output."))
        .item(loss())
        .item(ArrayBuilder::new().items(or_null()))
        .item(ObjectBuilder::new().additional_properties(Some(Schema::from(or_null()))))
        .into()
}

fn loss_weights_schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
    use utoipa::openapi::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Type};
    let number = || ObjectBuilder::new().schema_type(Type::Number).minimum(Some(0.0));
    OneOfBuilder::new()
        .description(Some("A number for every output, a list in the model's order of outputs, or an object by output."))
        .item(number())
        .item(ArrayBuilder::new().items(number()))
        .item(ObjectBuilder::new().additional_properties(Some(number())))
        .into()
}

/// `training` as a request has it: checked by itself, nothing filled in yet.
#[derive(Debug, Default)]
pub(super) struct Requested {
    pub epochs: Option<u32>,
    pub batch_size: Option<BatchSize>,
    pub optimizer: Option<Optimizer>,
    pub loss: Option<OutputSettings<Option<ReducedLoss>>>,
    pub metrics: Option<OutputSettings<Vec<Metric>>>,
    pub weighted_metrics: Option<OutputSettings<Vec<Metric>>>,
    pub loss_weights: Option<OutputSettings<f64>>,
    pub validation_split: Option<f64>,
    pub split_shuffle: Option<bool>,
    pub shuffle: Option<bool>,
    pub seed: Option<u64>,
    pub preprocessing: Option<Preprocessing>,
    pub early_stopping: Option<EarlyStopping>,
    pub reduce_lr_on_plateau: Option<ReduceLrOnPlateau>,
    pub terminate_on_nan: Option<bool>,
    pub validation_freq: Option<ValidationFreq>,
    pub steps_per_epoch: Option<u32>,
    pub class_weight: Option<ClassWeight>,
    pub sample_weight: Option<String>,
}

const FIELDS: [&str; 19] = [
    "epochs",
    "batch_size",
    "optimizer",
    "loss",
    "metrics",
    "weighted_metrics",
    "loss_weights",
    "validation_split",
    "split_shuffle",
    "shuffle",
    "seed",
    "preprocessing",
    "early_stopping",
    "reduce_lr_on_plateau",
    "terminate_on_nan",
    "validation_freq",
    "steps_per_epoch",
    "class_weight",
    "sample_weight",
];

impl Requested {
    /// Reads every field, null as absent; errors point below `/training`.
    pub fn read(settings: &Map<String, Value>, errors: &mut Vec<FieldError>) -> Self {
        let mut requested = Self::default();
        for (name, value) in settings {
            let pointer = format!("/training/{}", escape(name));
            if value.is_null() && FIELDS.contains(&name.as_str()) {
                continue;
            }
            let overflowing = overflowing_numbers(value);
            if !overflowing.is_empty() {
                errors.extend(overflowing.into_iter().map(|error| error.under(&pointer)));
                continue;
            }
            let outcome = match name.as_str() {
                "epochs" => integer(value, 1..=u64::from(MOST_EPOCHS))
                    .map(|epochs| requested.epochs = u32::try_from(epochs).ok()),
                "batch_size" => BatchSize::read(value).map(|size| requested.batch_size = Some(size)),
                "optimizer" => setting(value).map(|optimizer| requested.optimizer = Some(optimizer)),
                "loss" => OutputSettings::read(value, &pointer, errors, |value, _, _| optional(value))
                    .map(|loss| requested.loss = Some(loss)),
                "metrics" => OutputSettings::read_lists(value, &pointer, errors, metrics)
                    .map(|metrics| requested.metrics = Some(metrics)),
                "weighted_metrics" => OutputSettings::read_lists(value, &pointer, errors, metrics)
                    .map(|metrics| requested.weighted_metrics = Some(metrics)),
                "loss_weights" => OutputSettings::read(value, &pointer, errors, |value, _, _| loss_weight(value))
                    .map(|weights| requested.loss_weights = Some(weights)),
                "validation_split" => fraction(value).map(|split| requested.validation_split = Some(split)),
                "split_shuffle" => boolean(value).map(|shuffle| requested.split_shuffle = Some(shuffle)),
                "shuffle" => boolean(value).map(|shuffle| requested.shuffle = Some(shuffle)),
                "seed" => integer(value, 0..=u64::MAX).map(|seed| requested.seed = Some(seed)),
                "preprocessing" => setting(value).map(|preprocessing| requested.preprocessing = Some(preprocessing)),
                "early_stopping" => early_stopping(value).map(|stopping| requested.early_stopping = Some(stopping)),
                "reduce_lr_on_plateau" => {
                    reduce_lr_on_plateau(value).map(|plateau| requested.reduce_lr_on_plateau = Some(plateau))
                }
                "terminate_on_nan" => boolean(value).map(|terminates| requested.terminate_on_nan = Some(terminates)),
                "validation_freq" => {
                    validation_freq(value).map(|frequency| requested.validation_freq = Some(frequency))
                }
                "steps_per_epoch" => integer(value, 1..=MOST_STEPS_PER_EPOCH)
                    .map(|steps| requested.steps_per_epoch = u32::try_from(steps).ok()),
                "class_weight" => class_weight(value).map(|weight| requested.class_weight = Some(weight)),
                "sample_weight" => match value.as_str() {
                    Some(column) => {
                        requested.sample_weight = Some(column.to_owned());
                        Ok(())
                    }
                    None => Err(FieldError::new("", format!("expected the name of a column, received {value}"))),
                },
                _ => Err(unknown(name)),
            };
            if let Err(error) = outcome {
                errors.push(error.under(&pointer));
            }
        }
        requested
    }
}

fn unknown(name: &str) -> FieldError {
    let hint = nearest(name, FIELDS).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    FieldError::new("", format!("expected one of {}, received `{name}`{hint}", FIELDS.join(", ")))
}

/// One of the settings that have a type of their own: a name or an object.
fn setting<T: DeserializeOwned>(value: &Value) -> Result<T, FieldError> {
    parse(value)
}

fn integer(value: &Value, range: RangeInclusive<u64>) -> Result<u64, FieldError> {
    let (least, most) = (range.start(), range.end());
    value.as_u64().filter(|number| range.contains(number)).ok_or_else(|| {
        let what = if value.is_i64() || value.is_u64() { "" } else { "a whole number from " };
        FieldError::new("", format!("expected {what}{least} to {most}, received {value}"))
    })
}

fn boolean(value: &Value) -> Result<bool, FieldError> {
    value.as_bool().ok_or_else(|| FieldError::new("", format!("expected true or false, received {value}")))
}

fn fraction(value: &Value) -> Result<f64, FieldError> {
    let expected = || FieldError::new("", format!("expected a number from 0 to less than 1, received {value}"));
    value.as_f64().filter(|fraction| (0.0..1.0).contains(fraction)).ok_or_else(expected)
}

/// A setting of its own type, or null.
fn optional<T: DeserializeOwned>(value: &Value) -> Result<Option<T>, FieldError> {
    if value.is_null() { Ok(None) } else { setting(value).map(Some) }
}

/// What an output's loss is multiplied by.
fn loss_weight(value: &Value) -> Result<f64, FieldError> {
    let weight = value.as_f64().filter(|weight| (0.0..=f64::from(f32::MAX)).contains(weight));
    weight.ok_or_else(|| FieldError::new("", format!("expected a number of at least 0, received {value}")))
}

/// A list, or one name as Keras has it. Errors of single metrics are added to `errors`.
fn metrics(value: &Value, pointer: &str, errors: &mut Vec<FieldError>) -> Result<Vec<Metric>, FieldError> {
    let Value::Array(values) = value else { return setting(value).map(|metric| vec![metric]) };
    let mut metrics: Vec<Metric> = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        match setting::<Metric>(value) {
            Ok(metric) if metrics.iter().any(|known| known.name() == metric.name()) => {
                let detail = format!("expected each metric once, received `{}` again", metric.name());
                errors.push(FieldError::new(format!("{pointer}/{index}"), detail));
            }
            Ok(metric) => metrics.push(metric),
            Err(error) => errors.push(error.under(&format!("{pointer}/{index}"))),
        }
    }
    Ok(metrics)
}

/// The settings of a callback, whose counts are told apart from other numbers.
fn callback<T: DeserializeOwned>(value: &Value, counts: &[&str]) -> Result<T, FieldError> {
    let Some(settings) = value.as_object() else {
        return Err(FieldError::new("", format!("expected an object such as {{\"patience\": 5}}, received {value}")));
    };
    for name in counts {
        if let Some(value) = settings.get(*name) {
            integer(value, 0..=u64::from(u32::MAX)).map_err(|error| error.under(&format!("/{name}")))?;
        }
    }
    parse(value)
}

fn early_stopping(value: &Value) -> Result<EarlyStopping, FieldError> {
    let stopping: EarlyStopping = callback(value, &["patience", "start_from_epoch"])?;
    if stopping.min_delta < 0.0 {
        let detail = format!("expected a number of at least 0, received {}", stopping.min_delta);
        return Err(FieldError::new("/min_delta", detail));
    }
    Ok(stopping)
}

fn reduce_lr_on_plateau(value: &Value) -> Result<ReduceLrOnPlateau, FieldError> {
    let plateau: ReduceLrOnPlateau = callback(value, &["patience", "cooldown"])?;
    plateau.check()?;
    Ok(plateau)
}

/// A number of epochs, or a list of them.
fn validation_freq(value: &Value) -> Result<ValidationFreq, FieldError> {
    let epoch = |value: &Value| {
        integer(value, 1..=u64::from(MOST_EPOCHS)).map(|epoch| u32::try_from(epoch).unwrap_or(MOST_EPOCHS))
    };
    let Value::Array(epochs) = value else { return epoch(value).map(ValidationFreq::Every) };
    let epochs = epochs.iter().enumerate();
    let epochs = epochs.map(|(index, value)| epoch(value).map_err(|error| error.under(&format!("/{index}"))));
    epochs.collect::<Result<_, _>>().map(ValidationFreq::Epochs)
}

fn class_weight(value: &Value) -> Result<ClassWeight, FieldError> {
    match value {
        Value::String(word) if word == "balanced" => {
            Ok(ClassWeight::Rule(crate::data::weights::ClassWeightRule::Balanced))
        }
        Value::Object(weights) => {
            let mut by_label = std::collections::BTreeMap::new();
            for (label, value) in weights {
                let weight = value.as_f64().filter(|weight| (0.0..=f64::from(f32::MAX)).contains(weight));
                let weight = weight.ok_or_else(|| {
                    let detail = format!("expected a number of at least 0, received {value}");
                    FieldError::new(format!("/{}", escape(label)), detail)
                })?;
                by_label.insert(label.clone(), weight);
            }
            Ok(ClassWeight::Labels(by_label))
        }
        _ => {
            let detail = format!("expected \"balanced\" or an object from label to weight, received {value}");
            Err(FieldError::new("", detail))
        }
    }
}
