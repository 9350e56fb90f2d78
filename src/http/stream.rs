//! A connection as bytes: a client that does not read is cut off, and errors that hyper answers itself become problems.

use crate::http::{
    connections::Connection,
    middleware::X_REQUEST_ID,
    pace::Pace,
    problem::{Kind, Problem},
    site,
};
use axum::{body::to_bytes, http::StatusCode};
use std::{
    io::{self, ErrorKind, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    time::Sleep,
};
use tokio_rustls::server::TlsStream;
use uuid::Uuid;

/// The longest answer that hyper makes itself.
const MAX_OWN: usize = 200;

/// How long the end of a refused connection takes at most.
const FINISH: Duration = Duration::from_secs(2);

/// What a client is told that begins with the connection preface of HTTP/2. Hyper closes the connection without an answer.
const HTTP_2: &str = "expected HTTP/1.1, received the connection preface of HTTP/2, which the service does not speak: with curl, leave \
                      out --http2-prior-knowledge";

/// With or without TLS.
#[derive(Debug)]
pub enum Transport {
    /// Plain TCP.
    Plain(TcpStream),
    /// TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection that a client must read from.
#[derive(Debug)]
pub struct Stream {
    transport: Transport,
    connection: Arc<Connection>,
    pace: Pace,
    /// Since when writing waits for the client, and until when it may.
    blocked: Option<(Instant, Pin<Box<Sleep>>)>,
    /// What is probably an answer of hyper's own.
    held: Vec<u8>,
}

/// Numbers that a refusal names.
#[derive(Debug, Clone, Copy)]
pub struct HeadLimits {
    /// Maximum headers.
    pub headers: usize,
    /// Maximum bytes of a request's headers.
    pub bytes: usize,
    /// For the headers to arrive.
    pub time: Duration,
}

impl Stream {
    /// A connection that is written to at a pace.
    pub fn new(transport: Transport, connection: Arc<Connection>, pace: Pace) -> Self {
        Self { transport, connection, pace, blocked: None, held: Vec::new() }
    }

    /// Ends the connection after hyper has: with a problem where hyper refused what arrived.
    pub async fn finish(mut self, error: Option<hyper::Error>, limits: HeadLimits) {
        let refused = match error {
            Some(error) if error.is_parse_version_h2() => Some((Kind::Malformed, HTTP_2.to_owned())),
            Some(error) if error.is_parse() => {
                own_status(&self.held).map(Kind::of_status).map(|kind| (kind, expected(kind, limits)))
            }
            Some(error) if error.is_timeout() && self.connection.has_part_of_head() => {
                Some((Kind::RequestTimeout, expected(Kind::RequestTimeout, limits)))
            }
            _ => None,
        };
        let answer = match refused {
            Some((kind, detail)) => refusal(kind, detail).await,
            None => std::mem::take(&mut self.held),
        };
        if answer.is_empty() {
            return;
        }
        let finish = async {
            self.transport.write_all(&answer).await?;
            self.transport.shutdown().await?;
            // A client that still writes when the connection closes sees a reset, and not the answer.
            let mut rest = [0; 4096];
            while self.transport.read(&mut rest).await? > 0 {}
            Ok::<(), io::Error>(())
        };
        let _ = tokio::time::timeout(FINISH, finish).await;
    }

    /// Counts what was written, and ends the connection where the client has not read for too long.
    fn paced<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
        bytes: impl Fn(&T) -> usize,
    ) -> Poll<io::Result<T>> {
        match written {
            Poll::Pending => {
                let left = self.pace.left();
                let (_, sleep) =
                    self.blocked.get_or_insert_with(|| (Instant::now(), Box::pin(tokio::time::sleep(left))));
                ready!(sleep.as_mut().poll(context));
                Poll::Ready(Err(ErrorKind::TimedOut.into()))
            }
            Poll::Ready(Ok(done)) => {
                let waited = self.blocked.take().map_or(Duration::ZERO, |(since, _)| since.elapsed());
                self.pace.passed(bytes(&done), waited);
                Poll::Ready(Ok(done))
            }
            failed => failed,
        }
    }

    /// Writes what was held after all: the connection lives, so that it was not hyper's own.
    fn release(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            let written = Pin::new(&mut self.transport).poll_write(context, &self.held);
            let count = ready!(self.paced(context, written, |count| *count))?;
            self.held.drain(..count);
        }
        Poll::Ready(Ok(()))
    }
}

/// Where an answer of hyper's own starts, at the end of `bytes`.
fn own_answer(bytes: &[u8]) -> Option<usize> {
    if !bytes.ends_with(b"\r\n\r\n") {
        return None;
    }
    let window = bytes.len().saturating_sub(MAX_OWN);
    let start = window + memchr::memmem::rfind(bytes.get(window..)?, b"HTTP/1.1 4")?;
    own_status(bytes.get(start..)?).map(|_| start)
}

/// The status of an answer as hyper makes it itself: no header but these, and no body.
fn own_status(answer: &[u8]) -> Option<StatusCode> {
    let text = std::str::from_utf8(answer).ok()?;
    let mut lines = text.strip_suffix("\r\n\r\n")?.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?;
    let is_known =
        |line: &str| line == "content-length: 0" || line == "connection: close" || line.starts_with("date: ");
    let is_own = matches!(status, "400" | "414" | "431") && lines.all(is_known);
    is_own.then(|| status.parse().ok()).flatten()
}

/// What a request of this kind of problem should have been.
fn expected(kind: Kind, limits: HeadLimits) -> String {
    let HeadLimits { headers, bytes, time } = limits;
    match kind {
        Kind::RequestTimeout => format!("expected the request's headers within {} s", time.as_secs_f64()),
        Kind::UriTooLong => "expected a target of at most 65534 bytes, received more".to_owned(),
        Kind::HeadersTooLarge => {
            format!("expected at most {headers} headers of at most {bytes} bytes together, received more")
        }
        _ => {
            "expected HTTP/1.1: a line such as `GET /livez HTTP/1.1`, then headers such as `Host: localhost`, received \
              something else"
                .to_owned()
        }
    }
}

async fn refusal(kind: Kind, detail: String) -> Vec<u8> {
    let id = Uuid::now_v7().to_string();
    tracing::info!(target: "epoca::request", request_id = id, status = kind.status().as_u16(), "refused: {detail}");
    let mut response = Problem::new(kind, detail).respond(&id);
    site::protect(response.headers_mut(), "/");
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 1 << 16).await.unwrap_or_default();
    let mut head = format!("HTTP/1.1 {}\r\n", parts.status);
    for (name, value) in &parts.headers {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap_or_default()));
    }
    head.push_str(&format!("{X_REQUEST_ID}: {id}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len()));
    [head.as_bytes(), &body].concat()
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        ready!(stream.release(context))?;
        let before = buffer.filled().len();
        ready!(Pin::new(&mut stream.transport).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            stream.connection.received();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let stream = self.get_mut();
        ready!(stream.release(context))?;
        let bytes = match own_answer(bytes) {
            Some(0) => {
                stream.held.extend_from_slice(bytes);
                return Poll::Ready(Ok(bytes.len()));
            }
            Some(start) => bytes.get(..start).unwrap_or(bytes),
            None => bytes,
        };
        let written = Pin::new(&mut stream.transport).poll_write(context, bytes);
        stream.paced(context, written, |count| *count)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let last = slices.iter().rev().find(|slice| !slice.is_empty());
        if last.is_some_and(|last| own_answer(last).is_some()) {
            let first = slices.iter().find(|slice| !slice.is_empty()).map_or(&[][..], |slice| &**slice);
            return self.poll_write(context, first);
        }
        let stream = self.get_mut();
        ready!(stream.release(context))?;
        let written = Pin::new(&mut stream.transport).poll_write_vectored(context, slices);
        stream.paced(context, written, |count| *count)
    }

    fn is_write_vectored(&self) -> bool {
        self.transport.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        let flushed = Pin::new(&mut stream.transport).poll_flush(context);
        stream.paced(context, flushed, |()| 0)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        if !stream.held.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let shut = Pin::new(&mut stream.transport).poll_shutdown(context);
        stream.paced(context, shut, |()| 0)
    }
}

macro_rules! either {
    ($self:ident, $method:ident, $($argument:expr),*) => {
        match $self.get_mut() {
            Transport::Plain(stream) => Pin::new(stream).$method($($argument),*),
            Transport::Tls(stream) => Pin::new(stream).$method($($argument),*),
        }
    };
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        either!(self, poll_read, context, buffer)
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        either!(self, poll_write, context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, poll_write_vectored, context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, poll_flush, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, poll_shutdown, context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_answers_of_hypers_own_are_recognized() {
        let own = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\ndate: now\r\n\r\n";
        assert_eq!(own_answer(own), Some(0));
        assert_eq!(own_answer(&[&b"rest of an answer"[..], own].concat()), Some(17));
        for other in [
            &b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nx-request-id: 1\r\n\r\n"[..],
            b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            b"\r\n\r\n",
            b"",
        ] {
            assert_eq!(own_answer(other), None, "{}", String::from_utf8_lossy(other));
        }
    }
}
