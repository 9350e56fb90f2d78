//! Accepting connections, and ending them.

use crate::{
    config::{ServiceLimits, Timeouts},
    http::{
        access::Peer,
        connections::{Connection, Connections, Place, Refused},
        health,
        middleware::X_REQUEST_ID,
        pace::Pace,
        problem::{Kind, Problem},
        site,
        stream::{HeadLimits, Stream, Transport},
        tls::Tls,
    },
};
use axum::{Router, body::Body, extract::Request, response::Response};
use bytes::Bytes;
use hyper::{
    body::{Frame, Incoming, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    net::IpAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use uuid::Uuid;

/// Connections beyond the maximum, kept for health checks and metrics; any other request of theirs is refused.
const RESERVED: usize = 64;

/// For a request on one of these to arrive.
const RESERVED_TIME: Duration = Duration::from_secs(5);

/// More headers than this are refused by hyper; fewer ones over the limit in bytes by the middleware.
const MAX_HEADERS: usize = 512;

/// How long to wait where the system has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What every connection needs.
struct Server {
    router: Router,
    http: http1::Builder,
    pace: Pace,
    head: HeadLimits,
    tls: Option<Arc<Tls>>,
    /// Cancelled when the service is to end.
    shutdown: CancellationToken,
}

/// Serves `router` on `listener` until `shutdown`; then lets requests end, but no longer than the shutdown timeout.
pub async fn run(
    listener: TcpListener,
    router: Router,
    limits: &ServiceLimits,
    timeouts: &Timeouts,
    tls: Option<Arc<Tls>>,
    shutdown: CancellationToken,
) {
    let head = HeadLimits { headers: MAX_HEADERS, bytes: limits.max_header_bytes, time: timeouts.header_timeout };
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(timeouts.header_timeout)
        .max_headers(MAX_HEADERS)
        .max_buf_size((2 * limits.max_header_bytes).max(64 << 10));
    let pace = Pace::new(timeouts.write_timeout, limits.min_bytes_per_second);
    let server = Arc::new(Server { router, http, pace, head, tls, shutdown: shutdown.clone() });
    let open = Connections::new(limits.max_connections, limits.connections_per_address());
    let reserved = Connections::new(RESERVED, RESERVED);
    let mut connections = JoinSet::new();

    loop {
        let (stream, peer) = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            stream = accept(&listener) => stream,
        };
        let server = Arc::clone(&server);
        match open.admit(peer) {
            Ok(place) => drop(connections.spawn(server.serve(stream, peer, place, None))),
            Err(refused) => {
                if let Ok(place) = reserved.admit(peer) {
                    connections.spawn(server.serve(stream, peer, place, Some(refused)));
                }
            }
        }
    }

    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(timeouts.shutdown_timeout, ended).await.is_err() {
        tracing::warn!(connections = connections.len(), "requests were cut off by the end of the service");
    }
    connections.shutdown().await;
}

impl Server {
    /// Serves a connection until it ends or has to make room. What ends it early is the client's business: it is not worth a
    /// line in the log.
    async fn serve(self: Arc<Self>, stream: TcpStream, peer: IpAddr, place: Place, refused: Option<Refused>) {
        let connection = Arc::clone(&place.connection);
        tokio::select! {
            () = connection.evicted.cancelled() => {}
            () = self.exchange(stream, peer, &place.connection, refused) => {}
        }
    }

    async fn exchange(&self, stream: TcpStream, peer: IpAddr, connection: &Arc<Connection>, refused: Option<Refused>) {
        let transport = match &self.tls {
            None => Transport::Plain(stream),
            Some(tls) => {
                let accepted = tokio::select! {
                    accepted = tokio::time::timeout(self.head.time, tls.acceptor().accept(stream)) => accepted,
                    () = self.shutdown.cancelled() => return,
                };
                match accepted {
                    Ok(Ok(stream)) => Transport::Tls(Box::new(stream)),
                    Ok(Err(_)) | Err(_) => return,
                }
            }
        };
        let mut http = self.http.clone();
        if refused.is_some() {
            http.keep_alive(false).header_read_timeout(self.head.time.min(RESERVED_TIME));
        }
        let service = service_fn(|mut request: Request<Incoming>| {
            connection.begin();
            request.extensions_mut().insert(Peer(peer));
            let busy = Busy(Arc::clone(connection));
            let is_refused = refused.filter(|_| !health::is_probe(request.uri().path()));
            let answer = match is_refused {
                None => Ok(self.router.clone().oneshot(request.map(Body::new))),
                Some(refused) => Err(refusal(refused)),
            };
            async move {
                let response = match answer {
                    Ok(answering) => answering.await?,
                    Err(response) => response,
                };
                Ok::<_, Infallible>(response.map(|body| Answer { body, _busy: busy }))
            }
        });
        let mut stream = Stream::new(transport, Arc::clone(connection), self.pace);
        let served = {
            let mut serving = pin!(http.serve_connection(TokioIo::new(&mut stream), service));
            tokio::select! {
                served = serving.as_mut() => served,
                () = self.shutdown.cancelled() => {
                    serving.as_mut().graceful_shutdown();
                    serving.await
                }
            }
        };
        stream.finish(served.err(), self.head).await;
    }
}

/// A connection answers a request as long as this is kept.
struct Busy(Arc<Connection>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The body of an answer.
struct Answer {
    body: Body,
    _busy: Busy,
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, IpAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are small and whole: waiting to fill a packet only delays them.
                let _ = stream.set_nodelay(true);
                return (stream, peer.ip().to_canonical());
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

fn refusal(refused: Refused) -> Response {
    let detail = match refused {
        Refused::All(max) => format!("all {max} connections that the service takes are in use"),
        Refused::Address(max) => format!("all {max} connections that the service takes from one address are in use"),
    };
    let id = Uuid::now_v7().to_string();
    let mut response = Problem::new(Kind::Unavailable, detail).respond(&id);
    site::protect(response.headers_mut(), "/");
    if let Ok(id) = id.try_into() {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    response
}
