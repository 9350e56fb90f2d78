//! Checks of layers' settings, and defaults that several layers share.

use crate::engine::{
    constraint::Constraint,
    field::FieldError,
    init::Initializer,
    regularizer::Regularizer,
    shape::{MAX_AXES, MAX_AXIS_SIZE, Shape},
};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

/// A whole number from 1 to [`MAX_AXIS_SIZE`].
pub(crate) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let received = Value::deserialize(deserializer)?;
    let count = received.as_u64().and_then(|count| usize::try_from(count).ok());
    count.filter(|count| (1..=MAX_AXIS_SIZE).contains(count)).ok_or_else(|| {
        D::Error::custom(format!("expected a whole number from 1 to {MAX_AXIS_SIZE}, received {received}"))
    })
}

/// The same, or nothing where it is null.
pub(crate) fn optional_count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        received => count(received).map(Some).map_err(D::Error::custom),
    }
}

/// Fails unless `holds`.
pub(crate) fn range(
    holds: bool,
    pointer: &str,
    expected: &str,
    received: impl std::fmt::Display,
) -> Result<(), FieldError> {
    if holds { Ok(()) } else { Err(FieldError::new(pointer, format!("expected {expected}, received {received}"))) }
}

/// Fails if a setting has more axes than a shape may have.
pub(crate) fn axes(count: usize, pointer: &str) -> Result<(), FieldError> {
    range(count <= MAX_AXES, pointer, &format!("at most {MAX_AXES} axes"), count)
}

/// Fails unless there are two axes, steps and features.
pub(crate) fn sequence(shape: &Shape) -> Result<(), FieldError> {
    let received = format_args!("one of the shape {shape}");
    range(shape.0.len() == 2, "", "an input of two axes, steps and features", received)
}

/// What the axes of a sequence, an image or a volume are called.
pub(crate) fn axis_names<const AXES: usize>() -> &'static str {
    match AXES {
        1 => "steps and channels",
        2 => "height, width and channels",
        _ => "planes, height, width and channels",
    }
}

/// The axes of an input of the given names.
pub(crate) fn named_axes<const N: usize>(shape: &Shape, names: &str) -> Result<[usize; N], FieldError> {
    let axes = shape.0.as_slice().try_into();
    axes.map_err(|_| FieldError::new("", format!("expected an input of {N} axes, {names}, received {shape}")))
}

/// The axes of a sequence, an image or a volume but the channels, and the channels.
pub(crate) fn spatial_axes<const AXES: usize>(shape: &Shape) -> Result<([usize; AXES], usize), FieldError> {
    let axes = shape.0.split_last().and_then(|(&channels, axes)| Some((axes.try_into().ok()?, channels)));
    axes.ok_or_else(|| {
        let expected = format!("an input of {} axes, {}", AXES + 1, axis_names::<AXES>());
        FieldError::new("", format!("expected {expected}, received {shape}"))
    })
}

/// Every axis but the last one, which are those of a mask of steps.
pub(crate) fn all_but_last(shape: &Shape) -> Shape {
    Shape(shape.0.split_last().map_or_else(Vec::new, |(_, axes)| axes.to_vec()))
}

/// Fails unless each mask has every axis of its input but the last one: Keras has no arithmetic for others.
pub(crate) fn masks_of_steps(inputs: &[Shape], masks: &[Option<Shape>]) -> Result<(), FieldError> {
    for (input, mask) in inputs.iter().zip(masks) {
        if let Some(mask) = mask {
            let expected = all_but_last(input);
            let words = format!("a mask of the shape {expected}, the axes of {input} but the last one");
            range(*mask == expected, "", &words, format_args!("one of the shape {mask}"))?;
        }
    }
    Ok(())
}

/// Ranges of what stands in `kernel_initializer`, `kernel_regularizer` and `kernel_constraint`, for a parameter of the name
/// `kernel`.
pub(crate) fn parameter(
    name: &str,
    initializer: &Initializer,
    regularizer: Option<&Regularizer>,
    constraint: Option<&Constraint>,
) -> Result<(), FieldError> {
    initializer.check().map_err(|error| error.under(&format!("/{name}_initializer")))?;
    regularizer.map_or(Ok(()), Regularizer::check).map_err(|error| error.under(&format!("/{name}_regularizer")))?;
    constraint.map_or(Ok(()), Constraint::check).map_err(|error| error.under(&format!("/{name}_constraint")))
}

/// The axis of a sample that `axis` means: counted with the batch axis, or from the last one, which is -1.
pub(crate) fn axis(axis: i64, shape: &Shape) -> Result<usize, FieldError> {
    place(axis, shape).ok_or_else(|| {
        let axes = shape.0.len();
        let expected = format!("an axis of {shape}: 1 to {axes} counted with the batch axis, or -{axes} to -1");
        FieldError::new("", format!("expected {expected}, received {axis}"))
    })
}

/// [`axis`] where it is one of the sample's.
pub(crate) fn place(axis: i64, shape: &Shape) -> Option<usize> {
    place_of(axis, shape.0.len())
}

/// [`place`] in a sample of so many axes.
pub(crate) fn place_of(axis: i64, axes: usize) -> Option<usize> {
    let own = if axis < 0 { axis.saturating_add(axes as i64) } else { axis - 1 };
    usize::try_from(own).ok().filter(|own| *own < axes)
}

pub(crate) fn yes() -> bool {
    true
}

pub(crate) fn one() -> usize {
    1
}

/// Keras's default initializer of a kernel.
pub(crate) fn glorot_uniform() -> Initializer {
    Initializer::GlorotUniform
}

/// Keras's default initializer of a bias.
pub(crate) fn zeros() -> Initializer {
    Initializer::Zeros
}
