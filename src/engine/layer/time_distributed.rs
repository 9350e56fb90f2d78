//! [`TimeDistributed`].

use super::{AnyLayer, Composition, Layer, Part, Source, read};
use crate::engine::{field::FieldError, shape::Shape};
use serde::{Deserialize, Serialize};

/// A layer on each step of a sequence by itself, with the same weights. Where the steps have masks of their own, recurrent
/// layers, batch normalization and average pooling heed them. An `activity_regularizer` of the layer, which does nothing in
/// Keras, is refused.
///
/// # Shapes
/// `[batch, steps, …]` to `[batch, steps, …]`: what `layer` makes of `[batch, …]`.
///
/// Source: <https://keras.io/api/layers/recurrent_layers/time_distributed/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeDistributed {
    /// The layer, an object with its `type`.
    #[schema(no_recursion)]
    pub layer: Box<AnyLayer>,
}

impl Composition for TimeDistributed {
    fn check(&self) -> Result<(), FieldError> {
        self.layer.check().map_err(|error| error.under("/layer"))?;
        let values = self.layer.values();
        read::range(values == 1, "/layer", "a layer that gives one value", format_args!("one that gives {values}"))?;
        match &*self.layer {
            AnyLayer::Primitive(layer) if layer.activity_regularizer().is_some() => {
                let detail = "expected null, since it does nothing on each step in Keras, received a penalty";
                Err(FieldError::new("/layer/activity_regularizer", detail))
            }
            _ => Ok(()),
        }
    }

    fn parts(&self, inputs: &[Shape]) -> Result<Vec<Part>, FieldError> {
        if inputs[0].0.len() < 2 {
            let detail = format!("expected an input of at least 2 axes, steps first, received {}", inputs[0]);
            return Err(FieldError::new("", detail));
        }
        let (name, layer) = (self.layer.kind().to_owned(), (*self.layer).clone());
        Ok(vec![Part { name, layer, inputs: vec![Source::Input(0)], each_step: true }])
    }
}
