//! Which elements of the inputs a value consists of, and which layer uses each of them first.

use super::{Architecture, Node};
use crate::engine::layer::{InputScale, Origins};
use std::sync::Arc;

/// How the layers use an element of the inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InputUse {
    /// The node that uses it unscaled, as an index of [`Architecture::nodes`].
    pub raw: Option<usize>,
    /// Whether that node uses it as an index.
    pub looked_up: bool,
    /// Whether a layer scales it, or accepts any scale.
    pub scaled: bool,
}

/// An element that is of no input.
const NO_ELEMENT: u32 = u32::MAX;

/// The origins of the elements of a value. Elements of the inputs are numbered consecutively.
#[derive(Debug, Clone)]
enum Origin {
    /// By element: the input element that it is.
    Each(Arc<[u32]>),
    /// Every element is computed from these input elements, in ascending order, without weights.
    Mixed(Arc<[u32]>),
}

impl Origin {
    fn elements(&self) -> impl Iterator<Item = usize> {
        let (Self::Each(elements) | Self::Mixed(elements)) = self;
        elements.iter().filter(|&&element| element != NO_ELEMENT).map(|&element| element as usize)
    }

    fn is_whole(&self) -> bool {
        let (Self::Each(elements) | Self::Mixed(elements)) = self;
        !elements.contains(&NO_ELEMENT)
    }

    /// The origins of the elements `sources` of every `elements` of a value.
    fn taken(&self, sources: &[u32], elements: usize) -> Self {
        match self {
            Self::Mixed(_) => self.clone(),
            Self::Each(origins) => {
                let rows = origins.chunks_exact(elements.max(1));
                Self::Each(
                    rows.flat_map(|row| sources.iter().map(|&source| row.get(source as usize).copied()))
                        .map(|element| element.unwrap_or(NO_ELEMENT))
                        .collect(),
                )
            }
        }
    }

    fn mixed<'a>(origins: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut elements: Vec<u32> =
            origins.into_iter().flat_map(|it| it.elements().map(|element| element as u32)).collect();
        elements.sort_unstable();
        elements.dedup();
        Self::Mixed(elements.into())
    }
}

impl Architecture {
    /// For every element of the inputs, concatenated: the layer that uses it first. Layers that only move numbers
    /// (reshapes, slices, concatenations, crops, poolings …) are transparent.
    pub fn input_uses(&self) -> Vec<InputUse> {
        let mut uses = vec![InputUse::default(); self.input_elements()];
        let mut origins: Vec<Option<Origin>> = vec![None; self.values()];
        let mut first = 0;
        for (value, shape) in self.input_shapes().iter().enumerate() {
            let next = first + shape.elements();
            origins[value] = Some(Origin::Each((first as u32..next as u32).collect()));
            first = next;
        }
        for (index, node) in self.nodes().iter().enumerate() {
            let scale = node.layer.input_scale();
            let read = node.inputs.iter().filter_map(|&value| origins[value].as_ref());
            match scale {
                InputScale::Unit => {}
                InputScale::Any => read.flat_map(Origin::elements).for_each(|element| uses[element].scaled = true),
                InputScale::Raw | InputScale::Exact => {
                    let looked_up = scale == InputScale::Exact;
                    for element in read.flat_map(Origin::elements) {
                        let it = &mut uses[element];
                        if it.raw.is_none() || (looked_up && !it.looked_up) {
                            it.raw = Some(index);
                        }
                        it.looked_up |= looked_up;
                        it.scaled |= !node.layer.begins_mask() || looked_up;
                    }
                }
            }
            let own = origin(node, &origins);
            node.others.clone().for_each(|value| origins[value].clone_from(&own));
            origins[node.output] = own;
        }
        uses
    }
}

/// The origins of a node's output, if it only moves or mixes elements of the inputs.
fn origin(node: &Node, origins: &[Option<Origin>]) -> Option<Origin> {
    let input = |index: usize| node.inputs.get(index).and_then(|&value| origins.get(value)?.as_ref());
    let (first, shape) = (input(0), node.input_shapes.first()?);
    match node.layer.origins(&node.input_shapes) {
        Origins::Computed => None,
        Origins::Same { .. } => first.cloned(),
        Origins::Taken(sources) => Some(first?.taken(&sources, shape.elements())),
        Origins::Blocks(blocks) => interleaved(node, origins, &blocks),
        Origins::Mixed => Some(Origin::mixed(first)),
        Origins::Merged => {
            let read: Option<Vec<&Origin>> = (0..node.inputs.len()).map(input).collect();
            read.filter(|read| read.iter().all(|origin| origin.is_whole())).map(Origin::mixed)
        }
    }
}

/// The elements of the inputs interleaved, `blocks` of each at a time; [`NO_ELEMENT`] for a value without origins.
fn interleaved(node: &Node, origins: &[Option<Origin>], blocks: &[usize]) -> Option<Origin> {
    let read: Vec<Option<&Origin>> =
        node.inputs.iter().map(|&value| origins.get(value).and_then(Option::as_ref)).collect();
    if read.iter().all(Option::is_none) {
        return None;
    }
    if read.iter().flatten().any(|origin| matches!(origin, Origin::Mixed(_))) {
        return Some(Origin::mixed(read.into_iter().flatten()));
    }
    let elements: usize = node.input_shapes.first().map_or(0, |shape| shape.elements()) * node.repeat;
    let turns = elements / blocks.first().copied().unwrap_or(1).max(1);
    let mut elements_out = Vec::new();
    for turn in 0..turns {
        for (origin, &block) in read.iter().zip(blocks) {
            match origin {
                Some(Origin::Each(elements)) => elements_out.extend(elements.iter().skip(turn * block).take(block)),
                _ => elements_out.extend(std::iter::repeat_n(NO_ELEMENT, block)),
            }
        }
    }
    Some(Origin::Each(elements_out.into()))
}

#[cfg(test)]
mod tests {
    use crate::engine::spec::{Definition, InputUse, Limits};
    use rstest::rstest;
    use serde_json::{Value, json};

    fn uses(definition: Value, widths: &[usize]) -> Vec<(Option<String>, bool, bool)> {
        let definition = Definition::from_value(&definition).unwrap();
        let shapes = definition.input_shapes(widths).unwrap();
        let architecture = definition.resolve(&shapes, &Limits::default()).unwrap();
        let named =
            |it: InputUse| (it.raw.map(|node| architecture.nodes()[node].name.clone()), it.looked_up, it.scaled);
        architecture.input_uses().into_iter().map(named).collect()
    }

    /// Which elements the layer `r` behind the others reads raw.
    fn raw(before: Value, elements: usize) -> Vec<usize> {
        let Value::Array(mut layers) = before else { panic!("a list") };
        layers.push(json!({"type": "rescaling", "scale": 0.5, "name": "r"}));
        layers.push(json!({"type": "flatten"}));
        layers.push(json!({"type": "dense", "units": 1}));
        let found = uses(json!({"layers": layers}), &[elements]);
        assert!(
            found
                .iter()
                .all(|(name, _, scaled)| name.as_deref().is_none_or(|name| name == "r") && *scaled == name.is_some())
        );
        found.iter().enumerate().filter(|(_, (name, _, _))| name.is_some()).map(|(element, _)| element).collect()
    }

    #[rstest]
    #[case(json!([]), 3, &[0, 1, 2])]
    #[case(json!([{"type": "reshape", "target_shape": [2, 2]}, {"type": "permute", "dims": [2, 1]}, {"type": "get_item", "key": [0]}]), 4, &[0, 2])]
    #[case(json!([{"type": "reshape", "target_shape": [2, 3]}, {"type": "time_distributed", "layer": {"type": "get_item", "key": [{"start": 1, "stop": 2}]}}]), 6, &[1, 4])]
    #[case(json!([{"type": "identity"}, {"type": "dropout", "rate": 0.5}, {"type": "repeat_vector", "n": 2}]), 2, &[0, 1])]
    #[case(json!([{"type": "reshape", "target_shape": [2, 2, 1]}, {"type": "resizing", "height": 4, "width": 4}, {"type": "random_flip"}]), 4, &[0, 1, 2, 3])]
    #[case(json!([{"type": "dense", "units": 2}]), 3, &[])]
    fn numbers_are_followed_to_the_layer_that_scales_them(
        #[case] before: Value,
        #[case] elements: usize,
        #[case] expected: &[usize],
    ) {
        assert_eq!(raw(before, elements), expected);
    }

    #[test]
    fn each_cell_has_a_reader_of_its_own() {
        let definition = json!({
            "inputs": [{"name": "a", "shape": [3]}, {"name": "b", "shape": [2]}],
            "layers": [
                {"type": "get_item", "key": [{"start": 0, "stop": 1}], "name": "id", "inputs": ["a"]},
                {"type": "embedding", "input_dim": 5, "output_dim": 2, "name": "e"},
                {"type": "flatten", "name": "flat"},
                {"type": "get_item", "key": [{"start": 1, "stop": 3}], "name": "rest", "inputs": ["a"]},
                {"type": "concatenate", "name": "both", "inputs": ["rest", "b"]},
                {"type": "get_item", "key": [{"start": 1, "stop": 3}], "name": "middle"},
                {"type": "rescaling", "scale": 0.1, "name": "r"},
                {"type": "concatenate", "name": "all", "inputs": ["flat", "both", "r"]},
                {"type": "dense", "units": 1}
            ]
        });
        let raw = |name: &str, looked_up| (Some(name.to_owned()), looked_up, true);
        let none = (None, false, false);
        let expected = [raw("e", true), none.clone(), raw("r", false), raw("r", false), none];
        assert_eq!(uses(definition, &[3, 2]), expected);
    }

    #[test]
    fn a_mask_does_not_scale() {
        let sequence = |first: Value| {
            let layers = json!([{"type": "reshape", "target_shape": [2, 1]}, first, {"type": "lstm", "units": 1}]);
            uses(json!({"layers": layers}), &[2])
        };
        assert_eq!(sequence(json!({"type": "masking"}))[0], (Some("masking".into()), false, false));
        assert_eq!(sequence(json!({"type": "batch_normalization"}))[0], (None, false, true));
        assert_eq!(sequence(json!({"type": "layer_normalization"}))[0], (None, false, false));
    }
}
