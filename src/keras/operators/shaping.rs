//! Operators that lay elements out in another way. What some of them do follows from the shape that Keras prints of the tensor
//! they work on.

use super::{
    call::{Operand, OperatorCall},
    steps::{Read, Steps},
};
use serde_json::{Map, Value, json};

pub(super) const CLASSES: [&str; 23] = [
    "Cast",
    "ExpandDims",
    "Squeeze",
    "Stack",
    "Reshape",
    "Transpose",
    "Swapaxes",
    "Moveaxis",
    "Split",
    "Pad",
    "Tile",
    "Repeat",
    "Flip",
    "Roll",
    "Take",
    "BroadcastTo",
    "GetItem",
    "Diff",
    "Glu",
    "OneHot",
    "Cumsum",
    "Resize",
    "Concatenate",
];

/// An operator on one tensor, or on a list of them.
pub(super) fn read(call: &OperatorCall<'_>) -> Option<Steps> {
    match (call.class, call.operands.as_slice()) {
        ("Stack", [Operand::Other(_)]) if call.whole("axis").is_some() => {
            Steps::one(json!({"type": "stack", "axis": call.option("axis")}))
        }
        ("GetItem", [Operand::Tensor(_), Operand::Other(key)]) => get_item(key, call.sample()?),
        ("Take", [Operand::Tensor(_), Operand::Array(indices)]) => {
            let axis = call.option("axis");
            let sample = call.sample()?;
            let place = place_of(axis, sample.len())?;
            match (indices.shape.as_slice(), indices.whole()?.as_slice()) {
                ([], [index]) => {
                    let key: Vec<Value> =
                        (0..=place).map(|own| if own == place { (*index).into() } else { Value::Null }).collect();
                    Steps::one(json!({"type": "get_item", "key": key}))
                }
                ([_], indices) => Steps::one(json!({"type": "take", "indices": indices, "axis": axis})),
                _ => None,
            }
        }
        (_, [Operand::Tensor(_)]) => of_one(call),
        _ => None,
    }
}

/// An operator on one tensor.
fn of_one(call: &OperatorCall<'_>) -> Option<Steps> {
    let axis = call.option("axis");
    let along = || place_of(axis, call.sample()?.len());
    match call.class {
        "Cast" => cast(call),
        "ExpandDims" => {
            let mut shape = call.sample()?.to_vec();
            let place = place_of(axis, shape.len() + 1)?;
            shape.insert(place, Some(1));
            reshape(&shape)
        }
        "Squeeze" => {
            let shape = call.sample()?;
            let gone = match axis {
                Value::Null => (0..shape.len()).filter(|&place| shape[place] == Some(1)).collect(),
                axis => places_of(axis, shape.len())?,
            };
            let all_ones = gone.iter().all(|&place| shape[place] == Some(1));
            let kept = shape.iter().enumerate().filter(|(place, _)| !gone.contains(place)).map(|(_, size)| *size);
            reshape(&kept.collect::<Vec<_>>()).filter(|_| all_ones)
        }
        "Reshape" => {
            let (batch, axes) = call.option("newshape").as_array()?.split_first()?;
            let open = axes.iter().filter(|axis| **axis == -1).count();
            let fits = (batch.is_null() && open <= 1) || (*batch == -1 && open == 0);
            let known =
                !axes.is_empty() && axes.iter().all(|axis| axis.as_i64().is_some_and(|axis| axis > 0 || axis == -1));
            (fits && known).then(|| Steps::one(json!({"type": "reshape", "target_shape": axes})))?
        }
        "Transpose" => {
            let (batch, axes) = call.option("axes").as_array()?.split_first()?;
            (*batch == 0).then(|| Steps::one(json!({"type": "permute", "dims": axes})))?
        }
        "Swapaxes" => {
            let axes = call.sample()?.len();
            let mut dims: Vec<usize> = (1..=axes).collect();
            dims.swap(place_of(call.option("axis1"), axes)?, place_of(call.option("axis2"), axes)?);
            Steps::one(json!({"type": "permute", "dims": dims}))
        }
        "Moveaxis" => {
            let axes = call.sample()?.len();
            let listed = |name: &str| match call.option(name) {
                Value::Array(all) => all.iter().map(|axis| place_of(axis, axes)).collect::<Option<Vec<_>>>(),
                axis => Some(vec![place_of(axis, axes)?]),
            };
            let (from, to) = (listed("source")?, listed("destination")?);
            let mut dims: Vec<usize> = (0..axes).filter(|axis| !from.contains(axis)).collect();
            let mut moved: Vec<(usize, usize)> = to.into_iter().zip(from).collect();
            moved.sort_unstable();
            for (to, from) in moved {
                dims.insert(to.min(dims.len()), from);
            }
            let dims: Vec<usize> = dims.into_iter().map(|axis| axis + 1).collect();
            Steps::one(json!({"type": "permute", "dims": dims}))
        }
        "Split" => {
            along()?;
            Steps::one(
                json!({"type": "split", "indices_or_sections": call.option("indices_or_sections"), "axis": axis}),
            )
        }
        "Pad" => pad(call),
        "Tile" => {
            let axes = call.sample()?.len() + 1;
            let listed = call.option("repeats");
            let listed = listed.as_array().cloned().unwrap_or_else(|| vec![listed.clone()]);
            let missing = axes.checked_sub(listed.len())?;
            let repeats = [vec![1.into(); missing], listed].concat();
            let (batch, repeats) = repeats.split_first()?;
            (*batch == 1).then(|| Steps::one(json!({"type": "tile", "repeats": repeats})))?
        }
        "Repeat" => {
            along()?;
            Steps::one(json!({"type": "repeat", "repeats": call.option("repeats"), "axis": axis}))
        }
        "Flip" => {
            places_of(axis, call.sample()?.len())?;
            Steps::one(json!({"type": "flip", "axis": axis}))
        }
        "Roll" => {
            along()?;
            Steps::one(json!({"type": "roll", "shift": call.whole("shift")?, "axis": axis}))
        }
        "Cumsum" if call.option("dtype").is_null() => {
            along()?;
            Steps::one(json!({"type": "cumsum", "axis": axis}))
        }
        "BroadcastTo" => {
            let (batch, shape) = call.option("shape").as_array()?.split_first()?;
            (batch.is_null() || *batch == -1).then(|| Steps::one(json!({"type": "broadcast_to", "shape": shape})))?
        }
        "Diff" if call.option("n") == 1 => {
            let place = along()?;
            let part = |slice: Value| [vec![Value::Null; place], vec![slice]].concat();
            let mut steps = Steps::default();
            let after = steps.add(json!({"type": "get_item", "key": part(json!({"start": 1}))}), [Read::Tensor(0)]);
            let before = steps.add(json!({"type": "get_item", "key": part(json!({"stop": -1}))}), [Read::Tensor(0)]);
            steps.add(json!({"type": "subtract"}), [after, before]);
            Some(steps)
        }
        "Glu" => {
            let place = along()?;
            let half = call.sample()?.get(place).copied()?? / 2;
            let part = |slice: Value| [vec![Value::Null; place], vec![slice]].concat();
            let mut steps = Steps::default();
            let value = steps.add(json!({"type": "get_item", "key": part(json!({"stop": half}))}), [Read::Tensor(0)]);
            let gate = steps.add(json!({"type": "get_item", "key": part(json!({"start": half}))}), [Read::Tensor(0)]);
            let gate = steps.add(json!({"type": "activation", "activation": "sigmoid"}), [gate]);
            steps.add(json!({"type": "multiply"}), [value, gate]);
            Some(steps)
        }
        "OneHot" => {
            let is_last = *axis == -1 || call.whole("axis") == Some(call.sample()?.len() as i64 + 1);
            let dtype = call.option("dtype");
            let plain = (dtype.is_null() || dtype == "float32") && call.option("sparse") != true;
            (is_last && plain)
                .then(|| Steps::one(json!({"type": "one_hot", "num_classes": call.option("num_classes")})))?
        }
        "Resize" => resize(call),
        _ => None,
    }
}

fn cast(call: &OperatorCall<'_>) -> Option<Steps> {
    match call.option("dtype").as_str()? {
        "float32" => Steps::one(json!({"type": "identity"})),
        "int32" | "int64" => Steps::one(json!({"type": "trunc"})),
        "bool" => {
            let mut steps = Steps::default();
            let shape = vec![1; call.sample()?.len()];
            let zero = steps.add(json!({"type": "constant", "shape": shape, "value": 0.0}), [Read::Tensor(0)]);
            steps.add(json!({"type": "not_equal"}), [Read::Tensor(0), zero]);
            Some(steps)
        }
        _ => None,
    }
}

fn pad(call: &OperatorCall<'_>) -> Option<Steps> {
    let widths = call.option("pad_width").as_array()?;
    let (batch, widths) = widths.split_first()?;
    let none = batch.as_array().is_some_and(|widths| widths.iter().all(|width| *width == 0));
    let mode = call.option("mode").as_str().unwrap_or("constant");
    if !none || !["constant", "reflect", "symmetric"].contains(&mode) {
        return None;
    }
    let mut layer = json!({"type": "pad", "pad_width": widths, "mode": mode});
    let printed = call.option("constant_values");
    if let Some(value) = call.named("constant_values").or((!printed.is_null()).then_some(printed)) {
        layer["constant_values"] = value.as_f64()?.into();
    }
    Steps::one(layer)
}

fn resize(call: &OperatorCall<'_>) -> Option<Steps> {
    let [height, width] = call.option("size").as_array()?.as_slice() else { return None };
    let format = call.option("data_format");
    let plain = (format.is_null() || format == "channels_last") && call.option("fill_mode") == "constant";
    if !plain || call.sample()?.len() != 3 {
        return None;
    }
    let mut layer = json!({"type": "resizing", "height": height, "width": width});
    for option in ["interpolation", "antialias", "crop_to_aspect_ratio", "pad_to_aspect_ratio", "fill_value"] {
        layer[option] = call.option(option).clone();
    }
    Steps::one(layer)
}

/// `x[key]`, which must leave all rows of the batch as they are. A new axis is one of size 1, which a layer of its own adds.
fn get_item(key: &Value, sample: &[Option<u64>]) -> Option<Steps> {
    let parts = key.as_array()?;
    let class = |part: &Value| part.get("class_name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let taken = parts.iter().filter(|part| !part.is_null() && class(part) != "__ellipsis__").count();
    let left = (sample.len() + 1).checked_sub(taken)?;
    // What is taken of each axis with the batch's, and the places of new axes among what is left.
    let (mut ours, mut new, mut given) = (Vec::with_capacity(sample.len()), Vec::new(), 0);
    for part in parts {
        match class(part).as_str() {
            _ if part.is_null() => {
                new.push(given);
                given += 1;
                continue;
            }
            "__ellipsis__" => {
                ours.extend(std::iter::repeat_n(Value::Null, left));
                given += left;
                continue;
            }
            "__slice__" => {
                let slice = part.get("config")?.as_object()?;
                let set: Map<String, Value> =
                    slice.iter().filter(|(_, value)| !value.is_null()).map(|(k, v)| (k.clone(), v.clone())).collect();
                ours.push(if set.is_empty() { Value::Null } else { Value::Object(set) });
                given += 1;
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
    if !whole || !is_slice || key.len() > sample.len() || new.contains(&0) {
        return None;
    }
    let mut steps = Steps::default();
    let mut read = Read::Tensor(0);
    if !key.iter().all(Value::is_null) {
        read = steps.add(json!({"type": "get_item", "key": key}), [read]);
    }
    for place in new {
        read = steps.add(json!({"type": "expand_dims", "axis": place}), [read]);
    }
    match steps.0.as_mut_slice() {
        [] => Steps::one(json!({"type": "identity"})),
        [step] => {
            step.reads = None;
            Some(steps)
        }
        _ => Some(steps),
    }
}

/// The place in a sample of an axis that is counted with the batch, or from the end, where the sample has so many axes.
pub(super) fn place_of(axis: &Value, axes: usize) -> Option<usize> {
    let axis = axis.as_i64()?;
    let place = if axis < 0 { axis + axes as i64 } else { axis - 1 };
    usize::try_from(place).ok().filter(|place| *place < axes)
}

/// The places of one axis or several, in order.
pub(super) fn places_of(axis: &Value, axes: usize) -> Option<Vec<usize>> {
    let Value::Array(all) = axis else { return Some(vec![place_of(axis, axes)?]) };
    let mut places = all.iter().map(|axis| place_of(axis, axes)).collect::<Option<Vec<_>>>()?;
    places.sort_unstable();
    Some(places)
}

/// The same elements in this shape, at most one of whose sizes is open.
fn reshape(shape: &[Option<u64>]) -> Option<Steps> {
    let sizes: Vec<i64> =
        shape.iter().map(|size| size.map_or(Some(-1), |size| i64::try_from(size).ok())).collect::<Option<_>>()?;
    let open = sizes.iter().filter(|&&size| size == -1).count();
    (open <= 1 && !sizes.is_empty()).then(|| Steps::one(json!({"type": "reshape", "target_shape": sizes})))?
}
