//! [`Axes`].

use crate::engine::{field::FieldError, layer::settings_checks, shape::Shape};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Axes of a layer's input: a number or a list of numbers, with the batch axis as 0, or counted from the end below 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged, expecting = "expected a whole number or a list of whole numbers")]
#[schema(as = InputAxes)]
pub enum Axes {
    /// One.
    One(i64),
    /// Several.
    Several(Vec<i64>),
}

impl Axes {
    /// The last axis.
    pub(crate) const LAST: Self = Self::One(-1);

    /// As they were written.
    pub(crate) fn listed(&self) -> &[i64] {
        match self {
            Self::One(axis) => std::slice::from_ref(axis),
            Self::Several(axes) => axes,
        }
    }

    /// The sizes of these axes, where they are the last ones of `shape`; the pointer of the error is `/axis`.
    pub(crate) fn trailing<'s>(&self, shape: &'s Shape) -> Result<&'s [usize], FieldError> {
        let listed = self.listed();
        let count = shape.0.len() as i64;
        let mut places: Vec<i64> =
            listed.iter().map(|&axis| if axis < 0 { axis.saturating_add(count) } else { axis - 1 }).collect();
        places.sort_unstable();
        let first = count - places.len() as i64;
        if first >= 0 && !places.is_empty() && places.iter().copied().eq(first..count) {
            return Ok(&shape.0[first as usize..]);
        }
        let detail = format!(
            "expected the last axes of {shape}, from -1 down or counted with the batch axis, received {listed:?}"
        );
        Err(FieldError::new("/axis", detail))
    }

    /// These axes of a sample of this shape, in rising order; the pointer of the error is `/axis`.
    pub(crate) fn places(&self, shape: &Shape) -> Result<Vec<usize>, FieldError> {
        let places = self.listed().iter().map(|&axis| settings_checks::axis(axis, shape));
        let mut places = places.collect::<Result<Vec<usize>, _>>().map_err(|error| error.under("/axis"))?;
        places.sort_unstable();
        let fits = !places.is_empty() && places.windows(2).all(|pair| pair[0] < pair[1]);
        settings_checks::range(
            fits,
            "/axis",
            "at least one axis, and none twice",
            format_args!("{:?}", self.listed()),
        )?;
        Ok(places)
    }

    /// These axes of a sample of this shape, which must be beside each other; the pointer of the error is `/axis`.
    pub(crate) fn beside(&self, shape: &Shape) -> Result<Range<usize>, FieldError> {
        let places = self.places(shape)?;
        match (places.first(), places.last()) {
            (Some(&first), Some(&last)) if last - first + 1 == places.len() => Ok(first..last + 1),
            _ => {
                Err(FieldError::new("/axis", format!("expected axes beside each other, received {:?}", self.listed())))
            }
        }
    }

    /// The sizes of these axes in the order of their numbers, which is that of a parameter's shape in Keras.
    pub(crate) fn sizes(&self, shape: &Shape) -> Shape {
        let mut listed = self.listed().to_vec();
        listed.sort_unstable();
        Shape(
            listed
                .into_iter()
                .filter_map(|axis| settings_checks::place(axis, shape))
                .map(|place| shape.0[place])
                .collect(),
        )
    }

    /// Elements of these axes together.
    pub(crate) fn width(&self, shape: &Shape) -> usize {
        self.listed()
            .iter()
            .filter_map(|&axis| settings_checks::place(axis, shape))
            .map(|place| shape.0[place])
            .product()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_the_last_ones_however_they_are_counted() {
        let shape = Shape(vec![2, 3, 5]);
        for (axes, expected) in [
            (Axes::LAST, Some(&[5][..])),
            (Axes::One(3), Some(&[5])),
            (Axes::Several(vec![-1]), Some(&[5])),
            (Axes::Several(vec![3, -2]), Some(&[3, 5])),
            (Axes::Several(vec![1, 2, 3]), Some(&[2, 3, 5])),
            (Axes::Several(vec![]), None),
            (Axes::One(2), None),
            (Axes::One(0), None),
            (Axes::One(i64::MIN), None),
            (Axes::Several(vec![-1, 3]), None),
            (Axes::Several(vec![0, 1, 2, 3]), None),
        ] {
            assert_eq!(axes.trailing(&shape).ok(), expected, "{axes:?}");
        }
    }

    #[test]
    fn axes_have_places_in_rising_order() {
        let shape = Shape(vec![2, 3, 5]);
        for (axes, places, sizes) in [
            (Axes::One(1), Some(vec![0]), vec![2]),
            (Axes::Several(vec![3, 1]), Some(vec![0, 2]), vec![2, 5]),
            (Axes::Several(vec![1, -1]), Some(vec![0, 2]), vec![5, 2]),
            (Axes::Several(vec![-1, 3]), None, vec![5, 5]),
            (Axes::One(i64::MIN), None, vec![]),
        ] {
            assert_eq!(axes.places(&shape).ok(), places, "{axes:?}");
            assert_eq!(axes.sizes(&shape), Shape(sizes), "{axes:?}");
        }
    }
}
