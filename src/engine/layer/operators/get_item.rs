//! [`GetItem`].

use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, Origins, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// Some elements of each axis, `y = x[:, key…]` as NumPy writes it: the last step of a sequence is `{"key": [-1]}`, the first
/// three columns of an image `{"key": [null, {"stop": 3}]}`.
///
/// # Shapes
/// `[batch, a, b, …]` to the axes that are left: one that a number is taken of is gone.
///
/// Source: <https://keras.io/api/ops/core/#slice-function>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GetItem {
    /// What is taken of each axis: a number, which counts from the end where it is negative, a slice, or `null` for all of
    /// it; further axes stay as they are.
    pub key: Vec<Option<Taken>>,
}

/// What is taken of an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = GetItemIndex)]
#[serde(untagged, expecting = "expected a whole number, an object of `start`, `stop` and `step`, or null")]
pub enum Taken {
    /// One element.
    One(i64),
    /// Elements at regular distances.
    Slice(Slice),
}

/// `start:stop:step`, as Python counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Slice {
    /// The first element; from the end where it is negative. By default the first there is, or the last, where steps go backward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<i64>,
    /// The element before which it ends. By default after the last there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<i64>,
    /// From one element to the next, not 0; 1 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<i64>,
}

/// The elements that are taken of an axis: the first, how far it is from one to the next, and how many.
#[derive(Clone, Copy)]
struct Places {
    first: i64,
    step: i64,
    count: usize,
}

impl Slice {
    /// The elements of an axis of `size`, in order.
    fn places(self, size: usize) -> Places {
        let size = size as i64;
        let step = self.step.unwrap_or(1);
        let (lowest, highest) = if step > 0 { (0, size) } else { (-1, size - 1) };
        let counted = |bound: i64| if bound < 0 { bound.saturating_add(size) } else { bound }.clamp(lowest, highest);
        let ends = if step > 0 { (lowest, highest) } else { (highest, lowest) };
        let (first, stop) = (self.start.map_or(ends.0, counted), self.stop.map_or(ends.1, counted));
        let distance = if step > 0 { stop - first } else { first - stop };
        let count = distance.max(0).unsigned_abs().div_ceil(step.unsigned_abs()) as usize;
        Places { first, step, count }
    }
}

impl GetItem {
    /// The elements that are taken of an axis of this size.
    fn places(&self, axis: usize, size: usize) -> Places {
        match self.key.get(axis).copied().flatten() {
            None => Places { first: 0, step: 1, count: size },
            Some(Taken::Slice(slice)) => slice.places(size),
            Some(Taken::One(place)) => {
                Places { first: if place < 0 { place + size as i64 } else { place }, step: 1, count: 1 }
            }
        }
    }

    /// Where each element of the output stands in the input.
    pub(crate) fn sources(&self, shape: &Shape) -> Vec<u32> {
        let mut sources = vec![0];
        for (axis, &size) in shape.0.iter().enumerate() {
            let Places { first, step, count } = self.places(axis, size);
            let each = |source: &i64| {
                let first = source * size as i64 + first;
                (0..count as i64).map(move |place| first + place * step)
            };
            sources = sources.iter().flat_map(each).collect();
        }
        sources.into_iter().map(|source| source as u32).collect()
    }
}

impl Layer for GetItem {
    fn check(&self) -> Result<(), FieldError> {
        let still = |taken: &Option<Taken>| matches!(taken, Some(Taken::Slice(Slice { step: Some(0), .. })));
        match self.key.iter().position(still) {
            Some(axis) => settings_checks::range(false, &format!("/key/{axis}/step"), "a step other than 0", 0),
            None => Ok(()),
        }
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let sizes = &inputs[0].0;
        let expected = format!("at most one entry for each axis of {}", inputs[0]);
        settings_checks::range(self.key.len() <= sizes.len(), "/key", &expected, self.key.len())?;
        for (axis, (taken, &size)) in self.key.iter().zip(sizes).enumerate() {
            if let Some(Taken::One(place)) = taken {
                let size = size as i64;
                let expected = format!("a number from -{size} to {}", size - 1);
                settings_checks::range((-size..size).contains(place), &format!("/key/{axis}"), &expected, place)?;
            }
        }
        let mut kept = Vec::new();
        for (axis, &size) in sizes.iter().enumerate() {
            let count = self.places(axis, size).count;
            settings_checks::range(count > 0, &format!("/key/{axis}"), &format!("cells of an axis of {size}"), "none")?;
            if !matches!(self.key.get(axis), Some(Some(Taken::One(_)))) {
                kept.push(count);
            }
        }
        settings_checks::range(!kept.is_empty(), "/key", "an axis that is left", "a number for each of them")?;
        Ok(Shape(kept))
    }

    fn tables(&self, inputs: &[Shape]) -> Vec<Vec<u32>> {
        vec![self.sources(&inputs[0])]
    }

    fn origins(&self, inputs: &[Shape]) -> Origins {
        Origins::Taken(self.sources(&inputs[0]))
    }
}

impl<F: Real> Compute<F> for GetItem {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let Some(sources) = cx.tables.first() else { return };
        let rows = cx.inputs.get(0).chunks_exact(cx.inputs.shape(0).elements());
        for (x, y) in rows.zip(cx.output.chunks_exact_mut(sources.len())) {
            y.iter_mut().zip(sources).for_each(|(y, &source)| *y = x[source as usize]);
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let (Some(sources), Some(dx)) = (cx.tables.first(), cx.input_gradients.get(0)) else { return };
        dx.fill(F::ZERO);
        let rows = dx.chunks_exact_mut(cx.inputs.shape(0).elements());
        for (dx, dy) in rows.zip(cx.output_gradient.chunks_exact(sources.len())) {
            dy.iter().zip(sources).for_each(|(&dy, &source)| dx[source as usize] = dy);
        }
    }
}
