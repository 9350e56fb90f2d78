//! Masks, which Keras prints as operators beside the layers, and as an argument of each layer that reads one.
//!
//! Our layers make masks and pass them on by the same rules. So the operators are left out, and a model is refused where a
//! layer would have another mask here than the one that Keras records: one that its author made or moved.

use super::{
    calls::{Call, Tensor, tensors_of},
    json::{is_einsum, is_operator, our_name},
    recorded_masks::{Given, Origin, RecordedMask},
    translator::Translator,
};
use crate::engine::{
    shape::Shape,
    spec::{Architecture, Definition, InputShape, Limits, Node},
};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

/// Operators of which Keras makes masks.
const MAKERS: [&str; 9] = [
    "NotEqual",
    "Any",
    "LogicalOr",
    "ExpandDims",
    "BroadcastTo",
    "ZerosLike",
    "OnesLike",
    "Concatenate",
    "ConvertToTensor",
];
/// The size of an axis that a definition leaves open, where masks are compared.
const OPEN_AXIS: usize = 64;

/// By layer: whether it makes nothing but masks, neither for other layers' numbers nor for the model's `outputs`.
pub(super) fn makers(layers: &[Value], outputs: &[Tensor]) -> Vec<bool> {
    let class = |layer: &Value| layer.get("class_name").and_then(Value::as_str).is_some_and(|it| MAKERS.contains(&it));
    let mut makers: Vec<bool> = layers.iter().map(|layer| is_operator(layer) && class(layer)).collect();
    if makers.contains(&true) {
        let names: HashMap<&str, usize> = layers
            .iter()
            .enumerate()
            .filter_map(|(index, layer)| Some((layer.get("name")?.as_str()?, index)))
            .collect();
        let reads: Vec<Vec<usize>> = layers
            .iter()
            .map(|layer| tensors_of(layer).iter().filter_map(|it| names.get(it.layer.as_str()).copied()).collect())
            .collect();
        let mut numbers: Vec<usize> = outputs.iter().filter_map(|it| names.get(it.layer.as_str()).copied()).collect();
        let others = (0..layers.len()).filter(|&index| !makers[index]);
        numbers.extend(others.flat_map(|index| reads[index].iter().copied()));
        while let Some(index) = numbers.pop() {
            if std::mem::replace(&mut makers[index], false) {
                numbers.extend(&reads[index]);
            }
        }
    }
    makers
}

/// Whether a mask begins at a layer of Keras's.
pub(super) fn begins_one(layer: &Value) -> bool {
    let makes = layer.pointer("/config/mask_zero") == Some(&Value::Bool(true));
    makes || layer.get("class_name").is_some_and(|class| class == "Masking")
}

/// One model's layers, to look for the layers that a mask comes from.
pub(super) struct Origins<'a> {
    pub prefix: &'a str,
    pub layers: &'a [Value],
    pub names: &'a HashMap<String, usize>,
    pub calls: &'a [Vec<Call>],
    pub is_maker: &'a dyn Fn(usize) -> bool,
}

impl Origins<'_> {
    /// The masks that `layer` is given in its calls, where the model is called `times` times.
    pub fn given(&self, layer: &Value, times: usize) -> Result<Option<Given>, String> {
        let calls = layer.get("name").and_then(Value::as_str).and_then(|name| self.calls.get(*self.names.get(name)?));
        let masks = || calls.into_iter().flatten().map(|call| call.mask.as_ref());
        if !masks().any(|mask| mask.is_some()) {
            return Ok((is_operator(layer) || is_einsum(layer)).then_some(Given::Nothing));
        }
        let of_call = |mask: Option<&Tensor>| mask.map_or_else(|| Ok(Vec::new()), |mask| self.of(mask));
        let of_calls = masks().map(of_call).collect::<Result<Vec<_>, String>>()?;
        Ok(Some(Given::Masks(vec![of_calls; times].concat())))
    }

    /// The layers that made the mask `tensor`, each with those that make the same; an error where none did.
    fn of(&self, tensor: &Tensor) -> Result<Vec<Origin>, String> {
        let mut origins = Vec::new();
        let mut open = vec![tensor.clone()];
        let mut seen = BTreeSet::new();
        while let Some(tensor) = open.pop() {
            let maker = self.names.get(&tensor.layer).copied().filter(|&index| (self.is_maker)(index));
            let Some((index, maker)) = maker.and_then(|index| Some((index, self.layers.get(index)?))) else {
                return Err(format!(
                    "expected the mask that an Embedding or a Masking layer makes, received `{}`",
                    tensor.layer
                ));
            };
            if !seen.insert(index) {
                continue;
            }
            let read = tensors_of(maker);
            match maker.get("class_name").and_then(Value::as_str) {
                Some("NotEqual") => origins.push(self.layers_of(maker, &read)?),
                // Of the shape of a tensor, whatever its numbers.
                Some("ZerosLike" | "OnesLike") => {}
                _ => open.extend(read),
            }
        }
        Ok(origins)
    }

    /// The layers that make a mask of where their input is not a number, which `maker` compares.
    fn layers_of(&self, maker: &Value, read: &[Tensor]) -> Result<Origin, String> {
        let compared = maker.pointer("/inbound_nodes/0/args/1").and_then(Value::as_f64);
        let makes = |layer: &Value| {
            let option = |name: &str| layer.get("config").and_then(|config| config.get(name));
            match layer.get("class_name").and_then(Value::as_str) {
                Some("Embedding") if option("mask_zero") == Some(&Value::Bool(true)) => Some(0.0),
                Some("Masking") => option("mask_value").and_then(Value::as_f64),
                _ => None,
            }
        };
        let candidates = self.layers.iter().zip(self.calls).filter(|(layer, calls)| {
            compared.is_some()
                && makes(layer) == compared
                && calls.iter().any(|call| call.tensors.first() == read.first())
        });
        let name = |layer: &Value| Some(our_name(&format!("{}{}", self.prefix, layer.get("name")?.as_str()?)));
        let origin: Origin = candidates.filter_map(|(layer, _)| name(layer)).collect();
        match origin.is_empty() {
            true => Err("expected the mask that an Embedding or a Masking layer makes, received another one".into()),
            false => Ok(origin),
        }
    }
}

/// The `output_mask` of a layer whose mask is not the one that ours of this `kind` gives. Keras drops the masks of operators, and
/// of layers that do not support masking; the merging layers of Keras 2 combine the masks of those inputs that have one.
pub(super) fn output_mask(layer: &Value, kind: &str, old: bool) -> Option<&'static str> {
    match kind {
        _ if is_operator(layer) || is_einsum(layer) => Some("none"),
        "rms_normalization" => Some("none"),
        "rescaling" | "normalization" | "identity" if old => Some("none"),
        "add" | "subtract" | "multiply" | "average" | "maximum" | "minimum" | "concatenate" if old => Some("all"),
        _ => None,
    }
}

/// Refuses layers that would have other masks here than in Keras.
pub(super) fn check(definition: &Definition, translator: &mut Translator) {
    let stated = std::mem::take(&mut translator.masks);
    let Some(shapes) = some_shapes(definition).filter(|_| translator.old || !stated.is_empty()) else { return };
    // Errors of the definition itself are reported where shapes are known.
    let Ok(architecture) = definition.resolve(&shapes, &Limits::default()) else { return };
    let layers: Vec<String> = architecture.summary().layers.into_iter().map(|layer| layer.name).collect();
    refuse_stretched_rows(&architecture, &layers, &stated, translator);
    if translator.old {
        return;
    }
    for RecordedMask { layer, place, given } in stated {
        let runs = runs(&architecture, &layers, &layer);
        match given {
            Given::Masks(calls) if !same(&architecture, &layers, &runs, &calls) => {
                let detail = "expected the mask that comes with the layer's own input, received another one";
                translator.refuse(&place, format_args!("the argument `mask`: {detail}"));
            }
            _ => {}
        }
    }
}

/// Refuses an operator on samples of different numbers of axes. Our layers, as those of Keras, put an axis of 1 behind the
/// batch axis; an operator lines the batch axis of one up with an axis of the other.
fn refuse_stretched_rows(
    architecture: &Architecture,
    layers: &[String],
    stated: &[RecordedMask],
    translator: &mut Translator,
) {
    for RecordedMask { layer, place, .. } in stated.iter().filter(|stated| matches!(stated.given, Given::Nothing)) {
        // A constant is the same for each row, whatever its axes.
        let is_constant = |value: &usize| {
            let made = |node: &Node| node.output == *value && node.layer.is_constant();
            architecture.nodes().iter().any(made)
        };
        let of_several = |node: &&Node| {
            let inputs = node.inputs.iter().zip(&node.input_shapes).filter(|(value, _)| !is_constant(value));
            let axes: BTreeSet<usize> = inputs.map(|(_, shape)| shape.0.len()).collect();
            axes.len() > 1
        };
        if let Some(node) = runs(architecture, layers, layer).into_iter().find(of_several) {
            let shapes: Vec<String> = node.input_shapes.iter().map(Shape::to_string).collect();
            let shapes = shapes.join(" and ");
            translator.refuse(
                place,
                format_args!("expected tensors of as many axes for each row of the batch, received {shapes}"),
            );
        }
    }
}

/// The shapes of the inputs, with a size for an axis that is left open.
pub(super) fn some_shapes(definition: &Definition) -> Option<Vec<Shape>> {
    let filled = |shape: &InputShape| Shape(shape.0.iter().map(|axis| axis.unwrap_or(OPEN_AXIS)).collect());
    match definition.inputs.as_slice() {
        [] => Some(vec![filled(definition.input_shape.as_ref()?)]),
        inputs => inputs.iter().map(|input| input.shape.as_ref().map(filled)).collect(),
    }
}

/// The nodes that a layer's runs begin with.
fn runs<'a>(architecture: &'a Architecture, layers: &[String], layer: &str) -> Vec<&'a Node> {
    let own = |node: &&Node| layers.get(node.owner).is_some_and(|name| name == layer);
    let nodes: Vec<&Node> = architecture.nodes().iter().filter(own).collect();
    let first = nodes.first().map(|node| node.name.clone());
    nodes.into_iter().filter(|node| Some(&node.name) == first.as_ref()).collect()
}

/// Whether each call has a run whose mask comes from the same layers.
fn same(architecture: &Architecture, layers: &[String], runs: &[&Node], calls: &[Vec<Origin>]) -> bool {
    // The steps of a `time_distributed` layer are rows to the one within it, which sees no mask of steps.
    let mut left: Vec<BTreeSet<&str>> = runs
        .iter()
        .filter(|node| node.repeat == 1)
        .map(|node| {
            node.masks.first().copied().flatten().map_or_else(BTreeSet::new, |it| writers(architecture, layers, it))
        })
        .collect();
    let equal = |writers: &BTreeSet<&str>, origins: &[Origin]| {
        origins.iter().all(|origin| writers.iter().any(|writer| origin.contains(*writer)))
            && writers.iter().all(|writer| origins.iter().any(|origin| origin.contains(*writer)))
    };
    left.is_empty()
        || calls.iter().all(|origins| {
            let found = left.iter().position(|writers| equal(writers, origins));
            found.map(|found| left.swap_remove(found)).is_some()
        })
}

/// The layers that a mask comes from, through those that join several.
fn writers<'a>(architecture: &Architecture, layers: &'a [String], mask: usize) -> BTreeSet<&'a str> {
    let (mut found, mut open, mut seen) = (BTreeSet::new(), vec![mask], BTreeSet::new());
    while let Some(mask) = open.pop() {
        let Some(node) = architecture.nodes().iter().find(|node| node.mask == Some(mask)) else { continue };
        match node.layer.begins_mask() {
            true => found.extend(layers.get(node.owner).map(String::as_str)),
            false if seen.insert(mask) => open.extend(node.masks.iter().flatten()),
            false => {}
        }
    }
    found
}
