//! [`Summary`].

use super::architecture::PlacedLayer;
use crate::engine::{shape::Shape, spec::Architecture};
use serde::{Deserialize, Serialize};

/// Summary of a model as Keras's `summary()` prints it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Summary {
    /// Layers in order.
    pub layers: Vec<LayerSummary>,
    /// Number of parameters.
    pub parameters: u64,
    /// Number of trainable parameters.
    pub trainable_parameters: u64,
}

/// Summary of a layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LayerSummary {
    /// Name.
    pub name: String,
    /// Type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Shape of one sample of the output; of the first one if there are several.
    pub output_shape: Shape,
    /// Number of parameters.
    pub parameters: u64,
}

impl Architecture {
    /// The summary of the model.
    pub fn summary(&self) -> Summary {
        let layers = self.layers.iter().enumerate().map(|(index, PlacedLayer { name, kind, output })| {
            let nodes = || self.nodes().iter().filter(move |node| node.owner == index);
            // All calls of a layer share its parameters, which count once.
            let mut places: Vec<usize> = nodes().flat_map(|node| node.parameters.clone()).collect();
            places.sort_unstable();
            places.dedup();
            LayerSummary {
                name: name.clone(),
                kind: (*kind).to_owned(),
                output_shape: output.map_or(Shape(Vec::new()), |value| self.shape(value).clone()),
                parameters: places.into_iter().map(|place| self.parameters()[place].shape.elements() as u64).sum(),
            }
        });
        Summary {
            layers: layers.collect(),
            parameters: (self.trainable_elements() + self.fixed_elements()) as u64,
            trainable_parameters: self.trainable_elements() as u64,
        }
    }
}
