//! [`Sizes`] and [`Padding`]: how settings say where a window stands.

use crate::engine::{field::FieldError, layer::settings_checks, shape::MAX_AXIS_SIZE};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::Value;
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, OneOfBuilder, RefOr, Schema, schema::Type};

/// A whole number for each axis. JSON has a list of them, or one number for every axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes<const AXES: usize>(pub [usize; AXES]);

impl<const AXES: usize> Sizes<AXES> {
    /// `size` along every axis.
    pub fn every(size: usize) -> Self {
        Self([size; AXES])
    }

    /// Keras's default strides and dilation.
    pub(crate) fn ones() -> Self {
        Self::every(1)
    }

    /// Keras's default size of a pool.
    pub(crate) fn twos() -> Self {
        Self::every(2)
    }

    /// Fails unless each is at least `least` and no longer than an axis.
    pub(crate) fn check(&self, pointer: &str, least: usize) -> Result<(), FieldError> {
        let holds = self.0.iter().all(|size| (least..=MAX_AXIS_SIZE).contains(size));
        settings_checks::range(holds, pointer, &format!("{least} to {MAX_AXIS_SIZE}"), format_args!("{:?}", self.0))
    }

    /// Of dilation: fails where it is more than 1 and a stride is, too.
    pub(crate) fn check_with_strides(&self, strides: &Self) -> Result<(), FieldError> {
        let holds = self.0.iter().all(|&size| size == 1) || strides.0.iter().all(|&stride| stride == 1);
        let expected = format!("1 with strides of {:?}", strides.0);
        settings_checks::range(holds, "/dilation_rate", &expected, format_args!("{:?}", self.0))
    }

    /// Both forms of it in JSON.
    pub(crate) fn schema() -> RefOr<Schema> {
        let size = || {
            let size = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
            size.maximum(Some(MAX_AXIS_SIZE as f64))
        };
        let list = ArrayBuilder::new().items(size()).min_items(Some(AXES)).max_items(Some(AXES));
        let description = "A number for every axis, or a list of one number per axis.";
        OneOfBuilder::new().description(Some(description)).item(size()).item(list).into()
    }

    /// As sizes of three axes: the first ones of fewer are 1.
    pub(crate) fn triple(&self) -> [usize; 3] {
        triple(&self.0)
    }
}

/// The last three of some sizes, 1 where there are fewer.
pub(crate) fn triple(sizes: &[usize]) -> [usize; 3] {
    std::array::from_fn(|axis| (sizes.len() + axis).checked_sub(3).map_or(1, |place| sizes[place]))
}

impl<const AXES: usize> Serialize for Sizes<AXES> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0)
    }
}

impl<'de, const AXES: usize> Deserialize<'de> for Sizes<AXES> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let received = Value::deserialize(deserializer)?;
        let size = |value: &Value| value.as_u64().and_then(|size| usize::try_from(size).ok());
        let sizes = match &received {
            Value::Array(sizes) => sizes.iter().map(size).collect::<Option<Vec<_>>>(),
            one => size(one).map(|size| vec![size; AXES]),
        };
        sizes.and_then(|sizes| sizes.try_into().ok()).map(Self).ok_or_else(|| {
            D::Error::custom(format!("expected a whole number or a list of {AXES} of them, received {received}"))
        })
    }
}

/// What stands around an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// Nothing: a window stands within the image.
    #[default]
    Valid,
    /// As much as it takes for one output for each stride begun; half of it before the image, and what is odd after it.
    Same,
    /// Of one axis: everything before the image, so that no output knows of later steps.
    Causal,
}

impl Padding {
    /// Fails for [`Self::Causal`] where later steps are not to be hidden.
    pub(crate) fn check_around(self) -> Result<(), FieldError> {
        settings_checks::range(self != Self::Causal, "/padding", "\"valid\" or \"same\"", "\"causal\"")
    }
}
