//! [`Bidirectional`].

use super::MergeMode;
use crate::engine::{
    field::FieldError,
    layer::{AnyLayer, Composition, Part, Primitive, Source, read},
    shape::Shape,
};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::Value;

/// A recurrent layer along a sequence in both directions, each with weights of its own: `merge(forward(x), backward(x))`.
///
/// Where sequences are given, the backward one is turned round, so that both outputs of a step stand together, and the
/// output of a masked step is zero in both.
///
/// # Shapes
/// `[batch, steps, inputs]` to what `layer` gives, its last axis twice as long where outputs are concatenated; weights
/// `forward/…` and `backward/…`, as those of `layer`.
///
/// Source: <https://keras.io/api/layers/recurrent_layers/bidirectional/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bidirectional {
    /// `simple_rnn`, `lstm` or `gru`, an object with its `type`.
    #[schema(no_recursion)]
    pub layer: Box<AnyLayer>,
    /// How the outputs of both directions become one.
    #[serde(default, deserialize_with = "merge_mode")]
    pub merge_mode: MergeMode,
    /// The layer that goes the other way, where it is not `layer` with `go_backwards`.
    #[serde(default)]
    #[schema(no_recursion)]
    pub backward_layer: Option<Box<AnyLayer>>,
}

/// In Keras, null leaves both outputs as they are.
fn merge_mode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<MergeMode, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => {
            let detail = "expected `concat`, `sum`, `mul` or `ave`, since a layer has one output here, received null";
            Err(D::Error::custom(detail))
        }
        mode => MergeMode::deserialize(mode).map_err(D::Error::custom),
    }
}

/// What two directions must agree on, and what one of them is told.
struct Direction<'a> {
    return_sequences: bool,
    go_backwards: &'a mut bool,
    zero_output_for_mask: &'a mut bool,
    merge: &'a mut Option<MergeMode>,
}

/// `layer` as a direction; nothing where it is not a recurrent one.
fn direction(layer: &mut AnyLayer) -> Option<Direction<'_>> {
    macro_rules! of {
        ($layer:ident) => {
            Some(Direction {
                return_sequences: $layer.return_sequences,
                go_backwards: &mut $layer.go_backwards,
                zero_output_for_mask: &mut $layer.zero_output_for_mask,
                merge: &mut $layer.merge,
            })
        };
    }
    match layer {
        AnyLayer::Primitive(Primitive::SimpleRnn(layer)) => of!(layer),
        AnyLayer::Primitive(Primitive::Lstm(layer)) => of!(layer),
        AnyLayer::Primitive(Primitive::Gru(layer)) => of!(layer),
        _ => None,
    }
}

impl Bidirectional {
    /// Both directions as they run; an error where they do not fit together.
    fn directions(&self) -> Result<[AnyLayer; 2], FieldError> {
        let unfit = |pointer: &str, layer: &AnyLayer| {
            let received = layer.kind();
            FieldError::new(pointer, format!("expected `simple_rnn`, `lstm` or `gru`, received `{received}`"))
        };
        let mut forward = (*self.layer).clone();
        let Some(first) = direction(&mut forward) else { return Err(unfit("/layer", &self.layer)) };
        *first.zero_output_for_mask = first.return_sequences;
        let mut backward = self.backward_layer.as_ref().unwrap_or(&self.layer).as_ref().clone();
        let Some(second) = direction(&mut backward) else { return Err(unfit("/backward_layer", &backward)) };
        *second.zero_output_for_mask = first.return_sequences;
        *second.merge = Some(self.merge_mode);
        if self.backward_layer.is_none() {
            *second.go_backwards = true;
        }
        let whole = if self.backward_layer.is_some() { "/backward_layer" } else { "/layer" };
        let back = *second.go_backwards;
        let expected = format!("{}, since the other direction has {}", !*first.go_backwards, first.go_backwards);
        read::range(back != *first.go_backwards, &format!("{whole}/go_backwards"), &expected, back)?;
        let sequences = second.return_sequences;
        let expected = format!("{}, as of the other direction", first.return_sequences);
        let pointer = format!("{whole}/return_sequences");
        read::range(sequences == first.return_sequences, &pointer, &expected, sequences)?;
        Ok([forward, backward])
    }
}

impl Composition for Bidirectional {
    fn check(&self) -> Result<(), FieldError> {
        self.layer.check().map_err(|error| error.under("/layer"))?;
        let backward = self.backward_layer.as_ref().map_or(Ok(()), |layer| layer.check());
        backward.map_err(|error| error.under("/backward_layer"))?;
        self.directions().map(|_| ())
    }

    fn parts(&self, _: &[Shape]) -> Result<Vec<Part>, FieldError> {
        let [forward, backward] = self.directions()?;
        let part = |name: &str, layer, inputs| Part { name: name.into(), layer, inputs, each_step: false };
        Ok(vec![
            part("forward", forward, vec![Source::Input(0)]),
            part("backward", backward, vec![Source::Input(0), Source::Part(0)]),
        ])
    }
}
