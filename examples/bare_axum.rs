//! A bare axum handler that parses a prediction's request and prints its answer, and does nothing between: what
//! `bench/predict.py` holds the service against.
//!
//! `bare_axum ANSWER.json` listens on a free port and prints it.

use anyhow::Context;
use axum::{Json, Router, extract::State, http::header, response::IntoResponse, routing::post};
use serde_json::Value;
use std::sync::Arc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let file = std::env::args().nth(1).context("expected the file of the answer")?;
    let answer: Value = serde_json::from_slice(&std::fs::read(file)?)?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    let router = Router::new().route("/", post(handle)).with_state(Arc::new(answer));
    Ok(axum::serve(listener, router).await?)
}

async fn handle(State(answer): State<Arc<Value>>, Json(question): Json<Value>) -> impl IntoResponse {
    std::hint::black_box(question);
    ([(header::CONTENT_TYPE, "application/json")], serde_json::to_vec(&*answer).unwrap_or_default())
}
