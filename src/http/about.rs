//! `GET /v1/server`: version, limits, engine and queue.

use crate::http::{App, problem::Problem};
use axum::{Json, extract::State};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// What this service is.
#[derive(Debug, Serialize, ToSchema)]
pub struct About {
    /// `epoca`.
    name: &'static str,
    /// Its version.
    version: &'static str,
    engine: Engine,
    limits: AboutLimits,
    queue: Queue,
}

/// What computes.
#[derive(Debug, Serialize, ToSchema)]
pub struct Engine {
    /// The element type of weights and arithmetic.
    precision: &'static str,
    /// The processor's family.
    architecture: &'static str,
    /// Features of the processor that its hot loops can use.
    cpu_features: Vec<&'static str>,
    /// Processors that the process may use.
    cpus: usize,
    /// Jobs that train at a time.
    workers: usize,
    /// Compute threads of a job, and of a large prediction.
    threads: usize,
}

/// The limits on requests, as they were set.
#[derive(Debug, Serialize, ToSchema)]
pub struct AboutLimits {
    max_upload_bytes: u64,
    max_body_bytes: usize,
    max_rows: u64,
    max_columns: usize,
    max_cell_bytes: usize,
    max_layers: usize,
    max_parameters: u64,
    max_model_memory_bytes: u64,
    max_memory_bytes: u64,
    max_answer_bytes: u64,
}

/// Jobs that have not ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct Queue {
    /// Waiting for a worker.
    queued: u64,
    /// With a worker.
    running: u64,
}

/// Version, limits, engine and queue
#[utoipa::path(get, path = "/v1/server", operation_id = "about", tag = "service",
    responses((status = 200, description = "What this service is", body = About)))]
pub async fn show(State(app): State<Arc<App>>) -> Result<Json<About>, Problem> {
    let (queued, running) = app.store.queue_depth().await?;
    let limits = &app.config.limits;
    Ok(Json(About {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        engine: Engine {
            precision: "f32",
            architecture: std::env::consts::ARCH,
            cpu_features: cpu_features(),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            workers: app.config.workers,
            threads: app.config.compute_threads(),
        },
        limits: AboutLimits {
            max_upload_bytes: limits.max_upload_bytes,
            max_body_bytes: limits.max_body_bytes,
            max_rows: limits.max_rows,
            max_columns: limits.max_columns,
            max_cell_bytes: limits.max_cell_bytes,
            max_layers: limits.max_layers,
            max_parameters: limits.max_parameters,
            max_model_memory_bytes: limits.max_model_memory_bytes,
            max_memory_bytes: app.memory.total(),
            max_answer_bytes: limits.max_answer_bytes,
        },
        queue: Queue { queued, running },
    }))
}

#[cfg(target_arch = "x86_64")]
fn cpu_features() -> Vec<&'static str> {
    let found = [
        ("sse4.2", std::arch::is_x86_feature_detected!("sse4.2")),
        ("avx", std::arch::is_x86_feature_detected!("avx")),
        ("avx2", std::arch::is_x86_feature_detected!("avx2")),
        ("fma", std::arch::is_x86_feature_detected!("fma")),
        ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
    ];
    found.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect()
}

#[cfg(target_arch = "aarch64")]
fn cpu_features() -> Vec<&'static str> {
    let found = [
        ("neon", std::arch::is_aarch64_feature_detected!("neon")),
        ("sve", std::arch::is_aarch64_feature_detected!("sve")),
    ];
    found.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect()
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn cpu_features() -> Vec<&'static str> {
    Vec::new()
}
