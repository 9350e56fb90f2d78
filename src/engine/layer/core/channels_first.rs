//! [`ChannelsFirst`].

use crate::engine::{
    field::FieldError,
    layer::{AnyLayer, Composition, Layer, Part, Permute, Primitive, Source, settings_checks},
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// A layer on an input whose channels are the first axis rather than the last one, as Keras's layers are with
/// `data_format="channels_first"`: between two transpositions. The output has no mask.
///
/// # Shapes
/// `[batch, channels, …]` to `[batch, channels, …]`: what `layer` makes of `[batch, …, channels]`, transposed again where it
/// still has as many axes.
///
/// Source: <https://keras.io/api/layers/convolution_layers/convolution2d/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelsFirst {
    /// The layer, an object with its `type`; one that is not made of others.
    #[schema(no_recursion)]
    pub layer: Box<AnyLayer>,
}

impl ChannelsFirst {
    fn layer(&self) -> Result<&Primitive, FieldError> {
        match &*self.layer {
            AnyLayer::Primitive(layer) if layer.arity().contains(&1) && layer.values() == 1 => Ok(layer),
            other => {
                let detail = format!("expected a layer of one input and one value, received `{}`", other.kind());
                Err(FieldError::new("/layer", detail))
            }
        }
    }
}

/// The place of the first axis behind the others, or of the last one before them, as [`Permute`] counts.
fn moved(axes: usize, to_last: bool) -> Permute {
    let mut dims: Vec<usize> = (1..=axes).collect();
    if to_last {
        dims.rotate_left(1)
    } else {
        dims.rotate_right(1)
    }
    Permute { dims }
}

impl Composition for ChannelsFirst {
    fn check(&self) -> Result<(), FieldError> {
        self.layer()?;
        self.layer.check().map_err(|error| error.under("/layer"))
    }

    /// The average of the steps that a mask shows has no meaning for a mask of channels.
    fn check_masked(&self, masked: bool) -> Result<(), FieldError> {
        let averages_steps = matches!(*self.layer, AnyLayer::Primitive(Primitive::GlobalAveragePooling1d(_)));
        settings_checks::range(
            !(masked && averages_steps),
            "",
            "an input without a mask, whose axes are those of channels",
            "one with a mask",
        )
    }

    fn parts(&self, inputs: &[Shape]) -> Result<Vec<Part>, FieldError> {
        let (layer, axes) = (self.layer()?, inputs[0].0.len());
        let part = |name: &str, layer: Primitive, source| Part {
            name: name.to_owned(),
            layer: AnyLayer::Primitive(layer),
            inputs: vec![source],
            each_step: false,
        };
        if axes < 2 {
            return Ok(vec![part(layer.kind(), layer.clone(), Source::Input(0))]);
        }
        let to_last = moved(axes, true);
        let within = |error: FieldError| error.under("/layer");
        let output = layer.output_shape(&[to_last.output_shape(inputs)?]).map_err(within)?;
        let mut parts = vec![
            part("channels_last", Primitive::Permute(to_last), Source::Input(0)),
            part(layer.kind(), layer.clone(), Source::Part(0)),
        ];
        if output.0.len() == axes {
            parts.push(part("channels_first", Primitive::Permute(moved(axes, false)), Source::Part(1)));
        }
        Ok(parts)
    }
}
