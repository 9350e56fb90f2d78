//! Masks that `MultiHeadAttention` of Keras 3 clears while the model runs.
//!
//! Its call removes the masks of the query, value and key, so whatever runs later sees none on these tensors. Masks that Keras
//! recorded as the argument `mask` were made before and stay. So a tensor has two masks: the recorded one, which our definition
//! computes, and the one that is left while the model runs. Layers that read the latter for their numbers (merging and attention
//! layers, and those called without a recorded mask) are given tensors without masks where the two differ.

mod changes;
mod compared;

use super::{execution::Run, translator::Translator};
use crate::engine::spec::Limits;
use changes::Changes;
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};

/// Limits of a definition that is resolved only to follow its masks.
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
        // The definition has another error, which its own check reports.
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

fn layers(definition: &Map<String, Value>) -> &[Value] {
    definition.get("layers").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn outputs(definition: &Map<String, Value>) -> Vec<String> {
    let named = |name: &Value| name.as_str().map(str::to_owned);
    definition.get("outputs").and_then(Value::as_array).into_iter().flatten().filter_map(named).collect()
}
