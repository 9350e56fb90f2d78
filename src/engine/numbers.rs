//! [`Numbers`].

use crate::engine::{field::FieldError, shape::Shape};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::Value;
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        OneOfBuilder, RefOr,
        schema::{ArrayBuilder, ObjectBuilder, Schema, Type},
    },
};

/// A number, or an array as nested lists that is broadcast along the last axes as in NumPy.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    /// Shape of the array; empty for a number.
    axes: Vec<usize>,
    /// Row-major.
    elements: Vec<f64>,
}

impl Default for Numbers {
    fn default() -> Self {
        Self { axes: Vec::new(), elements: vec![0.0] }
    }
}

impl From<f64> for Numbers {
    fn from(number: f64) -> Self {
        Self { axes: Vec::new(), elements: vec![number] }
    }
}

/// Maximum axes of an array.
const MAX_AXES: usize = 8;

impl Numbers {
    /// The number, if there is only one.
    fn only(&self) -> Option<f64> {
        match self.elements.as_slice() {
            [number] => Some(*number),
            _ => None,
        }
    }

    /// Number of axes; 0 for a number.
    pub(in crate::engine) fn axes(&self) -> usize {
        self.axes.len()
    }

    /// The number for an element of the shape of which [`Self::places`] has the table.
    pub(in crate::engine) fn at(&self, places: &[u32], element: usize) -> f64 {
        self.only().unwrap_or_else(|| self.elements[places[element] as usize])
    }

    /// Fails at `pointer` with the first number that fails `check`.
    pub(in crate::engine) fn check(
        &self,
        pointer: &str,
        check: impl Fn(&str, f64) -> Result<(), FieldError>,
    ) -> Result<(), FieldError> {
        self.elements.iter().try_for_each(|&number| check(pointer, number))
    }

    /// Fails at `pointer` if the array cannot be broadcast along the last axes of `shape`.
    pub(in crate::engine) fn check_broadcast(&self, shape: &Shape, pointer: &str) -> Result<(), FieldError> {
        if self.broadcast_axes(shape).is_some() {
            return Ok(());
        }
        let axes = Shape(self.axes.clone());
        let detail = format!(
            "expected a number, or an array that is broadcast along the last axes of {shape}, received one of the shape {axes}"
        );
        Err(FieldError::new(pointer, detail))
    }

    /// The axes of the array without the batch axis, a first axis of 1, if it can be broadcast to `shape`.
    fn broadcast_axes(&self, shape: &Shape) -> Option<&[usize]> {
        let axes = match self.axes.split_first() {
            Some((1, axes)) if axes.len() == shape.0.len() => axes,
            _ => &self.axes,
        };
        let last = shape.0.get(shape.0.len().checked_sub(axes.len())?..)?;
        axes.iter().zip(last).all(|(own, axis)| *own == 1 || own == axis).then_some(axes)
    }

    /// For each element of `shape` the index of its number in the array; empty for a number.
    pub(in crate::engine) fn places(&self, shape: &Shape) -> Vec<u32> {
        let Some(axes) = self.broadcast_axes(shape).filter(|_| self.only().is_none()) else { return Vec::new() };
        let skipped = shape.0.len() - axes.len();
        let own = std::iter::repeat_n(1, skipped).chain(axes.iter().copied());
        places(shape.0.iter().copied().zip(own))
    }
}

/// For each element of some axes, row-major, its index in a broadcast array. `axes` are pairs of sizes, that of the
/// array 1 or the same.
pub(in crate::engine) fn places(axes: impl Iterator<Item = (usize, usize)>) -> Vec<u32> {
    let mut places = vec![0u32];
    for (length, own) in axes {
        let each = |place: &u32| {
            let first = *place * own as u32;
            (0..length as u32).map(move |step| if own == 1 { first } else { first + step })
        };
        places = places.iter().flat_map(each).collect();
    }
    places
}

impl Serialize for Numbers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        nested(&self.axes, &self.elements).serialize(serializer)
    }
}

fn nested(axes: &[usize], elements: &[f64]) -> Value {
    match axes.split_first() {
        None => elements.first().copied().unwrap_or_default().into(),
        Some((_, inner)) => {
            let size = inner.iter().product::<usize>().max(1);
            elements.chunks(size).map(|part| nested(inner, part)).collect()
        }
    }
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let mut axes = Vec::new();
        let mut inner = &value;
        while let Value::Array(items) = inner {
            axes.push(items.len());
            match items.first() {
                Some(first) if axes.len() <= MAX_AXES => inner = first,
                _ => break,
            }
        }
        let mut elements = Vec::new();
        match collect(&value, &axes, &mut elements) {
            Some(()) if axes.len() <= MAX_AXES && !axes.contains(&0) => Ok(Self { axes, elements }),
            _ => {
                let received: Cow<'_, str> = match &value {
                    Value::Array(_) => "other lists".into(),
                    other => other.to_string().into(),
                };
                let detail =
                    format!("expected a number, or nested lists of numbers of equal length, received {received}");
                Err(D::Error::custom(detail))
            }
        }
    }
}

/// Appends the numbers of an array of this shape; `None` if it has another shape.
fn collect(value: &Value, axes: &[usize], elements: &mut Vec<f64>) -> Option<()> {
    match (value, axes.split_first()) {
        (Value::Number(number), None) => elements.push(number.as_f64()?),
        (Value::Array(items), Some((length, inner))) if items.len() == *length => {
            items.iter().try_for_each(|item| collect(item, inner, elements))?;
        }
        _ => return None,
    }
    Some(())
}

impl PartialSchema for Numbers {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new().schema_type(Type::Number);
        let lists = ArrayBuilder::new().items(RefOr::T(Schema::from(
            ObjectBuilder::new().schema_type(utoipa::openapi::schema::SchemaType::AnyValue),
        )));
        let description = "A number, or an array as nested lists that is broadcast along the last axes as in NumPy.";
        OneOfBuilder::new().item(number).item(lists).description(Some(description)).into()
    }
}

impl ToSchema for Numbers {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn numbers(value: Value) -> Numbers {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn arrays_are_broadcast_along_the_last_axes() {
        let shape = Shape(vec![2, 3]);
        for (array, expected) in [
            (json!([1.0, 2.0, 3.0]), vec![1.0, 2.0, 3.0, 1.0, 2.0, 3.0]),
            (json!([[1.0], [2.0]]), vec![1.0, 1.0, 1.0, 2.0, 2.0, 2.0]),
            (json!([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]), vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
            (json!([7.0]), vec![7.0; 6]),
            (json!(8.0), vec![8.0; 6]),
        ] {
            let numbers = numbers(array.clone());
            numbers.check_broadcast(&shape, "").unwrap();
            let places = numbers.places(&shape);
            let received: Vec<f64> = (0..6).map(|element| numbers.at(&places, element)).collect();
            assert_eq!(received, expected, "{array}");
            assert_eq!(serde_json::to_value(&numbers).unwrap(), array);
        }
        for array in
            [json!([1, 2]), json!([[1, 2, 3], [1, 2, 3], [1, 2, 3]]), json!([[[1]], [[2]]]), json!([[[[1, 2, 3]]]])]
        {
            let error = numbers(array.clone()).check_broadcast(&shape, "/scale").unwrap_err();
            assert_eq!(error.pointer, "/scale", "{array}");
        }
    }

    #[test]
    fn ragged_lists_are_refused() {
        let mut deep = json!(1);
        (0..9).for_each(|_| deep = json!([deep]));
        for value in [
            json!([]),
            json!([[1, 2], [3]]),
            json!([1, [2]]),
            json!([[1], 2]),
            json!("1"),
            json!(null),
            json!([[]]),
            deep,
        ] {
            let error = serde_json::from_value::<Numbers>(value.clone()).unwrap_err().to_string();
            assert!(error.contains("expected a number, or nested lists of numbers"), "{value}: {error}");
        }
    }
}
