//! [`TimeDistributed`].

use crate::engine::{
    field::FieldError,
    layer::{AnyLayer, Composition, Part, Source, settings_checks},
    shape::Shape,
};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// A layer on each step of a sequence separately, with the same weights; a model on each step is one such layer after the
/// other, and so are they read from Keras's JSON. Where the steps have masks of their own, recurrent
/// layers, batch normalization and average pooling use them. An `activity_regularizer` of the layer, which does nothing in
/// Keras, is refused.
///
/// # Shapes
/// `[batch, steps, …]` to `[batch, steps, …]`: what `layer` makes of `[batch, …]`; as many inputs as it takes, of as many
/// steps each.
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
        settings_checks::range(
            values == 1,
            "/layer",
            "a layer that gives one value",
            format_args!("one that gives {values}"),
        )?;
        match &*self.layer {
            AnyLayer::Primitive(layer) if layer.activity_regularizer().is_some() => {
                let detail = "expected null, since it does nothing on each step in Keras, received a penalty";
                Err(FieldError::new("/layer/activity_regularizer", detail))
            }
            _ => Ok(()),
        }
    }

    fn arity(&self) -> RangeInclusive<usize> {
        self.layer.arity()
    }

    fn uses_masks(&self) -> bool {
        true
    }

    fn parts(&self, inputs: &[Shape]) -> Result<Vec<Part>, FieldError> {
        if let Some(flat) = inputs.iter().find(|shape| shape.0.len() < 2) {
            let detail = format!("expected an input of at least 2 axes, steps first, received {flat}");
            return Err(FieldError::new("", detail));
        }
        let (name, layer) = (self.layer.kind().to_owned(), (*self.layer).clone());
        let inputs = (0..inputs.len()).map(Source::Input).collect();
        Ok(vec![Part { name, layer, inputs, each_step: true }])
    }
}
