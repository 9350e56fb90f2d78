//! Functional models, and models within models, as one graph of layers that have names.
//!
//! The layers of a model within a model take its place, with names such as `inner.dense`. A layer within a model that is called
//! several times runs several times, with the same weights.

use super::{
    calls::{Call, Tensor},
    each_step,
    inputs::{self, batch_shape, sample_shape},
    json::{model_within, name_of, our_name, owner_of, sorted},
    layer::read_input,
    masks, model_fields,
    operators::Read,
    place::Place,
    recorded_masks::Given,
    scope::{Role, Scope},
    stacked_cells,
    translator::Translator,
};
use crate::engine::field::FieldError;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Maximum number of layers of a model and of those within it, whatever a service's own limits.
const MAX_LAYERS: usize = 10_000;
/// The name of the input of a model that has no input layer.
pub(super) const UNNAMED_INPUT: &str = "input";
/// Maximum depth of models within models.
const MAX_DEPTH: usize = 16;

/// A model and the models within it.
pub(super) struct Graph<'a> {
    pub(super) scopes: Vec<Scope<'a>>,
    layers: usize,
}

/// One layer in its place, as our form has it.
pub(super) struct Placed<'a> {
    pub layer: &'a Value,
    /// Where it stands in Keras's JSON.
    pub pointer: String,
    pub name: String,
    pub trainable: bool,
    /// What it reads, each time that it runs.
    pub inputs: Vec<Vec<String>>,
    /// The number of its inputs' first axes along which it runs on each step.
    pub steps: usize,
    /// Whether it is given a mask, each time.
    pub masked: Vec<bool>,
    /// Arguments of its calls that are no tensors.
    pub arguments: Map<String, Value>,
    /// What Keras says of its masks.
    pub given: Option<Given>,
}

impl Placed<'_> {
    /// What a step of an operator reads, each time that it runs: all of its inputs, or what `reads` says.
    pub fn inputs_of(&self, reads: Option<&[Read]>) -> Vec<Vec<String>> {
        let Some(reads) = reads else { return self.inputs.clone() };
        let each_time = self.inputs.iter().enumerate().map(|(time, tensors)| {
            let name = |read: &Read| match read {
                Read::Tensor(place) => Some(tensors.get(*place).cloned().unwrap_or_default()),
                Read::Given(place) => tensors.get(*place).cloned(),
                Read::Step(step) if time > 0 => Some(format!("{}.{step}:{time}", self.name)),
                Read::Step(step) => Some(format!("{}.{step}", self.name)),
            };
            reads.iter().filter_map(name).collect()
        });
        each_time.collect()
    }
}

impl<'a> Graph<'a> {
    /// Reads the model `config` whose layers stand at `pointer`; errors are noted, and nothing comes of it then.
    pub fn read(
        functional: bool,
        config: &'a Map<String, Value>,
        layers: &'a [Value],
        pointer: &str,
        translator: &mut Translator,
    ) -> Option<Self> {
        let mut graph = Self { scopes: Vec::new(), layers: 0 };
        let new = Scope {
            prefix: String::new(),
            functional,
            pointer: pointer.to_owned(),
            layers,
            roles: Vec::new(),
            calls: Vec::new(),
            names: HashMap::new(),
            first_calls: Vec::new(),
            outputs: Vec::new(),
            parent: None,
            depth: 0,
            steps: 0,
            trainable: config.get("trainable") != Some(&Value::Bool(false)),
        };
        graph.add(functional, config, new, translator)?;
        Some(graph)
    }

    /// Adds a model and the models within it.
    fn add(
        &mut self,
        functional: bool,
        config: &'a Map<String, Value>,
        mut scope: Scope<'a>,
        translator: &mut Translator,
    ) -> Option<usize> {
        self.layers += scope.layers.len();
        if self.layers > MAX_LAYERS || scope.depth > MAX_DEPTH {
            let detail =
                format!("expected at most {MAX_LAYERS} layers in models at most {MAX_DEPTH} deep, received more");
            translator.errors.push(FieldError::new(&scope.pointer, detail));
            return None;
        }
        let number = self.scopes.len();
        if functional {
            scope.read_functional(config, translator)?;
        } else {
            scope.read_sequential();
        }
        let layers = scope.layers;
        let inner = (0..layers.len())
            .filter(|&index| scope.roles[index] == Role::Layer && model_within(&layers[index]).is_some());
        let inner: Vec<usize> = inner.collect();
        self.scopes.push(scope);
        for index in inner {
            let child = self.child(number, index, translator)?;
            self.scopes[number].roles[index] = Role::Model(child);
        }
        Some(number)
    }

    fn child(&mut self, number: usize, index: usize, translator: &mut Translator) -> Option<usize> {
        let parent = &self.scopes[number];
        let layer = &parent.layers[index];
        let place =
            Place { ours: String::new(), keras: format!("{}/{index}", parent.pointer), owner: owner_of(layer, index) };
        let (model, below) = model_within(layer)?;
        let each_step = !below.is_empty();
        if each_step {
            each_step::check(layer, &place, translator);
        }
        let pointer = format!("{}{below}/config", place.keras);
        let (config, layers) = model_fields::layers_of(model, &pointer, translator)?;
        let functional = model.get("class_name").is_some_and(|class| class != "Sequential");
        let known = config.get("input_layers").and_then(Value::as_object).map(sorted);
        let known: Vec<&String> = known.into_iter().flatten().map(|(name, _)| name).collect();
        let mut named = parent.calls[index].iter().map(|call| &call.names).filter(|names| !names.is_empty());
        if named.any(|names| !names.iter().eq(known.iter().copied())) {
            let place = Place { keras: pointer, ..place };
            translator
                .refuse(&place, format_args!("expected a call on tensors by the names {known:?}, received others"));
            return None;
        }
        let scope = Scope {
            prefix: format!("{}{}.", parent.prefix, name_of(layer, index)),
            functional,
            pointer: format!("{pointer}/layers"),
            layers,
            roles: Vec::new(),
            calls: Vec::new(),
            names: HashMap::new(),
            first_calls: Vec::new(),
            outputs: Vec::new(),
            parent: Some((number, index)),
            depth: parent.depth + 1,
            trainable: parent.trainable
                && is_trainable(config)
                && layer.get("config").and_then(Value::as_object).is_none_or(is_trainable),
            steps: parent.steps + usize::from(each_step),
        };
        self.add(functional, config, scope, translator)
    }

    /// The input layers of the model, in order, with their places in Keras's JSON.
    pub fn inputs(&self) -> Vec<(&'a Value, String)> {
        let scope = &self.scopes[0];
        let mut inputs: Vec<(usize, usize)> = scope
            .roles
            .iter()
            .take(scope.layers.len())
            .enumerate()
            .filter_map(|(index, role)| match role {
                Role::Input(place) => Some((*place, index)),
                _ => None,
            })
            .collect();
        inputs.sort_unstable();
        inputs.into_iter().map(|(_, index)| (&scope.layers[index], format!("{}/{index}", scope.pointer))).collect()
    }

    /// The inputs of a definition: names with the shapes that their layers were given.
    pub fn named_inputs(&self, translator: &mut Translator) -> Option<Value> {
        let mut inputs = Vec::new();
        if self.inputs().is_empty() {
            inputs.push(UNNAMED_INPUT.into());
        }
        for (index, (layer, pointer)) in self.inputs().into_iter().enumerate() {
            let place = Place { ours: format!("/inputs/{index}"), keras: pointer, owner: owner_of(layer, index) };
            read_input(layer, &place, translator);
            translator.came_from(&place);
            let mut input = Map::from_iter([("name".to_owned(), json!(our_name(&name_of(layer, index))))]);
            if let Some((shape, pointer)) = batch_shape(layer, &place) {
                let place = format!("/inputs/{index}/shape");
                input.insert("shape".into(), sample_shape(shape, &pointer, &place, translator)?);
            }
            inputs.push(Value::Object(input));
        }
        Some(Value::Array(inputs))
    }

    /// Notes an error for each input layer, here and in models within, whose data type is not supported.
    pub fn check_inputs(&self, translator: &mut Translator) {
        for scope in &self.scopes {
            let inputs = scope.layers.iter().zip(&scope.roles).enumerate();
            for (index, (layer, _)) in inputs.filter(|(_, (_, role))| matches!(role, Role::Input(_))) {
                let keras = format!("{}/{index}", scope.pointer);
                let place = Place { ours: "/inputs".into(), keras, owner: owner_of(layer, index) };
                let name = name_of(layer, index);
                let reads = |calls: &Vec<Call>| calls.iter().flat_map(|call| &call.tensors).any(|it| it.layer == name);
                let readers = scope.layers.iter().zip(&scope.calls).filter(|(_, calls)| reads(calls));
                let within = scope.parent.is_some();
                inputs::check_type(layer, readers.map(|(layer, _)| layer), within, &place, translator);
            }
        }
    }

    /// Whether some layer makes masks.
    pub fn has_masks(&self) -> bool {
        self.scopes.iter().flat_map(|scope| scope.layers).any(masks::begins_one)
    }

    /// Every layer that is no input and no model, in the order in which they stand.
    pub fn placed(&self) -> Result<Vec<Placed<'a>>, FieldError> {
        let mut placed = Vec::new();
        self.place(0, 1, &mut placed)?;
        Ok(placed)
    }

    /// The names of the outputs.
    pub fn outputs(&self) -> Result<Vec<String>, FieldError> {
        self.scopes[0].outputs.iter().map(|tensor| self.name(0, 0, tensor, 0)).collect()
    }

    /// Places the layers of a model that is called `times` times.
    fn place(&self, number: usize, times: usize, placed: &mut Vec<Placed<'a>>) -> Result<(), FieldError> {
        let scope = &self.scopes[number];
        for (index, layer) in scope.layers.iter().enumerate() {
            let calls = &scope.calls[index];
            match scope.roles[index] {
                Role::Input(_) | Role::Mask => {}
                Role::Model(child) => self.place(child, times.saturating_mul(calls.len()).min(MAX_LAYERS), placed)?,
                Role::Layer => {
                    let mut inputs = Vec::new();
                    let (mut arguments, mut masked) = (Map::new(), Vec::new());
                    if let Some(training) = self.training(number, index)? {
                        arguments.insert("training".to_owned(), training.into());
                    }
                    for time in 0..times {
                        for call in calls {
                            inputs.push(self.names(number, time, &call.tensors)?);
                            arguments.extend(call.arguments.clone());
                            masked.push(call.mask.is_some());
                        }
                    }
                    placed.push(Placed {
                        layer,
                        pointer: format!("{}/{index}", scope.pointer),
                        name: our_name(&format!("{}{}", scope.prefix, name_of(layer, index))),
                        trainable: scope.trainable && layer.pointer("/config/trainable") != Some(&Value::Bool(false)),
                        inputs,
                        steps: scope.steps,
                        masked,
                        arguments,
                        given: scope.given(index, layer, times)?,
                    });
                }
            }
        }
        Ok(())
    }

    /// The argument `training` of a layer's calls, or of those of the model that the layer is in.
    fn training(&self, number: usize, index: usize) -> Result<Option<bool>, FieldError> {
        let scope = &self.scopes[number];
        let said = |call: &Call| call.arguments.get("training").and_then(Value::as_bool);
        let said: Vec<Option<bool>> = scope.calls[index].iter().map(said).collect();
        match said.first() {
            Some(first) if said.iter().any(|other| other != first) => {
                let detail = "expected the same `training` in every call of a layer, received different ones";
                Err(FieldError::new(format!("{}/{index}/inbound_nodes", scope.pointer), detail))
            }
            Some(Some(training)) => Ok(Some(*training)),
            _ => scope.parent.map_or(Ok(None), |(parent, layer)| self.training(parent, layer)),
        }
    }

    pub(super) fn names(&self, number: usize, time: usize, tensors: &[Tensor]) -> Result<Vec<String>, FieldError> {
        tensors.iter().map(|tensor| self.name(number, time, tensor, 0)).collect()
    }

    /// What our form calls a tensor of a model in the model's call number `time`.
    fn name(&self, number: usize, time: usize, tensor: &Tensor, steps: usize) -> Result<String, FieldError> {
        let scope = &self.scopes[number];
        let wrong = |detail: String| FieldError::new(&scope.pointer, detail);
        let Some(&index) = scope.names.get(&tensor.layer) else {
            return Err(wrong(format!("expected the name of a layer, received `{}`", tensor.layer)));
        };
        // A model may be nothing but another one; models that are each other's input would never end.
        if steps > 4 * MAX_DEPTH + MAX_LAYERS {
            return Err(wrong(format!(
                "the graph has a cycle through `{}`: expected layers that run one after the other",
                tensor.layer
            )));
        }
        match scope.roles[index] {
            Role::Input(place) => {
                let Some((parent, layer)) = scope.parent else {
                    return Ok(if tensor.layer.is_empty() { UNNAMED_INPUT.into() } else { our_name(&tensor.layer) });
                };
                let calls = &self.scopes[parent].calls[layer];
                let count = calls.len().max(1);
                match calls.get(time % count).and_then(|call| call.tensors.get(place)) {
                    Some(outer) => self.name(parent, time / count, outer, steps + 1),
                    None => Err(wrong(format!("expected a call with input {place} of this model, received fewer"))),
                }
            }
            role => {
                let calls = scope.calls[index].len();
                let own = tensor.call.checked_sub(scope.first_calls.get(index).copied().unwrap_or_default());
                let Some(own) = own.filter(|own| *own < calls) else {
                    let detail =
                        format!("expected one of the {calls} calls of `{}`, received {}", tensor.layer, tensor.call);
                    return Err(wrong(detail));
                };
                let call = time * calls + own;
                if let Role::Model(child) = role {
                    return match self.scopes[child].outputs.get(tensor.output) {
                        Some(inner) => self.name(child, call, inner, steps + 1),
                        None => {
                            Err(wrong(format!("expected an output of `{}`, received {}", tensor.layer, tensor.output)))
                        }
                    };
                }
                let mut name = our_name(&format!("{}{}", scope.prefix, tensor.layer));
                let (step, output) = scope
                    .layers
                    .get(index)
                    .map_or((None, tensor.output), |it| stacked_cells::value_of(it, tensor.output));
                if let Some(step) = step {
                    name.push_str(&format!(".{step}"));
                }
                if call > 0 {
                    name.push_str(&format!(":{call}"));
                }
                if output > 0 {
                    name.push_str(&format!("/{output}"));
                }
                Ok(name)
            }
        }
    }
}

/// Whether the weights of a model or a layer are trained.
fn is_trainable(config: &Map<String, Value>) -> bool {
    config.get("trainable") != Some(&Value::Bool(false))
}
