//! [`Bidirectional`].

use super::{Direction, MergeMode};
use crate::engine::{
    field::{FieldError, parse},
    layer::{AnyLayer, Composition, Part, Source, settings_checks},
    shape::Shape,
};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::Value;
use std::ops::{Range, RangeInclusive};

/// A recurrent layer along a sequence in both directions, each with weights of its own: `merge(forward(x), backward(x))`.
///
/// Where sequences are given, the backward one is turned round, so that both outputs of a step stand together, and the
/// output of a masked step is zero in both.
///
/// # Shapes
/// `[batch, steps, inputs]` to what `layer` gives, its last axis twice as long where outputs are concatenated; weights
/// `forward/…` and `backward/…`, as those of `layer`.
///
/// # States
/// With `return_state` in the layers, the states follow what is merged, as values `name/1` on: those of the forward layer,
/// then those of the other one. With a `merge_mode` of null, `name` and `name/1` are the outputs of both, and states follow.
/// After the sequence, the states that both begin with may be given, in the same order.
///
/// Source: <https://keras.io/api/layers/recurrent_layers/bidirectional/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bidirectional {
    /// A recurrent layer, an object with its `type`.
    #[schema(no_recursion)]
    pub layer: Box<AnyLayer>,
    /// How the outputs of both directions become one; null leaves them two.
    #[serde(default = "concat", deserialize_with = "merge_mode")]
    #[schema(default = "concat")]
    pub merge_mode: Option<MergeMode>,
    /// The layer that goes the other way, where it is not `layer` with `go_backwards`.
    #[serde(default)]
    #[schema(no_recursion)]
    pub backward_layer: Option<Box<AnyLayer>>,
}

fn concat() -> Option<MergeMode> {
    Some(MergeMode::Concat)
}

/// The name of one, or null.
fn merge_mode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<MergeMode>, D::Error> {
    let received = Value::deserialize(deserializer)?;
    parse(&received)
        .map_err(|_| D::Error::custom(format!("expected concat, sum, mul, ave or null, received {received}")))
}

impl Bidirectional {
    /// Both directions as they run; an error where they do not fit together.
    fn directions(&self) -> Result<[AnyLayer; 2], FieldError> {
        let unfit = |pointer: &str, layer: &AnyLayer| {
            let received = layer.kind();
            FieldError::new(pointer, format!("expected a recurrent layer such as `lstm`, received `{received}`"))
        };
        let backward_layer = self.backward_layer.as_ref().unwrap_or(&self.layer);
        let Some(first) = self.layer.direction() else { return Err(unfit("/layer", &self.layer)) };
        let Some(second) = backward_layer.direction() else { return Err(unfit("/backward_layer", backward_layer)) };
        let first = Direction { zero_output_for_mask: first.return_sequences, ..first };
        let second = Direction {
            zero_output_for_mask: first.return_sequences,
            merge: self.merge_mode,
            reverse_output: true,
            go_backwards: second.go_backwards || self.backward_layer.is_none(),
            ..second
        };
        let whole = if self.backward_layer.is_some() { "/backward_layer" } else { "/layer" };
        let back = second.go_backwards;
        let expected = format!("{}, since the other direction has {}", !first.go_backwards, first.go_backwards);
        settings_checks::range(back != first.go_backwards, &format!("{whole}/go_backwards"), &expected, back)?;
        for (option, first, second) in [
            ("return_sequences", first.return_sequences, second.return_sequences),
            ("return_state", first.return_state, second.return_state),
        ] {
            let expected = format!("{first}, as of the other direction");
            settings_checks::range(second == first, &format!("{whole}/{option}"), &expected, second)?;
        }
        let forward = self.layer.in_direction(first).ok_or_else(|| unfit("/layer", &self.layer))?;
        let backward = backward_layer.in_direction(second).ok_or_else(|| unfit("/backward_layer", backward_layer))?;
        Ok([forward, backward])
    }

    /// Tensors that the state of each direction is, and whether they are given; nothing of layers that do not fit.
    fn states(&self) -> ([usize; 2], bool) {
        let both = [&self.layer, self.backward_layer.as_ref().unwrap_or(&self.layer)];
        let [first, second] = both.map(|layer| layer.direction());
        let given = first.is_some_and(|direction| direction.return_state);
        ([first, second].map(|direction| direction.map_or(0, |direction| direction.states)), given)
    }
}

impl Composition for Bidirectional {
    fn check(&self) -> Result<(), FieldError> {
        self.layer.check().map_err(|error| error.under("/layer"))?;
        let backward = self.backward_layer.as_ref().map_or(Ok(()), |layer| layer.check());
        backward.map_err(|error| error.under("/backward_layer"))?;
        self.directions().map(|_| ())
    }

    fn arity(&self) -> RangeInclusive<usize> {
        let ([first, second], _) = self.states();
        // Keras divides states of both in the middle.
        1..=1 + if first == second { first + second } else { 0 }
    }

    fn gives(&self) -> Vec<(usize, usize)> {
        let ([first, second], given) = self.states();
        let states = |part, count| (1..=count).filter(move |_| given).map(move |value| (part, value));
        let outputs: &[_] = if self.merge_mode.is_some() { &[(1, 0)] } else { &[(0, 0), (1, 0)] };
        outputs.iter().copied().chain(states(0, first)).chain(states(1, second)).collect()
    }

    fn is_recurrent(&self) -> bool {
        true
    }

    fn uses_masks(&self) -> bool {
        true
    }

    fn parts(&self, inputs: &[Shape]) -> Result<Vec<Part>, FieldError> {
        let [forward, backward] = self.directions()?;
        let (states, whole) = (inputs.len() - 1, *self.arity().end());
        settings_checks::range(
            [1, whole].contains(&inputs.len()),
            "/inputs",
            &format!("1 or {whole} inputs"),
            inputs.len(),
        )?;
        let other = self.merge_mode.map(|_| Source::Part(0));
        let sources = |other: Option<Source>, states: Range<usize>| {
            std::iter::once(Source::Input(0)).chain(other).chain(states.map(Source::Input)).collect()
        };
        let part = |name: &str, layer, inputs| Part { name: name.into(), layer, inputs, each_step: false };
        Ok(vec![
            part("forward", forward, sources(None, 1..1 + states / 2)),
            part("backward", backward, sources(other, 1 + states / 2..1 + states)),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_no_merge_mode_is_refused_with_what_was_received() {
        let layer = |mode: Value| json!({"layer": {"type": "gru", "units": 2}, "merge_mode": mode});
        assert_eq!(parse::<Bidirectional>(&layer(json!(null))).unwrap().merge_mode, None);
        let error = parse::<Bidirectional>(&layer(json!("mean"))).unwrap_err();
        assert_eq!(error.pointer, "/merge_mode");
        assert_eq!(error.detail, "expected concat, sum, mul, ave or null, received \"mean\"");
    }
}
