//! `/v1/datasets/{dataset}/profile`.

use crate::{
    data::{
        profile::{Profile, Profiled, profile},
        read::ReadError,
    },
    engine::field::{FieldError, did_you_mean_quoted},
    http::{App, access::Peer, body::PATIENCE, path::Key, problem::Problem, query::Parameters},
    store::artifacts::ArtifactKey,
};
use axum::{Extension, Json, extract::State};
use serde::Deserialize;
use std::{
    io::{BufRead, Error},
    sync::Arc,
};
use tokio::runtime::Handle;

/// Bytes that a profile takes: some columns, the rows that were seen, and a reader.
const MEMORY: u64 = 256 << 20;

/// Which target.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ProfileQuery {
    /// The column that associations are with
    #[param(value_type = Option<String>, example = "species")]
    target: Option<String>,
}

/// What a dataset says of itself and of a target
///
/// Every row is read: associations with the target, the balance of its classes, rows that are equal, and what to look at before a
/// model is trained.
#[utoipa::path(get, path = "/v1/datasets/{dataset}/profile", tag = "datasets",
    params(("dataset" = String, Path, description = "Name or id", example = "iris"), ProfileQuery),
    responses((status = 200, description = "The profile", body = Profile)))]
pub async fn show_profile(
    State(app): State<Arc<App>>,
    peer: Option<Extension<Peer>>,
    Key(key): Key,
    Parameters(query): Parameters<ProfileQuery>,
) -> Result<Json<Profile>, Problem> {
    let dataset = app.store.dataset(&key).await?;
    let target = match query.target {
        None => None,
        Some(name) => {
            let known = dataset.columns.iter().find(|column| column.name == name).cloned();
            Some(known.ok_or_else(|| {
                let hint = did_you_mean_quoted(&name, dataset.columns.iter().map(|column| column.name.as_str()));
                FieldError::new("/target", format!("expected a column of the dataset, received {name:?}{hint}"))
            })?)
        }
    };
    // A profile reads a whole file, as an upload does.
    let place = app.uploads.take(peer.map(|Extension(Peer(address))| address))?;
    let memory = app.memory.reserve(MEMORY, PATIENCE).await?;
    let runtime = Handle::current();
    let profiling = tokio::task::spawn_blocking(move || {
        let _held = (place, memory);
        let key = ArtifactKey::dataset(dataset.id);
        let mut open = || {
            let source = runtime.block_on(app.artifacts.source(&key, &dataset.sha256));
            let source = source.map_err(|error| ReadError::Io(Error::other(error)))?;
            Ok(Box::new(source) as Box<dyn BufRead>)
        };
        let table = Profiled {
            format: dataset.format,
            dialect: &dataset.read,
            columns: &dataset.columns,
            rows: dataset.rows,
            open: &mut open,
        };
        profile(table, target.as_ref())
    });
    Ok(Json(profiling.await.map_err(Problem::internal)?.map_err(Problem::internal)?))
}
