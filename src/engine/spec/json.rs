//! The JSON form of a definition, parsed by hand so that every error has an exact JSON pointer.

use crate::engine::{
    field::{self, FieldError, type_of},
    layer::{AnyLayer, check_activity},
    regularizer::Regularizer,
    shape::{MAX_AXES, MAX_AXIS_SIZE},
    spec::{Calls, Definition, Input, InputShape, Unnamed},
};
use serde_json::{Map, Value};

const FIELDS: [&str; 4] = ["input_shape", "inputs", "layers", "outputs"];
const INPUT_FIELDS: [&str; 2] = ["name", "shape"];

impl Definition {
    /// Parses the JSON form; every error has a pointer below the definition (`/layers/2/units`).
    ///
    /// ```
    /// use epoca::engine::spec::Definition;
    /// use serde_json::json;
    ///
    /// let definition = Definition::from_value(&json!({"layers": [{"type": "dense", "units": 3}]})).unwrap();
    /// assert_eq!(definition.layers.len(), 1);
    ///
    /// let errors = Definition::from_value(&json!({"layers": [{"type": "dense", "unit": 3}]})).unwrap_err();
    /// assert_eq!(errors[0].pointer, "/layers/0/unit");
    /// ```
    pub fn from_value(value: &Value) -> Result<Self, Vec<FieldError>> {
        let Value::Object(fields) = value else {
            let detail = format!("expected an object with `layers`, received {}", type_of(value));
            return Err(vec![FieldError::new("", detail)]);
        };
        let mut errors = Vec::new();
        for name in fields.keys().filter(|name| !FIELDS.contains(&name.as_str())) {
            errors.push(unknown("field", name, &FIELDS, format!("/{}", field::escape(name))));
        }
        let input_shape =
            ok_or_collect(parse_optional_shape(fields, "input_shape").map_err(|e| vec![e]), &mut errors).flatten();
        let inputs = ok_or_collect(parse_inputs(fields.get("inputs")), &mut errors);
        let layers = ok_or_collect(parse_layers(fields.get("layers")), &mut errors);
        let outputs = match fields.get("outputs") {
            None | Some(Value::Null) => Some(Vec::new()),
            Some(names) => {
                let names = parse_names(names).map_err(|error| vec![error.under("/outputs")]);
                ok_or_collect(names, &mut errors)
            }
        };
        if input_shape.is_some() && inputs.as_ref().is_some_and(|inputs| !inputs.is_empty()) {
            let detail = "expected the shape of each input in `inputs`, received `input_shape` beside it";
            errors.push(FieldError::new("/input_shape", detail));
        }
        match (inputs, layers, outputs) {
            (Some(inputs), Some(layers), Some(outputs)) if errors.is_empty() => {
                Self::new(input_shape, inputs, layers, outputs)
            }
            _ => Err(errors),
        }
    }

    /// The JSON form with all defaults; [`Self::from_value`] parses it to an equal definition.
    pub fn to_value(&self) -> Value {
        // Settings have string keys and finite numbers, whose serialization cannot fail.
        field::to_value(self).unwrap_or_default()
    }
}

/// The value, or `None` after adding its errors to the others.
fn ok_or_collect<T>(result: Result<T, Vec<FieldError>>, errors: &mut Vec<FieldError>) -> Option<T> {
    result.map_err(|more| errors.extend(more)).ok()
}

fn unknown(what: &str, received: &str, known: &[&str], pointer: String) -> FieldError {
    let hint = field::did_you_mean(received, known.iter().copied());
    let shown: String = received.chars().take(80).collect();
    FieldError::new(pointer, format!("unknown {what} `{shown}`, expected one of `{}`{hint}", known.join("`, `")))
}

/// Where the types of layers are listed.
const FAMILIES: &str = "layers are core (such as `dense`), convolutional (`conv2d`), pooling (`max_pooling2d`), recurrent (`lstm`), attention \
                        (`multi_head_attention`), normalization (`batch_normalization`), regularization (`dropout`), reshaping (`flatten`), \
                        merging (`concatenate`), preprocessing (`rescaling`) and operators (`add`): `epoca layers` lists them all";

fn parse_optional_shape(fields: &Map<String, Value>, name: &str) -> Result<Option<InputShape>, FieldError> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(shape) => parse_shape(shape).map(Some).map_err(|error| error.under(&format!("/{name}"))),
    }
}

fn parse_shape(value: &Value) -> Result<InputShape, FieldError> {
    let Value::Array(axes) = value else {
        return Err(FieldError::new("", format!("expected an array of whole numbers, received {}", type_of(value))));
    };
    if axes.is_empty() || axes.len() > MAX_AXES {
        return Err(FieldError::new("", format!("expected 1 to {MAX_AXES} axes, received {}", axes.len())));
    }
    let mut open = false;
    let axes = axes.iter().enumerate().map(|(index, axis)| {
        if axis.is_null() && !std::mem::replace(&mut open, true) {
            return Ok(None);
        }
        let size = axis.as_u64().and_then(|size| usize::try_from(size).ok());
        size.filter(|size| (1..=MAX_AXIS_SIZE).contains(size)).map(Some).ok_or_else(|| {
            let received = match axis {
                Value::Number(number) => number.to_string(),
                Value::Null => "a second null".into(),
                other => type_of(other).to_owned(),
            };
            let detail = format!("expected a whole number from 1 to {MAX_AXIS_SIZE}, received {received}");
            FieldError::new(format!("/{index}"), detail)
        })
    });
    let shape = InputShape(axes.collect::<Result<_, _>>()?);
    match shape.checked_elements() {
        Some(_) => Ok(shape),
        None => {
            let axes: Vec<usize> = shape.0.iter().flatten().copied().collect();
            Err(FieldError::new("", format!("expected at most {} elements, received the shape {axes:?}", usize::MAX)))
        }
    }
}

fn parse_inputs(value: Option<&Value>) -> Result<Vec<Input>, Vec<FieldError>> {
    let inputs = match value {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(inputs)) if (1..=Definition::MAX_LAYERS).contains(&inputs.len()) => inputs,
        Some(Value::Array(inputs)) => {
            let detail = format!("expected 1 to {} inputs, received {}", Definition::MAX_LAYERS, inputs.len());
            return Err(vec![FieldError::new("/inputs", detail)]);
        }
        Some(other) => {
            let detail = format!("expected an array of inputs, received {}", type_of(other));
            return Err(vec![FieldError::new("/inputs", detail)]);
        }
    };
    let mut errors = Vec::new();
    let read = |(index, input): (usize, &Value)| {
        let input = parse_input(input).map_err(|error| vec![error.under(&format!("/inputs/{index}"))]);
        ok_or_collect(input, &mut errors)
    };
    let inputs = inputs.iter().enumerate().filter_map(read).collect();
    if errors.is_empty() { Ok(inputs) } else { Err(errors) }
}

/// A name, or an object of a name and a shape.
fn parse_input(value: &Value) -> Result<Input, FieldError> {
    let fields = match value {
        Value::String(name) => return Ok(Input { name: name.clone(), shape: None }),
        Value::Object(fields) => fields,
        other => {
            let detail = format!("expected a name, or an object with `name` and `shape`, received {}", type_of(other));
            return Err(FieldError::new("", detail));
        }
    };
    if let Some(name) = fields.keys().find(|name| !INPUT_FIELDS.contains(&name.as_str())) {
        return Err(unknown("field", name, &INPUT_FIELDS, format!("/{}", field::escape(name))));
    }
    let Some(Value::String(name)) = fields.get("name") else {
        let received = fields.get("name").map_or("nothing", type_of);
        return Err(FieldError::new("/name", format!("expected a name, received {received}")));
    };
    Ok(Input { name: name.clone(), shape: parse_optional_shape(fields, "shape")? })
}

/// A list of names.
fn parse_names(value: &Value) -> Result<Vec<String>, FieldError> {
    let Value::Array(names) = value else {
        return Err(FieldError::new("", format!("expected an array of names, received {}", type_of(value))));
    };
    if names.is_empty() {
        return Err(FieldError::new("", "expected at least one name, received none"));
    }
    let names = names.iter().enumerate().map(|(index, name)| match name {
        Value::String(name) => Ok(name.clone()),
        other => Err(FieldError::new(format!("/{index}"), format!("expected a name, received {}", type_of(other)))),
    });
    names.collect()
}

/// A list of names, or of such lists.
fn parse_calls(value: &Value) -> Result<Calls, FieldError> {
    match value {
        Value::Array(calls) if calls.first().is_some_and(Value::is_array) => {
            let call = |(index, call)| parse_names(call).map_err(|error| error.under(&format!("/{index}")));
            calls.iter().enumerate().map(call).collect::<Result<_, _>>().map(Calls)
        }
        names => parse_names(names).map(|names| Calls(vec![names])),
    }
}

fn parse_layers(value: Option<&Value>) -> Result<Vec<Unnamed>, Vec<FieldError>> {
    let error = |detail: String| Err(vec![FieldError::new("/layers", detail)]);
    let layers = match value {
        None => return error("expected an array of layers, received nothing".into()),
        Some(Value::Array(layers)) => layers,
        Some(other) => return error(format!("expected an array of layers, received {}", type_of(other))),
    };
    if layers.is_empty() || layers.len() > Definition::MAX_LAYERS {
        return error(format!("expected 1 to {} layers, received {}", Definition::MAX_LAYERS, layers.len()));
    }
    let mut errors = Vec::new();
    let layers: Vec<Unnamed> = layers
        .iter()
        .enumerate()
        .filter_map(|(index, layer)| {
            let layer = parse_layer(layer, errors.len());
            let under =
                |more: Vec<FieldError>| more.into_iter().map(|e| e.under(&format!("/layers/{index}"))).collect();
            ok_or_collect(layer.map_err(under), &mut errors)
        })
        .collect();
    if errors.is_empty() { Ok(layers) } else { Err(errors) }
}

/// Fields of a layer in a model; the rest are its settings.
const LAYER_FIELDS: [&str; 6] = ["type", "name", "trainable", "training", "output_mask", "inputs"];

/// Maximum depth of objects within a layer, such as layers within layers: readers are recursive, and a stack has an end.
const MAX_OBJECT_DEPTH: usize = 12;

/// A layer; an unknown type has a hint unless there are as many `earlier` errors as are listed.
fn parse_layer(value: &Value, earlier: usize) -> Result<Unnamed, Vec<FieldError>> {
    let one = |pointer: &str, detail: String| vec![FieldError::new(pointer, detail)];
    let Value::Object(fields) = value else {
        return Err(one("", format!("expected an object with `type`, received {}", type_of(value))));
    };
    let kind = match fields.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(other) => return Err(one("/type", format!("expected a layer's type, received {}", type_of(other)))),
        None => return Err(one("/type", format!("expected the type of a layer, received nothing; {FAMILIES}"))),
    };
    if !AnyLayer::kinds().contains(&kind) {
        let hint = match earlier < field::MAX_LISTED {
            true => field::did_you_mean(kind, AnyLayer::kinds()),
            false => String::new(),
        };
        let shown: String = kind.chars().take(80).collect();
        return Err(one("/type", format!("unknown layer type `{shown}`{hint}; {FAMILIES}")));
    }
    let name = match fields.get("name") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(name.clone()),
        Some(other) => return Err(one("/name", format!("expected a name, received {}", type_of(other)))),
    };
    let flag = |field: &str| match fields.get(field) {
        None | Some(Value::Null) => Ok(true),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(other) => Err(one(&format!("/{field}"), format!("expected true or false, received {}", type_of(other)))),
    };
    let (trainable, training) = (flag("trainable")?, flag("training")?);
    let inputs = match fields.get("inputs") {
        None | Some(Value::Null) => Calls::default(),
        Some(inputs) => parse_calls(inputs).map_err(|error| vec![error.under("/inputs")])?,
    };
    let output_mask = match fields.get("output_mask") {
        None | Some(Value::Null) => None,
        Some(mask) => Some(field::parse(mask).map_err(|error| vec![error.under("/output_mask")])?),
    };
    let settings: Map<String, Value> = fields
        .iter()
        .filter(|(field, _)| !LAYER_FIELDS.contains(&field.as_str()))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let settings = Value::Object(settings);
    let depth = 1 + field::depth_of_objects(&settings, |_| true);
    if depth > MAX_OBJECT_DEPTH {
        let detail = format!("expected objects within objects at most {MAX_OBJECT_DEPTH} deep, received {depth}");
        return Err(one("", detail));
    }
    let overflows = field::overflowing_numbers(&settings);
    if !overflows.is_empty() {
        return Err(overflows);
    }
    let (layer, activity_regularizer) = parse_with_activity_regularizer(kind, settings).map_err(|error| vec![error])?;
    layer.check().map_err(|error| vec![error])?;
    if !training && !matches!(&layer, AnyLayer::Primitive(layer) if layer.accepts_training()) {
        return Err(one(
            "/training",
            format!("expected true, or false of a batch_normalization, received false of {kind}"),
        ));
    }
    Ok(Unnamed { name, layer, trainable, activity_regularizer, output_mask, training, inputs })
}

/// The layer of an item of `layers`; `None` if it is invalid.
pub(crate) fn layer_of(value: &Value) -> Option<AnyLayer> {
    parse_layer(value, field::MAX_LISTED).ok().map(|item| item.layer)
}

/// A layer, and its activity regularizer if that is no setting of the layer type.
fn parse_with_activity_regularizer(
    kind: &str,
    mut settings: Value,
) -> Result<(AnyLayer, Option<Regularizer>), FieldError> {
    const FIELD: &str = "activity_regularizer";
    let penalty = settings.as_object_mut().and_then(|fields| fields.shift_remove(FIELD));
    let layer = AnyLayer::read(kind, &settings)?;
    let Some(penalty) = penalty else { return Ok((layer, None)) };
    if field::to_value(&layer).is_ok_and(|known| known.get(FIELD).is_some()) {
        settings.as_object_mut().and_then(|fields| fields.insert(FIELD.into(), penalty));
        return Ok((AnyLayer::read(kind, &settings)?, None));
    }
    let penalty = field::parse::<Option<Regularizer>>(&penalty);
    let checked = penalty.and_then(|it| it.map_or(Ok(()), check_activity).map(|()| it));
    Ok((layer, checked.map_err(|error| error.under(&format!("/{FIELD}")))?))
}
