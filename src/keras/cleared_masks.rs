//! Masks that `MultiHeadAttention` of Keras 3 clears while the model runs.
//!
//! Its call removes the masks of the query, value and key, so whatever runs later sees none on these tensors. Masks that Keras
//! recorded as the argument `mask` were made before and stay. So a tensor has two masks: the recorded one, which our definition
//! computes, and the one that is left while the model runs. Layers that read the latter for their numbers (merging and attention
//! layers, and those called without a recorded mask) are given tensors without masks where the two differ.

use super::{execution::Run, masks::some_shapes, translator::Translator};
use crate::engine::{
    layer::{AnyLayer, Primitive},
    spec::{Architecture, Definition, Limits, Node},
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Goes before the names of the layers of the copy whose masks are those that are left while the model runs.
const COPY: &str = "running model.";
const LARGEST: Limits = Limits { layers: 100_000, parameters: u64::MAX, memory_bytes: u64::MAX };

/// Gives the layers of `definition` the masks that Keras leaves them; refuses the graph where no definition does.
pub(super) fn clear(definition: &mut Map<String, Value>, runs: &[Run<'_>], translator: &mut Translator) {
    let [training, inference] = [true, false].map(|training| Masks::cleared(runs, definition, training));
    if !training.any() && !inference.any() {
        return;
    }
    let Some(attention) = runs.iter().find(|run| run.class() == "MultiHeadAttention") else { return };
    let mut changed = [training, inference].map(|masks| Changes::of(&masks, runs, definition));
    match &mut changed {
        // Another error is told where the definition is checked.
        [Ok(None), _] | [_, Ok(None)] => {}
        [Ok(Some(training)), Ok(Some(inference))] if training == inference => training.apply(definition),
        [Err((run, detail)), _] | [_, Err((run, detail))] => translator.refuse(&runs[*run].place, detail),
        _ => translator.refuse(
            &attention.place,
            "removes the masks of what it reads, which later layers read too; in training a Dropout before it keeps them, \
             in inference it does not",
        ),
    }
}

/// Which tensors have lost their masks when a layer reads them.
struct Masks {
    /// By run, by input.
    read: Vec<Vec<bool>>,
    /// By output of the model.
    outputs: Vec<bool>,
}

impl Masks {
    fn cleared(runs: &[Run<'_>], definition: &Map<String, Value>, training: bool) -> Self {
        // Layers that return their input itself: its mask goes with theirs.
        let mut same: HashMap<String, String> = HashMap::new();
        let mut cleared: HashSet<String> = HashSet::new();
        let mut read = Vec::with_capacity(runs.len());
        for run in runs {
            let tensors: Vec<String> = run.inputs.iter().map(|name| same.get(name).unwrap_or(name).clone()).collect();
            read.push(tensors.iter().map(|tensor| !run.masked && cleared.contains(tensor)).collect());
            if run.class() == "MultiHeadAttention" {
                cleared.extend(tensors);
            } else if let Some(tensor) = tensors.into_iter().next().filter(|_| returns_its_input(run, training)) {
                same.insert(run.output(), tensor);
            }
        }
        let output = |name: &String| cleared.contains(same.get(name).unwrap_or(name));
        Self { read, outputs: outputs(definition).iter().map(output).collect() }
    }

    fn any(&self) -> bool {
        self.read.iter().flatten().chain(&self.outputs).any(|cleared| *cleared)
    }
}

/// Whether a layer returns the tensor that it was given.
fn returns_its_input(run: &Run<'_>, training: bool) -> bool {
    let option = |name: &str| run.layer.get("config").and_then(|config| config.get(name));
    let is_zero = |name: &str| option(name).and_then(Value::as_f64) == Some(0.0);
    match run.class() {
        "Identity" | "ActivityRegularization" => true,
        "Activation" => option("activation").is_some_and(|it| it == "linear" || it.is_null()),
        "Dropout" | "SpatialDropout1D" | "SpatialDropout2D" | "SpatialDropout3D" | "GaussianDropout"
        | "AlphaDropout" => !training || is_zero("rate"),
        "GaussianNoise" => !training || is_zero("stddev"),
        _ => false,
    }
}

/// Layers whose numbers depend on masks.
fn reads_masks(kind: &str) -> bool {
    const KINDS: [&str; 13] = [
        "add",
        "subtract",
        "multiply",
        "average",
        "maximum",
        "minimum",
        "attention",
        "additive_attention",
        "multi_head_attention",
        "group_query_attention",
        "global_average_pooling1d",
        "batch_normalization",
        "softmax",
    ];
    KINDS.contains(&kind) || ["bidirectional", "time_distributed"].contains(&kind) || AnyLayer::is_recurrent(kind)
}

/// What a definition needs, so that its layers see the masks that are left.
#[derive(Debug, PartialEq, Default)]
struct Changes {
    /// Inputs that are read without their masks: layer, call, input.
    unmasked: BTreeSet<(String, usize, usize)>,
    /// Outputs of these tensors get the recorded mask again, which is that of another tensor.
    restored: Vec<(String, String)>,
}

type Refused = (usize, String);

impl Changes {
    /// Nothing where the definition has another error.
    fn of(masks: &Masks, runs: &[Run<'_>], definition: &Map<String, Value>) -> Result<Option<Self>, Refused> {
        let kinds: HashMap<&str, &str> = layers(definition)
            .iter()
            .filter_map(|layer| Some((layer.get("name")?.as_str()?, layer.get("type")?.as_str()?)))
            .collect();
        let attention = runs.iter().position(|run| run.class() == "MultiHeadAttention").unwrap_or_default();
        let unknown = || {
            let detail = "removes the masks of what it reads, which later layers read too: expected shapes of the inputs, to \
                          follow the masks";
            (attention, detail.to_owned())
        };
        let Some(compared) = Compared::of(masks, runs, definition) else {
            let own = Definition::from_value(&Value::Object(definition.clone()));
            let resolves = own.as_ref().ok().and_then(|own| {
                let shapes = some_shapes(own)?;
                Some(own.resolve(&shapes, &LARGEST).is_ok())
            });
            return if own.is_err() || resolves == Some(false) { Ok(None) } else { Err(unknown()) };
        };
        let mut changes = Self::default();
        for (index, (run, cleared)) in runs.iter().zip(&masks.read).enumerate() {
            let kind = kinds.get(run.name.as_str()).copied().unwrap_or_default();
            if run.masked || !reads_masks(kind) {
                continue;
            }
            let mut is_changed = false;
            for (input, (name, &cleared)) in run.inputs.iter().zip(cleared).enumerate() {
                let (recorded, left) = (compared.recorded(name), compared.left(name, cleared));
                match (recorded, left) {
                    (recorded, left) if recorded == left => {}
                    (Some(_), None) => {
                        is_changed = true;
                        changes.unmasked.insert((run.name.clone(), run.call, input));
                    }
                    _ => {
                        let detail = "reads a mask that a MultiHeadAttention before it changes, which is not supported";
                        return Err((index, detail.to_owned()));
                    }
                }
            }
            let output = run.output();
            let Some(recorded) = compared.recorded(&output).filter(|_| is_changed) else { continue };
            match compared.left(&output, false) {
                Some(left) if left == recorded => {}
                None => {
                    let fits = |name: &&String| {
                        compared.recorded(name) == Some(recorded)
                            && compared.shapes.get(*name) == compared.shapes.get(&output)
                    };
                    let Some(other) = run.inputs.iter().find(fits) else {
                        let detail = "gives another mask since a MultiHeadAttention before it removed those of its inputs, \
                                      which is not supported";
                        return Err((index, detail.to_owned()));
                    };
                    changes.restored.push((output, other.clone()));
                }
                Some(_) => {
                    let detail = "gives a mask that a MultiHeadAttention before it changes, which is not supported";
                    return Err((index, detail.to_owned()));
                }
            }
        }
        let outputs = outputs(definition);
        for (name, &cleared) in outputs.iter().zip(&masks.outputs) {
            let (recorded, left) = (compared.recorded(name), compared.left(name, cleared));
            if recorded == left || changes.restored.iter().any(|(restored, _)| restored == name && left.is_none()) {
                continue;
            }
            changes.unmask(name, &outputs, runs, &kinds, masks, &compared).map_err(|made| {
                let detail = "gives an output whose mask a MultiHeadAttention changes, which is not supported";
                (made.unwrap_or(attention), detail.to_owned())
            })?;
        }
        changes.restored.sort();
        Ok(Some(changes))
    }

    /// Gives a tensor that one reader or output alone takes the mask that is left, where its numbers depend on no mask.
    fn unmask(
        &mut self,
        tensor: &str,
        outputs: &[String],
        runs: &[Run<'_>],
        kinds: &HashMap<&str, &str>,
        masks: &Masks,
        compared: &Compared,
    ) -> Result<(), Option<usize>> {
        let mut open = vec![tensor];
        while let Some(tensor) = open.pop() {
            let made = runs.iter().position(|run| run.output() == tensor).ok_or(None)?;
            let readers = runs.iter().flat_map(|run| &run.inputs).filter(|name| *name == tensor).count();
            let outputs = outputs.iter().filter(|name| *name == tensor).count();
            let kind = kinds.get(runs[made].name.as_str()).copied().unwrap_or_default();
            if readers + outputs != 1 || reads_masks(kind) || kind.is_empty() {
                return Err(Some(made));
            }
            for (input, (name, &cleared)) in runs[made].inputs.iter().zip(&masks.read[made]).enumerate() {
                match (compared.recorded(name), compared.left(name, cleared)) {
                    (recorded, left) if recorded == left => {}
                    (Some(_), None) => {
                        self.unmasked.insert((runs[made].name.clone(), runs[made].call, input));
                    }
                    _ if cleared => return Err(Some(made)),
                    _ => open.push(name),
                }
            }
        }
        Ok(())
    }

    fn apply(&self, definition: &mut Map<String, Value>) {
        let Some(layers) = definition.get_mut("layers").and_then(Value::as_array_mut) else { return };
        let mut taken: HashSet<String> =
            layers.iter().filter_map(|layer| layer.get("name")?.as_str().map(str::to_owned)).collect();
        let mut named = |base: &str, end: &str| {
            let base: String = base.chars().map(|it| if matches!(it, ':' | '/') { '_' } else { it }).collect();
            let mut name = format!("{base}.{end}");
            while !taken.insert(name.clone()) {
                name.push('_');
            }
            name
        };
        let mut added = Vec::new();
        // Readers of a restored tensor see it with its recorded mask.
        let mut with_mask: HashMap<&str, String> = HashMap::new();
        for (tensor, _) in &self.restored {
            with_mask.insert(tensor, named(tensor, "masked"));
        }
        for layer in layers.iter_mut() {
            let own = layer.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            let calls = layer.get_mut("inputs").and_then(Value::as_array_mut);
            for (call, inputs) in calls.into_iter().flatten().enumerate() {
                for (input, name) in inputs.as_array_mut().into_iter().flatten().enumerate() {
                    let tensor = name.as_str().unwrap_or_default().to_owned();
                    if self.unmasked.contains(&(own.clone(), call, input)) {
                        let unmasked = named(&tensor, "unmasked");
                        added.push(json!({
                            "type": "identity", "name": unmasked, "output_mask": "none", "inputs": [[tensor]]
                        }));
                        *name = unmasked.into();
                    } else if let Some(masked) = with_mask.get(tensor.as_str()) {
                        *name = masked.clone().into();
                    }
                }
            }
        }
        for (tensor, other) in &self.restored {
            let other = with_mask.get(other.as_str()).unwrap_or(other);
            let zeros = named(tensor, "zeros");
            added.push(json!({
                "type": "rescaling", "name": zeros, "scale": 0.0, "output_mask": "all", "inputs": [[other]]
            }));
            added.push(json!({
                "type": "add", "name": with_mask[tensor.as_str()], "output_mask": "all", "inputs": [[tensor, zeros]]
            }));
        }
        // A mask that no layer reads needs no layer of its own.
        loop {
            let read: HashSet<String> = layers.iter().chain(&added).flat_map(read_by).collect();
            let before = added.len();
            added.retain(|layer| layer.get("name").and_then(Value::as_str).is_some_and(|name| read.contains(name)));
            if added.len() == before {
                break;
            }
        }
        layers.extend(added);
    }
}

/// The tensors that a layer reads, in all of its calls.
fn read_by(layer: &Value) -> Vec<String> {
    let calls = layer.get("inputs").and_then(Value::as_array).into_iter().flatten();
    calls.filter_map(Value::as_array).flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

/// The recorded masks, and those that are left while the model runs, as numbers: equal ones have the same number.
struct Compared {
    recorded: HashMap<String, usize>,
    left: HashMap<String, usize>,
    shapes: HashMap<String, Vec<usize>>,
}

impl Compared {
    fn of(masks: &Masks, runs: &[Run<'_>], definition: &Map<String, Value>) -> Option<Self> {
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

    fn recorded(&self, tensor: &str) -> Option<usize> {
        self.recorded.get(tensor).copied()
    }

    fn left(&self, tensor: &str, cleared: bool) -> Option<usize> {
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
        let number = if merges(node) {
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

/// Whether the mask of a node shows a step where one of its inputs' masks does.
fn merges(node: &Node) -> bool {
    matches!(
        node.layer,
        Primitive::Add(_)
            | Primitive::Subtract(_)
            | Primitive::Multiply(_)
            | Primitive::Average(_)
            | Primitive::Maximum(_)
            | Primitive::Minimum(_)
    )
}

fn layers(definition: &Map<String, Value>) -> &[Value] {
    definition.get("layers").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn outputs(definition: &Map<String, Value>) -> Vec<String> {
    let named = |name: &Value| name.as_str().map(str::to_owned);
    definition.get("outputs").and_then(Value::as_array).into_iter().flatten().filter_map(named).collect()
}
