//! [`Compared`]: the recorded masks beside those that are left while the model runs.

use super::{LARGEST, Masks, layers, outputs};
use crate::{
    engine::spec::{Architecture, Definition},
    keras::{execution::Run, masks::some_shapes},
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Goes before the names of the layers of the copy whose masks are those that are left while the model runs.
const COPY: &str = "running model.";

/// The recorded masks, and those that are left while the model runs, as numbers: equal ones have the same number.
pub(super) struct Compared {
    recorded: HashMap<String, usize>,
    left: HashMap<String, usize>,
    pub shapes: HashMap<String, Vec<usize>>,
}

impl Compared {
    pub fn of(masks: &Masks, runs: &[Run<'_>], definition: &Map<String, Value>) -> Option<Self> {
        let (value, names) = with_copy(masks, runs, definition);
        let both = Definition::from_value(&value).ok()?;
        let architecture = both.resolve(&some_shapes(&both)?, &LARGEST).ok()?;
        let layers: Vec<String> = architecture.summary().layers.into_iter().map(|layer| layer.name).collect();
        let numbers = numbered(&architecture, &layers);
        let mut compared = Self { recorded: HashMap::new(), left: HashMap::new(), shapes: HashMap::new() };
        for (index, (name, shape)) in names.iter().zip(architecture.output_shapes()).enumerate() {
            let mask = architecture.output_mask(index).and_then(|mask| numbers.get(&mask).copied());
            let (of, name) = match name.strip_prefix(COPY) {
                Some(name) => (&mut compared.left, name),
                None => (&mut compared.recorded, name.as_str()),
            };
            of.extend(mask.map(|mask| (name.to_owned(), mask)));
            compared.shapes.insert(name.to_owned(), shape.0.clone());
        }
        Some(compared)
    }

    /// The mask that Keras recorded.
    pub fn recorded(&self, tensor: &str) -> Option<usize> {
        self.recorded.get(tensor).copied()
    }

    /// The mask that is left while the model runs.
    pub fn left(&self, tensor: &str, cleared: bool) -> Option<usize> {
        self.left.get(tensor).copied().filter(|_| !cleared)
    }
}

/// The definition with a copy of each layer that sees the masks that are left, and the names of its outputs: every tensor of
/// both.
fn with_copy(masks: &Masks, runs: &[Run<'_>], definition: &Map<String, Value>) -> (Value, Vec<String>) {
    let by_call: HashMap<(&str, usize), usize> =
        runs.iter().enumerate().map(|(index, run)| ((run.name.as_str(), run.call), index)).collect();
    let input = |input: &Value| input.get("name").unwrap_or(input).as_str().map(str::to_owned);
    let inputs: HashSet<String> =
        definition.get("inputs").and_then(Value::as_array).into_iter().flatten().filter_map(input).collect();
    let own = layers(definition);
    let mut both = own.to_vec();
    let mut tensors = BTreeSet::new();
    for layer in own {
        let mut copy = layer.clone();
        let name = layer.get("name").and_then(Value::as_str).unwrap_or_default();
        copy["name"] = format!("{COPY}{name}").into();
        let calls = copy.get_mut("inputs").and_then(Value::as_array_mut);
        for (call, read) in calls.into_iter().flatten().enumerate() {
            tensors.insert(if call == 0 { name.to_owned() } else { format!("{name}:{call}") });
            let run = by_call.get(&(name, call)).copied();
            for (index, tensor) in read.as_array_mut().into_iter().flatten().enumerate() {
                let Some(name) = tensor.as_str().filter(|it| !inputs.contains(*it)).map(str::to_owned) else {
                    continue;
                };
                tensors.insert(name.clone());
                if run.is_some_and(|run| runs[run].masked) {
                    continue;
                }
                let mut copied = format!("{COPY}{name}");
                if run.and_then(|run| masks.read[run].get(index)) == Some(&true) {
                    let cleared = format!("{COPY}cleared {}", both.len());
                    both.push(
                        json!({"type": "identity", "name": cleared, "output_mask": "none", "inputs": [[copied]]}),
                    );
                    copied = cleared;
                }
                *tensor = copied.into();
            }
        }
        both.push(copy);
    }
    tensors.extend(outputs(definition).into_iter().filter(|name| !inputs.contains(name)));
    let names: Vec<String> =
        tensors.iter().cloned().chain(tensors.iter().map(|name| format!("{COPY}{name}"))).collect();
    let mut value = definition.clone();
    value.insert("layers".into(), Value::Array(both));
    value.insert("outputs".into(), json!(names));
    (Value::Object(value), names)
}

/// A number for each mask, by its value; masks that are made alike have the same one.
fn numbered(architecture: &Architecture, layers: &[String]) -> HashMap<usize, usize> {
    let mut known: HashMap<(String, Vec<Option<usize>>), usize> = HashMap::new();
    let mut joined: HashMap<usize, Vec<Option<usize>>> = HashMap::new();
    let mut made: HashMap<&str, usize> = HashMap::new();
    let mut numbers: HashMap<usize, usize> = HashMap::new();
    for node in architecture.nodes() {
        let Some(mask) = node.mask else { continue };
        let owner = layers.get(node.owner).map_or("", String::as_str);
        let read: Vec<Option<usize>> =
            node.masks.iter().map(|mask| mask.and_then(|mask| numbers.get(&mask).copied())).collect();
        let number = known.len();
        let number = if node.layer.merges_masks() {
            // One of masks that are the same is that mask.
            let parts: BTreeSet<Option<usize>> = read
                .iter()
                .flatten()
                .flat_map(|it| joined.get(it).cloned().unwrap_or_else(|| vec![Some(*it)]))
                .collect();
            let parts: Vec<Option<usize>> = parts.into_iter().collect();
            match parts.as_slice() {
                [Some(one)] => *one,
                _ => {
                    let number = *known.entry(("or".into(), parts.clone())).or_insert(number);
                    joined.insert(number, parts);
                    number
                }
            }
        } else {
            let time = made.entry(owner).or_default();
            *time += 1;
            let origin = format!("{}:{time}", owner.strip_prefix(COPY).unwrap_or(owner));
            *known.entry((origin, read)).or_insert(number)
        };
        numbers.insert(mask, number);
    }
    numbers
}
