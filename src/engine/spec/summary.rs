//! Sizes of a model, as Keras's `summary()` prints them.

use super::architecture::PlacedLayer;
use crate::engine::{shape::Shape, spec::Architecture};
use serde::{Deserialize, Serialize};

/// Sizes of a model, as Keras's `summary()` prints them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Summary {
    /// Each layer in order.
    pub layers: Vec<LayerSummary>,
    /// All parameters.
    pub parameters: u64,
    /// Those that training moves.
    pub trainable_parameters: u64,
}

/// Sizes of one layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LayerSummary {
    /// Unique name (`dense`, `dense_1`, …, Keras's scheme).
    pub name: String,
    /// The layer's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Shape of one output sample; of the first output where the layer gives several.
    pub output_shape: Shape,
    /// Parameters of this layer.
    pub parameters: u64,
}

impl Architecture {
    /// Sizes of every layer.
    pub fn summary(&self) -> Summary {
        let layers = self.layers.iter().enumerate().map(|(index, PlacedLayer { name, kind, output })| {
            let nodes = || self.nodes().iter().filter(move |node| node.owner == index);
            // Every run of a layer has the same parameters, so that each place counts once.
            let mut places: Vec<usize> = nodes().flat_map(|node| node.parameters.clone()).collect();
            places.sort_unstable();
            places.dedup();
            LayerSummary {
                name: name.clone(),
                kind: (*kind).to_owned(),
                output_shape: output.map_or(Shape(Vec::new()), |value| self.shape(value).clone()),
                parameters: places.into_iter().map(|place| self.parameters()[place].shape.cells() as u64).sum(),
            }
        });
        Summary {
            layers: layers.collect(),
            parameters: (self.trainable_cells() + self.fixed_cells()) as u64,
            trainable_parameters: self.trainable_cells() as u64,
        }
    }
}
