//! The order in which Keras 3 runs a Functional model: by decreasing depth, where a layer's depth is the longest way to an output.

use super::{
    calls::{self, Tensor},
    graph::Graph,
    json::{name_of, our_name, owner_of},
    place::Place,
    scope::{Role, Scope},
};
use crate::engine::field::FieldError;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// One call of a layer, as the model runs.
pub(super) struct Run<'a> {
    pub layer: &'a Value,
    pub place: Place,
    /// The layer's name in our form, and the number of this call among the layer's calls.
    pub name: String,
    pub call: usize,
    pub inputs: Vec<String>,
    /// Whether Keras recorded the argument `mask`.
    pub masked: bool,
}

impl Run<'_> {
    /// What our form calls the output.
    pub fn output(&self) -> String {
        if self.call == 0 { self.name.clone() } else { format!("{}:{}", self.name, self.call) }
    }

    /// The class in Keras.
    pub fn class(&self) -> &str {
        self.layer.get("class_name").and_then(Value::as_str).unwrap_or_default()
    }
}

/// Every call of every layer, those of models within models where these are called.
pub(super) fn runs<'a>(graph: &Graph<'a>) -> Result<Vec<Run<'a>>, FieldError> {
    let mut runs = Vec::new();
    add(graph, 0, 0, &mut runs)?;
    Ok(runs)
}

/// Adds the calls of the layers of a model in the model's call number `time`.
fn add<'a>(graph: &Graph<'a>, number: usize, time: usize, runs: &mut Vec<Run<'a>>) -> Result<(), FieldError> {
    let scope = &graph.scopes[number];
    for (index, own) in nodes(scope) {
        let calls = &scope.calls[index];
        let Some(call) = calls.get(own) else { continue };
        let layer = &scope.layers[index];
        let place =
            Place { ours: String::new(), keras: format!("{}/{index}", scope.pointer), owner: owner_of(layer, index) };
        let number_of_call = time * calls.len() + own;
        match scope.roles[index] {
            Role::Input(_) | Role::Mask => {}
            Role::Model(child) => add(graph, child, number_of_call, runs)?,
            Role::Layer => runs.push(Run {
                layer,
                place,
                name: our_name(&format!("{}{}", scope.prefix, name_of(layer, index))),
                call: number_of_call,
                inputs: graph.names(number, time, &call.tensors)?,
                masked: call.mask.is_some(),
            }),
        }
    }
    Ok(())
}

/// The calls of a model's layers in order, each as the layer's place and the number of the call.
fn nodes(scope: &Scope<'_>) -> Vec<(usize, usize)> {
    if !scope.functional {
        return (0..scope.layers.len()).map(|index| (index, 0)).collect();
    }
    let node_of = |tensor: &Tensor| {
        let index = *scope.names.get(&tensor.layer)?;
        Some((index, tensor.call.saturating_sub(scope.first_calls.get(index).copied().unwrap_or_default())))
    };
    let parents = |&(index, call): &(usize, usize)| -> Vec<(usize, usize)> {
        let node = scope.layers.get(index).and_then(|layer| layer.get("inbound_nodes")?.get(call));
        node.map(calls::read_by_node).unwrap_or_default().iter().filter_map(node_of).collect()
    };
    let before = depth_first(scope.outputs.iter().filter_map(node_of), parents);
    let mut depths: HashMap<(usize, usize), usize> = HashMap::new();
    let mut depths_of_layers: HashMap<usize, usize> = HashMap::new();
    let mut found = Vec::new();
    for node in before.into_iter().rev() {
        let of_layer = depths_of_layers.entry(node.0).or_default();
        let of_node = depths.entry(node).or_insert_with(|| {
            found.push(node);
            0
        });
        *of_node = (*of_node).max(*of_layer);
        *of_layer = *of_node;
        let below = *of_node + 1;
        for parent in parents(&node) {
            let depth = depths.entry(parent).or_insert_with(|| {
                found.push(parent);
                0
            });
            *depth = (*depth).max(below);
        }
    }
    // Nodes of the same depth run in the order in which they are found.
    found.sort_by_key(|node| std::cmp::Reverse(depths.get(node).copied()));
    found
}

/// Every node that `roots` depend on, each after its parents.
fn depth_first(
    roots: impl Iterator<Item = (usize, usize)>,
    parents: impl Fn(&(usize, usize)) -> Vec<(usize, usize)>,
) -> Vec<(usize, usize)> {
    let (mut finished, mut seen) = (Vec::new(), HashSet::new());
    for root in roots {
        let mut open = vec![(root, None::<std::vec::IntoIter<(usize, usize)>>)];
        while let Some((node, rest)) = open.last_mut() {
            let node = *node;
            if rest.is_none() && !seen.insert(node) {
                open.pop();
                continue;
            }
            match rest.get_or_insert_with(|| parents(&node).into_iter()).next() {
                Some(parent) => open.push((parent, None)),
                None => {
                    finished.push(node);
                    open.pop();
                }
            }
        }
    }
    finished
}
