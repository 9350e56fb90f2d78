//! The HTTP client of the tests: reqwest's, with every exchange checked against `openapi.yaml`.

use crate::support::contract::{self, Exchange};
use axum::http::{Method, Response as Answer, header};
use reqwest::{Body, IntoUrl, Response, ResponseBuilderExt, multipart::Form};
use serde::Serialize;
use std::fmt::Display;

/// A client whose exchanges must keep to the contract: a violation panics in the test that sent the request.
#[derive(Debug, Clone)]
pub struct Client(reqwest::Client);

impl Default for Client {
    fn default() -> Self {
        epoca::client::install_tls();
        Self(reqwest::Client::new())
    }
}

impl Client {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn request(&self, method: Method, url: impl IntoUrl) -> RequestBuilder {
        RequestBuilder(self.0.request(method, url))
    }

    pub fn get(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::GET, url)
    }

    pub fn head(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::HEAD, url)
    }

    pub fn post(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::POST, url)
    }

    pub fn patch(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::PATCH, url)
    }

    pub fn delete(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::DELETE, url)
    }
}

/// What a client sends.
#[derive(Debug)]
pub struct RequestBuilder(reqwest::RequestBuilder);

impl RequestBuilder {
    pub fn header(self, name: &str, value: impl Display) -> Self {
        Self(self.0.header(name, value.to_string()))
    }

    pub fn json<T: Serialize + ?Sized>(self, body: &T) -> Self {
        Self(self.0.json(body))
    }

    pub fn body(self, body: impl Into<Body>) -> Self {
        Self(self.0.body(body))
    }

    pub fn multipart(self, form: Form) -> Self {
        Self(self.0.multipart(form))
    }

    /// Sends it, and checks the request and the answer. The body of an event stream is left to its reader.
    pub async fn send(self) -> reqwest::Result<Response> {
        let (client, request) = self.0.build_split();
        let request = request?;
        let text = |value: Option<&header::HeaderValue>| value.and_then(|value| Some(value.to_str().ok()?.to_owned()));
        let is_compressed = request.headers().contains_key(header::CONTENT_ENCODING);
        let mut exchange = Exchange {
            method: request.method().to_string(),
            content_type: text(request.headers().get(header::CONTENT_TYPE)),
            body: request.body().and_then(Body::as_bytes).filter(|_| !is_compressed).map(<[u8]>::to_vec),
            ..Exchange::default()
        };
        let answer = client.execute(request).await?;
        exchange.path = answer.url().path().to_owned();
        exchange.query = answer.url().query_pairs().into_owned().collect();
        exchange.status = answer.status().as_u16();
        exchange.headers = answer.headers().clone();
        if exchange.answer_type() == "text/event-stream" {
            contract::check(&exchange);
            return Ok(answer);
        }
        let (status, url) = (answer.status(), answer.url().clone());
        exchange.answer = answer.bytes().await?;
        contract::check(&exchange);
        let mut rebuilt = Answer::builder().status(status).url(url).body(exchange.answer.clone()).unwrap();
        *rebuilt.headers_mut() = exchange.headers;
        Ok(rebuilt.into())
    }
}

/// `GET url`.
pub async fn get(url: impl IntoUrl) -> reqwest::Result<Response> {
    Client::new().get(url).send().await
}
