//! [`Changes`]: what a definition needs so that its layers see the masks that are left.

use super::{LARGEST, Masks, compared::Compared, layers, outputs};
use crate::{
    engine::spec::{Definition, layer_of},
    keras::{execution::Run, masks::some_shapes},
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap, HashSet};

/// What a definition needs, so that its layers see the masks that are left.
#[derive(Debug, PartialEq, Default)]
pub(super) struct Changes {
    /// Inputs that are read without their masks: layer, call, input.
    unmasked: BTreeSet<(String, usize, usize)>,
    /// Outputs of these tensors get the recorded mask again, which is that of another tensor.
    restored: Vec<(String, String)>,
}

/// The number of a run, and why it is refused.
type Refused = (usize, String);

impl Changes {
    /// Nothing where the definition has another error.
    pub fn of(masks: &Masks, runs: &[Run<'_>], definition: &Map<String, Value>) -> Result<Option<Self>, Refused> {
        let uses_masks: HashMap<&str, bool> = layers(definition)
            .iter()
            .filter_map(|layer| Some((layer.get("name")?.as_str()?, layer_of(layer)?.uses_masks())))
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
            if run.masked || uses_masks.get(run.name.as_str()) != Some(&true) {
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
            changes.unmask(name, &outputs, runs, &uses_masks, masks, &compared).map_err(|made| {
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
        uses_masks: &HashMap<&str, bool>,
        masks: &Masks,
        compared: &Compared,
    ) -> Result<(), Option<usize>> {
        let mut open = vec![tensor];
        while let Some(tensor) = open.pop() {
            let made = runs.iter().position(|run| run.output() == tensor).ok_or(None)?;
            let readers = runs.iter().flat_map(|run| &run.inputs).filter(|name| *name == tensor).count();
            let outputs = outputs.iter().filter(|name| *name == tensor).count();
            if readers + outputs != 1 || uses_masks.get(runs[made].name.as_str()) != Some(&false) {
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

    /// Adds the layers that take masks away, and that give them again.
    pub fn apply(&self, definition: &mut Map<String, Value>) {
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
