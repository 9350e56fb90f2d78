//! [`OutputMask`]: the setting that replaces the mask of a layer's output.

use crate::engine::{
    layer::{AnyLayer, Primitive},
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// The mask of a layer's output. A layer with this setting computes as if its inputs had no masks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutputMask {
    /// The output has no mask, as that of an operator in Keras.
    None,
    /// A step is shown where the masks of all inputs that have one show it, as in the merging layers of Keras 2. A
    /// concatenation along another axis than the last one joins the masks along that axis.
    All,
}

/// The setting `mask` of a layer where it changes the layer's own mask, for inputs of these shapes.
pub(super) fn requested(mask: Option<OutputMask>, layer: &AnyLayer, inputs: &[Shape]) -> Option<OutputMask> {
    let along_steps = match layer {
        AnyLayer::Primitive(Primitive::Concatenate(layer)) => {
            inputs.first().is_some_and(|shape| !layer.along_last(shape))
        }
        _ => false,
    };
    mask.filter(|mask| !(along_steps && *mask == OutputMask::All))
}
