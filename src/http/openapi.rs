//! `openapi.yaml`: generated from the routes, so that it is what is served.

mod links;
mod schemas;
mod shared;
mod yaml;

use crate::{
    data::{
        read::Format,
        recipe::{Prediction, TaskKind},
    },
    engine::{field::FieldError, loss::ReducedLoss, metric::Metric},
    http::{
        access, datasets,
        problem::{Kind, MEDIA_TYPE, ProblemBody},
    },
    job::{Columns, TaskRequest, training::TrainingRequest},
    store::keys::Scope,
};
use axum::http::Method;
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::OnceLock;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Components, Content, InfoBuilder, LicenseBuilder, ObjectBuilder, OpenApi, Ref, RefOr, Response,
        ResponseBuilder, Type,
        path::{HttpMethod, Operation, ParameterIn, PathItem},
        schema::{KnownFormat, Schema, SchemaFormat},
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
        tag::TagBuilder,
    },
};

/// Groups of operations.
const TAGS: [(&str, &str); 4] = [
    ("datasets", "Tables"),
    ("models", "Definitions, their trained versions, and predictions"),
    ("jobs", "Training jobs and their events"),
    ("service", "The service itself"),
];

/// The tag of routes that serve the description itself, and are not part of it.
const DOCUMENTATION: &str = "documentation";

/// The component of a dataset's file in JSON.
const JSON_TABLE: &str = "JsonTable";

/// The name of the security scheme.
const SCHEME: &str = "apiKey";

/// The media type of a form with files.
const FORM: &str = "multipart/form-data";

/// The description of a service, made once from its routes.
#[derive(Debug)]
pub struct Document {
    value: Value,
    json: OnceLock<Bytes>,
    yaml: OnceLock<Bytes>,
}

impl Document {
    /// Completes what documents the routes.
    pub fn new(routes: OpenApi) -> serde_json::Result<Self> {
        let mut value = serde_json::to_value(completed(routes))?;
        value["components"]["schemas"][JSON_TABLE] = datasets::json_table();
        schemas::rewrite(&mut value);
        shared::share(&mut value);
        links::add(&mut value);
        // The format of a form's file is its media type.
        let types: Vec<&str> = Format::all().flat_map(|format| format.media_types()).copied().collect();
        if let Some(form) = value.pointer_mut("/paths/~1v1~1datasets/post/requestBody/content/multipart~1form-data") {
            form["encoding"] = json!({"file": {"contentType": types.join(", ")}});
        }
        Ok(Self { value, json: OnceLock::new(), yaml: OnceLock::new() })
    }

    /// The description itself.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// In JSON.
    pub fn json(&self) -> Bytes {
        self.json.get_or_init(|| self.value.to_string().into()).clone()
    }

    /// In YAML: the committed file.
    pub fn yaml(&self) -> Bytes {
        self.yaml.get_or_init(|| yaml::print(&self.value).into()).clone()
    }
}

fn completed(mut document: OpenApi) -> OpenApi {
    document.info = InfoBuilder::new()
        .title("epoca")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(env!("CARGO_PKG_DESCRIPTION")))
        .license(Some(LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build()))
        .build();
    document.tags = Some(
        TAGS.into_iter().map(|(name, what)| TagBuilder::new().name(name).description(Some(what)).build()).collect(),
    );
    document.paths.paths.retain(|_, item| !operations(item).any(|(_, operation)| is_documentation(operation)));
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            let scope = scope(&method, path);
            operation.security = scope.map(|scope| {
                vec![
                    SecurityRequirement::new::<_, [&str; 1], _>(SCHEME, [scope.name()]),
                    SecurityRequirement::default(),
                ]
            });
            add_problems(method, scope.is_some(), operation);
            add_formats(operation);
            name_operation(operation);
        }
    }
    let components = document.components.get_or_insert_with(Components::new);
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(
        "An API key of `epoca keys create`, with the scope that the operation names. No key is needed on loopback until the first \
         one exists.",
    ));
    components.security_schemes.insert(SCHEME.to_owned(), RefOr::T(SecurityScheme::Http(bearer.build())));
    components.schemas.insert("Problem".to_owned(), ProblemBody::schema());
    components.schemas.insert("FieldError".to_owned(), FieldError::schema());
    // Schemas that are given once or by output are components.
    let mut named = vec![
        ("Columns".to_owned(), Columns::schema()),
        ("Loss".to_owned(), ReducedLoss::schema()),
        ("Metric".to_owned(), Metric::schema()),
        ("Prediction".to_owned(), Prediction::schema()),
        ("Task".to_owned(), TaskKind::schema()),
        ("TaskRequest".to_owned(), TaskRequest::schema()),
        ("TrainingRequest".to_owned(), TrainingRequest::schema()),
    ];
    ReducedLoss::schemas(&mut named);
    Metric::schemas(&mut named);
    components.schemas.extend(named);
    for kind in Kind::ALL.iter().copied().filter(|kind| !matches!(kind, Kind::MethodNotAllowed | Kind::UriTooLong)) {
        components.responses.insert(name(kind), RefOr::T(response(kind)));
    }
    document
}

/// The scope of the API key that an operation needs.
fn scope(method: &HttpMethod, path: &str) -> Option<Scope> {
    let method = match method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Post => Method::POST,
        HttpMethod::Delete => Method::DELETE,
        _ => Method::PATCH,
    };
    access::needed(&method, path)
}

/// Every operation of a path with its method.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    [
        (HttpMethod::Get, &mut item.get),
        (HttpMethod::Put, &mut item.put),
        (HttpMethod::Post, &mut item.post),
        (HttpMethod::Delete, &mut item.delete),
        (HttpMethod::Patch, &mut item.patch),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.as_mut().map(|operation| (method, operation)))
}

/// Pages for readers, which clients made from the description have no use for.
fn is_documentation(operation: &Operation) -> bool {
    operation.tags.iter().flatten().any(|tag| tag == DOCUMENTATION)
}

/// An upload may be a form, or a file in any format: media types and examples are those of the formats.
fn add_formats(operation: &mut Operation) {
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    if !body.content.contains_key(FORM) {
        return;
    }
    for format in Format::all() {
        for media_type in format.media_types() {
            let schema: RefOr<Schema> = match format.example() {
                None => {
                    let binary = SchemaFormat::KnownFormat(KnownFormat::Binary);
                    ObjectBuilder::new().schema_type(Type::String).format(Some(binary)).into()
                }
                Some(Value::String(_)) => ObjectBuilder::new().schema_type(Type::String).into(),
                _ => Ref::from_schema_name(JSON_TABLE).into(),
            };
            let mut content = Content::new(Some(schema));
            content.example = format.example();
            body.content.insert((*media_type).to_owned(), RefOr::T(content));
        }
    }
}

/// Handlers have short names (`datasets::show`); a client made from the description needs them to differ.
fn name_operation(operation: &mut Operation) {
    let tag = operation.tags.as_ref().and_then(|tags| tags.first());
    if let (Some(tag), Some(handler)) = (tag, &operation.operation_id) {
        operation.operation_id = Some(format!("{tag}_{handler}"));
    }
}

/// What can go wrong with any request of this form.
fn add_problems(method: HttpMethod, needs_key: bool, operation: &mut Operation) {
    let parameters = operation.parameters.as_deref().unwrap_or_default();
    let has = |place: ParameterIn| {
        parameters.iter().any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == place))
    };
    let mut kinds = vec![Kind::Malformed, Kind::Misdirected, Kind::HeadersTooLarge, Kind::Internal, Kind::Unavailable];
    if needs_key {
        kinds.extend([Kind::Unauthorized, Kind::Forbidden, Kind::TooManyRequests]);
    }
    if has(ParameterIn::Path) {
        kinds.push(Kind::NotFound);
    }
    let body = operation.request_body.as_ref().and_then(|body| match body {
        RefOr::T(body) => Some(body),
        RefOr::Ref(_) => None,
    });
    let creates = ["201", "202"].iter().any(|status| operation.responses.responses.contains_key(*status));
    let is_upload = body.is_some_and(|body| body.content.contains_key(FORM));
    // What changes without a body acts on the state of something.
    let changes = match method {
        HttpMethod::Post => body.is_none(),
        method => method != HttpMethod::Get,
    };
    let negotiates = operation
        .responses
        .responses
        .values()
        .any(|response| matches!(response, RefOr::T(response) if response.content.len() > 1));
    if body.is_some() {
        kinds.extend([Kind::RequestTimeout, Kind::TooLarge, Kind::UnsupportedMediaType, Kind::Invalid]);
    }
    if creates || changes {
        kinds.extend([Kind::OutOfSpace, Kind::Conflict]);
    }
    if is_upload {
        kinds.push(Kind::TooManyRequests);
    }
    if negotiates {
        kinds.push(Kind::NotAcceptable);
    }
    match operation.operation_id.as_deref() {
        Some("rows") => kinds.push(Kind::TooLarge),
        Some("show_profile") => kinds.push(Kind::Invalid),
        Some("events") => kinds.push(Kind::NoSuchEvent),
        _ => {}
    }
    for kind in kinds {
        let reference = RefOr::Ref(Ref::from_response_name(name(kind)));
        operation.responses.responses.entry(kind.status().as_str().to_owned()).or_insert(reference);
    }
}

/// The name of a kind's response among the components.
fn name(kind: Kind) -> String {
    format!("{kind:?}")
}

fn response(kind: Kind) -> Response {
    let mut content = Content::new(Some(RefOr::<Schema>::Ref(Ref::from_schema_name("Problem"))));
    content.example = Some(example(kind));
    ResponseBuilder::new().description(kind.names().1).content(MEDIA_TYPE, content).build()
}

fn example(kind: Kind) -> Value {
    let (reference, title) = kind.names();
    let detail = match kind {
        Kind::Malformed => "expected JSON, received something else: expected value at line 1 column 10",
        Kind::Unauthorized => "expected Authorization: Bearer with an API key, received none",
        Kind::Forbidden => "expected an API key with the scope `train`, received one with `read`, `predict`",
        Kind::Misdirected => {
            "expected Host to be localhost, a loopback address, the address that the service listens on, or a name of --allowed-host, received \"example.org\""
        }
        Kind::NotFound => "no model named \"iris-mlp\"",
        Kind::MethodNotAllowed => "expected one of the methods in the header `allow`, received PUT",
        Kind::NotAcceptable => "expected to Accept text/event-stream or application/json, received \"image/png\"",
        Kind::RequestTimeout => "expected at least 1024 bytes a second, and the next part of the body within 30 s",
        Kind::Conflict => "a dataset named \"iris\" exists already",
        Kind::UriTooLong => "expected a target of at most 65534 bytes, received more",
        Kind::TooLarge => "expected a body of at most 33554432 bytes, received 67108864",
        Kind::UnsupportedMediaType => "expected Content-Type application/json, received \"text/plain\"",
        Kind::Invalid => "/training/batch_size: expected 1 to 150, received 0",
        Kind::NoSuchEvent => "expected the id of an event of this job, at most 9 so far, received 100",
        Kind::TooManyRequests => "expected at most 16 uploads at a time",
        Kind::HeadersTooLarge => "expected headers of at most 32768 bytes, received 40000 bytes",
        Kind::Internal => "the service failed; its log has the reason under this request_id",
        Kind::Unavailable => "the database does not answer; the log has the reason",
        Kind::OutOfSpace => "no space is left to store this",
    };
    let mut example = json!({
        "type": reference, "title": title, "status": kind.status().as_u16(), "detail": detail,
        "request_id": "01980a5e-5f0c-7a3e-9d6b-1f2e3d4c5b6a",
    });
    if kind == Kind::Invalid {
        example["errors"] = json!([{"pointer": "/training/batch_size", "detail": "expected 1 to 150, received 0"}]);
    }
    example
}
