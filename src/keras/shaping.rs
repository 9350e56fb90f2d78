//! Operators of Keras 3 that add axes, take them away or run along them, as layers. What they do follows from the shape that
//! Keras prints of the tensor they work on.

use serde_json::{Map, Value, json};

/// An operator on one tensor.
pub(super) fn alone(class: &str, config: &Map<String, Value>, layer: &Value) -> Option<Value> {
    let axis = config.get("axis").unwrap_or(&Value::Null);
    match class {
        "Cast" if config.get("dtype").is_some_and(|dtype| dtype == "float32") => Some(json!({"type": "identity"})),
        "ExpandDims" => {
            let mut shape = sample_of(layer)?;
            let place = place_of(axis, shape.len() + 1)?;
            shape.insert(place, Some(1));
            reshape(&shape)
        }
        "Squeeze" => {
            let shape = sample_of(layer)?;
            let gone = match axis {
                Value::Null => (0..shape.len()).filter(|&place| shape[place] == Some(1)).collect(),
                axis => places_of(axis, shape.len())?,
            };
            let all_ones = gone.iter().all(|&place| shape[place] == Some(1));
            let kept = shape.iter().enumerate().filter(|(place, _)| !gone.contains(place)).map(|(_, size)| *size);
            reshape(&kept.collect::<Vec<_>>()).filter(|_| all_ones)
        }
        "Sum" | "Mean" | "Max" | "Min" => over_axes(class, config, &sample_of(layer)?),
        "Stack" if axis.is_i64() => Some(json!({"type": "stack", "axis": axis})),
        "Matmul" if sample_of(layer)?.len() == 2 => Some(json!({"type": "dot", "axes": [2, 1]})),
        _ => None,
    }
}

/// What is left of some axes: where there is a layer for it, that one.
fn over_axes(class: &str, config: &Map<String, Value>, shape: &[Option<u64>]) -> Option<Value> {
    let axis = config.get("axis")?;
    let places = places_of(axis, shape.len())?;
    let keepdims = config.get("keepdims").and_then(Value::as_bool).unwrap_or_default();
    if config.get("initial").is_some_and(|initial| !initial.is_null()) {
        return None;
    }
    let dimensions = match (shape.len(), places.as_slice()) {
        (2, [0]) => "1d",
        (3, [0, 1]) => "2d",
        _ => "",
    };
    match (class, dimensions) {
        ("Mean", "1d" | "2d") => {
            Some(json!({"type": format!("global_average_pooling{dimensions}"), "keepdims": keepdims}))
        }
        ("Max", "1d" | "2d") => Some(json!({"type": format!("global_max_pooling{dimensions}"), "keepdims": keepdims})),
        _ => Some(json!({"type": class.to_lowercase(), "axis": axis, "keepdims": keepdims})),
    }
}

/// `x[key]`, which must leave all rows of the batch as they are.
pub(super) fn get_item(key: &Value, layer: &Value) -> Option<Value> {
    let parts = key.as_array()?;
    let axes = sample_of(layer)?.len();
    let class = |part: &Value| part.get("class_name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut ours = Vec::with_capacity(axes);
    for part in parts {
        match class(part).as_str() {
            "__ellipsis__" => {
                let left = (axes + 2).checked_sub(parts.len())?;
                ours.extend(std::iter::repeat_n(Value::Null, left));
            }
            "__slice__" => {
                let slice = part.get("config")?.as_object()?;
                let set: Map<String, Value> =
                    slice.iter().filter(|(_, value)| !value.is_null()).map(|(k, v)| (k.clone(), v.clone())).collect();
                ours.push(if set.is_empty() { Value::Null } else { Value::Object(set) });
            }
            _ => ours.push(part.as_i64()?.into()),
        }
    }
    // The first is the batch, which a key from its start on with steps of 1 leaves alone.
    let (batch, key) = ours.split_first()?;
    let whole = batch.as_object().is_none_or(|slice| {
        slice.get("start").is_none_or(|start| *start == 0)
            && slice.get("step").is_none_or(|step| *step == 1)
            && !slice.contains_key("stop")
    });
    let is_slice = batch.is_null() || batch.is_object();
    match key.iter().all(Value::is_null) {
        _ if !whole || !is_slice || key.len() > axes => None,
        true => Some(json!({"type": "identity"})),
        false => Some(json!({"type": "get_item", "key": key})),
    }
}

/// The sizes of a sample of the first tensor that an operator works on, as Keras prints them.
fn sample_of(layer: &Value) -> Option<Vec<Option<u64>>> {
    let shape = layer.pointer("/inbound_nodes/0/args/0/config/shape")?.as_array()?;
    let (_, sample) = shape.split_first()?;
    sample.iter().map(|size| if size.is_null() { Some(None) } else { size.as_u64().map(Some) }).collect()
}

/// The place in a sample of an axis that is counted with the batch, or from the end, where the sample has so many axes.
fn place_of(axis: &Value, axes: usize) -> Option<usize> {
    let axis = axis.as_i64()?;
    let place = if axis < 0 { axis + axes as i64 } else { axis - 1 };
    usize::try_from(place).ok().filter(|place| *place < axes)
}

/// The places of one axis or several, in order.
fn places_of(axis: &Value, axes: usize) -> Option<Vec<usize>> {
    let Value::Array(all) = axis else { return Some(vec![place_of(axis, axes)?]) };
    let mut places = all.iter().map(|axis| place_of(axis, axes)).collect::<Option<Vec<_>>>()?;
    places.sort_unstable();
    Some(places)
}

/// The same cells in this shape, at most one of whose sizes is open.
fn reshape(shape: &[Option<u64>]) -> Option<Value> {
    let sizes: Vec<i64> =
        shape.iter().map(|size| size.map_or(Some(-1), |size| i64::try_from(size).ok())).collect::<Option<_>>()?;
    let open = sizes.iter().filter(|&&size| size == -1).count();
    (open <= 1 && !sizes.is_empty()).then(|| json!({"type": "reshape", "target_shape": sizes}))
}
