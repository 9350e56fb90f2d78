//! `data_format="channels_first"`: the layer that computes with channels last, between two transpositions.

use serde_json::{Map, Value, json};

/// What `data_format` may be.
pub(super) const FORMATS: [&str; 2] = ["channels_last", FIRST];

const FIRST: &str = "channels_first";

/// Fields of a layer that stand beside the one within it.
const OUTSIDE: [&str; 2] = ["name", "activity_regularizer"];

/// Whether a layer of these options has its channels first.
pub(super) fn are_first(config: &Map<String, Value>) -> bool {
    config.get("data_format").is_some_and(|format| format == FIRST)
}

/// `ours`, which has its channels last, on an input that has them first.
pub(super) fn put_first(mut ours: Map<String, Value>) -> Map<String, Value> {
    let shared = |axes: usize| json!([vec![Value::Null; 2], vec![json!(1); axes]].concat());
    let noise_shape = match ours.get("type").and_then(Value::as_str) {
        Some("spatial_dropout2d") => Some(shared(2)),
        Some("spatial_dropout3d") => Some(shared(3)),
        _ => None,
    };
    if let Some(noise_shape) = noise_shape {
        ours.insert("type".into(), "dropout".into());
        ours.insert("noise_shape".into(), noise_shape);
        return ours;
    }
    let (outside, within): (Map<_, _>, Map<_, _>) =
        ours.into_iter().partition(|(field, _)| OUTSIDE.contains(&field.as_str()));
    let mut wrapped = outside;
    wrapped.insert("type".into(), FIRST.into());
    wrapped.insert("layer".into(), Value::Object(within));
    wrapped
}

/// The type of a layer, or of the one that it computes with.
pub(super) fn kind_of(ours: &Map<String, Value>) -> Option<&str> {
    let within = ours.get("layer").filter(|_| ours.get("type").is_some_and(|kind| kind == FIRST));
    within.and_then(|layer| layer.get("type")).or_else(|| ours.get("type"))?.as_str()
}
