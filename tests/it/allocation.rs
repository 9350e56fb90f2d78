//! A step of training takes no memory: everything is laid out before the first one.

#![allow(unsafe_code, reason = "an allocator that counts has to be one")]

use epoca::engine::{
    fit::{EpochReport, EventSink, FitPlan, OutputPlan, Progress, Samples, Stop, ValidationFreq, fit},
    network::Network,
    spec::{Definition, Limits},
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
}

fn count() {
    // A thread that is ending has no counter any more, and nobody who reads it.
    let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
}

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        unsafe { System.realloc(pointer, layout, size) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Notes at each step how often memory was asked for so far.
struct Watch(Vec<usize>);

impl EventSink for Watch {
    fn step(&mut self, _: Progress) -> ControlFlow<Stop> {
        self.0.push(CALLS.get());
        ControlFlow::Continue(())
    }
    fn epoch(&mut self, _: EpochReport) -> ControlFlow<Stop> {
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
