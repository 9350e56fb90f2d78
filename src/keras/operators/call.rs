//! [`OperatorCall`]: what an operator was called on, and its options.

use crate::keras::{calls, json};
use serde_json::{Map, Value};

/// The one call of an operator.
pub(super) struct OperatorCall<'a> {
    pub class: &'a str,
    pub config: &'a Map<String, Value>,
    /// In the order of the arguments.
    pub operands: Vec<Operand<'a>>,
    /// Arguments by name that are no tensors and have an effect.
    pub named: Vec<(&'a str, &'a Value)>,
}

/// What an operator works on.
#[derive(Clone)]
pub(super) enum Operand<'a> {
    Tensor(Tensor),
    /// A number or an array.
    Array(Array),
    /// A list of tensors, a key, nothing.
    Other(&'a Value),
}

/// A tensor.
#[derive(Clone)]
pub(super) struct Tensor {
    /// Its place among the tensors of the call.
    pub place: usize,
    /// The sizes of a sample as Keras prints them; open ones are `None`. Nothing where it prints none.
    pub sample: Option<Vec<Option<u64>>>,
    /// Whether it holds truths.
    pub is_bool: bool,
}

/// A number, or an array of NumPy's or of the backend's.
#[derive(Clone)]
pub(super) struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
}

impl<'a> OperatorCall<'a> {
    pub fn new(layer: &'a Value, empty: &'a Map<String, Value>) -> Self {
        let class = layer.get("class_name").and_then(Value::as_str).unwrap_or_default();
        let config = layer.get("config").and_then(Value::as_object).unwrap_or(empty);
        let arguments = layer.pointer("/inbound_nodes/0/args").and_then(Value::as_array);
        let named = layer.pointer("/inbound_nodes/0/kwargs").and_then(Value::as_object);
        let mut tensors = 0;
        let operand = |(index, argument)| match index {
            // A key is no array, even where it is numbers alone.
            1 if class == "GetItem" => Operand::Other(argument),
            _ => operand(argument, &mut tensors),
        };
        let operands = arguments.into_iter().flatten().enumerate().map(operand).collect();
        let named = named.into_iter().flatten().filter(|(_, value)| !value.is_null() && !calls::holds_tensors(value));
        Self { class, config, operands, named: named.map(|(name, value)| (name.as_str(), value)).collect() }
    }

    /// An option, `null` where it is absent.
    pub fn option(&self, name: &str) -> &'a Value {
        self.config.get(name).unwrap_or(&Value::Null)
    }

    /// A whole number among the options.
    pub fn whole(&self, name: &str) -> Option<i64> {
        self.option(name).as_i64()
    }

    /// An argument by name.
    pub fn named(&self, name: &str) -> Option<&'a Value> {
        self.named.iter().find(|(own, _)| *own == name).map(|(_, value)| *value)
    }

    pub fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        self.operands
            .iter()
            .filter_map(|operand| if let Operand::Tensor(tensor) = operand { Some(tensor) } else { None })
    }

    /// The sample of the first operand, where that is a tensor whose shape Keras prints.
    pub fn sample(&self) -> Option<&[Option<u64>]> {
        match self.operands.first()? {
            Operand::Tensor(tensor) => tensor.sample.as_deref(),
            _ => None,
        }
    }

    /// The most axes that a sample of a tensor has.
    pub fn axes(&self) -> Option<usize> {
        self.tensors().filter_map(|tensor| tensor.sample.as_ref()).map(Vec::len).max()
    }

    /// Whether the arrays stretch to the tensors, or these to them, as far as sizes are known.
    pub fn stretch(&self) -> bool {
        let arrays = || {
            self.operands
                .iter()
                .filter_map(|operand| if let Operand::Array(array) = operand { Some(array) } else { None })
        };
        let samples = || self.tensors().filter_map(|tensor| tensor.sample.as_ref());
        let fits =
            |(own, size): (&usize, &Option<u64>)| *own == 1 || size.is_none_or(|size| size == 1 || size == *own as u64);
        arrays().all(|array| samples().all(|sample| array.shape.iter().rev().zip(sample.iter().rev()).all(fits)))
    }
}

fn operand<'a>(argument: &'a Value, tensors: &mut usize) -> Operand<'a> {
    if argument.get("class_name").is_some_and(|class| class == "__keras_tensor__") {
        let shape = argument.pointer("/config/shape").and_then(Value::as_array);
        let size = |size: &Value| if size.is_null() { Some(None) } else { size.as_u64().map(Some) };
        let sample = shape.and_then(|shape| shape.split_first()?.1.iter().map(size).collect());
        let is_bool = argument.pointer("/config/dtype").is_some_and(|dtype| dtype == "bool");
        *tensors += 1;
        return Operand::Tensor(Tensor { place: *tensors - 1, sample, is_bool });
    }
    if calls::holds_tensors(argument) {
        *tensors += argument.as_array().map_or(0, Vec::len);
        return Operand::Other(argument);
    }
    array(argument).map_or(Operand::Other(argument), Operand::Array)
}

/// A number or nested lists of numbers, none of which is beyond the others.
pub(super) fn array(value: &Value) -> Option<Array> {
    let mut array = Array { shape: Vec::new(), values: Vec::new() };
    let plain = json::plain(value);
    let mut first = plain;
    while let Value::Array(items) = first {
        array.shape.push(items.len());
        first = items.first()?;
    }
    collect(plain, &array.shape, &mut array.values)?;
    Some(array)
}

fn collect(value: &Value, shape: &[usize], values: &mut Vec<f64>) -> Option<()> {
    match (value, shape.split_first()) {
        (Value::Array(items), Some((&size, shape))) if items.len() == size => {
            items.iter().try_for_each(|item| collect(item, shape, values))
        }
        (Value::Bool(truth), None) => {
            values.push(f64::from(u8::from(*truth)));
            Some(())
        }
        (number, None) => {
            values.push(number.as_f64()?);
            Some(())
        }
        _ => None,
    }
}

impl Array {
    /// Its shape beside samples of so many axes: an axis of 1 in front may be that of the batch.
    pub fn beside(&self, axes: usize) -> Option<Vec<usize>> {
        let own = match self.shape.split_first() {
            Some((1, sample)) if sample.len() == axes => sample,
            _ => &self.shape,
        };
        let missing = axes.max(1).checked_sub(own.len())?;
        Some([vec![1; missing], own.to_vec()].concat())
    }

    /// The numbers as nested lists of this shape, which has as many places.
    pub fn in_shape(&self, shape: &[usize]) -> Value {
        nested(&self.values, shape)
    }

    /// Its numbers, where all are whole.
    pub fn whole(&self) -> Option<Vec<i64>> {
        let whole = |value: &f64| (value.fract() == 0.0 && value.abs() < 9e15).then_some(*value as i64);
        self.values.iter().map(whole).collect()
    }
}

fn nested(values: &[f64], shape: &[usize]) -> Value {
    match shape.split_first() {
        None => values.first().copied().map_or(Value::Null, Value::from),
        Some((&size, inner)) if size > 0 => {
            values.chunks(values.len() / size).map(|values| nested(values, inner)).collect()
        }
        Some(_) => Value::Array(Vec::new()),
    }
}
