//! `compile_config`: the optimizer, loss and metrics that `model.compile` was given, as defaults of `training`.

use super::{
    Compiled,
    calls::{Tensor, ends},
    class::{Family, Row, Rule, class},
    json::{describe, our_name, own_function, sorted},
    measures::{LOSSES, METRICS},
    optimizers::OPTIMIZERS,
    place::Place,
    translator::Translator,
};
use crate::engine::{
    field::{self, FieldError},
    loss::ReducedLoss,
    metric::Metric,
    optimizer::Optimizer,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// Arguments of `model.compile` beside optimizer, loss, metrics and their weights.
pub(super) static ARGUMENTS: LazyLock<Family> = LazyLock::new(|| Family::new("argument", Vec::new(), COMPILE, &[]));

const COMPILE: &[Row] = &[class(
    &["compile"],
    "",
    &[
        // How it runs, not what it computes.
        ("run_eagerly", Rule::Ignored),
        ("steps_per_execution", Rule::Ignored),
        ("jit_compile", Rule::Ignored),
        ("auto_scale_loss", Rule::Ignored),
    ],
)];

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
    let outputs = outputs_of(document);
    for (argument, value) in config.iter().filter(|(_, value)| !value.is_null()) {
        let place = place(argument, argument);
        let translated = match argument.as_str() {
            "optimizer" => translator
                .translate(&OPTIMIZERS, without_loss_scale(value), &place)
                .and_then(|v| checked::<Optimizer>(v, &place, translator)),
            "loss" => each(value, &outputs, &place, translator, loss).map(|loss| with_nulls(loss, &outputs)),
            "weighted_metrics" if value.as_array().is_some_and(Vec::is_empty) => None,
            "metrics" | "weighted_metrics" => each(value, &outputs, &place, translator, metrics),
            "loss_weights" => each(value, &outputs, &place, translator, loss_weight),
            _ => {
                let root = Place { ours: "/training".into(), keras: "/compile_config".into(), owner: String::new() };
                let alone = Map::from_iter([(argument.clone(), value.clone())]);
                if let Some(class) = ARGUMENTS.get("compile") {
                    translator.settings(&ARGUMENTS, class, &alone, &root);
                }
                None
            }
        };
        training.extend(translated.map(|value| (argument.clone(), value)));
    }
    Compiled { training, ..Compiled::default() }
}

/// The optimizer that one for half precision holds: a loss is scaled there to keep small gradients, which float32 does anyway.
fn without_loss_scale(value: &Value) -> &Value {
    const SCALED: [&str; 2] = ["LossScaleOptimizer", "LossScaleOptimizerV3"];
    let is_scaled = value.get("class_name").and_then(Value::as_str).is_some_and(|class| SCALED.contains(&class));
    ["inner_optimizer", "optimizer"]
        .iter()
        .find_map(|inner| value.get("config")?.get(*inner))
        .filter(|_| is_scaled)
        .unwrap_or(value)
}

/// An output: what `compile` calls it, and the layer whose it is.
struct Output {
    name: String,
    layer: String,
}

/// The outputs in Keras's order. Those of a dict have its names, others that of their layer.
fn outputs_of(document: &Map<String, Value>) -> Vec<Output> {
    let of = |tensor: Tensor, name: Option<&String>| Output {
        name: name.unwrap_or(&tensor.layer).clone(),
        layer: our_name(&tensor.layer),
    };
    let given = document.get("config").and_then(|config| config.get("output_layers"));
    let named = given.and_then(Value::as_object).map(sorted);
    let named = named.and_then(|named| {
        let one = |(name, tensor)| match ends(Some(tensor)).ok()?.as_slice() {
            [tensor] => Some(of(tensor.clone(), Some(name))),
            _ => None,
        };
        named.into_iter().map(one).collect::<Option<Vec<Output>>>()
    });
    named.unwrap_or_else(|| match given {
        None => last_layer(document).into_iter().collect(),
        given => ends(given).unwrap_or_default().into_iter().map(|tensor| of(tensor, None)).collect(),
    })
}

/// The output of a Sequential model, which has the name of its last layer.
fn last_layer(document: &Map<String, Value>) -> Option<Output> {
    let layers = document.get("config")?.get("layers")?.as_array()?;
    let name = layers.last()?.get("config")?.get("name")?.as_str()?;
    Some(Output { name: name.to_owned(), layer: our_name(name) })
}

/// What stands for each output by its name, or in the outputs' order, where there are several; else the only output's, which
/// may be named too.
fn each(
    value: &Value,
    outputs: &[Output],
    place: &Place,
    translator: &mut Translator,
    read: impl Fn(&Value, &Place, &mut Translator) -> Option<Value>,
) -> Option<Value> {
    let by_output: Vec<(String, String, &Value)> = match value {
        Value::Object(fields) if outputs.len() > 1 && !fields.contains_key("class_name") => {
            let layer = |name: &String| outputs.iter().find(|output| output.name == *name).map(|output| &output.layer);
            let by_name =
                fields.iter().map(|(name, value)| (layer(name).unwrap_or(name).clone(), field::escape(name), value));
            by_name.collect()
        }
        Value::Array(values) if outputs.len() > 1 && values.len() == outputs.len() => {
            let in_order = outputs.iter().zip(values).enumerate();
            in_order.map(|(index, (output, value))| (output.layer.clone(), index.to_string(), value)).collect()
        }
        Value::Object(fields) if !fields.contains_key("class_name") => match (outputs, fields.iter().next()) {
            ([output], Some((name, value))) if fields.len() == 1 && output.name == *name => {
                let keras = format!("{}/{}", place.keras, field::escape(name));
                return read(value, &Place { keras, ..place.clone() }, translator);
            }
            _ => return read(&Value::Object(fields.clone()), place, translator),
        },
        only => return read(only, place, translator),
    };
    let mut translated = Map::new();
    for (name, token, value) in by_output.into_iter().filter(|(_, _, value)| !value.is_null()) {
        let place = Place {
            ours: format!("{}/{}", place.ours, field::escape(&name)),
            keras: format!("{}/{token}", place.keras),
            owner: place.owner.clone(),
        };
        if let Some(value) = read(value, &place, translator) {
            translated.insert(name, value);
        }
    }
    Some(Value::Object(translated))
}

/// The losses by output with null for each output that has none, which Keras does not train.
fn with_nulls(loss: Value, outputs: &[Output]) -> Value {
    let Value::Object(mut losses) = loss else { return loss };
    if outputs.len() > 1 && !losses.contains_key("type") {
        for output in outputs {
            losses.entry(&output.layer).or_insert(Value::Null);
        }
    }
    Value::Object(losses)
}

/// What one output's loss is multiplied by; a list of one holds that of an only output.
fn loss_weight(value: &Value, place: &Place, translator: &mut Translator) -> Option<Value> {
    let weight = match value.as_array().map(Vec::as_slice) {
        Some([alone]) => alone,
        _ => value,
    };
    if !weight.is_number() {
        translator.refuse(place, format_args!("expected a number, received {}", describe(weight)));
        return None;
    }
    Some(weight.clone())
}

/// One loss, which may stand in a list as the only one.
fn loss(value: &Value, place: &Place, translator: &mut Translator) -> Option<Value> {
    let (value, place) = match value.as_array().map(Vec::as_slice) {
        Some([alone]) => (alone, Place { keras: format!("{}/0", place.keras), ..place.clone() }),
        _ => (value, place.clone()),
    };
    let loss = translator.translate(&LOSSES, value, &place)?;
    let is_object = value.get("class_name").is_some_and(|class| class == "Huber");
    if is_object && value.pointer("/config/delta").is_none() {
        let detail = "Keras does not print the `delta` of Huber; 1.0 is used, unless the `loss` of a job's `training` has another";
        translator.warn("huber_delta_unknown", &place, detail);
    }
    checked::<ReducedLoss>(reduced(loss), &place, translator)
}

/// `loss` without the reduction that ours has where none is named.
fn reduced(mut loss: Value) -> Value {
    let Value::Object(settings) = &mut loss else { return loss };
    let usual = ["sum_over_batch_size", "mean", "auto", "AUTO"];
    if settings.get("reduction").is_some_and(|reduction| usual.iter().any(|usual| reduction == usual)) {
        settings.remove("reduction");
    }
    match settings.get("type") {
        Some(kind) if settings.len() == 1 => kind.clone(),
        _ => loss,
    }
}

/// Metrics of one output, which Keras may print in a list of its own, or alone.
fn metrics(value: &Value, place: &Place, translator: &mut Translator) -> Option<Value> {
    let mut keras = place.keras.clone();
    if own_metric(value, place, translator) {
        return None;
    }
    if value.is_string() || value.get("class_name").is_some() {
        let ours = Place { ours: format!("{}/0", place.ours), ..place.clone() };
        return metric(value, &ours, translator).map(|metric| Value::Array(vec![metric]));
    }
    let Value::Array(all) = value else {
        translator.refuse(place, format_args!("expected an array of metrics, received {}", describe(value)));
        return None;
    };
    let mut list = all;
    if let [Value::Array(inner)] = list.as_slice() {
        list = inner;
        keras.push_str("/0");
    }
    let mut read = 0;
    let metrics = list.iter().enumerate().filter_map(|(index, value)| {
        let place = Place {
            ours: format!("{}/{read}", place.ours),
            keras: format!("{keras}/{index}"),
            owner: place.owner.clone(),
        };
        if own_metric(value, &place, translator) {
            return None;
        }
        read += 1;
        metric(value, &place, translator)
    });
    Some(metrics.collect())
}

/// Whether a metric is a function of the author's own, which is left out with a warning: it changes no weight. A function that
/// has the name of one of Keras's is taken for it, since Keras prints both alike.
fn own_metric(value: &Value, place: &Place, translator: &mut Translator) -> bool {
    const ACCURACIES: [&str; 5] = [
        "binary_accuracy",
        "categorical_accuracy",
        "sparse_categorical_accuracy",
        "top_k_categorical_accuracy",
        "sparse_top_k_categorical_accuracy",
    ];
    let Some(name) = own_function(value) else { return false };
    let is_loss = LOSSES.get(name).is_some();
    if is_loss || ACCURACIES.contains(&name) {
        return false;
    }
    let name = describe(&name.into());
    let detail = format!("the metric {name} is a function of your own, which is code: it is not reported");
    translator.warn("metric_left_out", place, detail);
    true
}

/// One metric, by the name under which Keras reports it: that of its author, else how it was written.
fn metric(value: &Value, place: &Place, translator: &mut Translator) -> Option<Value> {
    let mut metric = with_micro_average(translator.translate(&METRICS, value, place)?);
    match (value, &mut metric) {
        (Value::String(written), Value::Object(settings)) => {
            settings.insert("name".to_owned(), written.as_str().into());
        }
        (Value::String(written), kind) => *kind = json!({"type": kind, "name": written}),
        _ => {}
    }
    checked::<Metric>(named(metric), place, translator)
}

/// `metric` with a name of the letters that ours have, others as `_`; without one that says no more than its kind.
fn named(mut metric: Value) -> Value {
    let Value::Object(settings) = &mut metric else { return metric };
    if let Some(Value::String(name)) = settings.get_mut("name") {
        *name = name.replace(|letter: char| !letter.is_ascii_alphanumeric() && !"_.-".contains(letter), "_");
    }
    if settings.get("name") == settings.get("type") {
        settings.remove("name");
    }
    match settings.get("type") {
        Some(kind) if settings.len() == 1 => kind.clone(),
        _ => metric,
    }
}

/// Keras counts precision and recall over all elements of the output, each positive over 0.5 (`micro`); our default is the
/// mean over classes, of which the largest is the predicted one (`macro`).
fn with_micro_average(metric: Value) -> Value {
    let kind = metric.as_str().or_else(|| metric.get("type").and_then(Value::as_str));
    let Some(kind @ ("precision" | "recall")) = kind else { return metric };
    let mut settings = metric.as_object().cloned().unwrap_or_default();
    settings.insert("type".to_owned(), kind.into());
    settings.insert("average".to_owned(), "micro".into());
    if !["threshold", "thresholds", "top_k"].iter().any(|name| settings.get(*name).is_some_and(|set| !set.is_null())) {
        settings.insert("threshold".to_owned(), 0.5.into());
    }
    Value::Object(settings)
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
