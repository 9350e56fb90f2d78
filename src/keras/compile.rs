//! `compile_config`: the optimizer, loss and metrics that `model.compile` was given, as defaults of `training`.

use super::{
    Compiled,
    class::{Class, Family, Place, Plain, Rule, Translator, UNSET, describe},
    measures::{LOSSES, METRICS},
};
use crate::engine::{
    field::{self, FieldError},
    loss::Loss,
    metric::Metric,
    optimizer::Optimizer,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

const OPTIMIZERS: Family = Family {
    what: "optimizer",
    classes: &[
        Class { names: &["SGD", "sgd"], kind: "sgd", options: &[("momentum", Rule::Same), ("nesterov", Rule::Same)] },
        Class {
            names: &["Adam", "adam"],
            kind: "adam",
            options: &[
                ("beta_1", Rule::Same),
                ("beta_2", Rule::Same),
                ("epsilon", Rule::Same),
                ("amsgrad", Rule::Only(&[Plain::Bool(false)])),
            ],
        },
        Class {
            names: &["AdamW", "adamw"],
            kind: "adamw",
            options: &[
                ("beta_1", Rule::Same),
                ("beta_2", Rule::Same),
                ("epsilon", Rule::Same),
                ("amsgrad", Rule::Only(&[Plain::Bool(false)])),
            ],
        },
        Class {
            names: &["RMSprop", "rmsprop"],
            kind: "rmsprop",
            options: &[
                ("rho", Rule::Same),
                ("momentum", Rule::Same),
                ("epsilon", Rule::Same),
                ("centered", Rule::Same),
            ],
        },
    ],
    common: &[
        ("learning_rate", Rule::Number),
        ("weight_decay", Rule::Optional),
        ("name", Rule::Ignored),
        ("clipnorm", UNSET),
        ("global_clipnorm", UNSET),
        ("clipvalue", UNSET),
        ("use_ema", Rule::Only(&[Plain::Bool(false)])),
        // Read by Keras only where `use_ema` is on.
        ("ema_momentum", Rule::Ignored),
        ("ema_overwrite_frequency", Rule::Ignored),
        ("loss_scale_factor", UNSET),
        ("gradient_accumulation_steps", UNSET),
        ("decay", Rule::Only(&[Plain::Number(0.0)])),
        ("jit_compile", Rule::Ignored),
        ("is_legacy_optimizer", Rule::Ignored),
    ],
};

/// Arguments of `model.compile` beside optimizer, loss and metrics.
const ARGUMENTS: [(&str, Rule); 6] = [
    ("loss_weights", UNSET),
    ("weighted_metrics", UNSET),
    // How it runs, not what it computes.
    ("run_eagerly", Rule::Ignored),
    ("steps_per_execution", Rule::Ignored),
    ("jit_compile", Rule::Ignored),
    ("auto_scale_loss", Rule::Ignored),
];

/// The document `compile_config`, empty where there is none; errors are noted in `translator`.
pub(super) fn translate(document: &Map<String, Value>, translator: &mut Translator) -> Compiled {
    let mut training = Map::new();
    let config = match document.get("compile_config") {
        None | Some(Value::Null) => return Compiled::default(),
        Some(Value::Object(config)) => config,
        Some(other) => {
            let detail = format!("expected an object, received {}", describe(other));
            translator.errors.push(FieldError::new("/compile_config", detail));
            return Compiled::default();
        }
    };
    let place = |ours: &str, keras: &str| Place {
        ours: format!("/training/{ours}"),
        keras: format!("/compile_config/{keras}"),
        owner: format!("`{keras}`: ", keras = keras.split('/').next().unwrap_or(keras)),
    };
    for (argument, value) in config.iter().filter(|(_, value)| !value.is_null()) {
        let place = place(argument, argument);
        let translated = match argument.as_str() {
            "optimizer" => translator
                .translate(&OPTIMIZERS, value, &place)
                .and_then(|v| checked::<Optimizer>(v, &place, translator)),
            "loss" => loss(value, &place, translator),
            "metrics" => metrics(value, &place, translator),
            _ => {
                let rules = Class { names: &[], kind: "", options: &ARGUMENTS };
                let root = Place { ours: "/training".into(), keras: "/compile_config".into(), owner: String::new() };
                let alone = Map::from_iter([(argument.clone(), value.clone())]);
                translator.settings(&NOTHING, &rules, &alone, &root);
                None
            }
        };
        training.extend(translated.map(|value| (argument.clone(), value)));
    }
    Compiled { training }
}

const NOTHING: Family = Family { what: "argument", classes: &[], common: &[] };

/// One loss, which may stand in a list as the only one.
fn loss(value: &Value, place: &Place, translator: &mut Translator) -> Option<Value> {
    let (value, place) = match value.as_array().map(Vec::as_slice) {
        Some([alone]) => (alone, Place { keras: format!("{}/0", place.keras), ..place.clone() }),
        _ => (value, place.clone()),
    };
    let loss = translator.translate(&LOSSES, value, &place)?;
    checked::<Loss>(loss, &place, translator)
}

/// Metrics of one output, which Keras may print in a list of its own.
fn metrics(value: &Value, place: &Place, translator: &mut Translator) -> Option<Value> {
    let mut keras = place.keras.clone();
    let Value::Array(all) = value else {
        translator.refuse(place, format_args!("expected an array of metrics, received {}", describe(value)));
        return None;
    };
    let mut list = all;
    if let [Value::Array(inner)] = list.as_slice() {
        list = inner;
        keras.push_str("/0");
    }
    let metrics = list.iter().enumerate().filter_map(|(index, metric)| {
        let place = Place {
            ours: format!("{}/{index}", place.ours),
            keras: format!("{keras}/{index}"),
            owner: place.owner.clone(),
        };
        let metric = translator.translate(&METRICS, metric, &place)?;
        checked::<Metric>(metric, &place, translator)
    });
    Some(metrics.collect())
}

/// `value` as it is, once it reads as a `T`.
fn checked<T: DeserializeOwned>(value: Value, place: &Place, translator: &mut Translator) -> Option<Value> {
    match field::parse::<T>(&value) {
        Ok(_) => Some(value),
        Err(error) => {
            let error = translator.trace(error.under(&place.ours));
            translator.errors.push(error);
            None
        }
    }
}
