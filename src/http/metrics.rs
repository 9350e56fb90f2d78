//! `GET /metrics`: Prometheus's text form.

use crate::http::{App, problem::Problem};
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

const REQUEST_SECONDS: &str = "http_request_duration_seconds";
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
        metrics::describe_gauge!("jobs_queued", "Jobs that wait for a worker");
        metrics::describe_gauge!("jobs_running", "Jobs that a worker has");
        Ok(handle)
    })
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

/// Measurements
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    tag = "service",
    responses((status = 200, description = "Prometheus's text form", content_type = "text/plain", body = String,
        example = "# TYPE jobs_queued gauge\njobs_queued 0\n")),
)]
pub async fn show(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let handle = recorder().as_ref().map_err(Problem::internal)?;
    let (queued, running) = app.store.queue_depth().await?;
    metrics::gauge!("jobs_queued").set(queued as f64);
    metrics::gauge!("jobs_running").set(running as f64);
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, text)], handle.render()).into_response())
}
