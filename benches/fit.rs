//! Whole fits and single predictions of the engine, without the service: the dense workloads of `bench/`.
//!
//! `cargo bench --bench fit`

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench that cannot start should say where")]

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use epoca::engine::{
    fit::{EpochReport, EventSink, FitPlan, OutputPlan, Progress, Samples, ValidationFreq, fit},
    input_layout::InputColumn,
    network::Network,
    shape::Shape,
    spec::{Architecture, Definition, Limits},
};
use ndarray::Array2;
use serde_json::{from_value, json};
use std::{hint::black_box, ops::ControlFlow, time::Duration};

struct Workload {
    name: &'static str,
    rows: usize,
    inputs: usize,
    hidden: &'static [usize],
    outputs: usize,
    batch_size: usize,
    epochs: u32,
}

const WORKLOADS: [Workload; 4] = [
    Workload { name: "seed", rows: 100, inputs: 10, hidden: &[16], outputs: 1, batch_size: 10, epochs: 5 },
    Workload { name: "mlp_small", rows: 1797, inputs: 64, hidden: &[128], outputs: 10, batch_size: 32, epochs: 20 },
    Workload {
        name: "mlp_table",
        rows: 100_000,
        inputs: 28,
        hidden: &[256, 256],
        outputs: 1,
        batch_size: 1024,
        epochs: 2,
    },
    Workload {
        name: "mlp_mnist",
        rows: 20_000,
        inputs: 784,
        hidden: &[512, 512],
        outputs: 10,
        batch_size: 128,
        epochs: 1,
    },
];

impl Workload {
    fn architecture(&self) -> Architecture {
        let mut layers: Vec<_> =
            self.hidden.iter().map(|units| json!({"type": "dense", "units": units, "activation": "relu"})).collect();
        let activation = if self.outputs == 1 { "sigmoid" } else { "softmax" };
        layers.push(json!({"type": "dense", "units": self.outputs, "activation": activation}));
        let definition = Definition::from_value(&json!({"layers": layers})).unwrap();
        definition.resolve(&definition.input_shapes(&[self.inputs]).unwrap(), &Limits::default()).unwrap()
    }

    fn data(&self) -> (Array2<f32>, Array2<f32>) {
        let mut state = 88_172_645_463_325_252u64;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state >> 40
        };
        let x = Array2::from_shape_simple_fn((self.rows, self.inputs), || next() as f32 / (1 << 23) as f32 - 1.0);
        let classes = self.outputs.max(2) as u64;
        (x, Array2::from_shape_simple_fn((self.rows, 1), || (next() % classes) as f32))
    }

    fn plan(&self, threads: usize) -> FitPlan {
        let loss = if self.outputs == 1 { "binary_crossentropy" } else { "sparse_categorical_crossentropy" };
        FitPlan {
            epochs: self.epochs,
            batch_size: self.batch_size,
            optimizer: from_value(json!("adam")).unwrap(),
            outputs: vec![OutputPlan::single(
                from_value(json!(loss)).unwrap(),
                vec![from_value(json!("accuracy")).unwrap()],
            )],
            shuffle: true,
            seed: 1,
            early_stopping: None,
            reduce_lr_on_plateau: None,
            terminate_on_nan: false,
            validation_freq: ValidationFreq::default(),
            steps_per_epoch: None,
            threads,
        }
    }
}

struct Quiet;

impl EventSink for Quiet {
    fn step(&mut self, _: Progress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
    fn epoch(&mut self, _: EpochReport) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

fn fits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fit");
    group.sample_size(10).sampling_mode(SamplingMode::Flat).warm_up_time(Duration::from_millis(500));
    for workload in &WORKLOADS {
        let (architecture, (x, y)) = (workload.architecture(), workload.data());
        group.throughput(Throughput::Elements(workload.rows as u64 * u64::from(workload.epochs)));
        for threads in [1, 2] {
            let plan = workload.plan(threads);
            group.bench_function(BenchmarkId::new(workload.name, threads), |bencher| {
                bencher.iter_batched(
                    || Network::<f32>::initialize(architecture.clone(), 1),
                    |mut network| {
                        let samples = Samples { x: x.view(), y: y.view(), weights: None };
                        fit(&mut network, &plan, samples, None, &mut Quiet).unwrap();
                        network
                    },
                    criterion::BatchSize::PerIteration,
                );
            });
        }
    }
}

fn predictions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("predict");
    let workload = &WORKLOADS[1];
    let (network, (x, _)) = (Network::<f32>::initialize(workload.architecture(), 1), workload.data());
    for rows in [1, 256] {
        let x = x.slice(ndarray::s![..rows, ..]);
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_function(BenchmarkId::new(workload.name, rows), |bencher| {
            bencher.iter(|| network.predict(black_box(x)))
        });
    }
}

/// A dense layer over a category of 10,000 levels, as codes and as a dense matrix.
fn one_hot(criterion: &mut Criterion) {
    const LEVELS: usize = 10_000;
    const ROWS: usize = 256;
    let mut group = criterion.benchmark_group("one_hot");
    group.sample_size(10);
    let definition = json!({"layers": [{"type": "dense", "units": 128}, {"type": "dense", "units": 1}]});
    let definition = Definition::from_value(&definition).unwrap();
    let architecture = definition.resolve(&[Shape::vector(LEVELS)], &Limits::default()).unwrap();
    let code = |row: usize| row * 7919 % LEVELS;
    let codes = Array2::from_shape_fn((ROWS, 1), |(row, _)| code(row) as f32);
    let expanded = Array2::from_shape_fn((ROWS, LEVELS), |(row, level)| f32::from(u8::from(code(row) == level)));
    let y = Array2::from_shape_fn((ROWS, 1), |(row, _)| (row % 3) as f32);
    let looked_up = architecture.clone().with_columns([InputColumn::OneHot(LEVELS)]);
    for (name, architecture, x) in [("codes", looked_up, &codes), ("matrix", architecture, &expanded)] {
        let network = Network::<f32>::initialize(architecture.clone(), 1);
        group.bench_function(BenchmarkId::new("forward", name), |bencher| {
            bencher.iter(|| network.predict(black_box(x.view())))
        });
        let plan = FitPlan {
            epochs: 20,
            batch_size: ROWS,
            optimizer: from_value(json!("sgd")).unwrap(),
            outputs: vec![OutputPlan::single(from_value(json!("mse")).unwrap(), Vec::new())],
            ..WORKLOADS[0].plan(1)
        };
        group.bench_function(BenchmarkId::new("20 steps of SGD", name), |bencher| {
            bencher.iter(|| {
                let mut network = Network::<f32>::initialize(architecture.clone(), 1);
                let samples = Samples { x: x.view(), y: y.view(), weights: None };
                fit(&mut network, &plan, samples, None, &mut Quiet).unwrap();
                network
            });
        });
    }
}

criterion_group!(benches, fits, predictions, one_hot);
criterion_main!(benches);
