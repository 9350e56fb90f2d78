//! `/v1/datasets`: tables.

use crate::{
    data::{
        read::{self, Format, Inspection, ReadError, ReadOptions, RowRange},
        strict,
    },
    engine::{
        cancel::Cancellation,
        field::{self, FieldError},
    },
    http::{
        App,
        access::{Caller, Peer},
        body::PATIENCE,
        cut::cut,
        idempotency::{Created, IdempotencyKey, fingerprint},
        multipart,
        path::{Key, check_name},
        problem::{Kind, Problem},
        query::{Limit, List, Paging, Parameters, Position, Settings},
        upload::{self, Incoming},
        upload_options::NewDataset,
    },
    job::{Dataset, now},
    store::artifacts::{ArtifactKey, ReceiveError, Stored},
};
use axum::{
    Json,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::Stream;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{net::IpAddr, sync::Arc};
use utoipa::ToSchema;
use uuid::Uuid;

/// Where uploads go.
pub const UPLOADS: &str = "/v1/datasets";

/// Bytes of memory that an upload takes at most: parts that are written, blocks that are read, and the summaries of its columns.
const MEMORY: u64 = 48 << 20;

/// Maximum bytes of a part of a form that is not the file.
const MAX_FIELD_BYTES: usize = 1 << 16;

/// An upload as a form.
#[derive(Debug, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its documentation is used: the form is streamed")]
pub struct DatasetForm {
    /// Unique name; generated if absent here and in the query.
    #[schema(required = false)]
    name: String,
    /// The parameters of the query as JSON, before the file; `missing` is a list and `types` an object.
    #[schema(required = false, value_type = Object)]
    options: String,
    /// The table; its format follows from the part's `Content-Type`, or from the file's extension.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// The schema of a table in JSON.
pub fn json_table() -> Value {
    let cell = json!({"type": ["number", "string", "boolean", "null"]});
    let record = json!({"type": "object", "minProperties": 1, "additionalProperties": cell});
    let records = json!({"type": "array", "minItems": 1, "items": record});
    let cells = json!({"type": "array", "minItems": 1, "items": cell});
    json!({
        "description": "Records, column names with rows, or columns of equally many cells",
        "anyOf": [
            records,
            {
                "type": "object",
                "required": ["columns", "data"],
                "additionalProperties": false,
                "properties": {
                    "columns": {"type": "array", "minItems": 1, "items": {"type": "string"}},
                    "data": {"type": "array", "minItems": 1, "items": {"type": "array", "items": cell}},
                    "index": {"description": "Ignored; pandas writes it", "type": "array"},
                },
            },
            {
                "type": "object",
                "required": ["data"],
                "additionalProperties": false,
                "properties": {
                    "schema": {"description": "Ignored; pandas writes it", "type": "object"},
                    "data": records,
                },
            },
            {"type": "object", "minProperties": 1, "additionalProperties": {"anyOf": [cells, record]}},
        ],
    })
}

/// Upload a table
///
/// The body is the file, in the format that `Content-Type` names, or a form with the part `file`. Column types are inferred from
/// every cell; missing cells are counted.
#[utoipa::path(
    post,
    path = "/v1/datasets",
    tag = "datasets",
    params(NewDataset, IdempotencyKey),
    request_body(content(
        (DatasetForm = "multipart/form-data", example = json!({"name": "iris", "file": "sepal_length,species\n5.1,setosa\n"})),
    )),
    responses((status = 201, description = "The dataset", body = Dataset, headers(("location" = String, description = "Its path")))),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    Settings(query): Settings<NewDataset>,
    key: IdempotencyKey,
    request: Request,
) -> Result<Response, Problem> {
    let caller = request.extensions().get::<Caller>().cloned().unwrap_or_default();
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
    let incoming = Incoming::new(request, app.body_pace());
    let done = receive(&app, &caller, query, key, &incoming, peer).await;
    if done.is_err() {
        incoming.drain().await;
    }
    done
}

async fn receive(
    app: &Arc<App>,
    caller: &Caller,
    parameters: NewDataset,
    key: IdempotencyKey,
    incoming: &Incoming,
    peer: Option<IpAddr>,
) -> Result<Response, Problem> {
    let _place = app.uploads.take(peer)?;
    // A file may be compressed whatever the header says: the reader looks at its first bytes.
    incoming.check_encoding()?;
    let announced = incoming.check_announced(app.config.limits.max_upload_bytes).await?;
    let needed = announced.map_or(MEMORY, |bytes| bytes.saturating_mul(4).min(MEMORY)).min(app.memory.total());
    let _memory = app.memory.reserve(needed, PATIENCE).await?;
    check_free(app, parameters.name.as_deref(), &key).await?;
    let media_type = incoming.media_type();
    let (name, file) = if media_type.as_deref() == Some("multipart/form-data") {
        from_form(app, caller, parameters, &key, incoming).await?
    } else {
        let format = parameters.format.map_or_else(|| upload::format_of(media_type.as_deref()), Ok)?;
        let parameters = parameters.announced(incoming.content_type());
        let options = parameters.options()?;
        let file = File::store(app, caller, format, options, incoming.stream()).await?;
        (parameters.name, file)
    };
    // In a separate task: a client that disconnects now leaves either a dataset or nothing.
    let (app, caller) = (Arc::clone(app), caller.clone());
    tokio::spawn(async move { file.record(&app, &caller, name, key).await }).await.map_err(Problem::internal)?
}

async fn from_form(
    app: &Arc<App>,
    caller: &Caller,
    mut parameters: NewDataset,
    key: &IdempotencyKey,
    incoming: &Incoming,
) -> Result<(Option<String>, File), Problem> {
    let mut form = incoming.form()?;
    let mut file: Option<File> = None;
    // Where the options are.
    let mut place = "";
    let read = async {
        let mut has_name = false;
        while let Some(part) = form.next_part().await? {
            match part.name.as_str() {
                "name" if has_name => return Err(FieldError::new("/name", "expected one name, received two").into()),
                "name" => {
                    has_name = true;
                    let given = multipart::text(&mut form, MAX_FIELD_BYTES).await?;
                    check_free(app, Some(&given), key).await?;
                    parameters.name = Some(given);
                }
                "options" if file.is_some() => {
                    return Err(FieldError::new("/options", "expected the options before the file").into());
                }
                "options" => {
                    place = "/options";
                    let text = multipart::text(&mut form, MAX_FIELD_BYTES).await?;
                    let options = strict::parse(text.as_bytes())
                        .map_err(|error| FieldError::new("", error.to_string()))
                        .and_then(|options| field::parse::<NewDataset>(&options))
                        .map_err(|error| error.under(place))?;
                    check_free(app, options.name.as_deref(), key).await?;
                    parameters = NewDataset { name: options.name.clone().or(parameters.name.take()), ..options };
                }
                "file" if file.is_none() => {
                    let format = parameters.format.map_or_else(|| upload::format_of_part(&part), Ok)?;
                    let below = |problem: Problem| problem.under(place);
                    let announced = parameters.clone().announced(part.content_type.as_deref());
                    let options = announced.options().map_err(|errors| below(Problem::invalid(errors)))?;
                    file = Some(File::store(app, caller, format, options, form.data()).await.map_err(below)?);
                }
                "file" => return Err(FieldError::new("/file", "expected one file, received two").into()),
                other => {
                    let detail = format!("expected the parts `file`, `name` and `options`, received {:?}", cut(other));
                    return Err(FieldError::new("", detail).into());
                }
            }
        }
        Ok(())
    };
    let read: Result<(), Problem> = read.await;
    match (read, file) {
        (Ok(()), Some(file)) => Ok((parameters.name, file)),
        (Ok(()), None) => Err(FieldError::new("/file", "expected a part named `file`, received none").into()),
        (Err(problem), None) => Err(problem),
        (Err(problem), Some(file)) => {
            file.discard(app).await;
            Err(problem)
        }
    }
}

/// Checks the name before the file arrives. With an `Idempotency-Key` a taken name may be
/// this request's own earlier success.
async fn check_free(app: &App, name: Option<&str>, key: &IdempotencyKey) -> Result<(), Problem> {
    let Some(name) = name else { return Ok(()) };
    check_name(name, "/name")?;
    if !key.is_given() && app.store.dataset(name).await.is_ok() {
        return Err(Problem::new(Kind::Conflict, format!("a dataset named {name:?} exists already")));
    }
    Ok(())
}

/// An uploaded file that no record needs yet.
struct File {
    id: Uuid,
    format: Format,
    options: ReadOptions,
    stored: Stored,
    inspection: Inspection,
}

impl File {
    /// Stores a file while it arrives, and looks into it.
    async fn store<E>(
        app: &App,
        caller: &Caller,
        format: Format,
        options: ReadOptions,
        body: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<Self, Problem>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let id = Uuid::now_v7();
        let max_upload = app.config.limits.max_upload_bytes;
        let max = caller.max_bytes(max_upload, &*app.store).await?;
        let table = app.config.limits.table();
        let asked = options.clone();
        let received = app
            .artifacts
            .receive(&ArtifactKey::dataset(id), body, max, move |source| read::inspect(source, format, &asked, &table))
            .await;
        match received {
            Ok((stored, inspection)) => Ok(Self { id, format, options, stored, inspection }),
            Err(ReceiveError::TooLarge { max_bytes }) => Err(caller
                .too_large(max, max_upload)
                .unwrap_or_else(|| crate::http::body::too_large(max_bytes, "more"))),
            Err(ReceiveError::Body(error)) => Err(upload::broken_off(&*error)),
            Err(ReceiveError::Refused(ReadError::Invalid(detail))) => {
                Err(Problem::invalid(vec![match detail.strip_prefix("types: ") {
                    Some(detail) => FieldError::new("/types", detail),
                    None => FieldError::new("", detail),
                }]))
            }
            Err(ReceiveError::Refused(ReadError::Io(error))) => Err(Problem::internal(error)),
            Err(ReceiveError::Store(error)) => Err(error.into()),
        }
    }

    /// Makes it a dataset, or removes it.
    async fn record(
        self,
        app: &App,
        caller: &Caller,
        name: Option<String>,
        key: IdempotencyKey,
    ) -> Result<Response, Problem> {
        let route = format!("POST {UPLOADS}");
        let format = self.format.name();
        let asked = name.as_deref().unwrap_or_default();
        let options = format!("{:?}", self.options);
        let parts = [asked.as_bytes(), format.as_bytes(), options.as_bytes(), self.stored.sha256.as_bytes()];
        let fingerprint = fingerprint(&parts);
        let done = async {
            if let Some(earlier) = key.earlier(&*app.store, &route, &fingerprint).await? {
                return Ok((earlier, false));
            }
            let dataset = self.dataset(name);
            let location = format!("{UPLOADS}/{}", dataset.id);
            let created = Created::new(StatusCode::CREATED, location.clone(), &dataset)?;
            let receipt = key.receipt(&route, fingerprint, &created);
            let creating = async { Ok(app.store.create_dataset(&dataset, receipt.as_ref()).await) };
            let done = caller.store(dataset.bytes, &location, &*app.store, creating).await?;
            let is_kept = done.is_ok();
            if is_kept {
                app.artifacts.store_columns(&dataset);
            }
            Ok((created.answer(done)?, is_kept))
        };
        let done: Result<(Response, bool), Problem> = done.await;
        if !matches!(done, Ok((_, true))) {
            self.discard(app).await;
        }
        done.map(|(response, _)| response)
    }

    fn dataset(&self, name: Option<String>) -> Dataset {
        Dataset {
            id: self.id,
            name: name.unwrap_or_else(|| generated_name(self.id)),
            format: self.format,
            rows: self.inspection.rows,
            bytes: self.stored.bytes,
            sha256: self.stored.sha256.clone(),
            created_at: now(),
            read: self.inspection.dialect.clone(),
            columns: self.inspection.columns.clone(),
            warnings: self.inspection.warnings.clone(),
        }
    }

    async fn discard(&self, app: &App) {
        if let Err(error) = app.artifacts.remove(&ArtifactKey::dataset(self.id)).await {
            tracing::warn!(%error, id = %self.id, "a file that is not needed stays until the next start");
        }
    }
}

/// A name from the random end of an id.
fn generated_name(id: Uuid) -> String {
    let id = id.simple().to_string();
    format!("dataset-{}", id.get(20..).unwrap_or(&id))
}

/// List the datasets, newest first
#[utoipa::path(get, path = "/v1/datasets", tag = "datasets", params(Paging),
    responses((status = 200, description = "A page", body = List<Dataset>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    Parameters(paging): Parameters<Paging>,
) -> Result<Json<List<Dataset>>, Problem> {
    Ok(Json(app.store.datasets(&paging.page()).await?.into()))
}

/// A dataset with its columns
#[utoipa::path(get, path = "/v1/datasets/{dataset}", tag = "datasets",
    params(("dataset" = String, Path, description = "Name or id", example = "iris")),
    responses((status = 200, description = "The dataset", body = Dataset)))]
pub async fn show(State(app): State<Arc<App>>, Key(key): Key) -> Result<Json<Dataset>, Problem> {
    Ok(Json(app.store.dataset(&key).await?))
}

/// Bytes after which a page of rows has no further row.
const PAGE_BYTES: usize = 8 << 20;

/// Which rows.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RowsQuery {
    /// Maximum number of rows; a page ends before it where its rows are large
    #[serde(default)]
    #[param(value_type = u32, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Cursor: `next` of the previous page
    #[param(value_type = Option<u64>)]
    after: Option<Position>,
}

/// Rows of a dataset, as records
#[utoipa::path(get, path = "/v1/datasets/{dataset}/rows", tag = "datasets",
    params(("dataset" = String, Path, description = "Name or id", example = "iris"), RowsQuery),
    responses((status = 200, description = "A page of rows", body = List<Value>)))]
pub async fn rows(
    State(app): State<Arc<App>>,
    Key(key): Key,
    Parameters(query): Parameters<RowsQuery>,
) -> Result<Response, Problem> {
    let dataset = app.store.dataset(&key).await?;
    let memory = app.memory.reserve(memory_of_rows(&dataset, app.config.limits.max_cell_bytes), PATIENCE).await?;
    let mut source = app.artifacts.source(&ArtifactKey::dataset(dataset.id), &dataset.sha256).await?;
    let first = query.after.map_or(0, |after| after.0);
    let range = RowRange { first, limit: query.limit.0 as usize, bytes: PAGE_BYTES };
    let (cancellation, _guard) = Cancellation::guarded();
    let reading = tokio::task::spawn_blocking(move || {
        let read = || read::rows(&mut source, dataset.format, &dataset.read, &dataset.columns, range);
        let data = cancellation.within(read)?;
        let last = first.saturating_add(data.len() as u64);
        let next = (last < dataset.rows && !data.is_empty()).then(|| last.to_string());
        let body = serde_json::to_vec(&List { data, next }).map_err(|error| ReadError::Io(error.into()))?;
        Ok::<_, ReadError>((body, memory))
    });
    let (body, _memory) = reading.await.map_err(Problem::internal)?.map_err(Problem::internal)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// Bytes of memory of a page of rows: records and their JSON, and the rows that are read at a time.
fn memory_of_rows(dataset: &Dataset, max_cell_bytes: usize) -> u64 {
    /// How much larger than the mean row of the file a row may be, where the file is compressed.
    const SKEW: u64 = 8;
    const COPIES: u64 = 4;
    let largest = (dataset.columns.len() as u64).saturating_mul(max_cell_bytes as u64);
    let row = largest.min((dataset.bytes / dataset.rows.max(1)).saturating_mul(SKEW));
    row.saturating_add(PAGE_BYTES as u64).min(dataset.bytes.saturating_mul(SKEW)).saturating_mul(COPIES)
}

/// Delete a dataset
#[utoipa::path(delete, path = "/v1/datasets/{dataset}", tag = "datasets",
    params(("dataset" = String, Path, description = "Name or id", example = "iris")),
    responses((status = 204, description = "Deleted")))]
pub async fn delete(State(app): State<Arc<App>>, Key(key): Key) -> Result<Response, Problem> {
    // In a separate task: the file is removed with the record even if the client disconnects.
    let removing = tokio::spawn(async move {
        let dataset = app.store.delete_dataset(&key).await?;
        app.artifacts.remove_columns(dataset.id);
        app.artifacts.remove(&ArtifactKey::dataset(dataset.id)).await
    });
    removing.await.map_err(Problem::internal)??;
    Ok(StatusCode::NO_CONTENT.into_response())
}
