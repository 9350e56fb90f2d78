//! [`OutputMask`].

use crate::engine::{layer::AnyLayer, shape::Shape};
use serde::{Deserialize, Serialize};

/// The mask of a layer's output. A layer with this setting computes as if its inputs had no masks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutputMask {
    /// No mask, as for an operator in Keras.
    None,
    /// A step is masked if the mask of any input masks it, as in the merging layers of Keras 2. A concatenation along
    /// another axis than the last one concatenates the masks along that axis.
    All,
}

impl OutputMask {
    /// The setting that applies to a layer with inputs of these shapes.
    pub(super) fn requested(setting: Option<Self>, layer: &AnyLayer, inputs: &[Shape]) -> Option<Self> {
        let along_steps = match layer {
            AnyLayer::Primitive(layer) => layer.joins_masks(inputs),
            AnyLayer::Composite(_) => false,
        };
        setting.filter(|mask| !(along_steps && *mask == Self::All))
    }
}
