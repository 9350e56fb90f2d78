//! The model definition: its JSON form, its checks, the shapes that follow from it.

use crate::engine::{field::FieldError, shape::Shape};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A model as its author wrote it: layers in order, and optionally the shape of one input sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// The shape of one sample; inferred from the dataset where absent.
    pub input_shape: Option<Shape>,
}

impl Definition {
    /// Reads our own JSON form; every error has a pointer below `definition` (`/layers/2/units`).
    pub fn from_value(_value: &Value) -> Result<Self, Vec<FieldError>> {
        todo!()
    }

    /// The JSON form, every default filled in; [`Self::from_value`] reads it back to an equal definition.
    pub fn to_value(&self) -> Value {
        todo!()
    }

    /// The form of `input_shape` that this definition has, or infers from a row of `features` cells.
    /// Fails where both are known and differ in cells.
    pub fn input_shape(&self, _features: usize) -> Result<Shape, FieldError> {
        todo!()
    }

    /// Shapes and parameters of every layer for samples of `input`; fails by layer, with its name and both shapes,
    /// and where parameters or buffers would pass `limits`.
    pub fn resolve(&self, _input: &Shape, _limits: &Limits) -> Result<Architecture, Vec<FieldError>> {
        todo!()
    }
}

/// How large a model may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Most layers.
    pub layers: usize,
    /// Most parameters.
    pub parameters: u64,
}

/// A checked definition with every shape known.
#[derive(Debug, Clone)]
pub struct Architecture {}

impl Architecture {
    /// Sizes of every layer.
    pub fn summary(&self) -> Summary {
        todo!()
    }
    /// The shape of one output.
    pub fn output_shape(&self) -> &Shape {
        todo!()
    }
}

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
    /// Shape of one output sample.
    pub output_shape: Shape,
    /// Parameters of this layer.
    pub parameters: u64,
}
