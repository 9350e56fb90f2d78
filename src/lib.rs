//! epoca trains, tracks and serves machine-learning models: a service over HTTP, and this library.
//!
//! # Train and predict in process
//!
//! A [`Definition`](engine::spec::Definition) has layers with Keras's names and settings; [`fit`](engine::fit::fit()) trains
//! a [`Network`](engine::network::Network) on arrays of `f32`. The same seed has the same bits at any number of threads.
//!
//! ```
//! use epoca::engine::{
//!     fit::{EpochReport, EventSink, FitPlan, OutputPlan, Progress, Samples, ValidationFreq, fit},
//!     network::Network,
//!     spec::{Definition, Limits},
//! };
//! use ndarray::Array2;
//! use serde_json::{from_value, json};
//! use std::ops::ControlFlow;
//!
//! /// Receives losses and metrics; `Break` stops the fit.
//! struct Losses(Vec<f64>);
//!
//! impl EventSink for Losses {
//!     fn step(&mut self, _: Progress) -> ControlFlow<()> {
//!         ControlFlow::Continue(())
//!     }
//!     fn epoch(&mut self, report: EpochReport) -> ControlFlow<()> {
//!         self.0.extend(report.logs.iter().filter(|(name, _)| name == "loss").map(|(_, loss)| *loss));
//!         ControlFlow::Continue(())
//!     }
//! }
//!
//! // y = x0 - 2 x1
//! let x = Array2::from_shape_fn((64, 2), |(row, column)| ((row * 7 + column * 3) % 11) as f32 / 11.0);
//! let y = Array2::from_shape_fn((64, 1), |(row, _)| x[[row, 0]] - 2.0 * x[[row, 1]]);
//!
//! let definition = Definition::from_value(&json!({"layers": [{"type": "dense", "units": 1}]})).unwrap();
//! let inputs = definition.input_shapes(&[2]).unwrap();
//! let mut network = Network::<f32>::initialize(definition.resolve(&inputs, &Limits::default()).unwrap(), 7);
//! let plan = FitPlan {
//!     epochs: 50,
//!     batch_size: 16,
//!     optimizer: from_value(json!({"type": "adam", "learning_rate": 0.05})).unwrap(),
//!     outputs: vec![OutputPlan::single(from_value(json!("mean_squared_error")).unwrap(), Vec::new())],
//!     shuffle: true,
//!     seed: 7,
//!     early_stopping: None,
//!     reduce_lr_on_plateau: None,
//!     terminate_on_nan: false,
//!     validation_freq: ValidationFreq::default(),
//!     steps_per_epoch: None,
//!     threads: 1,
//! };
//! let mut losses = Losses(Vec::new());
//! fit(&mut network, &plan, Samples { x: x.view(), y: y.view(), weights: None }, None, &mut losses).unwrap();
//! assert_eq!(losses.0.len(), 50);
//!
//! let predictions = network.predict(x.view());
//! assert!((&predictions - &y).iter().all(|error| error.abs() < 0.05));
//! ```
//!
//! # Serve
//!
//! [`http::serve`] is the service in one call; its page has an example. A model that Keras printed is read by
//! [`keras::import`].
//!
//! # Map
//!
//! In reading order; each module uses those above it, never those below (`tests/it/rooms.rs`). ARCHITECTURE.md has more.
//!
//! | module | contents |
//! | --- | --- |
//! | [`engine`] | learning itself: arrays, settings and a seed in; weights and events out |
//! | [`data`] | tables in, tensors out: readers, column types, preprocessing |
//! | [`keras`] | Keras JSON into a model definition |
//! | [`job`] | jobs as plain data, and the checks that need both a definition and a table |
//! | [`memory`] | reservations of memory against one total |
//! | [`store`] | records in SQL, artifacts in files |
//! | [`worker`] | claim, load, fit, record |
//! | [`serving`] | loaded models and predictions |
//! | [`page`] | the files of the web page |
//! | [`http`] | routes, errors, limits, streams |
//! | [`demo`] | the `demo` command, a client of the service |
//! | [`config`] | settings of the process |
//! | [`keys`] | the commands for API keys |
//! | [`log`] | the log on stderr |

pub mod config;
pub mod data;
pub mod demo;
pub mod engine;
pub mod http;
pub mod job;
pub mod keras;
pub mod keys;
pub mod log;
pub mod memory;
pub mod page;
pub mod serving;
pub mod store;
pub mod worker;
