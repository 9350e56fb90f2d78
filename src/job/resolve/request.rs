//! The body of a job request, and the training settings that it means.

use super::request_schema;
use crate::{
    data::{
        named::{Named, PerOutput},
        recipe::Scale,
    },
    engine::{
        field::{FieldError, parse, parse_settings, type_of},
        optimizer::Optimizer,
    },
    job::{
        columns::Columns,
        labels::Labels,
        preprocessing::{ChosenBy, PreprocessingRequest},
        split::SplitRequest,
        task_request::TaskRequest,
        training::{ClassicalTraining, Training},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The body of `POST /v1/jobs`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobRequest {
    /// Name or id of the model.
    pub model: String,
    /// Name or id of the dataset.
    pub dataset: String,
    /// The target of each output.
    #[schema(schema_with = request_schema::target)]
    pub target: PerOutput<Columns>,
    /// The task of each output.
    #[schema(schema_with = request_schema::task, required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<PerOutput<TaskRequest>>,
    /// Feature columns. Default: every column except the target and `sample_weight`. A number column may be both feature and
    /// target, as in an autoencoder: the feature is scaled by `preprocessing`, the target is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<String>>,
    /// Columns of each input of a model with several inputs, instead of `features`. Inputs may share columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<std::collections::HashMap<String, Vec<String>>>)]
    pub inputs: Option<Named<Vec<String>>>,
    /// Name or id of a dataset to validate on, instead of a split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_dataset: Option<String>,
    /// Short for `training.class_weight`.
    #[schema(value_type = Option<crate::data::weights::ClassWeight>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_weight: Option<Value>,
    /// Short for `training.sample_weight`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_weight: Option<String>,
    /// How the rows are divided into parts that train, validate and test. `training.validation_split` is short for
    /// `split.validation`.
    #[schema(value_type = Option<SplitRequest>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Value>,
    /// What becomes of each column before the network. Default: by type; see the job's `preprocessing`.
    #[schema(value_type = Option<PreprocessingRequest>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preprocessing: Option<Value>,
    /// Training settings.
    #[schema(value_type = Option<crate::job::training::TrainingRequest>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<Value>,
    /// Whether simple models are fitted on the same rows after the model and compared with it, for at most a second or a fifth of the
    /// job's own time. Default: true for up to 100,000 rows with one target column and rows to compare on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baselines: Option<bool>,
    /// Labels, at most 64.
    #[schema(value_type = std::collections::HashMap<String, String>, required = false)]
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// A note, at most 10,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Priority: queued jobs of a higher one run first, those of the same one in the order of submission. Default: 0.
    #[schema(minimum = -1000, maximum = 1000)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// With `dry_run=true`: the definition that `model` would have, in either form. Otherwise define the model first.
    #[schema(schema_with = request_schema::definition, required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<Value>,
}

/// An error of an unknown field of a request with a hint where `training` has it.
pub fn hint_of_training(error: FieldError) -> FieldError {
    let Some(name) = error.pointer.strip_prefix('/').filter(|_| error.is_unknown_field()) else { return error };
    let detail = if is_of_training(name) {
        format!("expected `{name}` in `training`, as in {{\"training\": {{\"{name}\": …}}}}")
    } else if let Some(kind) = optimizer_with(name) {
        format!("expected `{name}` in `training.optimizer`, as in {{\"type\": \"{kind}\", \"{name}\": …}}")
    } else {
        return error;
    };
    FieldError { detail, ..error }
}

/// Whether networks have this training setting.
fn is_of_training(name: &str) -> bool {
    parse::<Training>(&json!({name: null})).err().is_none_or(|error| !error.is_unknown_field())
}

/// The first optimizer with this setting.
fn optimizer_with(name: &str) -> Option<&'static str> {
    let is_known = |kind: &str| {
        let error = parse::<Optimizer>(&json!({"type": kind, name: null})).err();
        error.is_none_or(|error| !error.is_unknown_field())
    };
    // `type` is how an optimizer is named, not a setting of it.
    Optimizer::NAMES.iter().copied().find(|kind| name != "type" && is_known(kind))
}

/// An error of an unknown setting with a hint where optimizers have it.
fn hint_of_optimizer(error: FieldError) -> FieldError {
    let Some(name) = error.pointer.strip_prefix('/').filter(|_| error.is_unknown_field()) else { return error };
    match optimizer_with(name) {
        None => error,
        Some(kind) => {
            let detail = format!("expected `{name}` in `optimizer`, as in {{\"type\": \"{kind}\", \"{name}\": …}}");
            FieldError { detail, ..error }
        }
    }
}

/// An error of a setting that networks have and a classical model has not.
fn hint_of_network(error: FieldError, kind: &str) -> FieldError {
    let Some(name) = error.pointer.strip_prefix('/').filter(|_| error.is_unknown_field()) else { return error };
    match is_of_training(name) {
        false => error,
        true => {
            let detail = format!(
                "expected no `{name}`, which networks have: the settings of a {kind} are in the model's definition"
            );
            FieldError { detail, ..error }
        }
    }
}

impl JobRequest {
    /// The settings of the request over `defaults`, which are the model's. `None` where they cannot be read.
    pub(super) fn training(&self, defaults: &Map<String, Value>, errors: &mut Vec<FieldError>) -> Option<Training> {
        let settings = self.settings(defaults, errors);
        let mut wrong = Vec::new();
        let training = parse_settings(&settings, &mut wrong);
        errors.extend(wrong.into_iter().map(|error| hint_of_optimizer(error).under("/training")));
        training
    }

    /// The settings of the request for a classical model of this kind. `None` where they cannot be read.
    pub(super) fn classical_training(&self, kind: &str, errors: &mut Vec<FieldError>) -> Option<ClassicalTraining> {
        let settings = self.settings(&Map::new(), errors);
        let mut wrong = Vec::new();
        let training = parse_settings(&settings, &mut wrong);
        errors.extend(wrong.into_iter().map(|error| hint_of_network(error, kind).under("/training")));
        training
    }

    /// `training` over `defaults`, with what stands beside it.
    fn settings(&self, defaults: &Map<String, Value>, errors: &mut Vec<FieldError>) -> Map<String, Value> {
        let mut settings = defaults.clone();
        match &self.training {
            None | Some(Value::Null) => {}
            Some(Value::Object(training)) => settings.extend(training.clone()),
            Some(other) => errors.push(FieldError::new("/training", format!("expected an object, received {other}"))),
        }
        for (name, value) in self.beside_training() {
            if self.in_training(name).is_some_and(|value| !value.is_null()) {
                let detail = format!("expected `{name}` or `training.{name}`, received both");
                errors.push(FieldError::new(format!("/{name}"), detail));
            }
            settings.insert(name.to_owned(), value);
        }
        settings
    }

    /// The preprocessing of the request; what is wrong is an error. `preprocessing.number.scale` becomes
    /// `training.preprocessing`.
    pub(super) fn preprocessing(&self, of_training: &mut Scale, errors: &mut Vec<FieldError>) -> PreprocessingRequest {
        let request: PreprocessingRequest = match &self.preprocessing {
            None | Some(Value::Null) => PreprocessingRequest::default(),
            Some(Value::Object(settings)) => {
                let mut wrong = Vec::new();
                let request = parse_settings(settings, &mut wrong);
                errors.extend(wrong.into_iter().map(|error| error.under("/preprocessing")));
                request.unwrap_or_default()
            }
            Some(other) => {
                errors.push(FieldError::new(
                    "/preprocessing",
                    format!("expected an object, received {}", type_of(other)),
                ));
                PreprocessingRequest::default()
            }
        };
        if let Some(scale) = request.number.as_ref().and_then(|number| number.scale.clone()) {
            if self.in_training("preprocessing").is_some_and(|value| !value.is_null()) {
                let detail = "expected `preprocessing.number.scale` or `training.preprocessing`, received both";
                errors.push(FieldError::new("/preprocessing/number/scale", detail));
            }
            *of_training = scale;
        }
        request
    }

    /// The column of the split that is no feature by default: one for which `preprocessing.columns` has settings is a feature.
    pub(super) fn split_column(&self) -> Option<&str> {
        let column = self.split.as_ref()?.get("column")?.as_str()?;
        let settings = self.preprocessing.as_ref().and_then(|it| it.pointer("/columns")).and_then(Value::as_object);
        (!settings.is_some_and(|settings| settings.contains_key(column))).then_some(column)
    }

    /// The split of the request; what is wrong is an error. `split.validation` becomes `training.validation_split`.
    pub(super) fn split(&self, validation_split: &mut f64, errors: &mut Vec<FieldError>) -> SplitRequest {
        let mut split: SplitRequest = match &self.split {
            None | Some(Value::Null) => return SplitRequest::default(),
            Some(Value::Object(settings)) => {
                let mut wrong = Vec::new();
                let split = parse_settings(settings, &mut wrong);
                errors.extend(wrong.into_iter().map(|error| error.under("/split")));
                split.unwrap_or_default()
            }
            Some(other) => {
                errors.push(FieldError::new("/split", format!("expected an object, received {}", type_of(other))));
                return SplitRequest::default();
            }
        };
        if self.in_training("validation_split").is_some_and(|value| !value.is_null()) {
            let detail = "expected `split` or `training.validation_split`, received both";
            errors.push(FieldError::new("/split", detail));
        }
        if let Some(share) = split.validation.take_if(|share| !(0.0..1.0).contains(share)) {
            let detail = format!("expected at least 0 and less than 1, received {share}");
            errors.push(FieldError::new("/split/validation", detail));
        }
        *validation_split = split.validation.unwrap_or_default();
        split
    }

    /// Who chose `training.preprocessing`.
    pub(super) fn preprocessing_chosen_by(&self, defaults: &Map<String, Value>) -> ChosenBy {
        match self.in_training("preprocessing") {
            Some(Value::Null) => ChosenBy::Default,
            Some(_) => ChosenBy::Job,
            None if defaults.get("preprocessing").is_some_and(|value| !value.is_null()) => ChosenBy::Model,
            None => ChosenBy::Default,
        }
    }

    /// `error`, which points into `training`, where the request has the setting.
    pub(super) fn locate(&self, error: FieldError) -> FieldError {
        let Some(below) = error.pointer.strip_prefix("/training") else { return error };
        let name = below.split('/').nth(1).unwrap_or_default();
        match self.beside_training().any(|(beside, _)| beside == name) {
            true => FieldError::new(below, error.detail),
            false => error,
        }
    }

    /// Training settings that are given beside `training`.
    fn beside_training(&self) -> impl Iterator<Item = (&'static str, Value)> {
        let class_weight = self.class_weight.clone().map(|weight| ("class_weight", weight));
        let sample_weight = self.sample_weight.clone().map(|column| ("sample_weight", column.into()));
        class_weight.into_iter().chain(sample_weight)
    }

    fn in_training(&self, name: &str) -> Option<&Value> {
        self.training.as_ref().and_then(|training| training.get(name))
    }
}
