//! One model of a graph: its layers, and what each was called on.

use super::{
    calls::{Call, Tensor, calls, ends},
    json::{model_within, name_of, owner_of},
    masks::{self, Origins},
    place::Place,
    recorded_masks::Given,
    translator::Translator,
};
use crate::engine::field::FieldError;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// One model.
pub(super) struct Scope<'a> {
    /// Goes before the names of its layers.
    pub prefix: String,
    /// Whether its layers name what they read, else each reads the one before it.
    pub functional: bool,
    /// Where its layers stand in Keras's JSON.
    pub pointer: String,
    pub layers: &'a [Value],
    /// By layer.
    pub roles: Vec<Role>,
    /// By layer: what it was called on, each time.
    pub calls: Vec<Vec<Call>>,
    pub names: HashMap<String, usize>,
    /// By layer: the number that others know its first call by. Keras 2 counts the making of a model as a call of it.
    pub first_calls: Vec<usize>,
    pub outputs: Vec<Tensor>,
    /// The scope and the layer that this model is.
    pub parent: Option<(usize, usize)>,
    pub depth: usize,
    pub trainable: bool,
    /// The number of its inputs' first axes along which it runs on each step.
    pub steps: usize,
}

/// What a layer of Keras's is in a graph.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Input(usize),
    Layer,
    Model(usize),
    /// It makes nothing but masks.
    Mask,
}

impl Scope<'_> {
    /// What its layers were called on, and its outputs; nothing where errors were noted.
    pub fn read_functional(&mut self, config: &Map<String, Value>, translator: &mut Translator) -> Option<()> {
        let owner = self.pointer.strip_suffix("/layers").unwrap_or(&self.pointer).to_owned();
        let mut read = |field: &str| {
            let tensors = ends(config.get(field));
            tensors.map_err(|detail| translator.errors.push(FieldError::new(format!("{owner}/{field}"), detail))).ok()
        };
        let (inputs, outputs) = (read("input_layers"), read("output_layers"));
        let ends_are_known = inputs.is_some() && outputs.is_some();
        let (inputs, outputs) = (inputs.unwrap_or_default(), outputs.unwrap_or_default());
        let before = translator.errors.len();
        let makers = masks::makers(self.layers, &outputs);
        for (index, layer) in self.layers.iter().enumerate() {
            let place = Place {
                ours: String::new(),
                keras: format!("{}/{index}", self.pointer),
                owner: owner_of(layer, index),
            };
            let name = name_of(layer, index);
            let input = inputs.iter().position(|tensor| tensor.layer == name);
            let is_input = layer.get("class_name").is_some_and(|class| class == "InputLayer");
            if is_input && input.is_none() && ends_are_known {
                translator.refuse(&place, "expected an input of the model among `input_layers`, received another one");
            }
            let role = match input.filter(|_| is_input) {
                Some(input) => Role::Input(input),
                None if makers.get(index) == Some(&true) => Role::Mask,
                None => Role::Layer,
            };
            let calls = (role == Role::Layer).then(|| calls(layer, &place, translator)).flatten().unwrap_or_default();
            if model_within(layer).is_some() && calls.iter().any(|call| call.mask.is_some()) {
                translator.refuse(
                    &place,
                    "the argument `mask` of a model within a model is not supported: pass it to the layers within",
                );
            }
            self.roles.push(role);
            self.calls.push(calls);
            if self.names.insert(name.clone(), index).is_some() {
                translator.refuse(&place, format_args!("expected a unique name, received `{name}` a second time"));
            }
        }
        self.outputs = outputs;
        self.count_calls();
        (ends_are_known && translator.errors.len() == before).then_some(())
    }

    /// What Keras says of the masks of a layer, in a model that is called `times` times.
    pub fn given(&self, index: usize, layer: &Value, times: usize) -> Result<Option<Given>, FieldError> {
        let Self { prefix, layers, names, calls, .. } = self;
        let is_maker = &|index: usize| self.roles.get(index) == Some(&Role::Mask);
        Origins { prefix, layers, names, calls, is_maker }.given(layer, times).map_err(|detail| {
            let owner = owner_of(layer, index);
            FieldError::new(format!("{}/{index}/inbound_nodes", self.pointer), format!("{owner}{detail}"))
        })
    }

    /// Where some number passes the calls there are, the first of them is not known by 0.
    fn count_calls(&mut self) {
        let mut last = vec![0; self.layers.len()];
        let read = self.calls.iter().flatten().flat_map(|call| &call.tensors).chain(&self.outputs);
        for tensor in read {
            if let Some(&index) = self.names.get(&tensor.layer) {
                last[index] = last[index].max(tensor.call);
            }
        }
        let first = |(last, calls): (&usize, &Vec<Call>)| (last + 1).saturating_sub(calls.len().max(1));
        self.first_calls = last.iter().zip(&self.calls).map(first).collect();
    }

    /// Each layer reads the one before it.
    pub fn read_sequential(&mut self) {
        let mut before: Option<String> = None;
        for (index, layer) in self.layers.iter().enumerate() {
            let name = name_of(layer, index);
            if index == 0 && layer.get("class_name").is_some_and(|class| class == "InputLayer") {
                self.roles.push(Role::Input(0));
                self.calls.push(Vec::new());
            } else {
                // What stands before the first layer where no input layer does.
                let read = before.take().unwrap_or_else(|| {
                    self.names.insert(String::new(), self.layers.len());
                    String::new()
                });
                let tensors = vec![Tensor { layer: read, call: 0, output: 0 }];
                self.roles.push(Role::Layer);
                self.calls.push(vec![Call { tensors, ..Call::default() }]);
            }
            self.names.insert(name.clone(), index);
            before = Some(name);
        }
        if self.names.contains_key("") {
            self.roles.push(Role::Input(0));
            self.calls.push(Vec::new());
        }
        self.outputs = before.map(|layer| Tensor { layer, call: 0, output: 0 }).into_iter().collect();
    }
}
