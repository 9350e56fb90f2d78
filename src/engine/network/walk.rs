//! Every layer alike, from one walk over the registry: JSON there and back, shapes, gradients against central
//! differences in f64, the same bits again, and sums over lanes.

use super::{Joined, Network, Run, Tape, Weights};
use crate::engine::{
    field,
    layer::{AnyLayer, Join, Layer, Pass},
    random::Noise,
    shape::Shape,
    spec::{Definition, Limits},
};
use serde_json::{Value, json};

/// Settings and shapes to try each layer with; a layer without any fails the walk.
fn cases() -> Vec<(Value, Vec<usize>)> {
    vec![
        (json!({"type": "dense", "units": 3}), vec![4]),
        (json!({"type": "dense", "units": 1, "activation": "sigmoid"}), vec![7]),
        (json!({"type": "dense", "units": 5, "activation": "softmax", "use_bias": false}), vec![4]),
        (json!({"type": "dense", "units": 19, "activation": "gelu"}), vec![17]),
        (json!({"type": "dense", "units": 3, "activation": "swish"}), vec![2, 3, 4]),
        (json!({"type": "activation", "activation": "relu"}), vec![6]),
        (json!({"type": "activation", "activation": "softplus"}), vec![3, 2]),
        (json!({"type": "activation", "activation": "softmax"}), vec![3, 4]),
        (json!({"type": "dropout", "rate": 0.4}), vec![3, 5]),
        (json!({"type": "dropout", "rate": 0.0, "seed": 3}), vec![5]),
        (json!({"type": "flatten"}), vec![2, 3, 2]),
        (json!({"type": "batch_normalization"}), vec![4]),
        (json!({"type": "batch_normalization", "center": false, "axis": 3}), vec![2, 2, 3]),
        (json!({"type": "batch_normalization", "scale": false, "epsilon": 0.1}), vec![3]),
    ]
}

/// Rows of each lane.
const LANES: [usize; 2] = [5, 3];
const ROWS: usize = LANES[0] + LANES[1];

/// One layer over two lanes.
struct Bench {
    network: Network<f64>,
    lanes: Vec<Tape<f64>>,
    joined: Vec<Joined<f64>>,
}

impl Bench {
    fn new(settings: &Value, shape: &[usize]) -> Self {
        let definition = Definition::from_value(&json!({"input_shape": shape, "layers": [settings]})).unwrap();
        let architecture = definition.resolve(&Shape(shape.to_vec()), &Limits::default()).unwrap();
        let node = &architecture.nodes()[0];
        let meeting = node.layer.meeting(&architecture.input_shapes(node));
        let joined = meeting.map_or_else(Joined::default, |meeting| Joined {
            forward: vec![0.0; meeting.forward_joined],
            backward: vec![0.0; meeting.backward_joined],
        });
        let lane = |&rows: &usize| Tape::new(&architecture, rows, vec![true; architecture.values()], true);
        let lanes = LANES.iter().map(lane).collect();
        let mut network = Network::initialize(architecture, 5);
        // Away from where initializers begin, so that no gradient is zero by chance.
        let noise = numbers(network.trainable.len(), 1);
        network.trainable.iter_mut().zip(noise).for_each(|(weight, noise)| *weight += 0.5 * noise);
        Self { network, lanes, joined: vec![joined] }
    }

    fn layer(&self) -> AnyLayer {
        self.network.architecture.nodes()[0].layer.clone()
    }

    /// Runs `work` for each lane, with its first row.
    fn each(&mut self, training: bool, mut work: impl FnMut(&mut Tape<f64>, Run<'_, f64>, std::ops::Range<usize>)) {
        let weights = Weights { trainable: &self.network.trainable, fixed: &self.network.fixed };
        let mut first_row = 0;
        for (tape, rows) in self.lanes.iter_mut().zip(LANES) {
            let noise = Noise { seed: 9, step: 4, layer: 0, first_row };
            let pass = Pass { rows, training, logits: false, noise };
            let joined = if training { &self.joined[..] } else { &[] };
            let run = Run { architecture: &self.network.architecture, weights, pass, joined };
            work(tape, run, first_row..first_row + rows);
            first_row += rows;
        }
    }

    fn join(&mut self, sums: &[f64], backward: bool) {
        let layer = self.layer();
        let architecture = &self.network.architecture;
        let joined = if backward { &mut self.joined[0].backward } else { &mut self.joined[0].forward };
        // Finite differences run forward again and again: moving statistics must not move for good.
        let mut fixed = self.network.fixed.clone();
        let (rows, shape, places) = (&LANES[..], architecture.shape(0), architecture.parameters());
        let mut cx = Join { rows, sums, joined, shape, fixed: &mut fixed, places };
        if backward { layer.join_backward(&mut cx) } else { layer.join_forward(&mut cx) }
    }

    fn forward(&mut self, x: &[f64], training: bool) -> Vec<f64> {
        let cells = x.len() / ROWS;
        self.each(training, |tape, run, rows| {
            tape.input(run.pass.rows).copy_from_slice(&x[rows.start * cells..rows.end * cells]);
        });
        let architecture = &self.network.architecture;
        let meeting = self.layer().meeting(&architecture.input_shapes(&architecture.nodes()[0]));
        if let (true, Some(meeting)) = (training, meeting) {
            let mut sums = vec![0.0; meeting.forward_sums * LANES.len()];
            let mut parts = sums.chunks_exact_mut(meeting.forward_sums);
            self.each(true, |tape, run, _| tape.sum_forward(&run, 0, parts.next().unwrap()));
            self.join(&sums, false);
        }
        let mut y = Vec::new();
        self.each(training, |tape, run, _| {
            tape.forward(&run, 0..1);
            y.extend_from_slice(tape.output(run.pass.rows));
        });
        y
    }

    /// Gradients of x and of the trainable parameters, for the output gradient `dy`; after [`Self::forward`].
    fn backward(&mut self, dy: &[f64], accumulate: bool, gradient: &mut [Vec<f64>]) -> Vec<f64> {
        let cells = dy.len() / ROWS;
        self.each(true, |tape, run, rows| {
            tape.output_and_gradient(run.pass.rows).1.copy_from_slice(&dy[rows.start * cells..rows.end * cells]);
        });
        let architecture = &self.network.architecture;
        let meeting = self.layer().meeting(&architecture.input_shapes(&architecture.nodes()[0]));
        if let Some(meeting) = meeting {
            let mut sums = vec![0.0; meeting.backward_sums * LANES.len()];
            let mut parts = sums.chunks_exact_mut(meeting.backward_sums);
            let mut lane = gradient.iter_mut();
            self.each(true, |tape, run, _| {
                tape.sum_backward(&run, 0, lane.next().unwrap(), accumulate, parts.next().unwrap());
            });
            self.join(&sums, true);
        }
        let mut dx = Vec::new();
        let mut lane = gradient.iter_mut();
        self.each(true, |tape, run, _| {
            tape.backward(&run, 0..1, lane.next().unwrap(), accumulate);
            dx.extend_from_slice(&tape.gradients[0][..run.pass.rows * tape.cells[0]]);
        });
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
    let tried: Vec<Value> = cases().into_iter().map(|(settings, _)| settings["type"].clone()).collect();
    for kind in AnyLayer::KINDS {
        assert!(tried.contains(&json!(kind)), "no case tries `{kind}`");
    }
}

#[test]
fn settings_survive_json() {
    for (settings, _) in cases() {
        let definition = Definition::from_value(&json!({"layers": [settings]})).unwrap();
        let written = definition.to_value();
        assert_eq!(Definition::from_value(&written).unwrap(), definition, "{written}");
        let layer = &definition.layers[0].layer;
        assert_eq!(&serde_json::from_value::<AnyLayer>(field::to_value(layer).unwrap()).unwrap(), layer);
    }
}

#[test]
fn gradients_equal_central_differences() {
    const STEP: f64 = 1e-5;
    for (settings, shape) in cases() {
        let mut bench = Bench::new(&settings, &shape);
        let x = numbers(ROWS * shape.iter().product::<usize>(), 2);
        let y = bench.forward(&x, true);
        let dy = numbers(y.len(), 3);
        let objective = |y: &[f64]| y.iter().zip(&dy).map(|(y, dy)| y * dy).sum::<f64>();
        let mut gradient = vec![vec![f64::NAN; bench.network.trainable.len()]; LANES.len()];
        let dx = bench.backward(&dy, false, &mut gradient);
        let close = |analytic: f64, numeric: f64, of: &str| {
            let error = (analytic - numeric).abs() / (1.0 + numeric.abs());
            assert!(error < 1e-7, "{settings} on {shape:?}, {of}: {analytic} against {numeric}");
        };
        for (cell, &analytic) in dx.iter().enumerate() {
            let mut difference = 0.0;
            for step in [STEP, -STEP] {
                let mut moved = x.clone();
                moved[cell] += step;
                difference += objective(&bench.forward(&moved, true)) / (2.0 * step);
            }
            close(analytic, difference, &format!("input {cell}"));
        }
        for cell in 0..bench.network.trainable.len() {
            let mut difference = 0.0;
            for step in [STEP, -STEP] {
                let before = bench.network.trainable[cell];
                bench.network.trainable[cell] = before + step;
                difference += objective(&bench.forward(&x, true)) / (2.0 * step);
                bench.network.trainable[cell] = before;
            }
            close(gradient.iter().map(|lane| lane[cell]).sum(), difference, &format!("parameter {cell}"));
        }
    }
}

#[test]
fn gradients_accumulate_where_asked() {
    for (settings, shape) in cases() {
        let mut bench = Bench::new(&settings, &shape);
        let x = numbers(ROWS * shape.iter().product::<usize>(), 2);
        let dy = numbers(bench.forward(&x, true).len(), 3);
        let mut once = vec![vec![f64::NAN; bench.network.trainable.len()]; LANES.len()];
        bench.backward(&dy, false, &mut once);
        let mut twice = once.clone();
        bench.backward(&dy, true, &mut twice);
        for (once, twice) in once.iter().flatten().zip(twice.iter().flatten()) {
            assert!((2.0 * once - twice).abs() <= 1e-12 * (1.0 + once.abs()), "{settings}: {once} once, {twice} twice");
        }
    }
}

#[test]
fn the_same_bits_again_and_the_right_shapes() {
    for (settings, shape) in cases() {
        let x = numbers(ROWS * shape.iter().product::<usize>(), 2);
        for training in [true, false] {
            let mut bench = Bench::new(&settings, &shape);
            let y = bench.forward(&x, training);
            assert_eq!(y.len(), ROWS * bench.network.architecture.output_shape().cells(), "{settings}");
            assert!(y.iter().all(|y| y.is_finite()), "{settings}");
            assert_eq!(y, bench.forward(&x, training), "{settings}");
            assert_eq!(y, Bench::new(&settings, &shape).forward(&x, training), "{settings}");
        }
    }
}
