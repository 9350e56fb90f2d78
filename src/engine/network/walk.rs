//! Tests of every layer of the registry: JSON round trip, shapes, gradients against central differences in f64,
//! identical bits, and sums over lanes.

use super::{
    Network, Reduced, Run, Tape, Weights,
    cases::{Case, cases},
};
use crate::engine::{
    field,
    kernel::Team,
    layer::{AnyLayer, Pass, Reduce},
    random::Noise,
    shape::Shape,
    spec::{Architecture, Definition, Limits, Parameter},
};
use serde_json::{Value, json};
use std::ops::Range;

/// Rows of each lane.
const LANES: [usize; 2] = [5, 3];
const ROWS: usize = LANES[0] + LANES[1];

/// A layer on two lanes.
struct Bench {
    network: Network<f64>,
    lanes: Vec<Tape<f64>>,
    reduced: Vec<Reduced<f64>>,
    /// Gradients have the ranges of their weights.
    places: Vec<Range<usize>>,
}

impl Bench {
    fn new(case: &Case) -> Self {
        let definition = Definition::from_value(&case.definition()).unwrap();
        let shapes: Vec<Shape> = case.inputs.iter().cloned().map(Shape).collect();
        let architecture =
            definition.resolve(&shapes, &Limits::default()).unwrap_or_else(|errors| panic!("{errors:?}"));
        let reduced = architecture.nodes().iter().map(|node| {
            node.batch_reduction().map_or_else(Reduced::default, |reduction| Reduced {
                forward: vec![0.0; reduction.forward_reduced],
                backward: vec![0.0; reduction.backward_reduced],
            })
        });
        let reduced = reduced.collect();
        let place = |it: &Parameter| if it.spec.trainable { it.range.clone() } else { 0..0 };
        let places = architecture.parameters().iter().map(place).collect();
        let lane = |&rows: &usize| Tape::new(&architecture, rows, vec![true; architecture.values()], true);
        let lanes = LANES.iter().map(lane).collect();
        let mut network = Network::initialize(architecture, 5);
        // Noise, so that no gradient is zero by chance.
        let noise = numbers(network.trainable.len(), 1);
        network.trainable.iter_mut().zip(noise).for_each(|(weight, noise)| *weight += 0.5 * noise);
        Self { network, lanes, reduced, places }
    }

    /// Numbers for every input, one input after the other.
    fn inputs(&self, case: &Case) -> Vec<f64> {
        let x = numbers(ROWS * self.architecture().input_elements(), 2);
        match case.integers {
            None => x,
            Some(below) => x.into_iter().map(|x| ((x + 1.0) / 2.0 * below as f64).floor()).collect(),
        }
    }

    fn architecture(&self) -> &Architecture {
        &self.network.architecture
    }

    /// Runs `work` for each lane, with its rows.
    fn each(&mut self, training: bool, mut work: impl FnMut(&mut Tape<f64>, Run<'_, f64>, Range<usize>)) {
        let weights = Weights { trainable: &self.network.trainable, fixed: &self.network.fixed };
        let mut first_row = 0;
        for (tape, rows) in self.lanes.iter_mut().zip(LANES) {
            let noise = Noise { seed: 9, step: 4, layer: 0, first_row };
            let pass = Pass { rows, repeat: 1, training, logits: false, trainable: true, batch_rows: ROWS, noise };
            let reduced = if training { &self.reduced[..] } else { &[] };
            let run = Run {
                architecture: &self.network.architecture,
                weights,
                pass,
                fused: &[],
                reduced,
                places: &self.places,
                team: &Team::ALONE,
            };
            work(tape, run, first_row..first_row + rows);
            first_row += rows;
        }
    }

    fn reduce(&mut self, node: usize, sums: &[f64], backward: bool) {
        let architecture = &self.network.architecture;
        let reduced = &mut self.reduced[node];
        let node = &architecture.nodes()[node];
        let reduced = if backward { &mut reduced.backward } else { &mut reduced.forward };
        // Finite differences run forward many times: moving statistics must not change.
        let mut fixed = self.network.fixed.clone();
        let (shape, places) = (&node.input_shapes[0], architecture.parameters_of(node));
        let (repeat, masked) = (node.repeat, node.masks[0].is_some());
        let mut cx = Reduce { rows: &LANES, repeat, masked, sums, reduced, shape, fixed: &mut fixed, places };
        let layer = node.layer.compute();
        if backward { layer.reduce_backward(&mut cx) } else { layer.reduce_forward(&mut cx) }
    }

    /// The outputs, followed by the activity regularization.
    fn forward(&mut self, x: &[f64], training: bool) -> Vec<f64> {
        let elements: Vec<usize> = self.architecture().input_shapes().iter().map(Shape::elements).collect();
        self.each(training, |tape, run, rows| {
            tape.penalty = 0.0;
            let mut first = 0;
            for (input, &elements) in elements.iter().enumerate() {
                let mine = first + rows.start * elements..first + rows.end * elements;
                tape.input(input, run.pass.rows).copy_from_slice(&x[mine]);
                first += ROWS * elements;
            }
        });
        for node in 0..self.architecture().nodes().len() {
            let reduction = self.architecture().nodes()[node].batch_reduction();
            if let (true, Some(reduction)) = (training, reduction) {
                let mut sums = vec![0.0; reduction.forward_sums * LANES.len()];
                let mut parts = sums.chunks_exact_mut(reduction.forward_sums);
                self.each(true, |tape, run, _| tape.sum_forward(&run, node, parts.next().unwrap()));
                self.reduce(node, &sums, false);
            }
            self.each(training, |tape, run, _| tape.forward(&run, node..node + 1));
        }
        let value = self.architecture().outputs()[0];
        let mut y = Vec::new();
        let mut penalty = 0.0;
        self.each(training, |tape, run, _| {
            y.extend_from_slice(tape.value(value, run.pass.rows));
            penalty += tape.penalty;
        });
        y.push(penalty / ROWS as f64);
        y
    }

    /// Gradients of x and of the trainable parameters, for the output gradient `dy` and the penalties; after
    /// [`Self::forward`].
    fn backward(&mut self, dy: &[f64], accumulate: bool, gradient: &mut [Vec<f64>]) -> Vec<f64> {
        let value = self.architecture().outputs()[0];
        let elements = dy.len() / ROWS;
        self.each(true, |tape, run, rows| {
            let output = tape.output(value, None, run.pass.rows);
            output.gradient.copy_from_slice(&dy[rows.start * elements..rows.end * elements]);
        });
        for node in (0..self.architecture().nodes().len()).rev() {
            if let Some(reduction) = self.architecture().nodes()[node].batch_reduction() {
                let mut sums = vec![0.0; reduction.backward_sums * LANES.len()];
                let mut parts = sums.chunks_exact_mut(reduction.backward_sums);
                let mut lane = gradient.iter_mut();
                self.each(true, |tape, run, _| {
                    tape.sum_backward(&run, node, lane.next().unwrap(), accumulate, parts.next().unwrap());
                });
                self.reduce(node, &sums, true);
            }
            let mut lane = gradient.iter_mut();
            self.each(true, |tape, run, _| tape.backward(&run, node..node + 1, lane.next().unwrap(), accumulate));
        }
        let inputs = self.architecture().input_shapes().len();
        let mut dx = Vec::new();
        for input in 0..inputs {
            self.each(true, |tape, run, _| {
                dx.extend_from_slice(&tape.gradients[input][..run.pass.rows * tape.elements[input]]);
            });
        }
        dx
    }
}

/// Numbers between -1 and 1.
fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    })
    .take(count)
    .collect()
}

#[test]
fn every_layer_has_a_case() {
    let tried: Vec<Value> = cases().into_iter().map(|case| case.settings["type"].clone()).collect();
    for kind in AnyLayer::kinds() {
        assert!(tried.contains(&json!(kind)), "no case tries `{kind}`");
    }
}

#[test]
fn kernels_say_how_many_rows_their_products_have() {
    for case in cases() {
        let bench = Bench::new(&case);
        let architecture = bench.architecture();
        for node in architecture.nodes() {
            let kernels = architecture.parameters_of(node).iter().filter(|it| it.spec.name.ends_with("kernel"));
            let elements: usize = kernels.map(|it| it.shape.elements()).sum();
            match node.product_rows() {
                None => assert_eq!(elements, 0, "{case:?}, {}", node.name),
                Some(rows) => {
                    assert!(rows > 0 && (2 * rows * elements) as u64 <= node.cost(), "{case:?}, {}: {rows}", node.name);
                }
            }
        }
    }
}

#[test]
fn settings_survive_json() {
    for case in cases() {
        let definition = Definition::from_value(&case.definition()).unwrap();
        let written = definition.to_value();
        assert_eq!(Definition::from_value(&written).unwrap(), definition, "{written}");
        let layer = &definition.layers[0].layer;
        assert_eq!(&serde_json::from_value::<AnyLayer>(field::to_value(layer).unwrap()).unwrap(), layer);
    }
}

#[test]
fn gradients_equal_central_differences() {
    const STEP: f64 = 1e-5;
    for case in cases() {
        let mut bench = Bench::new(&case);
        let x = bench.inputs(&case);
        let y = bench.forward(&x, true);
        let dy = numbers(y.len() - 1, 3);
        // The last element is the activity regularization.
        let objective = |y: &[f64]| y.iter().zip(dy.iter().chain(&[1.0])).map(|(y, dy)| y * dy).sum::<f64>();
        let mut gradient = vec![vec![f64::NAN; bench.network.trainable.len()]; LANES.len()];
        let dx = bench.backward(&dy, false, &mut gradient);
        let close = |analytic: f64, numeric: f64, of: &str| {
            let error = (analytic - numeric).abs() / (1.0 + numeric.abs());
            assert!(error < 1e-7, "{case:?}, {of}: {analytic} against {numeric}");
        };
        let moving = if case.integers.is_some() { 0 } else { dx.len() };
        for (element, &analytic) in dx.iter().take(moving).enumerate() {
            let mut difference = 0.0;
            for step in [STEP, -STEP] {
                let mut moved = x.clone();
                moved[element] += step;
                difference += objective(&bench.forward(&moved, true)) / (2.0 * step);
            }
            close(analytic, difference, &format!("input {element}"));
        }
        for element in 0..bench.network.trainable.len() {
            let mut difference = 0.0;
            for step in [STEP, -STEP] {
                let before = bench.network.trainable[element];
                bench.network.trainable[element] = before + step;
                difference += objective(&bench.forward(&x, true)) / (2.0 * step);
                bench.network.trainable[element] = before;
            }
            close(gradient.iter().map(|lane| lane[element]).sum(), difference, &format!("parameter {element}"));
        }
    }
}

#[test]
fn gradients_accumulate() {
    for case in cases() {
        let mut bench = Bench::new(&case);
        let x = bench.inputs(&case);
        let dy = numbers(bench.forward(&x, true).len() - 1, 3);
        let mut once = vec![vec![f64::NAN; bench.network.trainable.len()]; LANES.len()];
        bench.backward(&dy, false, &mut once);
        let mut twice = once.clone();
        bench.forward(&x, true);
        bench.backward(&dy, true, &mut twice);
        for (once, twice) in once.iter().flatten().zip(twice.iter().flatten()) {
            assert!((2.0 * once - twice).abs() <= 1e-12 * (1.0 + once.abs()), "{case:?}: {once} once, {twice} twice");
        }
    }
}

#[test]
fn results_are_reproducible_and_have_the_right_shapes() {
    for case in cases() {
        for training in [true, false] {
            let mut bench = Bench::new(&case);
            let x = bench.inputs(&case);
            let y = bench.forward(&x, training);
            assert_eq!(y.len(), ROWS * bench.architecture().output_elements() + 1, "{case:?}");
            assert!(y.iter().all(|y| y.is_finite()), "{case:?}");
            assert_eq!(y, bench.forward(&x, training), "{case:?}");
            assert_eq!(y, Bench::new(&case).forward(&x, training), "{case:?}");
        }
    }
}
