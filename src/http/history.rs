//! `/v1/jobs/{job}/history`: the epochs of a job as columns.

use crate::{
    http::{App, path::Id, problem::Problem, query::Parameters},
    job::{History, HistoryBuilder},
    store::Store,
};
use axum::{Json, extract::State};
use serde::Deserialize;
use std::sync::Arc;
use uuid::Uuid;

/// Events read at once.
const PAGE: u32 = 4096;

/// Default and maximum number of buckets.
const POINTS: (usize, usize) = (800, 10_000);

/// Which epochs.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// Maximum number of buckets
    #[serde(default)]
    #[param(value_type = u32, minimum = 2, maximum = 10000, default = 800)]
    points: Points,
    /// First epoch
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 0, example = 1)]
    from: Option<EpochNumber>,
    /// Last epoch
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 0, example = 50)]
    to: Option<EpochNumber>,
}

/// Maximum number of buckets.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Points(usize);

impl Default for Points {
    fn default() -> Self {
        Self(POINTS.0)
    }
}

impl TryFrom<String> for Points {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.parse() {
            Ok(points) if (2..=POINTS.1).contains(&points) => Ok(Self(points)),
            _ => Err(format!("expected 2 to {}, received {text:?}", POINTS.1)),
        }
    }
}

/// The number of an epoch.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct EpochNumber(u32);

impl TryFrom<String> for EpochNumber {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let number = text.parse().map(Self);
        number.map_err(|_| format!("expected the number of an epoch, such as 10, received {text:?}"))
    }
}

/// Metrics of a job by epoch
///
/// Columns instead of events. Where there are more epochs than `points`, each entry is a bucket of 2, 4, 8 … epochs with the last
/// value, the minimum and the maximum. Epochs that a later attempt repeats are those of that attempt.
#[utoipa::path(get, path = "/v1/jobs/{job}/history", tag = "jobs",
    params(("job" = Uuid, Path, description = "Id"), HistoryQuery),
    responses((status = 200, description = "The columns", body = History)))]
pub async fn history(
    State(app): State<Arc<App>>,
    Id(id): Id,
    Parameters(query): Parameters<HistoryQuery>,
) -> Result<Json<History>, Problem> {
    let from = query.from.map_or(0, |epoch| epoch.0);
    let to = query.to.map_or(u32::MAX, |epoch| epoch.0);
    Ok(Json(read(&*app.store, id, query.points.0, from, to).await?))
}

/// The epochs `from..=to` in at most `points` buckets.
pub async fn read(store: &dyn Store, id: Uuid, points: usize, from: u32, to: u32) -> Result<History, Problem> {
    let mut builder = HistoryBuilder::new(points, from, to);
    // Each epoch is an event after the first, so that the event of epoch `from` has an id above it.
    let mut after = u64::from(from);
    loop {
        let page = store.events_after(id, after, PAGE).await?;
        for event in &page.events {
            builder.add(event);
        }
        match page.events.last() {
            Some(last) if page.events.len() == PAGE as usize => after = last.id,
            _ => return Ok(builder.finish()),
        }
    }
}
