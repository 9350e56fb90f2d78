//! A step of training takes no memory: everything is laid out before the first one, and how much that is was known.

#![allow(unsafe_code, reason = "an allocator that counts has to be one")]

use epoca::{
    data::{
        read::{Format, Inspection, ReadOptions, TableLimits, inspect, load},
        recipe::{OutputTargets, Preparation, PreparedRows, Recipe, Scale, Task, preparing_bytes},
    },
    engine::{
        fit::{EpochReport, EventSink, FitPlan, OutputPlan, Progress, Samples, TrainingMemory, ValidationFreq, fit},
        network::Network,
        shape::Shape,
        spec::{Definition, Limits},
    },
};
use ndarray::Array2;
use serde_json::{from_value, json};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    ops::ControlFlow,
};

/// The system's allocator, which counts what each thread asks it for: tests run in parallel.
struct Counting;

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
    /// Bytes that are taken and not given back, and the most since somebody began to watch.
    static BYTES: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

fn count(bytes: isize) {
    // A thread that is ending has no counter any more, and nobody who reads it.
    if bytes > 0 {
        let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
    }
    let _ = BYTES.try_with(|counted| {
        let (now, most) = counted.get();
        counted.set((now + bytes, most.max(now + bytes)));
    });
}

/// The most bytes that were taken at a time while `body` ran, beside those before it.
fn most_bytes(body: impl FnOnce()) -> u64 {
    let before = BYTES.get().0;
    BYTES.set((before, before));
    body();
    (BYTES.get().1 - before) as u64
}

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize);
        count(-(layout.size() as isize));
        unsafe { System.realloc(pointer, layout, size) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Notes at each step how often memory was asked for so far.
struct Watch(Vec<usize>);

impl EventSink for Watch {
    fn step(&mut self, _: Progress) -> ControlFlow<()> {
        self.0.push(CALLS.get());
        ControlFlow::Continue(())
    }
    fn epoch(&mut self, _: EpochReport) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

#[test]
fn a_step_allocates_nothing() {
    let models = [
        json!([
            {"type": "dense", "units": 16, "activation": "relu"},
            {"type": "dense", "units": 1, "activation": "sigmoid"}
        ]),
        json!([
            {"type": "dense", "units": 300, "activation": "gelu", "kernel_regularizer": "l2"},
            {"type": "batch_normalization"},
            {"type": "dropout", "rate": 0.3},
            {"type": "flatten"},
            {"type": "dense", "units": 64},
            {"type": "activation", "activation": "tanh"},
            {"type": "dense", "units": 1, "activation": "sigmoid"}
        ]),
        json!([
            {"type": "reshape", "target_shape": [8, 5, 1]},
            {"type": "conv2d", "filters": 4, "kernel_size": 3, "padding": "same", "activation": "gelu"},
            {"type": "max_pooling2d"},
            {"type": "conv2d_transpose", "filters": 2, "kernel_size": 3, "strides": 2, "activation": "relu"},
            {"type": "separable_conv2d", "filters": 3, "kernel_size": 2, "padding": "same"},
            {"type": "global_average_pooling2d"},
            {"type": "dense", "units": 1, "activation": "sigmoid"}
        ]),
        json!([
            {"type": "normalization"},
            {"type": "reshape", "target_shape": [2, 4, 5]},
            {"type": "masking", "name": "masked"},
            {"type": "batch_normalization", "axis": 1},
            {"type": "layer_normalization", "axis": [1, 3]},
            {"type": "group_normalization", "groups": 2, "axis": 2},
            {"type": "unit_normalization", "axis": 1, "name": "unit"},
            {"type": "multiply", "inputs": ["unit", "masked"], "name": "product"},
            {"type": "concatenate", "axis": 2, "inputs": ["product", "masked"]},
            {"type": "time_distributed", "layer": {"type": "batch_normalization"}, "name": "each"},
            {"type": "multi_head_attention", "num_heads": 2, "key_dim": 2, "attention_axes": 2, "inputs": ["each", "each"]},
            {"type": "flatten"},
            {"type": "dense", "units": 1, "activation": "sigmoid"}
        ]),
    ];
    let x = Array2::from_shape_fn((1000, 40), |(row, column)| ((row * 3 + column) as f32).sin());
    let y = Array2::from_shape_fn((1000, 1), |(row, _)| (row % 2) as f32);
    let clipped = json!({"type": "muon", "clipnorm": 1.0, "use_ema": true, "gradient_accumulation_steps": 2});
    let scheduled = json!({
        "type": "sgd",
        "learning_rate": {"type": "cosine_decay", "initial_learning_rate": 0.1, "decay_steps": 100},
        "global_clipnorm": 1.0,
    });
    for layers in models {
        for (batch_size, optimizer) in
            [(10, json!("adam")), (256, json!("adam")), (256, clipped.clone()), (10, scheduled.clone())]
        {
            let definition = Definition::from_value(&json!({"layers": layers})).unwrap();
            let architecture =
                definition.resolve(&definition.input_shapes(&[40]).unwrap(), &Limits::default()).unwrap();
            let mut network = Network::<f32>::initialize(architecture, 1);
            let plan = FitPlan {
                epochs: 1,
                batch_size,
                optimizer: from_value(optimizer).unwrap(),
                outputs: vec![OutputPlan::single(
                    from_value(json!("binary_crossentropy")).unwrap(),
                    vec![from_value(json!("accuracy")).unwrap(), from_value(json!("auc")).unwrap()],
                )],
                shuffle: true,
                seed: 1,
                early_stopping: None,
                reduce_lr_on_plateau: None,
                terminate_on_nan: false,
                validation_freq: ValidationFreq::default(),
                steps_per_epoch: None,
                // Every lane runs on this thread, whose counter is read.
                threads: 1,
            };
            let mut watch = Watch(Vec::with_capacity(1000));
            let samples = Samples { x: x.view(), y: y.view(), weights: None };
            fit(&mut network, &plan, samples, None, &mut watch).unwrap();
            assert!(watch.0.len() >= 3);
            assert!(watch.0[0] > 0, "the counter counts");
            assert!(
                watch.0.windows(2).all(|steps| steps[0] == steps[1]),
                "{layers}, batches of {batch_size}: {:?}",
                watch.0
            );
        }
    }
}

#[test]
fn a_fit_takes_the_memory_that_was_said() {
    let dense = |units: usize| json!({"type": "dense", "units": units, "activation": "relu"});
    let models = [
        (vec![64], json!([dense(512), {"type": "batch_normalization"}, dense(300), dense(1)])),
        (
            vec![12, 12, 1],
            json!([
                {"type": "conv2d", "filters": 32, "kernel_size": 3, "activation": "gelu"},
                {"type": "max_pooling2d"},
                {"type": "dropout", "rate": 0.2},
                {"type": "flatten"},
                dense(1)
            ]),
        ),
        (vec![20, 8], json!([{"type": "bidirectional", "layer": {"type": "lstm", "units": 32}}, dense(1)])),
        (
            vec![16, 32],
            json!([{"type": "transformer_encoder", "num_heads": 4, "intermediate_dim": 64}, {"type": "flatten"}, dense(1)]),
        ),
    ];
    for (input_shape, layers) in models {
        let definition = Definition::from_value(&json!({"input_shape": input_shape, "layers": layers})).unwrap();
        let shapes = definition.known_input_shapes().unwrap();
        let architecture = definition.resolve(&shapes, &Limits::default()).unwrap();
        let x = Array2::from_shape_fn((300, architecture.input_elements()), |(row, cell)| ((row + cell) as f32).sin());
        let y = Array2::from_shape_fn((300, 1), |(row, _)| (row % 2) as f32);
        for (batch_size, optimizer) in [
            (32, json!("adam")),
            (256, json!({"type": "sgd", "momentum": 0.9, "use_ema": true})),
            (300, json!({"type": "adafactor", "gradient_accumulation_steps": 2})),
        ] {
            let plan = FitPlan {
                epochs: 1,
                batch_size,
                optimizer: from_value(optimizer).unwrap(),
                outputs: vec![OutputPlan::single(from_value(json!("mean_squared_error")).unwrap(), Vec::new())],
                shuffle: true,
                seed: 1,
                early_stopping: None,
                reduce_lr_on_plateau: None,
                terminate_on_nan: true,
                validation_freq: ValidationFreq::default(),
                steps_per_epoch: None,
                threads: 1,
            };
            let said = TrainingMemory::new(&architecture, batch_size, [&plan.outputs[0].loss], &plan.optimizer, 1)
                .total_bytes();
            let taken = most_bytes(|| {
                let mut network = Network::<f32>::initialize(architecture.clone(), 1);
                let samples = Samples { x: x.view(), y: y.view(), weights: None };
                fit(&mut network, &plan, samples, None, &mut Watch(Vec::with_capacity(100))).unwrap();
            });
            let ratio = taken as f64 / said as f64;
            assert!(
                (0.95..1.05).contains(&ratio),
                "{layers}, batches of {batch_size}: {taken} bytes, {said} were said"
            );
        }
    }
}

#[test]
fn a_recipe_takes_the_memory_that_was_said() {
    const ROWS: usize = 20_000;
    let row = |n: usize| {
        let number = if n.is_multiple_of(9) { String::new() } else { format!("{}.5", n * 7919 % 10_007) };
        format!("{number},2024{:02}{:02},city{},{}\n", n % 12 + 1, n % 28 + 1, n % 50, n % 3)
    };
    let csv = format!("x,day,city,y\n{}", (0..ROWS).map(row).collect::<String>());
    let (format, limits) = (Format::named("csv").unwrap(), TableLimits { rows: 1 << 20, columns: 10, cell_bytes: 100 });
    let Inspection { columns, dialect, rows, .. } =
        inspect(&mut csv.as_bytes(), format, &ReadOptions::default(), &limits).unwrap();
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let table = load(&mut csv.as_bytes(), format, &dialect, &columns, &names, rows).unwrap();
    let (scale, shape) = (Scale::standardize(), Shape(vec![1]));
    let targets = OutputTargets {
        name: "",
        task: Task::Regression,
        columns: &names[3..],
        logits: None,
        probabilities: false,
        shape: &shape,
        ignore_class: None,
        scale: &scale,
    };
    let training: Vec<usize> = (0..ROWS).collect();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let prepared = PreparedRows { rows, training_rows: rows, threads: 1 };
    for (name, preparation) in [
        ("x", json!({"type": "number", "scale": "standardize", "missing": "median"})),
        ("x", json!({"type": "number", "scale": ["quantile", "robust"], "missing": "most_frequent"})),
        (
            "day",
            json!({"type": "datetime", "format": "%Y%m%d", "features": ["trend", "month"], "scale": "standardize",
                   "missing": "median"}),
        ),
        ("city", json!({"type": "category", "encode": "target", "unseen": "zeros", "missing": "level"})),
        ("city", json!({"type": "category", "encode": "ordinal", "unseen": "zeros", "missing": "level"})),
    ] {
        let preparation: Preparation = from_value(preparation).unwrap();
        let column = columns.iter().find(|column| column.name == name).unwrap();
        let said = preparing_bytes(&[(column, &preparation)], prepared);
        let feature = [name.to_owned()];
        let taken = pool.install(|| {
            most_bytes(|| {
                let fitted =
                    Recipe::fit(&table, &columns, &feature, &[targets], std::slice::from_ref(&preparation), &training);
                fitted.unwrap();
            })
        });
        assert!(taken <= said && said <= 2 * taken + 50_000, "{name} {preparation:?}: {taken} of {said}");
    }
}
