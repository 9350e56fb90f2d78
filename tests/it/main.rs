//! Black-box tests of the service, and of what stands behind a trait.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what is wrong by panicking")]

mod allocation;
mod bad_input;
mod demo;
mod http_confusion;
mod http_datasets;
mod http_events;
mod http_graphs;
mod http_idempotency;
mod http_manners;
mod http_networks;
mod http_slow;
mod http_spine;
mod keras_graphs;
mod keras_import;
mod openapi;
mod parity_activations;
mod parity_callbacks;
mod parity_layers;
mod parity_leaves;
mod parity_losses;
mod parity_metrics;
mod parity_models;
mod parity_networks;
mod parity_optimizers;
mod predict_http;
mod rooms;
mod seed;
mod store_artifacts;
mod store_jobs;
mod store_kill;
mod store_leases;
mod store_records;
mod support;
mod worker_jobs;
