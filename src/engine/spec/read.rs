//! JSON into a definition and back. Read by hand, so that every error has the exact pointer of what is wrong.

use crate::engine::{
    field::{self, FieldError, type_of},
    layer::{AnyLayer, Layer},
    shape::Shape,
    spec::{Definition, LONGEST_AXIS},
};
use serde_json::{Map, Value};

const FIELDS: [&str; 2] = ["input_shape", "layers"];

impl Definition {
    /// Reads our own JSON form; every error has a pointer below `definition` (`/layers/2/units`).
    pub fn from_value(value: &Value) -> Result<Self, Vec<FieldError>> {
        let Value::Object(fields) = value else {
            let detail = format!("expected an object with `layers`, received {}", type_of(value));
            return Err(vec![FieldError::new("", detail)]);
        };
        let mut errors = Vec::new();
        for name in fields.keys().filter(|name| !FIELDS.contains(&name.as_str())) {
            errors.push(unknown("field", name, &FIELDS, format!("/{}", field::escape(name))));
        }
        let input_shape = match fields.get("input_shape") {
            None | Some(Value::Null) => None,
            Some(shape) => collect(read_shape(shape).map_err(|error| vec![error.under("/input_shape")]), &mut errors),
        };
        let layers = collect(read_layers(fields.get("layers")), &mut errors);
        match layers {
            Some(layers) if errors.is_empty() => Self::new(input_shape, layers),
            _ => Err(errors),
        }
    }

    /// The JSON form, every default filled in; [`Self::from_value`] reads it back to an equal definition.
    pub fn to_value(&self) -> Value {
        // Settings have string keys and finite numbers, which always serialize.
        field::to_value(self).unwrap_or_default()
    }
}

/// The value, or nothing where there are errors, which join the others.
fn collect<T>(result: Result<T, Vec<FieldError>>, errors: &mut Vec<FieldError>) -> Option<T> {
    result.map_err(|more| errors.extend(more)).ok()
}

fn unknown(what: &str, received: &str, known: &[&str], pointer: String) -> FieldError {
    let hint = match field::nearest(received, known.iter().copied()) {
        Some(name) => format!("; did you mean `{name}`?"),
        None => String::new(),
    };
    let shown: String = received.chars().take(80).collect();
    FieldError::new(pointer, format!("unknown {what} `{shown}`, expected one of `{}`{hint}", known.join("`, `")))
}

fn read_shape(value: &Value) -> Result<Shape, FieldError> {
    const MOST_AXES: usize = 8;
    let Value::Array(axes) = value else {
        return Err(FieldError::new("", format!("expected an array of whole numbers, received {}", type_of(value))));
    };
    if axes.is_empty() || axes.len() > MOST_AXES {
        return Err(FieldError::new("", format!("expected 1 to {MOST_AXES} axes, received {}", axes.len())));
    }
    let axes = axes.iter().enumerate().map(|(index, axis)| {
        let size = axis.as_u64().and_then(|size| usize::try_from(size).ok());
        size.filter(|size| (1..=LONGEST_AXIS).contains(size)).ok_or_else(|| {
            let received = if axis.is_number() { axis.to_string() } else { type_of(axis).to_owned() };
            let detail = format!("expected a whole number from 1 to {LONGEST_AXIS}, received {received}");
            FieldError::new(format!("/{index}"), detail)
        })
    });
    let shape = Shape(axes.collect::<Result<_, _>>()?);
    match shape.checked_cells() {
        Some(_) => Ok(shape),
        None => Err(FieldError::new("", format!("expected at most {} cells, received the shape {shape}", usize::MAX))),
    }
}

type ReadLayer = (Option<String>, AnyLayer);

fn read_layers(value: Option<&Value>) -> Result<Vec<ReadLayer>, Vec<FieldError>> {
    let error = |detail: String| Err(vec![FieldError::new("/layers", detail)]);
    let layers = match value {
        None => return error("expected an array of layers, received nothing".into()),
        Some(Value::Array(layers)) => layers,
        Some(other) => return error(format!("expected an array of layers, received {}", type_of(other))),
    };
    if layers.is_empty() || layers.len() > Definition::MOST_LAYERS {
        return error(format!("expected 1 to {} layers, received {}", Definition::MOST_LAYERS, layers.len()));
    }
    let mut errors = Vec::new();
    let layers: Vec<ReadLayer> = layers
        .iter()
        .enumerate()
        .filter_map(|(index, layer)| {
            let layer = read_layer(layer);
            let under =
                |more: Vec<FieldError>| more.into_iter().map(|e| e.under(&format!("/layers/{index}"))).collect();
            collect(layer.map_err(under), &mut errors)
        })
        .collect();
    if errors.is_empty() { Ok(layers) } else { Err(errors) }
}

fn read_layer(value: &Value) -> Result<ReadLayer, Vec<FieldError>> {
    let one = |pointer: &str, detail: String| vec![FieldError::new(pointer, detail)];
    let Value::Object(fields) = value else {
        return Err(one("", format!("expected an object with `type`, received {}", type_of(value))));
    };
    let kind = match fields.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(other) => return Err(one("/type", format!("expected a layer's type, received {}", type_of(other)))),
        None => {
            let known = AnyLayer::KINDS.join("`, `");
            return Err(one("/type", format!("expected one of `{known}`, received nothing")));
        }
    };
    if !AnyLayer::KINDS.contains(&kind) {
        return Err(vec![unknown("layer type", kind, AnyLayer::KINDS, "/type".into())]);
    }
    let name = match fields.get("name") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(name.clone()),
        Some(other) => return Err(one("/name", format!("expected a name, received {}", type_of(other)))),
    };
    let settings: Map<String, Value> = fields
        .iter()
        .filter(|(field, _)| *field != "type" && *field != "name")
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let settings = Value::Object(settings);
    let overflows = field::overflowing_numbers(&settings);
    if !overflows.is_empty() {
        return Err(overflows);
    }
    let layer = AnyLayer::read(kind, &settings).map_err(|error| vec![error])?;
    layer.check().map_err(|error| vec![error])?;
    Ok((name, layer))
}
