//! `GET /metrics`: Prometheus's text form.

use crate::{
    http::{App, connections, problem::Problem, process},
    worker,
};
use axum::{
    extract::State,
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

const REQUEST_SECONDS: &str = "epoca_http_request_duration_seconds";
const QUEUED: &str = "epoca_jobs_queued";
const RUNNING: &str = "epoca_jobs_running";
const STREAMS: &str = "epoca_event_streams";
const INSTANCES: &str = "epoca_instances_predicted_total";
const RESERVED: &str = "epoca_memory_reserved_bytes";
const TOTAL: &str = "epoca_memory_total_bytes";
const BUCKETS: &[f64] = &[0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

/// How often samples are folded into buckets between scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

/// The recorder of this process: `metrics` has one for all, however many services run in it.
fn recorder() -> &'static Result<PrometheusHandle, String> {
    static HANDLE: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), BUCKETS)
            .map_err(|error| error.to_string())?
            .build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|error| error.to_string())?;
        metrics::describe_histogram!(
            REQUEST_SECONDS,
            metrics::Unit::Seconds,
            "From a request's headers to its answer's"
        );
        metrics::describe_gauge!(QUEUED, "Jobs that wait for a worker");
        metrics::describe_gauge!(RUNNING, "Jobs that a worker has");
        metrics::describe_gauge!(STREAMS, "Open event streams");
        metrics::describe_counter!(INSTANCES, "Instances predicted");
        metrics::describe_gauge!(RESERVED, "Memory reserved by jobs, predictions, previews and bodies");
        metrics::describe_gauge!(TOTAL, "Memory that may be reserved");
        metrics::gauge!(STREAMS).increment(0.0);
        metrics::counter!(INSTANCES).increment(0);
        connections::describe_metrics();
        worker::describe_metrics();
        Ok(handle)
    })
}

/// Starts measuring.
pub fn install() {
    if let Err(error) = recorder() {
        tracing::error!(error, "nothing is measured");
    }
}

/// Keeps the recorder small; ends with the task that runs it.
pub async fn upkeep() {
    let Ok(handle) = recorder() else { return };
    loop {
        tokio::time::sleep(UPKEEP).await;
        handle.run_upkeep();
    }
}

/// Records one answered request. Labels are bounded: `route` is a template, never what a client wrote.
pub fn request(method: &Method, route: &str, status: StatusCode, seconds: f64) {
    let method = match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    };
    metrics::histogram!(REQUEST_SECONDS, "method" => method, "route" => route.to_owned(), "status" => status.as_str().to_owned())
        .record(seconds);
}

/// Counts instances that were predicted.
pub fn predicted(instances: usize) {
    metrics::counter!(INSTANCES).increment(instances as u64);
}

/// An event stream that is open as long as this is kept.
#[derive(Debug)]
pub struct OpenStream(());

impl OpenStream {
    /// One more.
    pub fn open() -> Self {
        metrics::gauge!(STREAMS).increment(1.0);
        Self(())
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        metrics::gauge!(STREAMS).decrement(1.0);
    }
}

/// Measurements
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    tag = "service",
    responses((status = 200, description = "Prometheus's text form", content_type = "text/plain", body = String,
        example = "# TYPE epoca_jobs_queued gauge\nepoca_jobs_queued 0\n")),
)]
pub async fn show(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let handle = recorder().as_ref().map_err(Problem::internal)?;
    let (queued, running) = app.store.queue_depth().await?;
    metrics::gauge!(QUEUED).set(queued as f64);
    metrics::gauge!(RUNNING).set(running as f64);
    metrics::gauge!(RESERVED).set(app.memory.reserved() as f64);
    metrics::gauge!(TOTAL).set(app.memory.total() as f64);
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, text)], handle.render() + &process::render()).into_response())
}
