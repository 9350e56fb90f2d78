//! Which layer reads which: names into an order in which everything can run.

use super::Definition;
use crate::engine::field::{FieldError, did_you_mean};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
};

/// The runs of layers in an order in which everything that is read was made before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Graph {
    pub runs: Vec<LayerRun>,
    pub outputs: Vec<Wire>,
}

/// One run of one layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LayerRun {
    /// Its place in the definition.
    pub layer: usize,
    pub inputs: Vec<Wire>,
}

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Wire {
    /// An input of the model.
    Input(usize),
    /// What a run gives: which run, and which of its values.
    Run(usize, usize),
}

impl Definition {
    /// The order in which the layers run. Errors point at what a layer or the model reads.
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
                let find = |(place, name): (usize, &str)| {
                    names.find(name).map_err(|detail| FieldError::new(format!("{pointer}/{place}"), detail))
                };
                match inputs.into_iter().enumerate().map(find).collect::<Result<Vec<Wire>, _>>() {
                    Ok(inputs) => runs.push(LayerRun { layer: index, inputs }),
                    Err(error) => errors.push(error),
                }
            }
        }
        let outputs = self.output_wires(&names, &mut errors);
        if !errors.is_empty() {
            return Err(errors);
        }
        let graph = self.ordered(runs, outputs)?;
        self.check_used(&graph)?;
        Ok(graph)
    }

    /// The names that layer `index` reads, each time that it runs.
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

    fn output_wires(&self, names: &Names<'_>, errors: &mut Vec<FieldError>) -> Vec<Wire> {
        let mut wires = Vec::new();
        for (index, name) in self.output_names().into_iter().enumerate() {
            match names.find(name) {
                Ok(wire) if !wires.contains(&wire) && matches!(wire, Wire::Run(..)) => wires.push(wire),
                Ok(Wire::Input(_)) => {
                    let detail = format!("expected the name of a layer, received that of the input `{name}`");
                    errors.push(FieldError::new(format!("/outputs/{index}"), detail));
                }
                Ok(Wire::Run(..)) => {
                    let detail = format!("expected each output once, received `{name}` again");
                    errors.push(FieldError::new(format!("/outputs/{index}"), detail));
                }
                Err(detail) => errors.push(FieldError::new(format!("/outputs/{index}"), detail)),
            }
        }
        wires
    }

    /// Puts the runs in order: what is read first, and otherwise as they stand.
    fn ordered(&self, runs: Vec<LayerRun>, outputs: Vec<Wire>) -> Result<Graph, Vec<FieldError>> {
        let mut waiting: Vec<usize> = Vec::with_capacity(runs.len());
        let mut readers: Vec<Vec<usize>> = vec![Vec::new(); runs.len()];
        for (index, run) in runs.iter().enumerate() {
            let read = run.inputs.iter().filter_map(|wire| match wire {
                Wire::Run(other, _) => Some(*other),
                Wire::Input(_) => None,
            });
            waiting.push(read.map(|other| readers[other].push(index)).count());
        }
        let mut ready: BinaryHeap<Reverse<usize>> =
            (0..runs.len()).filter(|&run| waiting[run] == 0).map(Reverse).collect();
        let mut places = vec![usize::MAX; runs.len()];
        let mut order = Vec::with_capacity(runs.len());
        while let Some(Reverse(run)) = ready.pop() {
            places[run] = order.len();
            order.push(run);
            for &reader in &readers[run] {
                waiting[reader] -= 1;
                if waiting[reader] == 0 {
                    ready.push(Reverse(reader));
                }
            }
        }
        if let Some(stuck) = places.iter().position(|&place| place == usize::MAX) {
            let layer = runs[stuck].layer;
            let name = &self.layers[layer].name;
            let detail =
                format!("the graph has a cycle through `{name}`: expected layers that run one after the other");
            return Err(vec![FieldError::new(format!("/layers/{layer}/inputs"), detail)]);
        }
        let moved = |wire: Wire| match wire {
            Wire::Run(run, value) => Wire::Run(places[run], value),
            input => input,
        };
        let runs = order.iter().map(|&run| LayerRun {
            layer: runs[run].layer,
            inputs: runs[run].inputs.iter().copied().map(moved).collect(),
        });
        Ok(Graph { runs: runs.collect(), outputs: outputs.into_iter().map(moved).collect() })
    }

    /// Fails where something leads to no output: a slip of a name, most likely.
    fn check_used(&self, graph: &Graph) -> Result<(), Vec<FieldError>> {
        let mut used = vec![false; graph.runs.len()];
        let mut used_inputs = vec![false; self.input_count()];
        let mut mark = |wire: &Wire, used: &mut Vec<bool>| match *wire {
            Wire::Run(run, _) => used[run] = true,
            Wire::Input(input) => used_inputs[input] = true,
        };
        graph.outputs.iter().for_each(|wire| mark(wire, &mut used));
        for (index, run) in graph.runs.iter().enumerate().rev() {
            if used[index] {
                run.inputs.iter().for_each(|wire| mark(wire, &mut used));
            }
        }
        let mut errors = Vec::new();
        for (run, _) in graph.runs.iter().zip(&used).filter(|(_, used)| !**used) {
            let detail =
                format!("expected layers that lead to an output, but `{}` does not", self.layers[run.layer].name);
            errors.push(FieldError::new(format!("/layers/{}", run.layer), detail));
        }
        for (index, input) in self.inputs.iter().enumerate().filter(|(index, _)| !used_inputs[*index]) {
            let detail = format!("expected inputs that a layer reads, but nothing reads `{}`", input.name);
            errors.push(FieldError::new(format!("/inputs/{index}"), detail));
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

fn arity_error(arity: &std::ops::RangeInclusive<usize>, received: usize) -> String {
    match (*arity.start(), *arity.end()) {
        (1, 1) => format!("expected one input, received {received}"),
        (least, usize::MAX) => format!("expected at least {least} inputs, received {received}"),
        (least, most) if least == most => format!("expected {least} inputs, received {received}"),
        (least, most) => format!("expected {least} to {most} inputs, received {received}"),
    }
}

/// The one input of a model that names none: no layer can have this name.
const ONLY_INPUT: &str = "";

/// What a name means.
struct Names<'a> {
    by_name: HashMap<&'a str, Named>,
}

#[derive(Clone, Copy)]
enum Named {
    Input(usize),
    /// The first of a layer's runs, how many there are, and how many values each of them gives.
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

    /// What `layer`, `layer:1`, `layer/1` and `layer:1/1` mean; no name of a layer has a slash.
    fn find(&self, name: &str) -> Result<Wire, String> {
        let (run, value) = name.split_once('/').unwrap_or((name, "0"));
        let (first, values) = self.run(run)?;
        let value = value.parse::<usize>().ok().filter(|value| *value < values);
        match (first, value) {
            (Wire::Run(run, _), Some(value)) => Ok(Wire::Run(run, value)),
            (Wire::Input(_), _) if run == name => Ok(first),
            _ if values == 1 => Err(format!("expected `{run}`, which is one value, received `{name}`")),
            _ => Err(format!("expected `{run}/0` to `{run}/{}`, received `{name}`", values - 1)),
        }
    }

    /// The first value of a run, and how many there are; or an input.
    fn run(&self, name: &str) -> Result<(Wire, usize), String> {
        if let Some(named) = self.by_name.get(name) {
            return Ok(match *named {
                Named::Input(input) => (Wire::Input(input), 1),
                Named::Layer { first, values, .. } => (Wire::Run(first, 0), values),
            });
        }
        if let Some((layer, call)) = name.rsplit_once(':')
            && let Some(&Named::Layer { first, runs, values }) = self.by_name.get(layer)
        {
            let known = call.parse::<usize>().ok().filter(|call| *call < runs);
            return known
                .map(|call| (Wire::Run(first + call, 0), values))
                .ok_or_else(|| format!("expected `{layer}:0` to `{layer}:{}`, received `{name}`", runs - 1));
        }
        let hint = did_you_mean(name, self.by_name.keys().copied().filter(|known| !known.is_empty()));
        Err(format!("expected the name of an input or a layer, received `{name}`{hint}"))
    }
}
