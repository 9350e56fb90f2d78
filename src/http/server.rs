//! Accepting connections, and ending them.

use crate::config::{ServiceLimits, Timeouts};
use crate::http::problem::{Kind, Problem};
use axum::{Router, extract::Request, response::Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use uuid::Uuid;

/// Connections over the limit that get an answer at a time; further ones are closed without one.
const MAX_REFUSALS: usize = 64;

/// More headers than this get an empty answer from hyper itself; fewer ones over the limit in bytes get a problem.
const MAX_HEADERS: usize = 512;

/// How long to wait where the system has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves `router` on `listener` until `shutdown`; then lets requests end, but no longer than the shutdown timeout.
pub async fn run(
    listener: TcpListener,
    router: Router,
    limits: &ServiceLimits,
    timeouts: &Timeouts,
    shutdown: CancellationToken,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(timeouts.header_timeout)
        .max_headers(MAX_HEADERS)
        .max_buf_size((2 * limits.max_header_bytes).max(64 << 10));
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(limits.max_connections));
    let refusals = Arc::new(Semaphore::new(MAX_REFUSALS));
    let mut connections = JoinSet::new();

    loop {
        let stream = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            stream = accept(&listener) => stream,
        };
        if let Ok(permit) = Arc::clone(&room).try_acquire_owned() {
            let router = router.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                router.clone().oneshot(request.map(axum::body::Body::new))
            });
            let connection = http.serve_connection(TokioIo::new(stream), service);
            let connection = graceful.watch(connection);
            connections.spawn(async move {
                // What ends a connection early is the client's business: it is not worth a line in the log.
                let _ = connection.await;
                drop(permit);
            });
        } else if let Ok(permit) = Arc::clone(&refusals).try_acquire_owned() {
            let max = limits.max_connections;
            let mut http = http.clone();
            http.keep_alive(false);
            let service = service_fn(move |_: Request<Incoming>| refuse(max));
            let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
            connections.spawn(async move {
                let _ = connection.await;
                drop(permit);
            });
        }
    }

    drop(listener);
    if tokio::time::timeout(timeouts.shutdown_timeout, graceful.shutdown()).await.is_err() {
        tracing::warn!(connections = connections.len(), "requests were cut off by the end of the service");
    }
    connections.shutdown().await;
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Answers are small and whole: waiting to fill a packet only delays them.
                let _ = stream.set_nodelay(true);
                return stream;
            }
            Err(error) if is_of_the_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_of_the_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

fn refuse(max: usize) -> impl Future<Output = Result<Response, Infallible>> {
    let id = Uuid::now_v7().to_string();
    let problem = Problem::new(Kind::Unavailable, format!("all {max} connections that the service takes are in use"));
    let mut response = problem.respond(&id);
    if let Ok(id) = id.try_into() {
        response.headers_mut().insert(crate::http::middleware::X_REQUEST_ID, id);
    }
    std::future::ready(Ok(response))
}
