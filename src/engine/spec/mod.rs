//! The model definition: its JSON form, its checks, the shapes that follow from it.

mod architecture;
mod read;
mod summary;
#[cfg(test)]
mod tests;

pub use architecture::{Architecture, Node, Parameter};
pub use summary::{LayerSummary, Summary};

use crate::engine::{field::FieldError, layer::AnyLayer, shape::Shape};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// The longest axis of a shape, and the largest count in a layer's settings.
pub const LONGEST_AXIS: usize = i32::MAX as usize;

/// A model as its author wrote it: layers in order, and optionally the shape of one input sample.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Definition {
    /// The shape of one sample; inferred from the dataset where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_shape: Option<Shape>,
    /// In order: each reads what the one before gives.
    pub layers: Vec<NamedLayer>,
}

/// A layer in its place in a model.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct NamedLayer {
    /// Unique within the model; where the author gave none, Keras's scheme: `dense`, `dense_1`, …
    #[schema(required = false)]
    pub name: String,
    /// Its settings.
    #[serde(flatten)]
    pub layer: AnyLayer,
}

impl Definition {
    /// Most layers that are read at all, whatever a service's own limits.
    pub const MOST_LAYERS: usize = 10_000;

    /// A definition of these layers, named where they have no name. Errors point at `/layers/0/name`.
    pub fn new(input_shape: Option<Shape>, layers: Vec<(Option<String>, AnyLayer)>) -> Result<Self, Vec<FieldError>> {
        let mut taken = HashSet::new();
        let mut errors = Vec::new();
        for (index, name) in layers.iter().enumerate().filter_map(|(index, (name, _))| Some((index, name.as_ref()?))) {
            if let Err(detail) = check_name(name) {
                errors.push(FieldError::new(format!("/layers/{index}/name"), detail));
            } else if !taken.insert(name.clone()) {
                let detail = format!("expected a name of its own, received `{name}` a second time");
                errors.push(FieldError::new(format!("/layers/{index}/name"), detail));
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut next = std::collections::HashMap::<&'static str, usize>::new();
        let layers = layers
            .into_iter()
            .map(|(name, layer)| {
                let name = name.unwrap_or_else(|| {
                    let count = next.entry(layer.kind()).or_default();
                    loop {
                        let name = match *count {
                            0 => layer.kind().to_owned(),
                            count => format!("{}_{count}", layer.kind()),
                        };
                        *count += 1;
                        if taken.insert(name.clone()) {
                            break name;
                        }
                    }
                });
                NamedLayer { name, layer }
            })
            .collect();
        Ok(Self { input_shape, layers })
    }
}

/// Layer names become keys of weights (`dense/kernel`), so they have no slash.
fn check_name(name: &str) -> Result<(), String> {
    const LONGEST: usize = 128;
    let length = name.chars().count();
    if length == 0 || length > LONGEST {
        return Err(format!("expected a name of 1 to {LONGEST} characters, received {length}"));
    }
    match name.chars().find(|&c| c == '/' || c.is_control()) {
        Some(c) => Err(format!("expected a name without slashes and control characters, received {c:?} in it")),
        None => Ok(()),
    }
}

/// How large a model may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Most layers.
    pub layers: usize,
    /// Most parameters.
    pub parameters: u64,
    /// Most bytes of memory that a model may need to train: weights, gradients, optimizer state and buffers.
    pub memory_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { layers: 1_000, parameters: 100_000_000, memory_bytes: 4 << 30 }
    }
}
