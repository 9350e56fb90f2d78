//! [`Graph`]: resolves the names of inputs and layers, and sorts the calls of layers topologically.

use super::Definition;
use crate::engine::field::{FieldError, MAX_LISTED, did_you_mean};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
};

/// The calls of layers in topological order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Graph {
    pub runs: Vec<LayerCall>,
    pub outputs: Vec<ValueRef>,
}

/// One call of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LayerCall {
    /// Its index in the definition.
    pub layer: usize,
    pub inputs: Vec<ValueRef>,
}

/// A reference to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum ValueRef {
    /// An input of the model.
    Input(usize),
    /// An output of a call: the index of the call, and that of the output.
    Run(usize, usize),
}

impl Definition {
    /// The calls in topological order. Errors point at the name that is wrong.
    pub(super) fn graph(&self) -> Result<Graph, Vec<FieldError>> {
        let names = Names::new(self);
        let mut errors = Vec::new();
        let mut runs = Vec::new();
        for index in 0..self.layers.len() {
            for (call, inputs) in self.calls(index).into_iter().enumerate() {
                let pointer = match self.layers[index].inputs.0.len() {
                    0 | 1 => format!("/layers/{index}/inputs"),
                    _ => format!("/layers/{index}/inputs/{call}"),
                };
                let arity = self.layers[index].layer.arity();
                if !arity.contains(&inputs.len()) {
                    errors.push(FieldError::new(&pointer, arity_error(&arity, inputs.len())));
                }
                let earlier = errors.len();
                let find = |(place, name): (usize, &str)| {
                    names.find(name, earlier).map_err(|detail| FieldError::new(format!("{pointer}/{place}"), detail))
                };
                match inputs.into_iter().enumerate().map(find).collect::<Result<Vec<ValueRef>, _>>() {
                    Ok(inputs) => runs.push(LayerCall { layer: index, inputs }),
                    Err(error) => errors.push(error),
                }
            }
        }
        let outputs = self.output_refs(&names, &mut errors);
        if !errors.is_empty() {
            return Err(errors);
        }
        let graph = self.sorted(runs, outputs)?;
        self.check_used(&graph)?;
        Ok(graph)
    }

    /// The input names of each call of layer `index`.
    fn calls(&self, index: usize) -> Vec<Vec<&str>> {
        let layer = &self.layers[index];
        if !layer.inputs.is_empty() {
            return layer.inputs.0.iter().map(|names| names.iter().map(String::as_str).collect()).collect();
        }
        let before = index.checked_sub(1).map(|before| self.layers[before].name.as_str());
        match (before, self.inputs.as_slice()) {
            (Some(before), _) => vec![vec![before]],
            (None, []) => vec![vec![ONLY_INPUT]],
            (None, [input, ..]) => vec![vec![&input.name]],
        }
    }

    fn output_refs(&self, names: &Names<'_>, errors: &mut Vec<FieldError>) -> Vec<ValueRef> {
        let mut value_refs = Vec::new();
        for (index, name) in self.output_names().into_iter().enumerate() {
            match names.find(name, errors.len()) {
                Ok(value_ref) if !value_refs.contains(&value_ref) && matches!(value_ref, ValueRef::Run(..)) => {
                    value_refs.push(value_ref)
                }
                Ok(ValueRef::Input(_)) => {
                    let detail = format!("expected the name of a layer, received that of the input `{name}`");
                    errors.push(FieldError::new(format!("/outputs/{index}"), detail));
                }
                Ok(ValueRef::Run(..)) => {
                    let detail = format!("expected each output once, received `{name}` again");
                    errors.push(FieldError::new(format!("/outputs/{index}"), detail));
                }
                Err(detail) => errors.push(FieldError::new(format!("/outputs/{index}"), detail)),
            }
        }
        value_refs
    }

    /// Sorts the calls topologically, otherwise in the order of the definition.
    fn sorted(&self, runs: Vec<LayerCall>, outputs: Vec<ValueRef>) -> Result<Graph, Vec<FieldError>> {
        let mut pending_inputs: Vec<usize> = Vec::with_capacity(runs.len());
        let mut consumers: Vec<Vec<usize>> = vec![Vec::new(); runs.len()];
        for (index, run) in runs.iter().enumerate() {
            let read = run.inputs.iter().filter_map(|value_ref| match value_ref {
                ValueRef::Run(other, _) => Some(*other),
                ValueRef::Input(_) => None,
            });
            pending_inputs.push(read.map(|other| consumers[other].push(index)).count());
        }
        let mut ready: BinaryHeap<Reverse<usize>> =
            (0..runs.len()).filter(|&run| pending_inputs[run] == 0).map(Reverse).collect();
        let mut positions = vec![usize::MAX; runs.len()];
        let mut order = Vec::with_capacity(runs.len());
        while let Some(Reverse(run)) = ready.pop() {
            positions[run] = order.len();
            order.push(run);
            for &consumer in &consumers[run] {
                pending_inputs[consumer] -= 1;
                if pending_inputs[consumer] == 0 {
                    ready.push(Reverse(consumer));
                }
            }
        }
        if let Some(in_cycle) = positions.iter().position(|&place| place == usize::MAX) {
            let layer = runs[in_cycle].layer;
            let name = &self.layers[layer].name;
            let detail =
                format!("the graph has a cycle through `{name}`: expected layers that run one after the other");
            return Err(vec![FieldError::new(format!("/layers/{layer}/inputs"), detail)]);
        }
        let renumbered = |value_ref: ValueRef| match value_ref {
            ValueRef::Run(run, value) => ValueRef::Run(positions[run], value),
            input => input,
        };
        let runs = order.iter().map(|&run| LayerCall {
            layer: runs[run].layer,
            inputs: runs[run].inputs.iter().copied().map(renumbered).collect(),
        });
        Ok(Graph { runs: runs.collect(), outputs: outputs.into_iter().map(renumbered).collect() })
    }

    /// Fails if no output depends on a layer or an input: most likely a wrong name.
    fn check_used(&self, graph: &Graph) -> Result<(), Vec<FieldError>> {
        let mut used = vec![false; graph.runs.len()];
        let mut used_inputs = vec![false; self.input_count()];
        let mut mark = |value_ref: &ValueRef, used: &mut Vec<bool>| match *value_ref {
            ValueRef::Run(run, _) => used[run] = true,
            ValueRef::Input(input) => used_inputs[input] = true,
        };
        graph.outputs.iter().for_each(|value_ref| mark(value_ref, &mut used));
        for (index, run) in graph.runs.iter().enumerate().rev() {
            if used[index] {
                run.inputs.iter().for_each(|value_ref| mark(value_ref, &mut used));
            }
        }
        let mut errors = Vec::new();
        for (run, _) in graph.runs.iter().zip(&used).filter(|(_, used)| !**used) {
            let detail = format!("no output depends on `{}`", self.layers[run.layer].name);
            errors.push(FieldError::new(format!("/layers/{}", run.layer), detail));
        }
        for (index, input) in self.inputs.iter().enumerate().filter(|(index, _)| !used_inputs[*index]) {
            let detail = format!("no output depends on the input `{}`", input.name);
            errors.push(FieldError::new(format!("/inputs/{index}"), detail));
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

fn arity_error(arity: &std::ops::RangeInclusive<usize>, received: usize) -> String {
    match (*arity.start(), *arity.end()) {
        (1, 1) => format!("expected one input, received {received}"),
        (min, usize::MAX) => format!("expected at least {min} inputs, received {received}"),
        (min, max) if min == max => format!("expected {min} inputs, received {received}"),
        (min, max) => format!("expected {min} to {max} inputs, received {received}"),
    }
}

/// Name of the only input of a model without named inputs: no layer can have it.
const ONLY_INPUT: &str = "";

/// The names of inputs and layers.
struct Names<'a> {
    by_name: HashMap<&'a str, Named>,
}

#[derive(Clone, Copy)]
enum Named {
    Input(usize),
    /// The first of a layer's calls, their number, and the number of outputs of each.
    Layer {
        first: usize,
        runs: usize,
        values: usize,
    },
}

impl<'a> Names<'a> {
    fn new(definition: &'a Definition) -> Self {
        let mut by_name = HashMap::new();
        if definition.inputs.is_empty() {
            by_name.insert(ONLY_INPUT, Named::Input(0));
        }
        for (index, input) in definition.inputs.iter().enumerate() {
            by_name.insert(input.name.as_str(), Named::Input(index));
        }
        let mut first = 0;
        for layer in &definition.layers {
            let runs = layer.inputs.0.len().max(1);
            by_name.insert(layer.name.as_str(), Named::Layer { first, runs, values: layer.layer.values() });
            first += runs;
        }
        Self { by_name }
    }

    /// Resolves `layer`, `layer:1`, `layer/1` and `layer:1/1`; no name of a layer has a slash. An error has a hint unless there are as
    /// many `earlier` ones as are listed.
    fn find(&self, name: &str, earlier: usize) -> Result<ValueRef, String> {
        let (run, value) = name.split_once('/').unwrap_or((name, "0"));
        let (first, values) = self.run(run, earlier)?;
        let value = value.parse::<usize>().ok().filter(|value| *value < values);
        match (first, value) {
            (ValueRef::Run(run, _), Some(value)) => Ok(ValueRef::Run(run, value)),
            (ValueRef::Input(_), _) if run == name => Ok(first),
            _ if values == 1 => Err(format!("expected `{run}`, which has one output, received `{name}`")),
            _ => Err(format!("expected `{run}/0` to `{run}/{}`, received `{name}`", values - 1)),
        }
    }

    /// The first output of a call and the number of outputs; or an input.
    fn run(&self, name: &str, earlier: usize) -> Result<(ValueRef, usize), String> {
        if let Some(named) = self.by_name.get(name) {
            return Ok(match *named {
                Named::Input(input) => (ValueRef::Input(input), 1),
                Named::Layer { first, values, .. } => (ValueRef::Run(first, 0), values),
            });
        }
        if let Some((layer, call)) = name.rsplit_once(':')
            && let Some(&Named::Layer { first, runs, values }) = self.by_name.get(layer)
        {
            let known = call.parse::<usize>().ok().filter(|call| *call < runs);
            return known
                .map(|call| (ValueRef::Run(first + call, 0), values))
                .ok_or_else(|| format!("expected `{layer}:0` to `{layer}:{}`, received `{name}`", runs - 1));
        }
        let hint = match earlier < MAX_LISTED {
            true => did_you_mean(name, self.by_name.keys().copied().filter(|known| !known.is_empty())),
            false => String::new(),
        };
        Err(format!("expected the name of an input or a layer, received `{name}`{hint}"))
    }
}
