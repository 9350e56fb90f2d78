//! [`Margins`].

use super::frame::{Frame, Volume};
use crate::engine::{
    field::FieldError,
    layer::settings_checks,
    shape::{MAX_AXIS_SIZE, Shape},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::Value;
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, OneOfBuilder, RefOr, Schema, schema::Type};

/// How much is added or taken away before and after each axis. JSON has a list of two for each axis, or one number for both
/// ends, or one number for all; of one axis a list of two or one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Margins<const AXES: usize>(pub [[usize; 2]; AXES]);

impl<const AXES: usize> Margins<AXES> {
    /// Of each axis, both ends together.
    pub(crate) fn totals(&self) -> [usize; AXES] {
        self.0.map(|[before, after]| before + after)
    }

    pub(crate) fn check(&self, pointer: &str) -> Result<(), FieldError> {
        let max = self.0.iter().flatten().copied().max().unwrap_or(0);
        settings_checks::range(max <= MAX_AXIS_SIZE, pointer, &format!("0 to {MAX_AXIS_SIZE}"), max)
    }

    /// Where a volume with these sizes lies in one that is larger by the margins. Images are volumes of one plane, and
    /// sequences images of one column.
    pub(super) fn volume(&self, sizes: [usize; AXES], channels: usize) -> Volume {
        // By axis of a volume: which of these it is.
        let axis = |axis: usize| if AXES == 1 { (axis == 1).then_some(0) } else { (axis + AXES).checked_sub(3) };
        let size = |place| axis(place).map_or(1, |axis| sizes[axis]);
        let [before, after] = [0, 1].map(|end| [0, 1, 2].map(|place| axis(place).map_or(0, |axis| self.0[axis][end])));
        let outer = [0, 1, 2].map(|place| before[place] + size(place) + after[place]);
        let frame = Frame {
            outer_lines: outer[1],
            outer_width: outer[2] * channels,
            lines: size(1),
            width: size(2) * channels,
            above: before[1],
            left: before[2] * channels,
        };
        Volume { frame, outer_planes: outer[0], planes: size(0), before: before[0] }
    }

    /// The forms of it in JSON; `what` says what is added or taken away at each end.
    pub(crate) fn schema(what: &str, default: Self) -> RefOr<Schema> {
        let size = || ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
        let list = |items: RefOr<Schema>, count| {
            let list = ArrayBuilder::new().items(items).min_items(Some(count)).max_items(Some(count));
            RefOr::T(Schema::from(list))
        };
        let pair = || list(size().into(), 2);
        let all = OneOfBuilder::new().item(size()).default(serde_json::to_value(default).ok());
        let (forms, each) = match AXES {
            1 => ("one number for both ends, or `[before, after]`", pair()),
            _ => {
                let each = OneOfBuilder::new().item(size()).item(pair());
                let forms = "one number for all ends, or, for each axis, a number for both ends or `[before, after]`";
                (forms, list(each.into(), AXES))
            }
        };
        all.description(Some(format!("{what} at each end of each axis: {forms}."))).item(each).into()
    }
}

/// The sizes of an input with as many axes, without its channels, and its channels; only for shapes that were checked.
pub(super) fn sizes<const AXES: usize>(shape: &Shape) -> ([usize; AXES], usize) {
    (std::array::from_fn(|axis| shape.0[axis]), shape.last())
}

impl<const AXES: usize> Serialize for Margins<AXES> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [ends] => ends.serialize(serializer),
            all => all.serialize(serializer),
        }
    }
}

impl<'de, const AXES: usize> Deserialize<'de> for Margins<AXES> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let received = Value::deserialize(deserializer)?;
        let one = |value: &Value| value.as_u64().and_then(|size| usize::try_from(size).ok());
        let ends = |value: &Value| match value {
            Value::Array(ends) => ends.iter().map(one).collect::<Option<Vec<_>>>()?.try_into().ok(),
            both => one(both).map(|both| [both; 2]),
        };
        let margins = match &received {
            Value::Array(axes) if AXES > 1 => axes.iter().map(ends).collect::<Option<Vec<_>>>(),
            value => ends(value).map(|ends| vec![ends; AXES]),
        };
        margins.and_then(|margins| margins.try_into().ok()).map(Self).ok_or_else(|| {
            D::Error::custom(match AXES {
                1 => "expected a whole number from 0, or a list of two",
                2 => "expected a whole number from 0, a list of two, or a list of two such lists",
                _ => "expected a whole number from 0, a list of three, or a list of three lists of two",
            })
        })
    }
}
